/* What is held, absent, scaled, waiting (decisions 23, 25, 26, 36, 37). */
#include "quorum_fixture.h"

static const char two[] = "vs 1 q15 g1; rs 1 w10; ck; rs 2 w10; ck";

static void up(struct fx *x)
{
	fx_all_up(x);
	x->n_events = 0;
}

Test(fleet_peers, d25_up_counts_only_when_acknowledged)
{
	struct fx *x = fx_new(NULL, two);

	fx_find(x);
	fx_good(x, 1);
	fx_good(x, 2);
	cr_assert_eq(fx_srow(x, 1)->weight, 0);
	cr_assert_eq(fx_srow(x, 1)->weight_pending, 20);
	fleet_acked(x->fleet, fx_real(x, 1), true, 10, x->now);
	cr_assert_eq(fx_srow(x, 1)->weight, 10);
	cr_assert_eq(fx_srow(x, 1)->state, STATE_UNDECIDED);
	fleet_acked(x->fleet, fx_real(x, 2), true, 10, x->now);
	cr_assert_eq(fx_srow(x, 1)->state, STATE_UP);
	fx_free(x);
}

Test(fleet_peers, a21_no_announcement_without_acknowledgement)
{
	struct fx *x = fx_new(NULL, two);

	fx_find(x);
	for (int i = 0; i < 100; i++) {
		fx_good(x, 1);
		fx_good(x, 2);
		(void)fx_wish(x, 1);
	}
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UNDECIDED);
	cr_assert_eq(fleet_take_dirty_prefix(x->fleet), SLOT_NONE);
	fx_free(x);
}

Test(fleet_peers, d25_disconnect_does_not_end_held)
{
	struct fx *x = fx_new(NULL, two);

	up(x);
	fleet_connection(x->fleet, false);
	fleet_connection(x->fleet, true);
	cr_assert_eq(fx_srow(x, 1)->weight, 20);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	fx_free(x);
}

Test(fleet_peers, d25_real_find_showing_it_disabled_does_not_end_held)
{
	struct fx *x = fx_new(NULL, two);

	up(x);
	fleet_listed(x->fleet, fx_real(x, 1), false, 0, x->now);
	cr_assert_eq(fx_srow(x, 1)->weight, 20);
	cr_assert_eq(fleet_take_dirty_real(x->fleet), fx_real(x, 1), "it is sent again");
	fx_free(x);
}

Test(fleet_peers, d25_unlisted_ends_held)
{
	struct fx *x = fx_new(NULL, two);

	up(x);
	fleet_unlisted(x->fleet, fx_real(x, 1), x->now);
	cr_assert_eq(fx_srow(x, 1)->weight, 10);
	cr_assert_eq(fx_srow(x, 1)->n_absent, 1);
	cr_assert_eq(fx_srow(x, 1)->state, STATE_DOWN);
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_UP, "it is still checked");
	fleet_listed(x->fleet, fx_real(x, 1), false, 0, x->now);
	cr_assert_eq(fx_srow(x, 1)->weight, 10);
	fx_deliver(x);
	cr_assert_eq(fx_srow(x, 1)->weight, 20);
	fx_free(x);
}

Test(fleet_peers, d25_down_and_up_before_the_disable_is_sent_is_held_at_once)
{
	struct fx *x = fx_new(NULL, two);

	up(x);
	fx_bad(x, 1);
	cr_assert_eq(fx_srow(x, 1)->weight, 10);
	fx_good(x, 1);
	cr_assert_eq(fx_srow(x, 1)->weight, 20);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	fx_free(x);
}

Test(fleet_peers, d25_down_and_up_after_the_disable_was_sent_needs_an_acknowledgement)
{
	struct fx *x = fx_new(NULL, two);

	up(x);
	fx_bad(x, 1);
	cr_assert_eq(fleet_wish_of(x->fleet, fx_real(x, 1)).want, FLEET_DISABLE);
	fx_good(x, 1);
	cr_assert_eq(fx_srow(x, 1)->weight, 10);
	fleet_acked(x->fleet, fx_real(x, 1), true, 10, x->now);
	cr_assert_eq(fx_srow(x, 1)->weight, 20);
	fx_free(x);
}

