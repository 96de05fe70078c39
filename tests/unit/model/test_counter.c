#include "model/counter.h"

#include <criterion/criterion.h>

Test(counter, adds_up)
{
	struct counters c = {0};

	counter_add(&c, CTR_JOBS_ISSUED, 2);
	counter_add(&c, CTR_JOBS_ISSUED, 3);
	cr_assert_eq(counter_get(&c, CTR_JOBS_ISSUED), 5);
	cr_assert_eq(counter_get(&c, CTR_JOBS_TAKEN), 0);
}

Test(counter, every_counter_has_its_own_name_and_a_help)
{
	for (int a = 0; a < CTR__N; a++) {
		cr_assert(counter_help((enum counter)a)[0]);
		for (int b = 0; b < a; b++)
			cr_assert_str_neq(counter_metric((enum counter)a),
					  counter_metric((enum counter)b));
	}
}
