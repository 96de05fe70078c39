#include "yanet/yanet_fill.h"

#include "plan_fixture.h"

TestSuite(yanet_fill, .init = setup, .fini = teardown);

Test(yanet_fill, d20_nothing_is_sent_for_an_undecided_real)
{
	start(1);
	cr_assert_eq(peer.n_updates, 0);
	want(0, BALANCER_ENABLE, 10);
	want(1, BALANCER_DISABLE, 0);
	yanet_plan_resync(&plan);
	cr_assert_eq(converge(), 2, "full state is that of the decided reals");
	cr_assert(is_applied(0, 0, true, 10));
	cr_assert_eq(yanet_plan_undelivered(&plan), 0);
}

Test(yanet_fill, a30_updates_go_to_every_module_that_lists_the_real)
{
	start(3);
	want(0, BALANCER_ENABLE, 10);
	cr_assert_eq(converge(), 3);
	for (unsigned m = 0; m < 3; m++)
		cr_assert(is_applied(m, 0, true, 10));
	cr_assert_eq(row(0)->modules_in_sync, 7);
	cr_assert_eq(world.n_acked[slot(0)], 1);
}

Test(yanet_fill, a30_a_real_in_no_module_is_not_sent)
{
	yanet_plan_connected(&plan);
	plan.has_found = true;
	want(0, BALANCER_ENABLE, 10);
	cr_assert_eq(converge(), 0);
	cr_assert_eq(yanet_plan_undelivered(&plan), 0, "it is absent, not undelivered");
	list_all(1);
	cr_assert_eq(converge(), 1, "sent when a module lists it");
}

Test(yanet_fill, a_batch_ends_before_a_real_that_would_not_fit_whole)
{
	teardown();
	setup_with(300);
	start(3);
	for (uint32_t r = 0; r < 300; r++)
		want(r, BALANCER_DISABLE, 0);
	cr_assert_eq(send_batch(), 510);
	cr_assert_eq(converge(), 390);
	cr_assert_eq(world.n_acked_all, 300);
}

/* Changes overtake the full state that is on its way. */
Test(yanet_fill, changes_go_before_the_full_state)
{
	teardown();
	setup_with(2000);
	start(1);
	for (uint32_t r = 0; r < 2000; r++)
		want(r, BALANCER_ENABLE, 10);
	converge();
	yanet_plan_resync(&plan);
	cr_assert_eq(send_batch(), YANET_BATCH_MAX);
	want(1999, BALANCER_DISABLE, 0);
	cr_assert_eq(send_batch(), YANET_BATCH_MAX);
	cr_assert_not(peer_at(&peer, 0, 0, 1999)->wanted_on);
	cr_assert(plan.has_staged_urgent);
}

/* --- decisions 36: removed reals --------------------------------------------------------- */

static bool all_but_0(uint32_t s, uint32_t r)
{
	(void)s;
	return r != 0;
}

static uint32_t remove_real_0(void)
{
	uint32_t gone = slot(0);

	world_build(&world, 1, REALS, all_but_0);
	cr_assert_eq(yanet_plan_adopt(&plan, world.gen, world.diff, 500), 0);
	memset(state_real(&world.tables, gone), 0, sizeof(struct real_row));
	return gone;
}

Test(yanet_fill, d36_a_removed_real_is_disabled)
{
	start(1);
	want(0, BALANCER_ENABLE, 10);
	converge();
	world_want(&world, slot(0), BALANCER_DISABLE, 0);
	remove_real_0();
	cr_assert_eq(yanet_plan_undelivered(&plan), 1);
	cr_assert_eq(send_batch(), 1);
	yanet_plan_lost(&plan);
	yanet_plan_connected(&plan);
	cr_assert_geq(converge(), 1, "until it is acknowledged");
	cr_assert(is_applied(0, 0, false, 0));
	cr_assert_eq(yanet_plan_undelivered(&plan), 0);
}

Test(yanet_fill, d36_a_removed_real_is_disabled_where_it_took_an_enable)
{
	start(2);
	want(0, BALANCER_ENABLE, 10);
	converge();
	/* module 0 dropped it from its file; its wish stays on there (spec §8) */
	yanet_plan_vanished(&plan, slot(0), 2);
	world_want(&world, slot(0), BALANCER_DISABLE, 0);
	remove_real_0();
	cr_assert_eq(converge(), 2);
	cr_assert_not(peer_at(&peer, 0, 0, 0)->wanted_on);
	cr_assert_not(peer_at(&peer, 1, 0, 0)->wanted_on);
}

Test(yanet_fill, d36_a_removed_real_waits_for_its_withdrawal)
{
	uint32_t gone;

	start(1);
	want(0, BALANCER_ENABLE, 10);
	converge();
	world_want(&world, slot(0), BALANCER_NOTHING, 0);
	gone = remove_real_0();
	cr_assert_eq(converge(), 0);
	world.now_ns = 499;
	cr_assert_eq(converge(), 0);
	yanet_plan_dirty(&plan, gone);
	cr_assert_eq(converge(), 1);
}

Test(yanet_fill, d36_a_removed_real_waits_no_longer_than_withdraw_wait)
{
	start(1);
	want(0, BALANCER_ENABLE, 10);
	converge();
	world_want(&world, slot(0), BALANCER_NOTHING, 0);
	remove_real_0();
	world.now_ns = 500;
	cr_assert_eq(converge(), 1);
}

/* A late flush acknowledgement of the old real's enable must not touch what has its slot later. */
Test(yanet_fill, an_acknowledgement_for_a_removed_real_goes_nowhere)
{
	start(1);
	want(0, BALANCER_ENABLE, 10);
	send_batch();
	world_want(&world, slot(0), BALANCER_DISABLE, 0);
	remove_real_0();
	flush();
	cr_assert_eq(world.n_acked_all, 0);
	cr_assert_eq(converge(), 1);
}

Test(yanet_fill, a_real_nobody_lists_leaves_no_tombstone)
{
	yanet_plan_connected(&plan);
	plan.has_found = true;
	remove_real_0();
	cr_assert_eq(plan.tombs.n, 0);
}

/* --- memory and budget ---------------------------------------------------------------------------
 */

/* More updates than one list holds: a flush makes room, and nothing is lost. */
Test(yanet_fill, a_full_list_is_flushed_first)
{
	start(1);
	want(0, BALANCER_ENABLE, 10);
	plan.staged.cap = plan.staged.n = YANET_SENT_MAX;
	plan.staged.at = calloc(YANET_SENT_MAX, sizeof(*plan.staged.at));
	cr_assert_eq(send_batch(), 0);
	cr_assert_not(yanet_plan_has_todo(&plan, 0));
	cr_assert(yanet_plan_needs_flush(&plan));
	flush();
	cr_assert(yanet_plan_has_todo(&plan, 0));
	cr_assert_eq(converge(), 1);
	cr_assert_eq(world.n_acked_all, 1);
}

Test(yanet_fill, d4_an_empty_budget_sends_nothing_and_keeps_everything)
{
	struct yanet_budget b = {0};

	start(1);
	for (uint32_t r = 0; r < REALS; r++)
		want(r, BALANCER_ENABLE, 10);
	yanet_budget_turn(&b, 1, 0, 0);
	cr_assert_eq(yanet_fill(&plan, &request, 0, &b), 0);
	cr_assert_eq(yanet_plan_undelivered(&plan), REALS);
	cr_assert_eq(converge(), REALS);
}
