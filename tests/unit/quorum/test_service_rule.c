#include <criterion/criterion.h>

#include "quorum/service_rule.h"

static enum state judge(uint64_t w, uint64_t pending, uint32_t q, uint32_t h, enum state before)
{
	const struct service_sums sums = {.weight = w, .pending = pending};
	const struct service_terms terms = {.quorum = q, .hysteresis = h, .may_be_empty = true};

	return service_rule_state(&sums, &terms, before);
}

/* spec/monalive §7: Q = 5, H = 1: up at 6, stays at 4 and 5, down at 3. */
Test(service_rule, d26_hysteresis_as_the_reference)
{
	cr_assert_eq(judge(5, 0, 5, 1, STATE_DOWN), STATE_DOWN);
	cr_assert_eq(judge(6, 0, 5, 1, STATE_DOWN), STATE_UP);
	cr_assert_eq(judge(5, 0, 5, 1, STATE_UP), STATE_UP);
	cr_assert_eq(judge(4, 0, 5, 1, STATE_UP), STATE_UP);
	cr_assert_eq(judge(3, 0, 5, 1, STATE_UP), STATE_DOWN);
	cr_assert_eq(judge(1, 0, 1, 0, STATE_DOWN), STATE_UP);
	cr_assert_eq(judge(0, 0, 1, 0, STATE_UP), STATE_DOWN);
}

Test(service_rule, d26_zero_weight_is_down_whatever_the_hysteresis)
{
	cr_assert_eq(judge(1, 0, 2, 5, STATE_UP), STATE_UP);
	cr_assert_eq(judge(0, 0, 2, 5, STATE_UP), STATE_DOWN);
	cr_assert_eq(judge(0, 0, 0, 2, STATE_UP), STATE_DOWN);
}

Test(service_rule, d26_quorum_0_is_up_but_not_before_the_first_find)
{
	const struct service_sums none = {.weight = 0};
	struct service_terms terms = {.may_be_empty = false};

	cr_assert_eq(service_rule_state(&none, &terms, STATE_UNDECIDED), STATE_UNDECIDED);
	terms.may_be_empty = true;
	cr_assert_eq(service_rule_state(&none, &terms, STATE_UNDECIDED), STATE_UP);
	cr_assert_eq(service_rule_state(&none, &terms, STATE_UP), STATE_UP);
}

Test(service_rule, d26_undecided_while_it_could_still_come_up)
{
	struct service_sums open = {.n_open = 1};
	const struct service_terms terms = {.quorum = 1000, .may_be_empty = true};

	cr_assert_eq(judge(2, 3, 5, 0, STATE_UNDECIDED), STATE_UNDECIDED);
	cr_assert_eq(judge(2, 2, 5, 0, STATE_UNDECIDED), STATE_DOWN);
	cr_assert_eq(judge(2, 3, 5, 0, STATE_DOWN), STATE_DOWN, "decided stays decided");
	cr_assert_eq(service_rule_state(&open, &terms, STATE_UNDECIDED), STATE_UNDECIDED);
}

Test(service_rule, d32_frozen_weight_keeps_up_but_brings_none_up)
{
	const struct service_sums sums = {.weight = 10, .frozen = 6};
	struct service_terms terms = {.quorum = 5, .may_be_empty = true};

	cr_assert_eq(service_rule_state(&sums, &terms, STATE_UP), STATE_UP);
	cr_assert_eq(service_rule_state(&sums, &terms, STATE_DOWN), STATE_DOWN);
	terms.is_retaken = true;
	cr_assert_eq(service_rule_state(&sums, &terms, STATE_DOWN), STATE_UP);
}

Test(service_rule, sums_above_32_bits_compare_right)
{
	cr_assert_eq(judge(UINT64_C(5000000000), 0, UINT32_MAX, UINT32_MAX, STATE_UP), STATE_UP);
	cr_assert_eq(judge(UINT64_C(9000000000), 0, UINT32_MAX, UINT32_MAX, STATE_DOWN), STATE_UP);
}

Test(service_rule, adding_and_subtracting_is_nothing)
{
	const struct service_share a = {.weight = 3,
					.frozen = 1,
					.pending = 2,
					.enabled = 9,
					.is_open = true,
					.is_frozen = true,
					.is_listed = true},
				   b = {.weight = 4,
					.is_undecided = true,
					.is_absent = true,
					.is_enabled = true};
	struct service_sums sums = {.weight = 0};

	service_rule_add(&sums, &a);
	service_rule_add(&sums, &b);
	cr_assert_eq(sums.weight, 7);
	cr_assert_eq(sums.n_reals, 2);
	service_rule_sub(&sums, &a);
	service_rule_sub(&sums, &b);
	cr_assert_eq(memcmp(&sums, &(struct service_sums){.weight = 0}, sizeof(sums)), 0);
}
