/* One real: verdict, what is wanted, what the operator says (decisions 20-24). */
#include "quorum_fixture.h"

Test(fleet_real, d20_nothing_is_wanted_for_an_undecided_real)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1 inh; ck t1; ck t2");

	fx_find(x);
	fx_expect_wish(x, 1, FLEET_NOTHING, 0);
	fx_good(x, 1);
	fx_expect_wish(x, 1, FLEET_NOTHING, 0);
	cr_assert_eq(fx_rrow(x, 1)->reason, REAL_REASON_NO_VERDICT);
	fx_code(x, 1, 1, CODE_OK);
	fx_expect_wish(x, 1, FLEET_ENABLE, 1);
	fx_free(x);
}

Test(fleet_real, d21_first_bad_decides_after_the_first_find)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1; ck f3 r2");

	fx_find(x);
	fx_bad(x, 1);
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_DOWN);
	fx_expect_wish(x, 1, FLEET_DISABLE, 0);
	fx_free(x);
}

/* The balancer may show it enabled yet: one bad attempt must not take traffic away. */
Test(fleet_real, d21_before_the_first_find_it_takes_fall)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1; ck f3");

	fx_bad(x, 1);
	fx_bad(x, 1);
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_UNDECIDED);
	fx_bad(x, 1);
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_DOWN);
	fx_free(x);
}

Test(fleet_real, d21_without_balancer_the_first_bad_decides)
{
	struct fleet_config config = fx_config();
	struct fx *x;

	config.has_balancer = false;
	x = fx_new(&config, "vs 1; rs 1; ck f3");
	fx_bad(x, 1);
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_DOWN);
	fx_free(x);
}

Test(fleet_real, d21_a_kept_real_takes_fall_and_counts_in_no_quorum)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1 w10; ck f3 r2");

	fleet_listed(x->fleet, fx_real(x, 1), true, 10, x->now);
	fleet_first_find(x->fleet, x->now);
	cr_assert(fx_rrow(x, 1)->flags & REAL_ROW_KEPT);
	cr_assert_eq(fx_srow(x, 1)->weight, 0);
	cr_assert_eq(fx_srow(x, 1)->state, STATE_UNDECIDED);
	fx_bad(x, 1);
	fx_bad(x, 1);
	fx_expect_wish(x, 1, FLEET_NOTHING, 0);
	fx_bad(x, 1);
	fx_expect_wish(x, 1, FLEET_DISABLE, 0);
	cr_assert(!(fx_rrow(x, 1)->flags & REAL_ROW_KEPT));
	cr_assert_eq(fx_srow(x, 1)->state, STATE_DOWN);
	fx_free(x);
}

Test(fleet_real, d21_init_state_replaces_the_unknown_past_of_new_reals)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1 up; ck f2 r2; rs 2 down; ck f2 r2");

	cr_assert_eq(fx_rrow(x, 1)->state, STATE_UP);
	cr_assert_eq(fx_rrow(x, 2)->state, STATE_DOWN);
	fx_expect_wish(x, 1, FLEET_ENABLE, 1);
	fx_expect_wish(x, 2, FLEET_DISABLE, 0);
	fx_find(x);
	fx_bad(x, 1);
	fx_good(x, 2);
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_UP, "it takes fall");
	cr_assert_eq(fx_rrow(x, 2)->state, STATE_DOWN, "it takes rise");
	fx_free(x);
}

Test(fleet_real, d22_static_real_is_up_and_says_so)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1 w5");

	cr_assert_eq(fx_rrow(x, 1)->state, STATE_UP);
	cr_assert(fx_rrow(x, 1)->flags & REAL_ROW_STATIC);
	cr_assert_eq(fx_rrow(x, 1)->reason, REAL_REASON_STATIC);
	fx_expect_wish(x, 1, FLEET_ENABLE, 5);
	fx_free(x);
}

Test(fleet_real, a7_all_checks_must_be_up)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1; ck t1; ck t2");

	fx_all_up(x);
	fx_code(x, 1, 0, CODE_REFUSED);
	fx_code(x, 1, 1, CODE_REFUSED);
	cr_assert_eq(fx_rrow(x, 1)->checks_not_up, 2);
	fx_code(x, 1, 0, CODE_OK);
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_DOWN, "B still fails");
	fx_expect_wish(x, 1, FLEET_DISABLE, 0);
	fx_code(x, 1, 1, CODE_OK);
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_UP);
	fx_free(x);
}

Test(fleet_real, a7_a_weight_change_of_one_check_revives_nobody)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1 w50; ck dyn t1; ck t2");

	fx_all_up(x);
	fx_code(x, 1, 1, CODE_REFUSED);
	fx_weight(x, 1, 0, 20);
	fx_weight(x, 1, 0, 30);
	fx_expect_wish(x, 1, FLEET_DISABLE, 0);
	cr_assert_eq(fx_srow(x, 1)->alive_count, 0);
	fx_free(x);
}

Test(fleet_real, d24_inhibited_stays_enabled_with_weight_0)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1 w10 inh; ck; rs 2 w10; ck");
	struct summary s = {0};

	fx_all_up(x);
	fx_bad(x, 1);
	fx_expect_wish(x, 1, FLEET_ENABLE, 0);
	cr_assert(fx_rrow(x, 1)->flags & REAL_ROW_INHIBITED);
	cr_assert_eq(fx_srow(x, 1)->weight, 10);
	cr_assert_eq(fx_srow(x, 1)->alive_count, 2);
	fleet_fill_summary(x->fleet, &s);
	cr_assert_eq(s.reals_enabled, 2);
	fx_good(x, 1);
	fx_expect_wish(x, 1, FLEET_ENABLE, 10);
	cr_assert(!(fx_rrow(x, 1)->flags & REAL_ROW_INHIBITED));
	fx_free(x);
}

