#include "yanet/balancer_none.h"

#include "base/clk.h"
#include "fixture.h"

static struct world world;
static struct evloop *loop;
static struct balancer *balancer;

static void setup(void)
{
	struct balancer_args args;

	world_init(&world, 2048);
	world_build(&world, 1, 1500, NULL);
	world.app.balancer.backend = BALANCER_NONE;
	loop = evloop_new();
	args = (struct balancer_args){.loop = loop,
				      .tables = &world.tables,
				      .counters = &world.counters,
				      .app = &world.app,
				      .hooks = world.hooks};
	cr_assert_eq(balancer_new(&args, &balancer), 0);
	cr_assert_eq(balancer_adopt(balancer, world.gen, world.diff), 0);
}

static void teardown(void)
{
	balancer_free(balancer);
	evloop_free(loop);
	world_deinit(&world);
}

TestSuite(balancer_none, .init = setup, .fini = teardown);

static void want(uint32_t r, enum balancer_want what)
{
	world_want(&world, world_slot(&world, 0, r), what, 10);
	balancer_dirty(balancer, world_slot(&world, 0, r));
}

Test(balancer_none, counts_as_connected)
{
	struct balancer_status s;

	evloop_turn(loop, 0);
	balancer_status(balancer, &s);
	cr_assert(s.is_connected && s.has_found);
	cr_assert_eq(s.n_absent, 0);
	cr_assert_str_eq(s.last_error, "");
	cr_assert_eq(world.n_first_find, 1);
}

Test(balancer_none, wishes_are_acknowledged_by_the_loop)
{
	want(0, BALANCER_ENABLE);
	want(1, BALANCER_DISABLE);
	want(2, BALANCER_NOTHING);
	cr_assert_eq(world.n_acked_all, 0, "never from within balancer_dirty()");
	cr_assert_not(balancer_is_idle(balancer));
	evloop_turn(loop, 0);
	cr_assert_eq(world.n_acked_all, 2);
	cr_assert(balancer_is_idle(balancer));
}

static void dirty_again(struct world *w, uint32_t real)
{
	(void)w;
	balancer_dirty(balancer, real);
}

Test(balancer_none, an_acknowledgement_that_makes_its_real_dirty_costs_a_turn_each)
{
	world.on_acked = dirty_again;
	want(0, BALANCER_ENABLE);
	for (unsigned i = 1; i <= 3; i++) {
		evloop_turn(loop, 0);
		cr_assert_eq(world.n_acked_all, i);
	}
}

Test(balancer_none, d4_many_are_done_in_slices)
{
	for (uint32_t r = 0; r < 1500; r++)
		want(r, BALANCER_ENABLE);
	evloop_turn(loop, 0);
	cr_assert_leq(world.n_acked_all, 512);
	while (!balancer_is_idle(balancer))
		evloop_turn(loop, 0);
	cr_assert_eq(world.n_acked_all, 1500);
}

Test(balancer_none, disable_all_is_idle_at_once)
{
	want(0, BALANCER_ENABLE);
	balancer_disable_all(balancer);
	cr_assert(balancer_is_idle(balancer));
	evloop_turn(loop, 0);
	cr_assert_eq(world.n_acked_all, 0);
}

static bool only_0(uint32_t s, uint32_t r)
{
	(void)s;
	return r == 0;
}

Test(balancer_none, a_removed_real_is_forgotten)
{
	want(5, BALANCER_ENABLE);
	world_build(&world, 1, 1500, only_0);
	cr_assert_eq(balancer_adopt(balancer, world.gen, world.diff), 0);
	evloop_turn(loop, 0);
	cr_assert_eq(world.n_acked_all, 0);
	cr_assert(balancer_is_idle(balancer));
}
