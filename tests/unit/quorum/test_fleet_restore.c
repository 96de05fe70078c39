/* A snapshot of the life before (decisions 25-27, 44). */
#include "quorum_fixture.h"

static const char two[] = "vs 1 q2 g1; rs 1 w5; ck f2; rs 2 w5; ck f2";

static struct fx *restored(const char *text)
{
	struct fx *x = fx_new(NULL, text);

	fleet_restore_real(x->fleet, fx_real(x, 1), STATE_UP, 5, 0, x->now);
	fleet_restore_real(x->fleet, fx_real(x, 2), STATE_UP, 5, 0, x->now);
	fleet_restore_service(x->fleet, fx_service(x, 1), STATE_UP, true, x->now);
	fleet_restore_prefix(x->fleet, fx_prefix(x, 1), STATE_UP, true, x->now);
	fleet_restored(x->fleet, x->now);
	return x;
}

Test(fleet_restore, d25_a_snapshot_restores_held)
{
	struct fx *x = restored(two);

	cr_assert_eq(fx_srow(x, 1)->weight, 10);
	cr_assert_eq(fx_srow(x, 1)->state, STATE_UP);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	cr_assert_eq(fx_count(x, 'r', -1) + fx_count(x, 's', -1) + fx_count(x, 'p', -1), 0,
		     "no flap, no line");
	fx_free(x);
}

Test(fleet_restore, d21_a_restored_real_takes_fall)
{
	struct fx *x = restored(two);

	fx_bad(x, 1);
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_UP);
	fx_bad(x, 1);
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_DOWN);
	fx_free(x);
}

Test(fleet_restore, d44_agreement_with_the_balancer_changes_nothing)
{
	struct fx *x = restored(two);

	fleet_listed(x->fleet, fx_real(x, 1), true, 5, x->now);
	fleet_listed(x->fleet, fx_real(x, 2), true, 4, x->now);
	fleet_first_find(x->fleet, x->now);
	cr_assert_eq(fx_srow(x, 1)->weight, 10);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	fx_free(x);
}

Test(fleet_restore, d44_where_they_disagree_nobody_knows)
{
	struct fx *x = restored(two);

	fleet_listed(x->fleet, fx_real(x, 1), false, 0, x->now);
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_UNDECIDED);
	fx_expect_wish(x, 1, FLEET_NOTHING, 0);
	cr_assert_eq(fx_srow(x, 1)->weight, 5);
	cr_assert_eq(fx_cstate(x, 1, 0), STATE_UNDECIDED);
	fx_free(x);
}

Test(fleet_restore, d44_down_but_enabled_is_undecided_and_kept)
{
	struct fx *x = fx_new(NULL, two);

	fleet_restore_real(x->fleet, fx_real(x, 1), STATE_DOWN, 0, 0, x->now);
	fleet_restored(x->fleet, x->now);
	fx_expect_wish(x, 1, FLEET_DISABLE, 0);
	fleet_listed(x->fleet, fx_real(x, 1), true, 5, x->now);
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_UNDECIDED);
	cr_assert(fx_rrow(x, 1)->flags & REAL_ROW_KEPT);
	fx_expect_wish(x, 1, FLEET_NOTHING, 0);
	fx_free(x);
}

Test(fleet_restore, d44_a_verdict_of_this_life_outweighs_the_balancer)
{
	struct fx *x = restored(two);

	fx_bad(x, 1);
	fx_bad(x, 1);
	fleet_listed(x->fleet, fx_real(x, 1), true, 5, x->now);
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_DOWN);
	fx_expect_wish(x, 1, FLEET_DISABLE, 0);
	fx_free(x);
}

