#include "agg/agg_warm.h"

#include <criterion/criterion.h>

#include "base/clk.h"
#include "config/app_config.h"

static const struct check_profile profiles[] = {
	{.interval_ns = CLK_S, .check_timeout_ns = CLK_S, .fall = 1},
	{.interval_ns = 60 * CLK_S, .check_timeout_ns = 5 * CLK_S, .fall = 3, .retry = 2},
	{.interval_ns = 2 * CLK_S, .check_timeout_ns = CLK_S, .fall = 1},
};
static const struct generation gen = {.profiles = profiles, .n_profiles = 3};
static const struct generation empty;

Test(agg_warm, decision_28_file_backends_wait_for_the_longest_detection_time)
{
	uint64_t longest = gen_detection_ns(&profiles[1]);

	cr_assert_geq(longest, 75 * CLK_S);
	cr_assert_eq(agg_warm_wait_ns(&gen, ANNOUNCER_BIRD2), longest + 10 * CLK_S);
	cr_assert_eq(agg_warm_wait_ns(&gen, ANNOUNCER_BIRD_LIST), longest + 10 * CLK_S);
	cr_assert_eq(agg_warm_wait_ns(&gen, ANNOUNCER_BIRD | ANNOUNCER_BIRD2),
		     longest + 10 * CLK_S);
	cr_assert_eq(agg_warm_wait_ns(&empty, ANNOUNCER_BIRD2), 10 * CLK_S);
}

Test(agg_warm, others_wait_ten_seconds)
{
	cr_assert_eq(agg_warm_wait_ns(&gen, ANNOUNCER_BIRD), 10 * CLK_S);
	cr_assert_eq(agg_warm_wait_ns(&gen, ANNOUNCER_NONE), 10 * CLK_S);
}

Test(agg_warm, endless_detection_does_not_wrap)
{
	const struct check_profile endless = {
		.interval_ns = UINT64_MAX, .check_timeout_ns = UINT64_MAX, .fall = 255};
	const struct generation g = {.profiles = &endless, .n_profiles = 1};

	cr_assert_gt(agg_warm_wait_ns(&g, ANNOUNCER_BIRD2), UINT64_MAX / 8);
	cr_assert_lt(agg_warm_wait_ns(&g, ANNOUNCER_BIRD2), UINT64_MAX / 2);
}
