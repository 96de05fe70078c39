#include <criterion/criterion.h>

#include "announce/announce_error.h"

Test(announce_error, text_is_cut_and_cleaned)
{
	struct announce_error e = {0};
	struct announce_row row = {0};
	char text[2 * ANNOUNCE_ERROR_BYTES];

	announce_error_fill(&e, &row);
	cr_assert_eq(row.has_error, 0);
	memset(text, 'x', sizeof(text));
	text[0] = '\n';
	text[sizeof(text) - 1] = 0;
	announce_error_set(&e, "%s", text);
	announce_error_fill(&e, &row);
	cr_assert_eq(row.has_error, 1);
	cr_assert_eq(row.last_error[0], ' ');
	cr_assert_eq(strlen(row.last_error), ANNOUNCE_ERROR_BYTES - 1);
	cr_assert_neq(row.error_wall_ns, 0);
}

Test(announce_error, text_stays_when_it_is_over)
{
	struct announce_error e = {0};
	struct announce_row row = {0};

	announce_error_set(&e, "gone");
	e.is_over = true;
	announce_error_fill(&e, &row);
	cr_assert_eq(row.has_error, 0);
	cr_assert_str_eq(row.last_error, "gone");
	announce_error_set(&e, "again");
	announce_error_fill(&e, &row);
	cr_assert_eq(row.has_error, 1);
}
