/* Another generation: nothing flaps that did not change (decisions 6, 20, 22; faults A4-A10). */
#include "quorum_fixture.h"

static void up(struct fx *x)
{
	fx_all_up(x);
	x->n_events = 0;
}

/* No transition and no wish since up(). */
static void expect_quiet(struct fx *x)
{
	cr_assert_eq(fx_count(x, 'r', -1), 0);
	cr_assert_eq(fx_count(x, 's', -1), 0);
	cr_assert_eq(fx_count(x, 'p', -1), 0);
	cr_assert_eq(fleet_take_dirty_real(x->fleet), SLOT_NONE);
	cr_assert_eq(fleet_take_dirty_prefix(x->fleet), SLOT_NONE);
}

Test(fleet_adopt, the_same_file_changes_nothing)
{
	static const char text[] = "vs 1 g1 q2; rs 1 w3; ck f2; ck t1; rs 2 w4 inh; ck dyn";
	struct fx *x = fx_new(NULL, text);
	uint32_t seq;

	up(x);
	seq = fx_rrow(x, 1)->seq + fx_srow(x, 1)->seq + fx_prow(x, 1)->seq + fx_crow(x, 1, 0)->seq;
	fx_load(x, text);
	expect_quiet(x);
	cr_assert_eq(fx_rrow(x, 1)->seq + fx_srow(x, 1)->seq + fx_prow(x, 1)->seq +
			     fx_crow(x, 1, 0)->seq,
		     seq, "unchanged rows are not written");
	fx_free(x);
}

Test(fleet_adopt, a4_changed_check_parameters_disable_nobody)
{
	struct fx *x = fx_new(NULL, "vs 1 g1; rs 1; ck f2 i1000");

	up(x);
	fx_load(x, "vs 1 g1; rs 1; ck f3 i2000");
	expect_quiet(x);
	cr_assert_eq(fx_cstate(x, 1, 0), STATE_UP);
	fx_bad(x, 1);
	fx_bad(x, 1);
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_UP, "it falls by its own fall");
	fx_bad(x, 1);
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_DOWN);
	fx_free(x);
}

Test(fleet_adopt, d22_a_changed_check_of_a_down_real_starts_down)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1; ck");

	up(x);
	fx_bad(x, 1);
	fx_deliver(x);
	fx_load(x, "vs 1; rs 1; ck r2");
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_DOWN);
	fx_good(x, 1);
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_DOWN);
	fx_good(x, 1);
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_UP);
	fx_free(x);
}

Test(fleet_adopt, d22_an_added_check_starts_with_the_reals_verdict)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1; ck f2");

	up(x);
	fx_load(x, "vs 1; rs 1; ck f2; ck f3 t1");
	expect_quiet(x);
	for (int i = 0; i < 3; i++)
		fx_code(x, 1, 1, CODE_REFUSED);
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_DOWN);
	fx_free(x);
}

Test(fleet_adopt, d22_the_first_check_of_a_static_real_starts_up)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1");

	up(x);
	fx_load(x, "vs 1; rs 1; ck f2");
	expect_quiet(x);
	cr_assert_eq(fx_cstate(x, 1, 0), STATE_UP);
	cr_assert(!(fx_rrow(x, 1)->flags & REAL_ROW_STATIC));
	fx_load(x, "vs 1; rs 1");
	expect_quiet(x);
	cr_assert(fx_rrow(x, 1)->flags & REAL_ROW_STATIC);
	fx_free(x);
}

Test(fleet_adopt, d22_an_undecided_real_stays_undecided)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1; ck f2");

	fx_find(x);
	fx_load(x, "vs 1; rs 1; ck f3");
	fx_expect_wish(x, 1, FLEET_NOTHING, 0);
	fx_bad(x, 1);
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_DOWN, "decided by its own result");
	fx_free(x);
}

Test(fleet_adopt, a5_removing_the_failing_check_brings_the_real_up)
{
	struct fx *x = fx_new(NULL, "vs 1 g1; rs 1; ck; ck t1");

	up(x);
	fx_code(x, 1, 1, CODE_REFUSED);
	fx_deliver(x);
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_DOWN);
	fx_load(x, "vs 1 g1; rs 1; ck");
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_UP);
	fx_expect_wish(x, 1, FLEET_ENABLE, 1);
	fx_free(x);
}

Test(fleet_adopt, a5_removing_one_of_two_good_checks_changes_nothing)
{
	struct fx *x = fx_new(NULL, "vs 1 g1; rs 1; ck; ck t1");

	up(x);
	fx_load(x, "vs 1 g1; rs 1; ck t1");
	expect_quiet(x);
	fx_free(x);
}

Test(fleet_adopt, a8_removing_a_real_that_never_lived_leaves_the_sums_alone)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1 w7; ck; rs 2 w9 inh; ck; ck t1");

	fx_find(x);
	fx_good(x, 1);
	fx_deliver(x);
	fx_load(x, "vs 1; rs 1 w7; ck");
	cr_assert_eq(fx_srow(x, 1)->alive_count, 1);
	cr_assert_eq(fx_srow(x, 1)->weight, 7);
	cr_assert_eq(fx_srow(x, 1)->n_undecided, 0);
	fx_free(x);
}

Test(fleet_adopt, a9_switching_inhibit_off_sends_the_disable_at_once)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1 inh; ck; rs 2; ck");

	up(x);
	fx_bad(x, 1);
	fx_expect_wish(x, 1, FLEET_ENABLE, 0);
	fx_deliver(x);
	fx_load(x, "vs 1; rs 1; ck; rs 2; ck");
	fx_expect_wish(x, 1, FLEET_DISABLE, 0);
	cr_assert_eq(fleet_take_dirty_real(x->fleet), fx_real(x, 1));
	cr_assert_eq(fx_srow(x, 1)->alive_count, 1);
	fx_load(x, "vs 1; rs 1 inh; ck; rs 2; ck");
	fx_expect_wish(x, 1, FLEET_ENABLE, 0);
	fx_free(x);
}

