#include "yanet/yanet_plan.h"

#include "mini_peer.h"

enum { REALS = 8, SLOTS = 64 };

static struct world world;
static struct peer peer;
static struct yanet_plan plan;
static struct yanet_request request;
static struct balancer_args args;
static struct yanet_budget unlimited;

static void setup_with(uint32_t n_reals)
{
	world_init(&world, MAX(SLOTS, n_reals));
	peer_init(&peer, 1, n_reals);
	world_build(&world, 1, n_reals, NULL);
	args = (struct balancer_args){.tables = &world.tables,
				      .counters = &world.counters,
				      .app = &world.app,
				      .hooks = world.hooks};
	yanet_plan_init(&plan, &args);
	cr_assert_eq(yanet_encode_init(&request), 0);
	cr_assert_eq(yanet_plan_adopt(&plan, world.gen, world.diff, 0), 0);
}

static void setup(void)
{
	setup_with(REALS);
}

static void teardown(void)
{
	yanet_encode_deinit(&request);
	yanet_plan_deinit(&plan);
	peer_deinit(&peer);
	world_deinit(&world);
}

TestSuite(yanet_plan, .init = setup, .fini = teardown);

static uint32_t slot(uint32_t r)
{
	return world_slot(&world, 0, r);
}

static const struct real_row *row(uint32_t r)
{
	return state_real(&world.tables, slot(r));
}

static void name_module(unsigned m)
{
	char name[] = "balancer0";
	struct yanet_name n;

	name[8] = (char)('0' + m);
	cr_assert(yanet_name_make(name, 9, &n));
	cr_assert_eq(yanet_modules_found(&plan.modules, &n), m);
}

/* RealFind shows all reals in modules 0..n-1. */
static void list_all(unsigned n_modules)
{
	for (unsigned m = 0; m < n_modules; m++) {
		name_module(m);
		peer_list_all(&peer, m, true);
		for (uint32_t r = 0; r < peer.n_reals; r++)
			yanet_plan_appeared(&plan, slot(r), m);
	}
	plan.has_found = true;
}

static void want(uint32_t r, enum balancer_want what, uint16_t weight)
{
	world_want(&world, slot(r), what, weight);
	yanet_plan_dirty(&plan, slot(r));
}

static void refill(void)
{
	static uint64_t turn;

	yanet_budget_turn(&unlimited, ++turn, UINT32_MAX, 0);
}

/* One Real call; returns its updates. */
static uint32_t send_batch(void)
{
	struct peer_bytes b, inner;
	uint32_t n;
	uint64_t v;

	refill();
	n = yanet_plan_fill(&plan, &request, world.now_ns, &unlimited);
	b = (struct peer_bytes){request.body, request.mem + yanet_encode_end(&request)};
	while (peer_field(&b, &v, &inner))
		peer_update(&peer, inner);
	cr_assert_not(peer.lacks_key);
	return n;
}

static void flush(void)
{
	peer_flush(&peer);
	yanet_plan_flushed(&plan);
	refill();
	cr_assert(yanet_plan_settle(&plan, &unlimited));
}

/* Everything to the end; returns the updates. */
static uint32_t converge(void)
{
	uint32_t n = 0;

	while (yanet_plan_has_todo(&plan, world.now_ns))
		n += send_batch();
	if (yanet_plan_needs_flush(&plan))
		flush();
	return n;
}

static void start(unsigned n_modules)
{
	yanet_plan_connected(&plan);
	list_all(n_modules);
	converge();
}

static bool is_applied(unsigned m, uint32_t r, bool on, uint32_t weight)
{
	const struct peer_state *st = peer_at(&peer, m, 0, r);

	return st->applied_on == on && (!on || st->applied_weight == weight);
}

/* --- decisions 20: undecided -------------------------------------------------------------------
 */

Test(yanet_plan, d20_nothing_is_sent_for_an_undecided_real)
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

/* --- acknowledgement ---------------------------------------------------------------------------
 */

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
	cr_assert_eq(row(0)->acked_weight, 10);
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

/* --- decisions 25: back before it was sent -----------------------------------------------------
 */

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

/* --- modules (decisions 25, a30) ---------------------------------------------------------------
 */

Test(yanet_plan, a30_updates_go_to_every_module_that_lists_the_real)
{
	start(3);
	want(0, BALANCER_ENABLE, 10);
	cr_assert_eq(converge(), 3);
	for (unsigned m = 0; m < 3; m++)
		cr_assert(is_applied(m, 0, true, 10));
	cr_assert_eq(row(0)->modules_in_sync, 7);
	cr_assert_eq(world.n_acked[slot(0)], 1);
}

Test(yanet_plan, a30_a_real_in_no_module_is_not_sent)
{
	yanet_plan_connected(&plan);
	plan.has_found = true;
	want(0, BALANCER_ENABLE, 10);
	cr_assert_eq(converge(), 0);
	cr_assert_eq(yanet_plan_undelivered(&plan), 0, "it is absent, not undelivered");
	list_all(1);
	cr_assert_eq(converge(), 1, "sent when a module lists it");
}

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

Test(yanet_plan, a_batch_ends_before_a_real_that_would_not_fit_whole)
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

/* --- decisions 34: RealFind against what is in sync --------------------------------------------
 */

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

/* --- a3: reconnect -----------------------------------------------------------------------------
 */

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

/* Changes overtake the full state that is on its way. */
Test(yanet_plan, changes_go_before_the_full_state)
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

/* --- decisions 36: removed reals ---------------------------------------------------------------
 */

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

Test(yanet_plan, d36_a_removed_real_is_disabled)
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

Test(yanet_plan, d36_a_removed_real_is_disabled_where_it_took_an_enable)
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

Test(yanet_plan, d36_a_removed_real_waits_for_its_withdrawal)
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

Test(yanet_plan, d36_a_removed_real_waits_no_longer_than_withdraw_wait)
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
Test(yanet_plan, an_acknowledgement_for_a_removed_real_goes_nowhere)
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

Test(yanet_plan, a_real_nobody_lists_leaves_no_tombstone)
{
	yanet_plan_connected(&plan);
	plan.has_found = true;
	remove_real_0();
	cr_assert_eq(plan.tombs.n, 0);
}

/* --- decisions 45: the withdrawing stop --------------------------------------------------------
 */

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

/* --- decisions 4: slices -----------------------------------------------------------------------
 */

Test(yanet_plan, d4_work_ends_with_the_budget)
{
	struct yanet_budget b = {0};

	teardown();
	setup_with(1000);
	start(1);
	for (uint32_t r = 0; r < 1000; r++)
		want(r, BALANCER_ENABLE, 10);
	yanet_budget_turn(&b, 1, 100, 0);
	cr_assert_eq(yanet_plan_fill(&plan, &request, 0, &b), 100);
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
