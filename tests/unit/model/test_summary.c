#include "model/summary.h"

#include <criterion/criterion.h>

#include "model/check_code.h"

Test(summary, labels_have_their_places)
{
	for (unsigned i = 0; summary_error_label(i); i++)
		cr_assert_eq(summary_error_index(summary_error_label(i)), i);
	cr_assert_eq(summary_error_index("no such label"), summary_error_index("unknown"));
}

Test(summary, every_code_of_every_kind_has_a_place)
{
	unsigned n = ARRAY_LEN(((struct summary *)0)->errors);

	for (int kind = 0; kind < CHECK_KIND__N; kind++) {
		for (int code = 0; code < CODE__N; code++) {
			const char *label =
				check_code_label((enum check_kind)kind, (enum check_code)code);

			cr_assert_lt(summary_error_index(label), n);
			cr_assert_str_eq(summary_error_label(summary_error_index(label)), label);
		}
	}
}

Test(summary, bucket_bounds_are_the_references)
{
	static const uint32_t response[] = {10, 50, 100, 150, 300, 500, 1000};
	static const uint32_t transition[] = {10, 30, 60, 180};

	cr_assert_arr_eq(summary_response_ms, response, sizeof(response));
	cr_assert_arr_eq(summary_transition_s, transition, sizeof(transition));
}
