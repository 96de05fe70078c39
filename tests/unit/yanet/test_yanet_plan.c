#include "yanet/yanet_plan.h"

#include "plan_fixture.h"

TestSuite(yanet_plan, .init = setup, .fini = teardown);

/* --- acknowledgement --------------------------------------------------------------------- */

Test(yanet_plan, a21_not_acknowledged_before_the_flush)
{
	start(1);
	want(0, BALANCER_ENABLE, 10);
	cr_assert_eq(send_batch(), 1);
	cr_assert_eq(world.n_acked_all, 0);
	cr_assert_eq(row(0)->modules_in_sync, 0);
	cr_assert(yanet_plan_needs_flush(&plan));
	cr_assert_eq(yanet_plan_undelivered(&plan), 1);
	flush();
	cr_assert_eq(world.n_acked[slot(0)], 1);
	cr_assert_eq(row(0)->modules_in_sync, 1);
	cr_assert_not(yanet_plan_needs_flush(&plan));
	cr_assert_eq(yanet_plan_undelivered(&plan), 0);
}

Test(yanet_plan, a21_a_failed_flush_stays_needed)
{
	start(1);
	want(0, BALANCER_ENABLE, 10);
	send_batch();
	yanet_plan_lost(&plan);
	cr_assert_eq(world.n_acked_all, 0);
	cr_assert(yanet_plan_needs_flush(&plan));
	cr_assert_eq(yanet_plan_undelivered(&plan), 1);
	yanet_plan_connected(&plan);
	cr_assert_eq(converge(), 1, "what was staged is sent again");
	cr_assert_eq(world.n_acked[slot(0)], 1);
}

Test(yanet_plan, a21_a_failed_flush_is_repeated_even_with_nothing_to_send)
{
	start(1);
	want(0, BALANCER_ENABLE, 10);
	send_batch();
	want(0, BALANCER_NOTHING, 0);
	yanet_plan_lost(&plan);
	yanet_plan_connected(&plan);
	while (yanet_plan_has_todo(&plan, 0))
		cr_assert_eq(send_batch(), 0);
	cr_assert(yanet_plan_needs_flush(&plan));
}

Test(yanet_plan, a_wish_that_changed_on_the_way_is_not_acknowledged)
{
	start(1);
	want(0, BALANCER_ENABLE, 10);
	send_batch();
	want(0, BALANCER_ENABLE, 20);
	flush();
	cr_assert_eq(world.n_acked_all, 0);
	cr_assert_eq(row(0)->modules_in_sync, 0);
	cr_assert_eq(converge(), 1);
	cr_assert_eq(world.n_acked_all, 1);
	cr_assert(is_applied(0, 0, true, 20));
}

/* The wish changes and agg has not said so yet when the flush is looked at. */
Test(yanet_plan, a_wish_that_changed_unsaid_is_not_acknowledged)
{
	start(1);
	want(0, BALANCER_DISABLE, 0);
	send_batch();
	world_want(&world, slot(0), BALANCER_ENABLE, 10);
	flush();
	cr_assert_eq(world.n_acked_all, 0);
	yanet_plan_dirty(&plan, slot(0));
	cr_assert_eq(converge(), 1);
	cr_assert(is_applied(0, 0, true, 10));
}

/* on, off, on within one cycle: the newest entry counts, the older equal one proves nothing. */
Test(yanet_plan, an_older_equal_update_is_no_acknowledgement)
{
	start(1);
	want(0, BALANCER_ENABLE, 10);
	send_batch();
	want(0, BALANCER_DISABLE, 0);
	send_batch();
	want(0, BALANCER_ENABLE, 10);
	flush();
	cr_assert_eq(world.n_acked_all, 0);
	cr_assert(is_applied(0, 0, false, 0), "what the balancer has is the disable");
	converge();
	cr_assert_eq(world.n_acked_all, 1);
	cr_assert(is_applied(0, 0, true, 10));
}

/* The same over the border of a flush: the older one settles while a newer one is staged. */
Test(yanet_plan, settling_waits_for_what_is_staged)
{
	start(1);
	want(0, BALANCER_ENABLE, 10);
	send_batch();
	peer_flush(&peer);
	yanet_plan_flushed(&plan);
	want(0, BALANCER_DISABLE, 0);
	send_batch();
	world_want(&world, slot(0), BALANCER_ENABLE, 10);
	refill();
	cr_assert(yanet_plan_settle(&plan, &unlimited));
	cr_assert_eq(world.n_acked_all, 0);
}

