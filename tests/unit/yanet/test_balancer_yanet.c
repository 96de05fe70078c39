#include "yanet/balancer_yanet.h"

#include <sys/resource.h>
#include <time.h>

#include "base/clk.h"
#include "mini_peer.h"

static struct world world;
static struct peer peer;
static struct evloop *loop;
static struct balancer *balancer;
static struct balancer_yanet_tuning tuning;
static uint64_t longest_work_ns; /* thread time of one turn */

static void make_world(uint32_t n_services, uint32_t n_reals)
{
	world_init(&world, n_services * n_reals + 64);
	peer_init(&peer, n_services, n_reals);
	world_build(&world, n_services, n_reals, NULL);
	peer_list_all(&peer, 0, true);
	world.app.balancer.flush_period_ns = 0;
	world.app.balancer.sync_states_period_ns = 20 * CLK_MS;
	snprintf(peer.path, sizeof(peer.path), "/tmp/alived-yanet-%d.sock", (int)getpid());
	world.app.yanet.control_plane_sock_path = peer.path;
}

static void start(void)
{
	struct balancer_args args = {.loop = loop,
				     .tables = &world.tables,
				     .counters = &world.counters,
				     .app = &world.app,
				     .hooks = world.hooks};

	cr_assert_eq(balancer_yanet_new(&args, &tuning, &balancer), 0);
	cr_assert_eq(balancer_adopt(balancer, world.gen, world.diff), 0);
}

static void setup(void)
{
	loop = evloop_new();
	tuning = balancer_yanet_defaults;
	tuning.backoff_min_ns = CLK_MS;
	tuning.backoff_max_ns = 5 * CLK_MS;
	make_world(2, 4);
	peer_listen(&peer);
	start();
}

static void teardown(void)
{
	balancer_free(balancer);
	evloop_free(loop);
	peer_deinit(&peer);
	world_deinit(&world);
}

TestSuite(balancer_yanet, .init = setup, .fini = teardown, .timeout = 50);

static uint64_t thread_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * CLK_S + (uint64_t)t.tv_nsec;
}

static uint64_t turn(void)
{
	uint64_t begin = thread_ns(), used;

	evloop_turn(loop, 200 * CLK_US);
	used = thread_ns() - begin;
	longest_work_ns = MAX(longest_work_ns, used);
	peer_turn(&peer);
	return used;
}

