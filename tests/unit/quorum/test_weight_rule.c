#include <criterion/criterion.h>

#include "quorum/weight_rule.h"

/* The examples of spec/monalive §3.5. */
Test(weight_rule, smooths_as_the_reference_does)
{
	static const uint16_t up[] = {2, 3, 4, 5, 6, 7, 9, 10, 10};
	uint16_t w = 1;

	cr_assert_eq(weight_rule_smooth(true, 10, 20, 1), 11);
	cr_assert_eq(weight_rule_smooth(true, 10, 20, 40), 14);
	cr_assert_eq(weight_rule_smooth(true, 10, 20, 100), 20);
	cr_assert_eq(weight_rule_smooth(true, 20, 10, 40), 12);
	for (size_t i = 0; i < ARRAY_LEN(up); i++) {
		w = weight_rule_smooth(true, w, 10, 30);
		cr_assert_eq(w, up[i]);
	}
}

Test(weight_rule, first_weight_and_no_coefficient_are_taken_as_given)
{
	cr_assert_eq(weight_rule_smooth(false, 7, 50, 10), 50);
	cr_assert_eq(weight_rule_smooth(true, 7, 50, 0), 50);
	cr_assert_eq(weight_rule_smooth(true, 50, 0, 0), 0);
}

Test(weight_rule, from_zero_it_climbs_by_one)
{
	cr_assert_eq(weight_rule_smooth(true, 0, 10, 30), 1);
	cr_assert_eq(weight_rule_smooth(true, 1, 0, 30), 0);
	cr_assert_eq(weight_rule_smooth(true, 10, 0, 200), 0, "a step larger than the weight");
}

Test(weight_rule, d23_weight_above_65535_is_cut)
{
	cr_assert_eq(weight_rule_smooth(false, 0, INT32_MAX, 0), UINT16_MAX);
	cr_assert_eq(weight_rule_smooth(true, 65000, INT32_MAX, UINT32_MAX), UINT16_MAX);
}

Test(weight_rule, overrides_set_or_scale)
{
	cr_assert_eq(weight_rule_overridden(10, 0), 10);
	cr_assert_eq(weight_rule_overridden(10, real_override_make(OVERRIDE_WEIGHT, 3)), 3);
	cr_assert_eq(weight_rule_overridden(10, real_override_make(OVERRIDE_PERCENT, 50)), 5);
	cr_assert_eq(weight_rule_overridden(10, real_override_make(OVERRIDE_PERCENT, 1)), 1);
	cr_assert_eq(weight_rule_overridden(10, real_override_make(OVERRIDE_PERCENT, 0)), 0);
	cr_assert_eq(weight_rule_overridden(65535, real_override_make(OVERRIDE_PERCENT, 65535)),
		     65535);
	cr_assert_eq(weight_rule_overridden(10, real_override_make(OVERRIDE_DRAIN, 3)), 10);
}

Test(weight_rule, d23_scale_begins_beyond_100_per_real)
{
	struct weight_scale s = weight_rule_scale(200, 2);

	cr_assert_eq(s.den, 0);
	cr_assert_eq(weight_rule_scaled(150, s), 150);
	s = weight_rule_scale(201, 2);
	cr_assert_eq(s.num, 200);
	cr_assert_eq(s.den, 201);
	cr_assert_eq(weight_rule_scaled(200, s), 199);
	cr_assert_eq(weight_rule_scaled(1, s), 1, "at least 1");
	cr_assert_eq(weight_rule_scaled(0, s), 0);
	cr_assert_eq(weight_rule_scale(500, 0).den, 0, "nothing listed, nothing sent");
}

Test(weight_rule, scaled_sum_never_exceeds_the_room)
{
	uint64_t sum = (uint64_t)65535 * 1000000;
	struct weight_scale s = weight_rule_scale(sum, 1000000);

	cr_assert_gt(s.den, 0);
	cr_assert_leq((uint64_t)weight_rule_scaled(65535, s) * 1000000, UINT64_C(100000000));
}

Test(weight_rule, unscaled_is_never_more_than_was_wanted)
{
	for (uint32_t enabled = 201; enabled < 3000; enabled += 7) {
		struct weight_scale s = weight_rule_scale(enabled, 2);

		for (uint16_t w = 2; w < 300; w++) {
			uint16_t sent = weight_rule_scaled(w, s);

			if (sent > 1)
				cr_assert_leq(weight_rule_unscaled(sent, s), w);
		}
	}
	cr_assert_eq(weight_rule_unscaled(7, (struct weight_scale){0, 0}), 7);
}
