/* Random lives of a plan against the small control plane: wishes change, calls are cut, the control
 * plane restarts, modules gain and lose reals, the configuration changes. Two promises hold at
 * every step: what is acknowledged is applied in every module that lists the real, and nothing is
 * ever sent for an undecided real. At the end everything converges to what is wanted. */
#include "plan_fixture.h"

enum { LIVES = 4000, STEPS = 250, LIFE_MODULES = 3 };

static uint64_t seed;
static bool is_removed[REALS];
static struct yanet_budget small;

TestSuite(yanet_plan_life, .init = setup, .fini = teardown, .timeout = 50);

static uint32_t pick(uint32_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed % n);
}

static uint32_t real_of(uint32_t real)
{
	for (uint32_t r = 0; r < REALS; r++) {
		if (!is_removed[r] && slot(r) == real)
			return r;
	}
	cr_assert_fail("acknowledged what is not configured");
	return 0;
}

static void check_acked(struct world *w, uint32_t real)
{
	const struct balancer_wish *wish = &w->wishes[real];
	uint32_t r = real_of(real), left = state_real(&w->tables, real)->modules_listing;

	cr_assert_neq(left, 0);
	for (; left; left &= left - 1)
		cr_assert(is_applied((unsigned)__builtin_ctz(left), r,
				     wish->want == BALANCER_ENABLE, wish->weight));
}

static void change_wish(void)
{
	uint32_t r = pick(REALS);

	if (is_removed[r])
		return;
	world_want(&world, slot(r), (enum balancer_want)pick(3), (uint16_t)pick(3));
	/* agg says it now, or at the end of its turn: the life says it at the next step */
	yanet_plan_dirty(&plan, slot(r));
}

static void move_module(void)
{
	uint32_t r = pick(REALS), m = pick(LIFE_MODULES);
	struct peer_state *st = peer_at(&peer, m, 0, r);
	bool is_listed;

	st->is_listed = !st->is_listed;
	if (is_removed[r])
		return;
	is_listed = row(r)->modules_listing >> m & 1;
	if (st->is_listed && !is_listed)
		yanet_plan_appeared(&plan, slot(r), m);
	else if (!st->is_listed && is_listed)
		yanet_plan_vanished(&plan, slot(r), ~(1u << m));
}

/* RealFind, whole, with nothing outstanding from request to reply but what the sets know. */
static void find(void)
{
	slotset_clear(&plan.touched);
	for (uint32_t r = 0; r < REALS; r++) {
		for (unsigned m = 0; m < LIFE_MODULES && !is_removed[r]; m++) {
			const struct peer_state *st = peer_at(&peer, m, 0, r);

			if (row(r)->modules_listing >> m & 1)
				yanet_plan_compare(&plan, slot(r), m, st->shown_on,
						   st->shown_on ? st->shown_weight : 3);
		}
	}
}

static bool keeps(uint32_t s, uint32_t r)
{
	(void)s;
	return !is_removed[r];
}

static void reload(void)
{
	uint32_t r = pick(REALS), gone = is_removed[r] ? SLOT_NONE : slot(r);

	is_removed[r] = !is_removed[r];
	if (gone != SLOT_NONE)
		world_want(&world, gone, pick(2) ? BALANCER_DISABLE : BALANCER_NOTHING, 0);
	world_build(&world, 1, REALS, keeps);
	cr_assert_eq(yanet_plan_adopt(&plan, world.gen, world.diff, world.now_ns + 5), 0);
	gen_build_release(world.diff, &world.books, world.now_ns);
	if (gone != SLOT_NONE) {
		memset(state_real(&world.tables, gone), 0, sizeof(struct real_row));
		return;
	}
	for (unsigned m = 0; m < LIFE_MODULES; m++) {
		if (peer_at(&peer, m, 0, r)->is_listed)
			yanet_plan_appeared(&plan, slot(r), m);
	}
}

static void lose_connection(bool is_restart)
{
	if (!plan.is_connected)
		return;
	yanet_plan_lost(&plan);
	if (is_restart)
		peer_forget(&peer);
}

/* A flush, acknowledged or not, and part of what follows from it. */
static void flush_and_settle(void)
{
	static uint64_t turn;

	if (plan.is_connected && !yanet_plan_is_settling(&plan)) {
		peer_flush(&peer);
		if (pick(8))
			yanet_plan_flushed(&plan);
		else
			yanet_plan_lost(&plan);
	}
	yanet_budget_turn(&small, ++turn, pick(6), 0);
	yanet_plan_settle(&plan, &small);
}

static void step(void)
{
	world.now_ns++;
	switch (pick(16)) {
	case 15: /* somebody else's: YANET's own once a second, or an operator's */
		peer_flush(&peer);
		break;
	case 0:
		move_module();
		break;
	case 1:
		find();
		break;
	case 2:
		if (pick(4) == 0)
			reload();
		break;
	case 3:
		lose_connection(pick(2));
		break;
	case 4:
		if (!plan.is_connected)
			yanet_plan_connected(&plan);
		break;
	case 5:
	case 6:
	case 7:
		flush_and_settle();
		break;
	case 8:
	case 9:
	case 10:
		if (plan.is_connected)
			send_batch();
		break;
	default:
		change_wish();
		break;
	}
}

static void settle_all(void)
{
	world.now_ns += 10; /* no tombstone waits any longer */
	if (!plan.is_connected)
		yanet_plan_connected(&plan);
	refill();
	cr_assert(yanet_plan_settle(&plan, &unlimited));
	for (unsigned i = 0; i < 4; i++)
		converge();
	cr_assert_eq(yanet_plan_undelivered(&plan), 0, "seed %lu", seed);
	cr_assert_not(yanet_plan_needs_flush(&plan));
}

static void check_end(void)
{
	for (uint32_t r = 0; r < REALS; r++) {
		const struct balancer_wish *w = is_removed[r] ? NULL : &world.wishes[slot(r)];

		for (unsigned m = 0; m < LIFE_MODULES; m++) {
			const struct peer_state *st = peer_at(&peer, m, 0, r);

			if (!w) /* our enable is nowhere left, listed or not */
				cr_assert_not(st->wanted_on, "removed %u in %u", r, m);
			else if (st->is_listed && w->want != BALANCER_NOTHING)
				cr_assert(is_applied(m, r, w->want == BALANCER_ENABLE, w->weight));
		}
	}
}

Test(yanet_plan_life, whatever_happens_the_promises_hold)
{
	for (uint64_t life = 1; life <= LIVES; life++) {
		seed = life * 0x9e3779b97f4a7c15u;
		if (life > 1) {
			teardown();
			setup();
		}
		memset(is_removed, 0, sizeof(is_removed));
		world.on_acked = check_acked;
		start(LIFE_MODULES);
		for (unsigned i = 0; i < STEPS; i++)
			step();
		settle_all();
		check_end();
	}
}