Test(fleet_real, d24_inhibit_applies_from_the_first_down_verdict)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1 w10 inh; ck");

	fx_find(x);
	fx_bad(x, 1);
	fx_expect_wish(x, 1, FLEET_ENABLE, 0);
	fx_free(x);
}

Test(fleet_real, d24_operator_up_down_and_drain)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1 w10; ck; rs 2 w10; ck");
	uint32_t r = fx_real(x, 1);

	fx_all_up(x);
	fleet_override(x->fleet, r, OVERRIDE_DRAIN, x->now);
	fx_expect_wish(x, 1, FLEET_ENABLE, 0);
	cr_assert_eq(fx_srow(x, 1)->weight, 10);
	cr_assert_eq(fx_srow(x, 1)->alive_count, 2);
	cr_assert_eq(fx_rrow(x, 1)->reason, REAL_REASON_OPERATOR);
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_UP, "the verdict goes on");
	fleet_override(x->fleet, r, OVERRIDE_DOWN, x->now);
	fx_expect_wish(x, 1, FLEET_DISABLE, 0);
	fx_bad(x, 1);
	fleet_override(x->fleet, r, OVERRIDE_UP, x->now);
	fx_expect_wish(x, 1, FLEET_ENABLE, 10);
	fx_deliver(x);
	cr_assert_eq(fx_srow(x, 1)->weight, 20, "forced up adds its weight");
	fleet_override(x->fleet, r, OVERRIDE_NONE, x->now);
	fx_expect_wish(x, 1, FLEET_DISABLE, 0);
	cr_assert_eq(fx_rrow(x, 1)->reason, REAL_REASON_CHECK_DOWN);
	fx_free(x);
}

Test(fleet_real, d24_operator_sets_the_weight_of_an_up_real)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1 w10; ck");
	uint32_t r = fx_real(x, 1);

	fx_all_up(x);
	fleet_override(x->fleet, r, real_override_make(OVERRIDE_WEIGHT, 33), x->now);
	fx_expect_wish(x, 1, FLEET_ENABLE, 33);
	fleet_override(x->fleet, r, real_override_make(OVERRIDE_PERCENT, 50), x->now);
	fx_expect_wish(x, 1, FLEET_ENABLE, 5);
	fx_bad(x, 1);
	fx_expect_wish(x, 1, FLEET_DISABLE, 0);
	fx_free(x);
}

Test(fleet_real, d24_operator_decides_for_an_undecided_real)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1 w10; ck");
	uint32_t r = fx_real(x, 1);

	fleet_override(x->fleet, r, OVERRIDE_DOWN, x->now);
	fx_expect_wish(x, 1, FLEET_DISABLE, 0);
	fleet_override(x->fleet, r, OVERRIDE_UP, x->now);
	fx_expect_wish(x, 1, FLEET_ENABLE, 10);
	fleet_override(x->fleet, r, OVERRIDE_NONE, x->now);
	fx_expect_wish(x, 1, FLEET_NOTHING, 0);
	fx_free(x);
}

Test(fleet_real, a8_sums_survive_every_order_of_events)
{
	struct fx *x = fx_new(NULL, "vs 1 q5; rs 1 w10 inh; ck t1; ck t2; rs 2 w10 inh; ck");

	fx_find(x);
	fx_good(x, 2);
	fx_deliver(x);
	fx_code(x, 1, 0, CODE_REFUSED);
	fx_code(x, 1, 1, CODE_REFUSED);
	fx_load(x, "vs 1 q5; rs 2 w10 inh; ck");
	cr_assert_eq(fx_srow(x, 1)->alive_count, 1);
	cr_assert_eq(fx_srow(x, 1)->weight, 10);
	cr_assert_eq(fx_srow(x, 1)->state, STATE_UP);
	fx_free(x);
}

Test(fleet_real, every_change_of_a_wish_is_dirty_once)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1 w10; ck; rs 2 w10; ck");

	fx_all_up(x);
	cr_assert_eq(fleet_take_dirty_real(x->fleet), SLOT_NONE);
	fx_bad(x, 2);
	fx_good(x, 2);
	fx_bad(x, 2);
	cr_assert_eq(fleet_take_dirty_real(x->fleet), fx_real(x, 2));
	cr_assert_eq(fleet_take_dirty_real(x->fleet), SLOT_NONE);
	fx_free(x);
}

Test(fleet_real, hooks_tell_who_decided)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1; ck; rs 2");

	cr_assert_eq(fx_count(x, 'r', STATE_UP), 1, "the static one, by the file");
	fx_find(x);
	fx_good(x, 1);
	cr_assert_eq(fx_count(x, 'r', STATE_UP), 2);
	cr_assert_eq(fx_count(x, 'c', STATE_UP), 1);
	fx_good(x, 1);
	cr_assert_eq(fx_count(x, 'r', STATE_UP), 2);
	cr_assert_eq(counter_get(x->counters, CTR_REAL_TRANSITIONS), 2);
	fx_free(x);
}