Test(fleet_peers, d25_down_and_up_while_away_needs_an_acknowledgement)
{
	struct fx *x = fx_new(NULL, two);

	up(x);
	fleet_connection(x->fleet, false);
	fx_bad(x, 1);
	fx_good(x, 1);
	cr_assert_eq(fx_srow(x, 1)->weight, 10);
	fleet_connection(x->fleet, true);
	fx_deliver(x);
	cr_assert_eq(fx_srow(x, 1)->weight, 20);
	fx_free(x);
}

Test(fleet_peers, d25_down_before_a_disconnect_and_up_after_needs_an_acknowledgement)
{
	struct fx *x = fx_new(NULL, two);

	up(x);
	fx_bad(x, 1);
	fleet_connection(x->fleet, false);
	fleet_connection(x->fleet, true);
	fx_good(x, 1);
	cr_assert_eq(fx_srow(x, 1)->weight, 10);
	fx_free(x);
}

Test(fleet_peers, d25_a_decrease_counts_at_once_an_increase_when_flushed)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1 w50; ck dyn");

	up(x);
	fx_weight(x, 1, 0, 20);
	cr_assert_eq(fx_srow(x, 1)->weight, 20);
	fx_deliver(x);
	fx_weight(x, 1, 0, 60);
	cr_assert_eq(fx_srow(x, 1)->weight, 20);
	fx_deliver(x);
	cr_assert_eq(fx_srow(x, 1)->weight, 60);
	fx_free(x);
}

/* 50 → 20 was handed to the balancer and may be in force: going back to 50 has to be told. */
Test(fleet_peers, d25_a_decrease_that_was_handed_out_counts_until_the_next_flush)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1 w50; ck dyn");

	up(x);
	fx_weight(x, 1, 0, 20);
	fx_weight(x, 1, 0, 50);
	cr_assert_eq(fx_srow(x, 1)->weight, 50, "never sent");
	fx_weight(x, 1, 0, 20);
	cr_assert_eq(fleet_wish_of(x->fleet, fx_real(x, 1)).weight, 20);
	fx_weight(x, 1, 0, 50);
	cr_assert_eq(fx_srow(x, 1)->weight, 20);
	fleet_acked(x->fleet, fx_real(x, 1), true, 50, x->now);
	cr_assert_eq(fx_srow(x, 1)->weight, 50);
	fx_free(x);
}

Test(fleet_peers, d25_without_balancer_it_holds_at_once)
{
	struct fleet_config config = fx_config();
	struct fx *x;

	config.has_balancer = false;
	x = fx_new(&config, two);
	fx_good(x, 1);
	fx_good(x, 2);
	cr_assert_eq(fx_srow(x, 1)->state, STATE_UP);
	cr_assert_eq(fx_srow(x, 1)->n_absent, 0);
	fleet_acked(x->fleet, fx_real(x, 1), false, 0, x->now);
	cr_assert_eq(fx_srow(x, 1)->weight, 20, "nobody else has a say");
	fx_free(x);
}

Test(fleet_peers, late_acknowledgements_do_not_hold_what_is_down)
{
	struct fx *x = fx_new(NULL, two);

	up(x);
	fx_bad(x, 1);
	fleet_acked(x->fleet, fx_real(x, 1), true, 10, x->now);
	cr_assert_eq(fx_srow(x, 1)->weight, 10);
	cr_assert(!(fx_rrow(x, 1)->flags & REAL_ROW_HELD));
	fx_free(x);
}

/* --- decisions 26 --- */

Test(fleet_peers, d26_quorum_0_comes_up_with_the_first_find)
{
	struct fx *x = fx_new(NULL, "vs 1 q0 g1; rs 1; ck");

	cr_assert_eq(fx_srow(x, 1)->state, STATE_UNDECIDED);
	fleet_first_find(x->fleet, x->now);
	cr_assert_eq(fx_srow(x, 1)->state, STATE_UP);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	fx_free(x);
}

Test(fleet_peers, d26_absent_reals_cannot_save_a_service)
{
	struct fx *x = fx_new(NULL, two);

	fleet_listed(x->fleet, fx_real(x, 1), false, 0, x->now);
	cr_assert_eq(fx_srow(x, 1)->state, STATE_UNDECIDED, "real 2 may still appear");
	fleet_first_find(x->fleet, x->now);
	cr_assert_eq(fx_srow(x, 1)->n_absent, 1);
	cr_assert_eq(fx_srow(x, 1)->state, STATE_DOWN);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_DOWN);
	fx_free(x);
}