/* Flushed, then overtaken by an update whose fate the lost connection hides. */
Test(yanet_plan, d25_what_settles_is_in_doubt_if_something_newer_was_lost)
{
	start(1);
	want(0, BALANCER_ENABLE, 10);
	want(1, BALANCER_ENABLE, 10);
	send_batch();
	peer_flush(&peer);
	yanet_plan_flushed(&plan);
	want(0, BALANCER_DISABLE, 0);
	send_batch();
	yanet_plan_lost(&plan);
	peer_flush(&peer); /* somebody else's */
	want(0, BALANCER_ENABLE, 10);
	refill();
	cr_assert(yanet_plan_settle(&plan, &unlimited));
	cr_assert_eq(world.n_acked[slot(0)], 0);
	cr_assert_eq(world.n_acked[slot(1)], 1, "of this nothing newer was sent");
	yanet_plan_connected(&plan);
	converge();
	cr_assert(is_applied(0, 0, true, 10));
	cr_assert_eq(world.n_acked[slot(0)], 1);
}

/* --- decisions 25: back before it was sent ----------------------------------------------- */

Test(yanet_plan, d25_down_and_up_before_the_disable_was_sent_is_acknowledged_at_once)
{
	start(1);
	want(0, BALANCER_ENABLE, 10);
	converge();
	want(0, BALANCER_DISABLE, 0);
	cr_assert_eq(row(0)->modules_in_sync, 0);
	want(0, BALANCER_ENABLE, 10);
	cr_assert_eq(world.n_acked[slot(0)], 2);
	cr_assert_eq(row(0)->modules_in_sync, 1);
	cr_assert_eq(converge(), 0);
}

Test(yanet_plan, d25_not_at_once_while_the_connection_is_lost)
{
	start(1);
	want(0, BALANCER_ENABLE, 10);
	converge();
	yanet_plan_lost(&plan);
	want(0, BALANCER_DISABLE, 0);
	want(0, BALANCER_ENABLE, 10);
	cr_assert_eq(world.n_acked[slot(0)], 1);
	yanet_plan_connected(&plan);
	converge();
	cr_assert_eq(world.n_acked[slot(0)], 2);
}

/* decisions 36: agg holds a disable back by wishing nothing; the real comes up meanwhile. */
Test(yanet_plan, d36_a_disable_that_waited_and_was_dropped_costs_nothing)
{
	start(1);
	want(0, BALANCER_ENABLE, 10);
	converge();
	want(0, BALANCER_NOTHING, 0);
	cr_assert_eq(converge(), 0);
	want(0, BALANCER_ENABLE, 10);
	cr_assert_eq(converge(), 0);
	cr_assert_eq(world.n_acked[slot(0)], 2);
	want(0, BALANCER_NOTHING, 0);
	want(0, BALANCER_DISABLE, 0);
	cr_assert_eq(converge(), 1);
	cr_assert(is_applied(0, 0, false, 0));
}

static void dirty_again(struct world *w, uint32_t real)
{
	if (w->n_acked_all < 100)
		yanet_plan_dirty(&plan, real);
}

Test(yanet_plan, an_acknowledgement_that_makes_its_real_dirty_ends)
{
	start(1);
	world.on_acked = dirty_again;
	want(0, BALANCER_ENABLE, 10);
	converge();
	cr_assert_lt(world.n_acked_all, 3);
	cr_assert_not(yanet_plan_has_todo(&plan, 0));
}

/* --- modules (decisions 25, a30) --------------------------------------------------------- */

Test(yanet_plan, a_module_that_lists_it_later_gets_it_before_the_acknowledgement)
{
	start(1);
	want(0, BALANCER_ENABLE, 10);
	send_batch();
	name_module(1);
	peer_list_all(&peer, 1, true);
	yanet_plan_appeared(&plan, slot(0), 1);
	flush();
	cr_assert_eq(world.n_acked_all, 0, "module 1 has not flushed it");
	converge();
	cr_assert_eq(world.n_acked_all, 1);
	cr_assert(is_applied(1, 0, true, 10));
}

Test(yanet_plan, a_module_that_leaves_is_waited_for_no_longer)
{
	start(2);
	want(0, BALANCER_ENABLE, 10);
	converge();
	/* as if module 1 had not yet confirmed */
	yanet_plan_appeared(&plan, slot(0), 1);
	yanet_plan_vanished(&plan, slot(0), 1);
	converge();
	cr_assert_eq(row(0)->modules_in_sync, 1);
	cr_assert_eq(world.n_acked[slot(0)], 2);
}

/* --- decisions 34: RealFind against what is in sync -------------------------------------- */

Test(yanet_plan, d34_a_difference_is_sent_again)
{
	start(1);
	want(0, BALANCER_ENABLE, 10);
	want(1, BALANCER_ENABLE, 20);
	want(2, BALANCER_DISABLE, 0);
	converge();
	slotset_clear(&plan.touched);
	yanet_plan_compare(&plan, slot(0), 0, true, 10);
	yanet_plan_compare(&plan, slot(2), 0, false, 77);
	cr_assert_not(yanet_plan_has_todo(&plan, 0));
	yanet_plan_compare(&plan, slot(0), 0, false, 10);
	yanet_plan_compare(&plan, slot(1), 0, true, 21);
	yanet_plan_compare(&plan, slot(2), 0, true, 0);
	cr_assert_eq(converge(), 3);
	cr_assert_eq(counter_get(&world.counters, CTR_YANET_REPAIRS), 3);
}

