/* A plan without sockets: the test says what happened, the small control plane says what was
 * applied. */
#pragma once

#include "mini_peer.h"
#include "yanet/yanet_fill.h"

enum { REALS = 8, SLOTS = 64 };

static struct world world;
static struct peer peer;
static struct yanet_plan plan;
static struct yanet_request request;
static struct balancer_args args;
static struct yanet_budget unlimited;

static inline void setup_with(uint32_t n_reals)
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

static inline void setup(void)
{
	setup_with(REALS);
}

static inline void teardown(void)
{
	yanet_encode_deinit(&request);
	yanet_plan_deinit(&plan);
	peer_deinit(&peer);
	world_deinit(&world);
}

static inline uint32_t slot(uint32_t r)
{
	return world_slot(&world, 0, r);
}

static inline const struct real_row *row(uint32_t r)
{
	return state_real(&world.tables, slot(r));
}

static inline void name_module(unsigned m)
{
	char name[] = "balancer0";
	struct yanet_name n;

	name[8] = (char)('0' + m);
	cr_assert(yanet_name_make(name, 9, &n));
	cr_assert_eq(yanet_modules_found(&plan.modules, &n), m);
}

/* RealFind shows all reals in modules 0..n-1. */
static inline void list_all(unsigned n_modules)
{
	for (unsigned m = 0; m < n_modules; m++) {
		name_module(m);
		peer_list_all(&peer, m, true);
		for (uint32_t r = 0; r < peer.n_reals; r++)
			yanet_plan_appeared(&plan, slot(r), m);
	}
	plan.has_found = true;
}

static inline void want(uint32_t r, enum balancer_want what, uint16_t weight)
{
	world_want(&world, slot(r), what, weight);
	yanet_plan_dirty(&plan, slot(r));
}

static inline void refill(void)
{
	static uint64_t turn;

	yanet_budget_turn(&unlimited, ++turn, UINT32_MAX, 0);
}

/* One Real call; returns its updates. */
static inline uint32_t send_batch(void)
{
	struct peer_bytes b, inner;
	uint32_t n;
	uint64_t v;

	refill();
	n = yanet_fill(&plan, &request, world.now_ns, &unlimited);
	b = (struct peer_bytes){request.body, request.mem + yanet_encode_end(&request)};
	while (peer_field(&b, &v, &inner))
		peer_update(&peer, inner);
	cr_assert_not(peer.lacks_key);
	return n;
}

static inline void flush(void)
{
	peer_flush(&peer);
	yanet_plan_flushed(&plan);
	refill();
	cr_assert(yanet_plan_settle(&plan, &unlimited));
}

/* Everything to the end; returns the updates. */
static inline uint32_t converge(void)
{
	uint32_t n = 0;

	while (yanet_plan_has_todo(&plan, world.now_ns))
		n += send_batch();
	if (yanet_plan_needs_flush(&plan))
		flush();
	return n;
}

static inline void start(unsigned n_modules)
{
	yanet_plan_connected(&plan);
	list_all(n_modules);
	converge();
}

static inline bool is_applied(unsigned m, uint32_t r, bool on, uint32_t weight)
{
	const struct peer_state *st = peer_at(&peer, m, 0, r);

	return st->applied_on == on && (!on || st->applied_weight == weight);
}