Test(fleet_peers, d26_undecided_until_it_cannot_be_reached)
{
	struct fx *x = fx_new(NULL, "vs 1 q15; rs 1 w10; ck; rs 2 w10; ck; rs 3 w5; ck");

	fx_find(x);
	fx_bad(x, 1);
	cr_assert_eq(fx_srow(x, 1)->state, STATE_UNDECIDED);
	fx_bad(x, 3);
	cr_assert_eq(fx_srow(x, 1)->state, STATE_DOWN);
	fx_free(x);
}

Test(fleet_peers, d26_dynamic_weight_could_be_anything)
{
	struct fx *x = fx_new(NULL, "vs 1 q1000; rs 1 w10; ck dyn");

	fx_find(x);
	cr_assert_eq(fx_srow(x, 1)->state, STATE_UNDECIDED);
	fx_bad(x, 1);
	cr_assert_eq(fx_srow(x, 1)->state, STATE_DOWN);
	fx_free(x);
}

Test(fleet_peers, d37_with_the_balancer_away_w_only_shrinks)
{
	struct fx *x = fx_new(NULL, "vs 1 q15 g1; rs 1 w10; ck; rs 2 w10; ck; rs 3 w10; ck");

	up(x);
	fx_bad(x, 3);
	fx_deliver(x);
	fleet_connection(x->fleet, false);
	fx_good(x, 3);
	cr_assert_eq(fx_srow(x, 1)->weight, 20, "a new up is not held");
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	fx_bad(x, 1);
	cr_assert_eq(fx_srow(x, 1)->weight, 10);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_DOWN);
	fx_free(x);
}

/* --- decisions 23: scale --- */

Test(fleet_peers, d23_weights_are_scaled_beyond_100_per_real)
{
	struct fx *x = fx_new(NULL, "vs 1 q300; rs 1 w300; ck; rs 2 w100; ck");

	up(x);
	cr_assert_eq(fx_srow(x, 1)->scale_num, 200);
	cr_assert_eq(fx_srow(x, 1)->scale_den, 400);
	fx_expect_wish(x, 1, FLEET_ENABLE, 150);
	fx_expect_wish(x, 2, FLEET_ENABLE, 50);
	cr_assert_eq(fx_srow(x, 1)->weight, 400, "the quorum counts unscaled");
	cr_assert_eq(fx_srow(x, 1)->state, STATE_UP);
	fx_free(x);
}

Test(fleet_peers, d23_another_scale_is_sent_to_all_its_reals)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1 w300; ck; rs 2 w100; ck; rs 3 w100; ck");

	up(x);
	cr_assert_eq(fx_srow(x, 1)->scale_den, 500);
	fx_bad(x, 3);
	cr_assert_eq(fx_srow(x, 1)->scale_den, 400);
	cr_assert_eq(fx_count(x, 'a', -1), 0, "the alarm goes on");
	fx_expect_wish(x, 1, FLEET_ENABLE, 225);
	cr_assert_eq(fx_deliver(x), 3);
	cr_assert_eq(fx_srow(x, 1)->weight, 400);
	fx_bad(x, 1);
	cr_assert_eq(fx_srow(x, 1)->scale_den, 0);
	fx_expect_wish(x, 2, FLEET_ENABLE, 100);
	cr_assert_eq(fx_count(x, 'a', false), 1);
	fx_free(x);
}

/* --- decisions 36 --- */

Test(fleet_peers, d36_the_disable_that_takes_the_quorum_waits_for_the_withdrawal)
{
	struct fx *x = fx_new(NULL, two);
	uint32_t prefix;

	up(x);
	prefix = fx_prefix(x, 1);
	fx_bad(x, 1);
	cr_assert_eq(fx_wish(x, 1).want, FLEET_DISABLE);
	cr_assert_eq(fx_wish(x, 1).after_prefix, prefix);
	while (fleet_take_dirty_real(x->fleet) != SLOT_NONE)
		;
	fleet_prefix_sent(x->fleet, prefix, STATE_DOWN);
	cr_assert_eq(fx_wish(x, 1).after_prefix, SLOT_NONE);
	cr_assert_eq(fleet_take_dirty_real(x->fleet), fx_real(x, 1), "asked again");
	fx_free(x);
}