Test(fleet_restore, d27_joined_is_restored)
{
	static const char pair[] = "vs 1/80 g1; rs 1; ck; vs 1/81 g1; rs 2; ck";
	struct fx *x = fx_new(NULL, pair);
	uint32_t other = fx_service_port(x, 1, 81);

	fleet_restore_real(x->fleet, fx_real(x, 1), STATE_UP, 1, 0, x->now);
	fleet_restore_service(x->fleet, fx_service(x, 1), STATE_UP, true, x->now);
	fleet_restore_service(x->fleet, other, STATE_DOWN, false, x->now);
	fleet_restore_prefix(x->fleet, fx_prefix(x, 1), STATE_UP, true, x->now);
	fleet_restored(x->fleet, x->now);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	cr_assert_eq(fx_prow(x, 1)->n_joined, 1);
	cr_assert_eq(fx_prow(x, 1)->n_members, 2);
	fx_free(x);
}

Test(fleet_restore, d27_services_that_the_snapshot_does_not_know_are_not_joined)
{
	static const char pair[] = "vs 1/80 g1; rs 1; ck; vs 1/81 g1; rs 2; ck";
	struct fx *x = fx_new(NULL, pair);

	fleet_restore_real(x->fleet, fx_real(x, 1), STATE_UP, 1, 0, x->now);
	fleet_restore_service(x->fleet, fx_service(x, 1), STATE_UP, true, x->now);
	fleet_restore_prefix(x->fleet, fx_prefix(x, 1), STATE_UP, true, x->now);
	fleet_restored(x->fleet, x->now);
	cr_assert_eq(fx_prow(x, 1)->n_joined, 1);
	fleet_listed(x->fleet, fx_real(x, 1), true, 1, x->now);
	fleet_listed(x->fleet, fx_real(x, 2), false, 0, x->now);
	fleet_first_find(x->fleet, x->now);
	fx_bad(x, 2);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	fx_free(x);
}

Test(fleet_restore, marks_of_an_old_snapshot_block_nothing)
{
	struct fx *x = fx_new(NULL, "vs 1/80 g1; rs 1; ck; vs 1/81 g1; rs 2; ck");

	fleet_restore_service(x->fleet, fx_service(x, 1), STATE_UNDECIDED, false, x->now);
	fleet_restored(x->fleet, x->now);
	cr_assert_eq(fx_prow(x, 1)->n_joined, 2, "the prefix is not announced: all are joined");
	fx_free(x);
}

Test(fleet_restore, weights_are_restored)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1 w100; ck dyn; rs 2; ck");

	fleet_restore_weight(x->fleet, fx_check(x, 1, 0), 7);
	fleet_restore_weight(x->fleet, fx_check(x, 2, 0), 7);
	fleet_restore_weight(x->fleet, 9999, 7);
	fleet_restore_real(x->fleet, fx_real(x, 1), STATE_UP, 7, 0, x->now);
	fleet_restored(x->fleet, x->now);
	fx_expect_wish(x, 1, FLEET_ENABLE, 7);
	cr_assert_eq(fx_crow(x, 2, 0)->word >> 16, 0);
	fx_free(x);
}

Test(fleet_restore, d44_an_override_is_there_before_the_service_is_judged)
{
	struct fx *x = fx_new(NULL, "vs 1 q5 g1; rs 1 w5; ck f2");
	uint32_t up = real_override_make(OVERRIDE_UP, 0);

	fleet_restore_real(x->fleet, fx_real(x, 1), STATE_DOWN, 5, up, x->now);
	fleet_restore_service(x->fleet, fx_service(x, 1), STATE_UP, true, x->now);
	fleet_restore_prefix(x->fleet, fx_prefix(x, 1), STATE_UP, true, x->now);
	fleet_restored(x->fleet, x->now);
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_DOWN);
	fx_expect_wish(x, 1, FLEET_ENABLE, 5);
	cr_assert_eq(fx_srow(x, 1)->state, STATE_UP);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	fx_free(x);
}