Test(yanet_plan, d34_what_came_into_sync_after_the_request_is_not_compared)
{
	start(1);
	slotset_clear(&plan.touched); /* the request */
	want(0, BALANCER_ENABLE, 10);
	yanet_plan_compare(&plan, slot(0), 0, false, 3);
	converge();
	yanet_plan_compare(&plan, slot(0), 0, false, 3); /* the snapshot from before the flush */
	cr_assert_not(yanet_plan_has_todo(&plan, 0));
	slotset_clear(&plan.touched); /* the next one */
	yanet_plan_compare(&plan, slot(0), 0, false, 3);
	cr_assert(yanet_plan_has_todo(&plan, 0));
}

Test(yanet_plan, d34_what_is_staged_is_not_compared)
{
	start(1);
	want(0, BALANCER_ENABLE, 10);
	converge();
	slotset_clear(&plan.touched);
	want(0, BALANCER_ENABLE, 20);
	send_batch();
	yanet_plan_compare(&plan, slot(0), 0, true, 10);
	cr_assert_not(yanet_plan_has_todo(&plan, 0));
	cr_assert_eq(counter_get(&world.counters, CTR_YANET_REPAIRS), 0);
}

/* RealFind shows it disabled: it is sent again, and nobody is told that it is not held. */
Test(yanet_plan, d25_a_difference_does_not_end_held)
{
	start(1);
	want(0, BALANCER_ENABLE, 10);
	converge();
	slotset_clear(&plan.touched);
	yanet_plan_compare(&plan, slot(0), 0, false, 3);
	yanet_plan_lost(&plan);
	yanet_plan_connected(&plan);
	converge();
	cr_assert_eq(world.n_unlisted[slot(0)], 0);
	cr_assert_eq(world.n_acked[slot(0)], 2);
	cr_assert(world.acked[slot(0)].want == BALANCER_ENABLE);
}

/* --- a3: reconnect ----------------------------------------------------------------------- */

Test(yanet_plan, a3_after_a_reconnect_the_full_state_is_sent)
{
	start(1);
	for (uint32_t r = 0; r < REALS; r++)
		want(r, r % 2 ? BALANCER_DISABLE : BALANCER_ENABLE, 10);
	converge();
	peer_forget(&peer);
	yanet_plan_lost(&plan);
	yanet_plan_connected(&plan);
	cr_assert_eq(converge(), REALS, "enables and explicit disables");
	for (uint32_t r = 0; r < REALS; r++)
		cr_assert_eq(peer_at(&peer, 0, 0, r)->shown_on, r % 2 == 0);
}

Test(yanet_plan, d37_undelivered_counts_changes_while_away)
{
	start(1);
	want(0, BALANCER_ENABLE, 10);
	want(1, BALANCER_ENABLE, 10);
	converge();
	yanet_plan_lost(&plan);
	cr_assert_eq(yanet_plan_undelivered(&plan), 0);
	want(0, BALANCER_DISABLE, 0);
	cr_assert_eq(yanet_plan_undelivered(&plan), 1);
}

/* --- decisions 45: the withdrawing stop -------------------------------------------------- */

Test(yanet_plan, d45_stop_disables_all_that_is_listed_undecided_too)
{
	start(1);
	want(0, BALANCER_ENABLE, 10);
	converge();
	peer_at(&peer, 0, 0, 5)->applied_on = true; /* kept from an earlier life, undecided */
	yanet_plan_stop(&plan);
	want(1, BALANCER_ENABLE, 10); /* too late */
	cr_assert_eq(converge(), REALS);
	for (uint32_t r = 0; r < REALS; r++)
		cr_assert(is_applied(0, r, false, 0));
	cr_assert_eq(world.n_acked_all, 1, "nobody asks for acknowledgements of the stop");
	cr_assert_eq(yanet_plan_undelivered(&plan), 0);
}

/* --- decisions 4: slices ----------------------------------------------------------------- */

Test(yanet_plan, d4_work_ends_with_the_budget)
{
	struct yanet_budget b = {0};

	teardown();
	setup_with(1000);
	start(1);
	for (uint32_t r = 0; r < 1000; r++)
		want(r, BALANCER_ENABLE, 10);
	yanet_budget_turn(&b, 1, 100, 0);
	cr_assert_eq(yanet_fill(&plan, &request, 0, &b), 100);
	converge();
	yanet_plan_resync(&plan);
	while (yanet_plan_has_todo(&plan, 0))
		send_batch();
	peer_flush(&peer);
	yanet_plan_flushed(&plan);
	world.n_acked_all = 0;
	yanet_budget_turn(&b, 2, 100, 0);
	cr_assert_not(yanet_plan_settle(&plan, &b));
	cr_assert_eq(world.n_acked_all, 100);
}