Test(fleet_adopt, a_changed_weight_is_wanted_at_once)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1 w10; ck; rs 2 w10; ck");

	up(x);
	fx_load(x, "vs 1; rs 1 w4; ck; rs 2 w12; ck");
	fx_expect_wish(x, 1, FLEET_ENABLE, 4);
	fx_expect_wish(x, 2, FLEET_ENABLE, 12);
	cr_assert_eq(fx_srow(x, 1)->weight, 14, "the increase counts when flushed");
	fx_deliver(x);
	cr_assert_eq(fx_srow(x, 1)->weight, 16);
	fx_free(x);
}

Test(fleet_adopt, a_changed_dynamic_check_keeps_the_weight)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1 w100; ck dyn t1");

	up(x);
	fx_weight(x, 1, 0, 7);
	fx_deliver(x);
	fx_load(x, "vs 1; rs 1 w100; ck dyn t2");
	fx_expect_wish(x, 1, FLEET_ENABLE, 7);
	fx_load(x, "vs 1; rs 1 w100; ck t2");
	fx_expect_wish(x, 1, FLEET_ENABLE, 100);
	fx_free(x);
}

Test(fleet_adopt, quorum_is_judged_anew)
{
	struct fx *x = fx_new(NULL, "vs 1 q2 g1; rs 1; ck; rs 2; ck");

	up(x);
	fx_load(x, "vs 1 q3 g1; rs 1; ck; rs 2; ck");
	cr_assert_eq(fx_srow(x, 1)->state, STATE_DOWN);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_DOWN);
	fx_load(x, "vs 1 q1 g1; rs 1; ck; rs 2; ck");
	cr_assert_eq(fx_srow(x, 1)->state, STATE_UP);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	fx_free(x);
}

Test(fleet_adopt, d20_new_reals_start_undecided)
{
	struct fx *x = fx_new(NULL, "vs 1 g1; rs 1; ck");

	up(x);
	fx_load(x, "vs 1 g1; rs 1; ck; rs 2 w9; ck");
	fx_expect_wish(x, 2, FLEET_NOTHING, 0);
	cr_assert_eq(fx_srow(x, 1)->n_undecided, 1);
	expect_quiet(x);
	fx_free(x);
}

Test(fleet_adopt, d24_dropping_a_real_drops_its_override)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1; ck; rs 2; ck");

	up(x);
	fleet_override(x->fleet, fx_real(x, 2), OVERRIDE_DOWN, x->now);
	fx_load(x, "vs 1; rs 1; ck");
	fx_load(x, "vs 1; rs 1; ck; rs 2; ck");
	cr_assert_eq(fx_rrow(x, 2)->override, 0);
	fx_free(x);
}

Test(fleet_adopt, removed_reals_are_wanted_disabled_until_they_retire)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1; ck; rs 2; ck");
	uint32_t real = fx_real(x, 2);

	up(x);
	fx_adopt(x, "vs 1; rs 1; ck");
	cr_assert_eq(state_real(&x->tables, real)->reason, REAL_REASON_REMOVED);
	cr_assert_eq(fleet_take_dirty_real(x->fleet), real);
	cr_assert_eq(fleet_wish_of(x->fleet, real).want, FLEET_DISABLE);
	cr_assert_eq(fx_srow(x, 1)->weight, 1);
	fleet_acked(x->fleet, real, false, 0, x->now);
	fx_retire(x);
	cr_assert_eq(fleet_wish_of(x->fleet, real).want, FLEET_NOTHING);
	cr_assert_eq(state_real(&x->tables, real)->reason, 0);
	fx_free(x);
}

Test(fleet_adopt, a20_moving_all_reals_between_services_leaves_no_orphans)
{
	struct fx *x = fx_new(NULL, "vs 1 g1; rs 1; ck; rs 2; ck; vs 2 g1; rs 3; ck");
	struct summary s = {0};

	up(x);
	fx_load(x, "vs 1 g1; rs 3; ck; vs 2 g1; rs 1; ck; rs 2; ck");
	fleet_fill_summary(x->fleet, &s);
	cr_assert_eq(s.reals_undecided, 3);
	cr_assert_eq(s.reals_enabled, 0);
	cr_assert_eq(fx_srow(x, 1)->weight, 0);
	cr_assert_eq(fx_srow(x, 1)->alive_count, 0);
	fx_free(x);
}

Test(fleet_adopt, b8_an_older_file_after_a_newer_one_is_just_another_file)
{
	static const char a[] = "vs 1 q2 g1; rs 1; ck; rs 2; ck", b[] = "vs 1 q1 g1; rs 1; ck";
	struct fx *x = fx_new(NULL, a);

	up(x);
	for (int i = 0; i < 20; i++) {
		fx_load(x, i % 2 ? a : b);
		fx_all_up(x);
		cr_assert_eq(fx_srow(x, 1)->state, STATE_UP);
		cr_assert_eq(fx_srow(x, 1)->weight, i % 2 ? 2 : 1);
	}
	fx_free(x);
}

Test(fleet_adopt, hooks_are_told_of_the_switch_of_names)
{
	struct fleet_config config = fx_config();
	struct fx *x = fx_new(&config, "vs 1 g1; rs 1; ck");

	up(x);
	fx_load(x, "vs 2 g1; rs 1");
	cr_assert_eq(fx_count(x, 'p', STATE_DOWN), 1);
	cr_assert_eq(fx_count(x, 'r', STATE_UP), 1);
	fx_free(x);
}