Test(fleet_restore, d44_an_override_counts_without_a_verdict)
{
	struct fx *x = fx_new(NULL, two);
	uint32_t down = real_override_make(OVERRIDE_DOWN, 0);

	fleet_restore_real(x->fleet, fx_real(x, 1), STATE_UNDECIDED, 0, down, x->now);
	fleet_restored(x->fleet, x->now);
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_UNDECIDED);
	cr_assert_eq(fx_rrow(x, 1)->override, down);
	fx_expect_wish(x, 1, FLEET_DISABLE, 0);
	fx_free(x);
}

Test(fleet_restore, checks_that_differ_from_their_real_are_restored)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1; ck t1; ck t2; ck t3");

	fleet_restore_real(x->fleet, fx_real(x, 1), STATE_DOWN, 0, 0, x->now);
	fleet_restore_check(x->fleet, fx_check(x, 1, 0), STATE_UP);
	fleet_restore_check(x->fleet, fx_check(x, 1, 1), STATE_UNDECIDED);
	cr_assert_eq(fx_rrow(x, 1)->checks_not_up, 2);
	fleet_restore_check(x->fleet, 9999, STATE_UP);
	fleet_restored(x->fleet, x->now);
	cr_assert_eq(fx_cstate(x, 1, 0), STATE_UP);
	cr_assert_eq(fx_cstate(x, 1, 1), STATE_UNDECIDED);
	cr_assert_eq(fx_cstate(x, 1, 2), STATE_DOWN);
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_DOWN);
	fx_free(x);
}

Test(fleet_restore, checks_never_change_the_verdict_of_their_real)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1; ck t1; ck t2; rs 2; ck");

	fleet_restore_real(x->fleet, fx_real(x, 1), STATE_DOWN, 0, 0, x->now);
	fleet_restore_check(x->fleet, fx_check(x, 1, 0), STATE_UP);
	fleet_restore_check(x->fleet, fx_check(x, 1, 1), STATE_UP);
	cr_assert_eq(fx_cstate(x, 1, 1), STATE_DOWN, "what made it down is gone");
	fleet_restore_check(x->fleet, fx_check(x, 2, 0), STATE_UP);
	cr_assert_eq(fx_cstate(x, 2, 0), STATE_UNDECIDED, "its real has no verdict");
	fx_free(x);
}

Test(fleet_restore, panic_freezes_nothing_at_start)
{
	struct fx *x = fx_new(NULL, "vs 1 p1; rs 1 up; ck; rs 2 up; ck");

	fleet_restore_real(x->fleet, fx_real(x, 1), STATE_DOWN, 0, 0, x->now);
	fleet_restore_real(x->fleet, fx_real(x, 2), STATE_DOWN, 0, 0, x->now);
	fleet_restored(x->fleet, x->now);
	fx_expect_wish(x, 1, FLEET_DISABLE, 0);
	fx_expect_wish(x, 2, FLEET_DISABLE, 0);
	fx_free(x);
}

Test(fleet_restore, a_prefix_that_was_announced_waits_for_its_withdrawal)
{
	struct fleet_config config = fx_config();
	struct fx *x;

	config.has_announcer = true;
	x = fx_new(&config, two);
	fleet_restore_real(x->fleet, fx_real(x, 1), STATE_DOWN, 0, 0, x->now);
	fleet_restore_real(x->fleet, fx_real(x, 2), STATE_DOWN, 0, 0, x->now);
	fleet_restore_service(x->fleet, fx_service(x, 1), STATE_DOWN, true, x->now);
	fleet_restore_prefix(x->fleet, fx_prefix(x, 1), STATE_DOWN, true, x->now);
	fleet_restored(x->fleet, x->now);
	cr_assert_eq(fx_wish(x, 1).after_prefix, fx_prefix(x, 1));
	fleet_prefix_sent(x->fleet, fx_prefix(x, 1), STATE_DOWN);
	cr_assert_eq(fx_wish(x, 1).after_prefix, SLOT_NONE);
	fx_free(x);
}
