#include <criterion/criterion.h>

#include "quorum/prefix_rule.h"

static enum state judge(uint32_t joined, uint32_t up, uint32_t down, enum state before)
{
	const struct prefix_counts c = {.n_members = joined + 1,
					.n_joined = joined,
					.n_joined_up = up,
					.n_joined_down = down};

	return prefix_rule_state(&c, before);
}

Test(prefix_rule, d27_announced_only_if_all_joined_are_up)
{
	cr_assert_eq(judge(2, 2, 0, STATE_DOWN), STATE_UP);
	cr_assert_eq(judge(2, 1, 1, STATE_UP), STATE_DOWN);
	cr_assert_eq(judge(2, 1, 0, STATE_DOWN), STATE_DOWN);
}

Test(prefix_rule, d27_without_joined_member_it_stays)
{
	cr_assert_eq(judge(0, 0, 0, STATE_UP), STATE_UP);
	cr_assert_eq(judge(0, 0, 0, STATE_DOWN), STATE_DOWN);
}

Test(prefix_rule, d28_undecided_until_all_up_or_one_down)
{
	cr_assert_eq(judge(3, 2, 0, STATE_UNDECIDED), STATE_UNDECIDED);
	cr_assert_eq(judge(3, 2, 1, STATE_UNDECIDED), STATE_DOWN);
	cr_assert_eq(judge(3, 3, 0, STATE_UNDECIDED), STATE_UP);
}
