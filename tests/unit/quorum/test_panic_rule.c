#include <criterion/criterion.h>

#include "quorum/panic_rule.h"

/* n reals beside the one that would go, of which out are out already */
static bool allows(uint32_t n, uint32_t out, uint8_t threshold)
{
	const struct service_sums sums = {.n_reals = n, .n_up = n - out};

	return panic_rule_service_allows(&sums, threshold);
}

Test(panic_rule, threshold_is_a_share_of_the_service)
{
	cr_assert(allows(9, 4, 50));
	cr_assert(!allows(9, 5, 50));
	cr_assert(!allows(0, 0, 50), "the only real");
	cr_assert(allows(9, 9, 0), "off");
	cr_assert(allows(9, 9, 100));
}

Test(panic_rule, undecided_and_frozen_are_not_out)
{
	const struct service_sums sums = {.n_reals = 9, .n_up = 3, .n_undecided = 1, .n_frozen = 1};

	cr_assert_eq(service_rule_n_out(&sums), 4);
	cr_assert(panic_rule_service_allows(&sums, 50));
}

Test(panic_rule, daemon_limit_counts_removals)
{
	cr_assert(panic_rule_daemon_allows(1000, 0));
	cr_assert(panic_rule_daemon_allows(9, 10));
	cr_assert(!panic_rule_daemon_allows(10, 10));
}