Test(fleet_peers, d36_other_disables_go_at_once)
{
	struct fx *x = fx_new(NULL, "vs 1 q5 g1; rs 1 w10; ck; rs 2 w10; ck");

	up(x);
	fx_bad(x, 1);
	cr_assert_eq(fx_wish(x, 1).after_prefix, SLOT_NONE);
	fx_free(x);
}

Test(fleet_peers, d36_nothing_waits_for_what_was_never_announced)
{
	struct fx *x = fx_new(NULL, two);

	fx_find(x);
	fx_bad(x, 1);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_DOWN);
	cr_assert_eq(fx_wish(x, 1).after_prefix, SLOT_NONE);
	fx_free(x);
}

Test(fleet_peers, d36_nothing_waits_without_announcer)
{
	struct fleet_config config = fx_config();
	struct fx *x;

	config.has_announcer = false;
	x = fx_new(&config, two);
	up(x);
	fx_bad(x, 1);
	cr_assert_eq(fx_wish(x, 1).after_prefix, SLOT_NONE);
	fx_free(x);
}

Test(fleet_peers, what_a_backend_accepted_is_shown_and_decides_nothing)
{
	struct fx *x = fx_new(NULL, two);
	uint32_t prefix = fx_prefix(x, 1);

	up(x);
	fx_bad(x, 1);
	fleet_prefix_accepted(x->fleet, prefix, 2, STATE_DOWN);
	cr_assert_eq(state_prefix(&x->tables, prefix)->accepted[2], STATE_DOWN);
	cr_assert_eq(state_prefix(&x->tables, prefix)->accepted[0], STATE_UNDECIDED);
	cr_assert_eq(fx_wish(x, 1).after_prefix, prefix, "the disable waits for all of them");
	fx_adopt(x, "");
	fx_retire(x);
	fleet_prefix_accepted(x->fleet, prefix, 2, STATE_UP);
	cr_assert_eq(state_prefix(&x->tables, prefix)->accepted[2], 0, "retired rows stay empty");
	fx_free(x);
}

Test(fleet_peers, d36_removed_reals_wait_for_their_withdrawal_too)
{
	struct fx *x = fx_new(NULL, "vs 1 g1; rs 1; ck; vs 2 g1; rs 2; ck");
	uint32_t real = fx_real(x, 2), prefix = fx_prefix(x, 2);

	up(x);
	fx_adopt(x, "vs 1 g1; rs 1; ck");
	cr_assert_eq(fleet_take_dirty_prefix(x->fleet), prefix);
	cr_assert_eq(fleet_take_dirty_real(x->fleet), real);
	cr_assert_eq(fleet_wish_peek(x->fleet, real).want, FLEET_DISABLE);
	cr_assert_eq(fleet_wish_peek(x->fleet, real).after_prefix, prefix);
	fleet_prefix_sent(x->fleet, prefix, STATE_DOWN);
	cr_assert_eq(fleet_wish_peek(x->fleet, real).after_prefix, SLOT_NONE);
	cr_assert_eq(fleet_take_dirty_real(x->fleet), real);
	fx_retire(x);
	cr_assert_eq(fleet_wish_peek(x->fleet, real).want, FLEET_NOTHING);
	fleet_prefix_sent(x->fleet, prefix, STATE_DOWN);
	cr_assert_eq(state_prefix(&x->tables, prefix)->sent, 0, "retired rows stay empty");
	fx_free(x);
}

Test(fleet_peers, a_removed_real_of_a_service_that_lives_goes_at_once)
{
	struct fx *x = fx_new(NULL, "vs 1 g1; rs 1; ck; rs 2; ck");
	uint32_t real = fx_real(x, 2);

	up(x);
	fx_adopt(x, "vs 1 g1; rs 1; ck");
	cr_assert_eq(fleet_wish_peek(x->fleet, real).want, FLEET_DISABLE);
	cr_assert_eq(fleet_wish_peek(x->fleet, real).after_prefix, SLOT_NONE);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	fx_free(x);
}