#define TURN_UNTIL(cond)                                                  \
	do {                                                              \
		uint64_t until_ = clk_mono_ns() + 20 * CLK_S;             \
		while (!(cond)) {                                         \
			cr_assert_lt(clk_mono_ns(), until_, "%s", #cond); \
			turn();                                           \
		}                                                         \
	} while (0)

static void turn_for(uint64_t ns)
{
	uint64_t until = clk_mono_ns() + ns;

	while (clk_mono_ns() < until)
		turn();
}

static struct balancer_status status(void)
{
	struct balancer_status s;

	balancer_status(balancer, &s);
	return s;
}

static bool is_settled(void)
{
	return status().has_found && balancer_is_idle(balancer);
}

static void want(uint32_t s, uint32_t r, enum balancer_want what, uint16_t weight)
{
	uint32_t slot = world_slot(&world, s, r);

	world_want(&world, slot, what, weight);
	balancer_dirty(balancer, slot);
}

static void want_all(enum balancer_want what, uint16_t weight)
{
	for (uint32_t s = 0; s < peer.n_services; s++) {
		for (uint32_t r = 0; r < peer.n_reals; r++)
			want(s, r, what, weight);
	}
}

static bool all_applied(unsigned m, bool on, uint32_t weight)
{
	for (uint32_t i = 0; i < peer.n_services * peer.n_reals; i++) {
		const struct peer_state *st = &peer.states[m][i];

		if (st->applied_on != on || (on && st->applied_weight != weight))
			return false;
	}
	return true;
}

static uint64_t count(enum counter which)
{
	return counter_get(&world.counters, which);
}

/* A control plane that died and came back with nothing. */
static void restart(void)
{
	peer_die(&peer);
	peer_forget(&peer);
	peer_listen(&peer);
}

/* --- the ordinary way -------------------------------------------------------------------- */

Test(balancer_yanet, a_wish_becomes_applied_and_acknowledged)
{
	TURN_UNTIL(status().has_found);
	cr_assert_eq(world.n_first_find, 1);
	cr_assert_eq(world.n_listed_all, 8);
	cr_assert_eq(peer.n_calls[PEER_REAL], 0, "nothing is decided");
	cr_assert_eq(peer.n_calls[PEER_FLUSH], 0, "an empty flush costs YANET a rebuild");
	want(0, 1, BALANCER_ENABLE, 10);
	TURN_UNTIL(world.n_acked_all == 1);
	cr_assert(peer_at(&peer, 0, 0, 1)->applied_on);
	cr_assert_eq(peer.n_updates, 1);
	cr_assert_eq(peer.n_calls[PEER_FLUSH], 1);
	cr_assert(balancer_is_idle(balancer));
	cr_assert(status().is_connected && world.is_connected);
	cr_assert_eq(status().n_modules, 1);
	cr_assert_str_eq(status().last_error, "");
}

Test(balancer_yanet, d4_changes_of_one_turn_go_in_one_request)
{
	TURN_UNTIL(status().has_found);
	want_all(BALANCER_ENABLE, 7);
	TURN_UNTIL(world.n_acked_all == 8);
	cr_assert_eq(peer.n_calls[PEER_REAL], 1);
	cr_assert_eq(peer.n_calls[PEER_FLUSH], 1);
	cr_assert(all_applied(0, true, 7));
	turn_for(50 * CLK_MS);
	cr_assert_eq(peer.n_calls[PEER_FLUSH], 1, "nothing staged, no flush");
}

Test(balancer_yanet, d34_what_somebody_else_changed_is_put_right)
{
	TURN_UNTIL(status().has_found);
	want_all(BALANCER_ENABLE, 7);
	TURN_UNTIL(is_settled());
	peer_at(&peer, 0, 1, 2)->shown_on = peer_at(&peer, 0, 1, 2)->wanted_on = false;
	peer_at(&peer, 0, 1, 2)->applied_on = false;
	TURN_UNTIL(all_applied(0, true, 7) && is_settled());
	cr_assert_eq(count(CTR_YANET_REPAIRS), 1);
	turn_for(60 * CLK_MS);
	cr_assert_eq(count(CTR_YANET_REPAIRS), 1);
	cr_assert_eq(peer.n_updates, 9);
}

Test(balancer_yanet, d35_the_flush_period_is_a_limit_not_a_delay)
{
	uint64_t first, second;

	world.app.balancer.flush_period_ns = 150 * CLK_MS;
	TURN_UNTIL(status().has_found);
	first = clk_mono_ns();
	want(0, 0, BALANCER_ENABLE, 1);
	TURN_UNTIL(world.n_acked_all == 1);
	cr_assert_lt(clk_mono_ns() - first, 100 * CLK_MS, "the first change goes at once");
	second = clk_mono_ns();
	want(0, 1, BALANCER_ENABLE, 1);
	turn_for(30 * CLK_MS);
	want(0, 2, BALANCER_ENABLE, 1);
	TURN_UNTIL(world.n_acked_all == 3);
	cr_assert_geq(clk_mono_ns() - first, 150 * CLK_MS);
	cr_assert_lt(clk_mono_ns() - second, 400 * CLK_MS);
	cr_assert_eq(peer.n_calls[PEER_FLUSH], 2);
	cr_assert_eq(peer.n_calls[PEER_REAL], 2);
}

/* --- a3, reconnects ---------------------------------------------------------------------- */

Test(balancer_yanet, a3_a_restart_with_lost_state_heals)
{
	TURN_UNTIL(status().has_found);
	for (uint32_t r = 0; r < 4; r++) {
		want(0, r, BALANCER_ENABLE, 10);
		want(1, r, BALANCER_DISABLE, 0);
	}
	TURN_UNTIL(is_settled());
	restart();
	for (unsigned i = 0; i < 8; i++) /* numbers assigned afresh: anything is possible */
		peer.states[0][i].applied_on = i >= 4;
	TURN_UNTIL(peer.n_connects == 4 && is_settled() && peer.n_updates == 16);
	for (uint32_t r = 0; r < 4; r++) {
		cr_assert(peer_at(&peer, 0, 0, r)->applied_on);
		cr_assert_not(peer_at(&peer, 0, 1, r)->applied_on, "explicit disables too");
	}
	for (uint32_t i = 0; i < world.gen->end_reals; i++)
		cr_assert_eq(world.n_unlisted[i], 0, "a disconnect ends nothing");
	cr_assert_eq(count(CTR_YANET_CONNECTS), 4);
}

Test(balancer_yanet, a3_changes_while_it_is_away_are_delivered)
{
	TURN_UNTIL(status().has_found);
	want_all(BALANCER_ENABLE, 10);
	TURN_UNTIL(is_settled());
	peer_die(&peer);
	TURN_UNTIL(!status().is_connected);
	TURN_UNTIL(!world.is_connected);
	want(0, 0, BALANCER_DISABLE, 0);
	want(0, 1, BALANCER_ENABLE, 20);
	turn_for(20 * CLK_MS);
	cr_assert_eq(status().n_undelivered, 2);
	cr_assert_neq(status().last_error[0], 0);
	peer_listen(&peer);
	TURN_UNTIL(status().is_connected && is_settled());
	cr_assert_not(peer_at(&peer, 0, 0, 0)->applied_on);
	cr_assert_eq(peer_at(&peer, 0, 0, 1)->applied_weight, 20);
}

/* YANET is there later than we are. */
Test(balancer_yanet, a_late_balancer_gets_everything)
{
	peer_die(&peer);
	unlink(peer.path);
	want_all(BALANCER_ENABLE, 5);
	turn_for(30 * CLK_MS);
	cr_assert_eq(status().n_undelivered, 8);
	cr_assert_not(status().has_found);
	cr_assert_eq(status().n_absent, 0, "nobody knows yet");
	peer_listen(&peer);
	TURN_UNTIL(is_settled() && all_applied(0, true, 5));
	cr_assert_eq(world.n_acked_all, 8);
}

Test(balancer_yanet, a21_a_flush_that_is_not_answered_is_repeated)
{
	TURN_UNTIL(status().has_found);
	peer.close_on = PEER_FLUSH;
	want(0, 0, BALANCER_ENABLE, 10);
	TURN_UNTIL(peer.n_calls[PEER_FLUSH] >= 2);
	cr_assert_eq(world.n_acked_all, 0);
	peer.close_on = -1;
	TURN_UNTIL(world.n_acked_all == 1 && is_settled());
	cr_assert(peer_at(&peer, 0, 0, 0)->applied_on);
}

Test(balancer_yanet, a3_the_full_state_after_real_find_alone_was_closed)
{
	TURN_UNTIL(status().has_found);
	want_all(BALANCER_ENABLE, 10);
	TURN_UNTIL(is_settled());
	peer.close_on = PEER_FIND;
	TURN_UNTIL(!status().is_connected);
	peer.close_on = -1;
	TURN_UNTIL(peer.n_updates == 16 && is_settled());
}

/* --- b3, b4: a bad peer ------------------------------------------------------------------ */

Test(balancer_yanet, b3_a_hung_real_find_does_not_hold_up_updates)
{
	TURN_UNTIL(status().has_found);
	peer.hangs[PEER_FIND] = true;
	turn_for(30 * CLK_MS);
	want(0, 0, BALANCER_ENABLE, 10);
	TURN_UNTIL(world.n_acked_all == 1);
}

Test(balancer_yanet, b3_a_hung_flush_is_given_up_and_heals)
{
	balancer_free(balancer);
	world.is_connected = false;
	peer_drop_all(&peer);
	tuning.deadline_ns = 30 * CLK_MS;
	start();
	TURN_UNTIL(status().has_found);
	peer.hangs[PEER_FLUSH] = true;
	want(0, 0, BALANCER_ENABLE, 10);
	TURN_UNTIL(count(CTR_YANET_FAILURES) > 0);
	cr_assert_eq(world.n_acked_all, 0);
	peer.hangs[PEER_FLUSH] = false;
	TURN_UNTIL(world.n_acked_all == 1);
}

/* RealFind is too slow for our deadline: the connection is made anew, the state is not resent. */
Test(balancer_yanet, b3_a_hung_real_find_is_no_reason_to_resend)
{
	balancer_free(balancer);
	world.is_connected = false;
	peer_drop_all(&peer);
	tuning.deadline_ns = 30 * CLK_MS;
	start();
	TURN_UNTIL(status().has_found);
	want_all(BALANCER_ENABLE, 10);
	TURN_UNTIL(is_settled());
	peer.hangs[PEER_FIND] = true;
	TURN_UNTIL(count(CTR_YANET_FAILURES) >= 2);
	cr_assert_eq(peer.n_updates, 8);
	cr_assert_eq(peer.n_calls[PEER_FLUSH], 1);
}

static void expect_refused(const uint8_t *reply, size_t n)
{
	TURN_UNTIL(status().has_found);
	want_all(BALANCER_ENABLE, 10);
	TURN_UNTIL(is_settled());
	peer.raw_find = reply;
	peer.raw_find_len = n;
	TURN_UNTIL(count(CTR_YANET_FAILURES) >= 3);
	for (uint32_t i = 0; i < world.gen->end_reals; i++)
		cr_assert_eq(world.n_unlisted[i], 0);
	cr_assert_eq(world.n_first_find, 1);
	peer.raw_find = NULL;
	TURN_UNTIL(status().is_connected);
	want(0, 0, BALANCER_DISABLE, 0);
	TURN_UNTIL(is_settled() && !peer_at(&peer, 0, 0, 0)->applied_on);
}

static void expect_vector_refused(const char *name)
{
	static uint8_t reply[1024];
	size_t n = world_vector(name, reply, sizeof(reply));

	expect_refused(reply, n);
}

Test(balancer_yanet, b4_vector_91_is_refused)
{
	expect_vector_refused("91_bad_reply_inner_length");
}

Test(balancer_yanet, b4_vector_92_is_refused)
{
	expect_vector_refused("92_bad_reply_overlong_varint");
}

Test(balancer_yanet, b4_vector_94_is_refused)
{
	struct rusage before, after;

	getrusage(RUSAGE_SELF, &before);
	expect_vector_refused("94_bad_reply_huge_length");
	getrusage(RUSAGE_SELF, &after);
	cr_assert_lt(after.ru_maxrss - before.ru_maxrss, 16 * 1024, "KiB");
}

/* --- presence ---------------------------------------------------------------------------- */

Test(balancer_yanet, d25_absent_reals_are_not_sent_and_come_when_listed)
{
	TURN_UNTIL(status().has_found);
	peer_at(&peer, 0, 0, 3)->is_listed = false;
	want_all(BALANCER_ENABLE, 10);
	TURN_UNTIL(is_settled());
	TURN_UNTIL(world.n_unlisted[world_slot(&world, 0, 3)] == 1);
	cr_assert_eq(status().n_absent, 1);
	want(0, 3, BALANCER_ENABLE, 11);
	turn_for(30 * CLK_MS);
	cr_assert_neq(peer_at(&peer, 0, 0, 3)->wanted_weight, 11);
	peer_at(&peer, 0, 0, 3)->is_listed = true;
	TURN_UNTIL(peer_at(&peer, 0, 0, 3)->applied_weight == 11);
	cr_assert_eq(world.n_listed[world_slot(&world, 0, 3)], 2);
	TURN_UNTIL(status().n_absent == 0);
}

Test(balancer_yanet, a30_two_modules_get_the_state_of_what_they_list)
{
	peer_list_all(&peer, 2, true);
	peer_at(&peer, 2, 1, 0)->is_listed = false;
	TURN_UNTIL(status().has_found);
	cr_assert_eq(status().n_modules, 2);
	want_all(BALANCER_ENABLE, 10);
	TURN_UNTIL(is_settled());
	cr_assert_eq(peer.n_updates, 15);
	cr_assert(all_applied(0, true, 10));
	cr_assert(peer_at(&peer, 2, 0, 0)->applied_on);
	cr_assert_not(peer_at(&peer, 2, 1, 0)->wanted_on);
	/* the second module gains it */
	peer_at(&peer, 2, 1, 0)->is_listed = true;
	TURN_UNTIL(peer_at(&peer, 2, 1, 0)->applied_on);
}

/* --- reload, stop ------------------------------------------------------------------------ */

static bool without_0_0(uint32_t s, uint32_t r)
{
	return s != 0 || r != 0;
}

static void reload(world_keep_fn keep)
{
	world_build(&world, peer.n_services, peer.n_reals, keep);
	cr_assert_eq(balancer_adopt(balancer, world.gen, world.diff), 0);
}

Test(balancer_yanet, d36_a_removed_real_is_disabled_even_if_yanet_was_away)
{
	TURN_UNTIL(status().has_found);
	want_all(BALANCER_ENABLE, 10);
	TURN_UNTIL(is_settled());
	peer_die(&peer);
	TURN_UNTIL(!status().is_connected);
	world_want(&world, world_slot(&world, 0, 0), BALANCER_DISABLE, 0);
	reload(without_0_0);
	turn_for(10 * CLK_MS);
	cr_assert_eq(status().n_undelivered, 1);
	peer_listen(&peer);
	TURN_UNTIL(status().is_connected && is_settled());
	cr_assert_not(peer_at(&peer, 0, 0, 0)->applied_on);
	cr_assert(peer_at(&peer, 0, 0, 1)->applied_on);
	TURN_UNTIL(status().n_foreign == 1);
}

Test(balancer_yanet, an_added_real_is_looked_for_at_once)
{
	world.app.balancer.sync_states_period_ns = 60 * CLK_S;
	reload(without_0_0);
	TURN_UNTIL(status().has_found);
	cr_assert_eq(world.n_listed_all, 7);
	reload(NULL);
	TURN_UNTIL(world.n_listed_all == 8);
	want(0, 0, BALANCER_ENABLE, 9);
	TURN_UNTIL(is_settled());
	cr_assert(peer_at(&peer, 0, 0, 0)->applied_on);
}

Test(balancer_yanet, d45_disable_all_disables_undecided_reals_too)
{
	TURN_UNTIL(status().has_found);
	want(0, 0, BALANCER_ENABLE, 10);
	TURN_UNTIL(is_settled());
	for (unsigned i = 0; i < 8; i++)
		peer.states[0][i].applied_on = peer.states[0][i].wanted_on = true;
	world.app.balancer.flush_period_ns = 3600 * CLK_S; /* the stop does not wait for it */
	balancer_disable_all(balancer);
	cr_assert_not(balancer_is_idle(balancer));
	TURN_UNTIL(balancer_is_idle(balancer));
	cr_assert(all_applied(0, false, 0));
}

Test(balancer_yanet, d45_disable_all_before_the_first_reply_waits_for_it)
{
	balancer_disable_all(balancer);
	for (unsigned i = 0; i < 8; i++)
		peer.states[0][i].applied_on = peer.states[0][i].wanted_on = true;
	turn(); /* connected */
	cr_assert_not(balancer_is_idle(balancer));
	TURN_UNTIL(balancer_is_idle(balancer));
	cr_assert(all_applied(0, false, 0));
}

Test(balancer_yanet, d45_disable_all_is_over_when_the_peer_is_away)
{
	TURN_UNTIL(status().has_found);
	peer_die(&peer);
	TURN_UNTIL(!status().is_connected);
	balancer_disable_all(balancer);
	cr_assert(balancer_is_idle(balancer));
}

/* --- size -------------------------------------------------------------------------------- */

/* 100,000 reals: full state after a restart within 1 s of thread time, in turns that leave room for
 * the results (perf.md; decisions 4). Only our side's thread time counts. */
Test(balancer_yanet, d4_full_state_of_100000_reals)
{
	uint64_t used = 0;

	teardown();
	loop = evloop_new();
	make_world(10, 10000);
	world.app.balancer.sync_states_period_ns = 60 * CLK_S;
	peer_listen(&peer);
	start();
	TURN_UNTIL(status().has_found);
	cr_assert_eq(world.n_listed_all, 100000);
	want_all(BALANCER_ENABLE, 10);
	TURN_UNTIL(is_settled());
	restart();
	peer.n_updates = 0;
	longest_work_ns = 0;
	while (!(status().is_connected && is_settled() && peer.n_updates >= 100000))
		used += turn();
	cr_assert(all_applied(0, true, 10));
	cr_assert_eq(peer.n_updates, 100000);
	fprintf(stderr, "full state of 100,000 reals: %.1f ms, longest turn %.2f ms\n",
		(double)used / 1e6, (double)longest_work_ns / 1e6);
	cr_assert_lt(used, CLK_S);
}
