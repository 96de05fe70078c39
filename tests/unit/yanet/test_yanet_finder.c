#include "yanet/yanet_finder.h"

#include "base/clk.h"
#include "mini_peer.h"

/* The finder alone: a plan that sends nothing, a driver of three hooks. */
static struct world world;
static struct peer peer;
static struct evloop *loop;
static struct yanet_plan plan;
static struct yanet_finder finder;
static struct yanet_budget budget;
static struct balancer_args args;
static unsigned n_connected, n_lost;
static enum yanet_conn_loss last_loss;
static uint32_t reals_per_turn;
static uint64_t due_ns;

static void work(void *ctx)
{
	(void)ctx;
	yanet_budget_turn(&budget, evloop_now(loop), reals_per_turn, 0);
	due_ns = yanet_finder_work(&finder, &budget);
}
static void on_connected(void *ctx)
{
	(void)ctx;
	n_connected++;
	due_ns = 0;
}
static void on_lost(void *ctx, enum yanet_conn_loss loss)
{
	(void)ctx;
	n_lost++;
	last_loss = loss;
}

static void setup(void)
{
	const struct yanet_finder_hooks hooks = {
		.connected = on_connected, .lost = on_lost, .input = work};
	struct yanet_conn_config config = {.path = peer.path,
					   .deadline_ns = 2 * CLK_S,
					   .backoff_min_ns = CLK_MS,
					   .backoff_max_ns = 2 * CLK_MS,
					   .reply_bytes_max = 1024 * 1024};

	n_connected = n_lost = 0;
	reals_per_turn = 512;
	due_ns = 0;
	loop = evloop_new();
	world_init(&world, 64);
	peer_init(&peer, 2, 4);
	peer_list_all(&peer, 0, true);
	world_build(&world, 2, 4, NULL);
	snprintf(peer.path, sizeof(peer.path), "/tmp/alived-finder-%d.sock", (int)getpid());
	peer_listen(&peer);
	args = (struct balancer_args){.tables = &world.tables,
				      .counters = &world.counters,
				      .app = &world.app,
				      .hooks = world.hooks};
	yanet_plan_init(&plan, &args);
	cr_assert_eq(yanet_finder_init(&finder, loop, &plan, &config, 20 * CLK_MS, &hooks), 0);
	yanet_finder_adopt(&finder, world.diff);
	cr_assert_eq(yanet_plan_adopt(&plan, world.gen, world.diff, 0), 0);
}

static void teardown(void)
{
	yanet_finder_deinit(&finder);
	yanet_plan_deinit(&plan);
	evloop_free(loop);
	peer_deinit(&peer);
	world_deinit(&world);
}

TestSuite(yanet_finder, .init = setup, .fini = teardown, .timeout = 50);

static uint64_t n_finds(void)
{
	return counter_get(&world.counters, CTR_YANET_FINDS);
}

static void turn(void)
{
	evloop_turn(loop, 200 * CLK_US);
	if (evloop_now(loop) >= due_ns)
		work(NULL);
	peer_turn(&peer);
}

#define TURN_UNTIL(cond)                                                  \
	do {                                                              \
		uint64_t until_ = clk_mono_ns() + 20 * CLK_S;             \
		while (!(cond)) {                                         \
			cr_assert_lt(clk_mono_ns(), until_, "%s", #cond); \
			turn();                                           \
		}                                                         \
	} while (0)

Test(yanet_finder, d34_asks_at_once_and_each_period)
{
	uint64_t begin;

	TURN_UNTIL(n_finds() == 1);
	begin = clk_mono_ns();
	TURN_UNTIL(n_finds() == 4);
	cr_assert_geq(clk_mono_ns() - begin, 55 * CLK_MS);
	cr_assert_eq(peer.n_calls[PEER_FIND], 4);
	cr_assert_eq(n_connected, 1);
	cr_assert_eq(world.n_listed_all, 8);
	cr_assert_eq(world.n_first_find, 1);
	cr_assert_neq(finder.last_ns, 0);
}

Test(yanet_finder, replies_in_small_pieces_are_read)
{
	peer.piece_bytes = 3;
	TURN_UNTIL(n_finds() == 2);
	cr_assert_eq(world.n_listed_all, 8);
	cr_assert_eq(n_lost, 0);
}

Test(yanet_finder, d4_a_reply_is_read_in_slices)
{
	reals_per_turn = 1;
	TURN_UNTIL(n_finds() == 2);
	cr_assert_eq(world.n_listed_all, 8);
	cr_assert_eq(yanet_finder_absent(&finder), 0);
}

Test(yanet_finder, an_empty_reply_is_complete)
{
	peer_list_all(&peer, 0, false);
	TURN_UNTIL(n_finds() == 1);
	cr_assert_eq(world.n_first_find, 1);
	cr_assert_eq(yanet_finder_absent(&finder), 8);
}

/* Vector 93 is well-formed: its service is not used, and so ours are absent from it. */
Test(yanet_finder, vector_93_lists_nothing)
{
	static uint8_t reply[1024];

	peer.raw_find_len = world_vector("93_bad_reply_short_ipv6", reply, sizeof(reply));
	peer.raw_find = reply;
	TURN_UNTIL(n_finds() == 1);
	cr_assert_eq(yanet_finder_absent(&finder), 8);
	cr_assert_eq(yanet_modules_count(&plan.modules), 1);
	cr_assert_eq(n_lost, 0);
}

/* A reply that ends inside a field that its own length cut off. */
Test(yanet_finder, b4_a_reply_cut_inside_a_field_is_refused)
{
	static const uint8_t reply[] = "\x03\0\0\0\0\0\0\0\x0a\x01\x08";

	peer.raw_find = reply;
	peer.raw_find_len = sizeof(reply) - 1;
	TURN_UNTIL(n_lost == 2);
	cr_assert_eq(last_loss, YANET_CONN_MALFORMED);
	cr_assert_eq(world.n_first_find, 0);
	peer.raw_find = NULL;
	TURN_UNTIL(n_finds() == 1);
}

Test(yanet_finder, a_connection_lost_inside_a_reply_is_made_anew)
{
	peer.piece_bytes = 3;
	TURN_UNTIL(finder.state == YANET_FINDER_READ && world.n_listed_all > 2);
	peer_drop_all(&peer);
	peer.piece_bytes = 0;
	TURN_UNTIL(n_finds() == 1);
	cr_assert_eq(n_lost, 1);
	cr_assert_eq(last_loss, YANET_CONN_CLOSED);
	cr_assert_eq(world.n_listed_all, 8, "each real is told once");
}

Test(yanet_finder, a_reload_inside_a_reply_asks_again_at_once)
{
	finder.period_ns = 3600 * CLK_S;
	peer.piece_bytes = 3;
	TURN_UNTIL(world.n_listed_all == 2);
	world_build(&world, 2, 3, NULL);
	yanet_finder_adopt(&finder, world.diff);
	cr_assert_eq(yanet_plan_adopt(&plan, world.gen, world.diff, 0), 0);
	TURN_UNTIL(n_finds() == 1);
	cr_assert_eq(peer.n_calls[PEER_FIND], 2);
	cr_assert_eq(finder.listing.n_listed, 6);
	cr_assert_eq(finder.listing.n_foreign, 2);
}

Test(yanet_finder, d45_a_stop_asks_until_it_knows_what_is_listed)
{
	yanet_plan_stop(&plan);
	TURN_UNTIL(n_finds() == 1);
	for (unsigned i = 0; i < 200; i++)
		turn();
	cr_assert_eq(peer.n_calls[PEER_FIND], 1);
}
