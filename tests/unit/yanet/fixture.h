/* A world for tests of the balancer's plan: generations built as the daemon builds them, state
 * tables, wishes that the test sets, and a record of what the hooks were told.
 *
 * Service s is 192.0.2.(s + 1):443 TCP; its real r is 198.51.(r / 250).(r % 250 + 1):8443. */
#pragma once

#include <criterion/criterion.h>

#include "base/arena.h"
#include "config/gen_build.h"
#include "model/counter.h"
#include "model/state.h"
#include "yanet/balancer.h"

struct world {
	struct slot_books books;
	struct generation *gen, *old_gen;
	struct gen_diff *diff;
	struct state_tables tables;
	struct counters counters;
	struct app_config app;
	struct balancer_hooks hooks;
	/* by slot */
	struct balancer_wish *wishes;
	uint8_t *n_acked, *n_listed, *n_unlisted;
	struct balancer_wish *acked;
	uint32_t n_slots, n_first_find, n_acked_all, n_listed_all;
	bool is_connected; /* as the hook was told */
	uint64_t now_ns;
	/* called by the acked hook, if set */
	void (*on_acked)(struct world *w, uint32_t real);
};

static inline struct addr world_vip(uint32_t s)
{
	return addr_from_v4_u32(0xc0000200u + s + 1);
}
static inline struct addr world_rip(uint32_t r)
{
	return addr_from_v4_u32(0xc6330000u + r / 250 * 256 + r % 250 + 1);
}

static inline struct balancer_wish world_wish(void *ctx, uint32_t real)
{
	const struct world *w = ctx;

	cr_assert_lt(real, w->n_slots);
	return w->wishes[real];
}
static inline void world_listed(void *ctx, uint32_t real, bool enabled, uint16_t weight)
{
	struct world *w = ctx;

	(void)enabled;
	(void)weight;
	w->n_listed[real]++;
	w->n_listed_all++;
}
static inline void world_unlisted(void *ctx, uint32_t real)
{
	((struct world *)ctx)->n_unlisted[real]++;
}
static inline void world_acked(void *ctx, uint32_t real, bool enabled, uint16_t weight)
{
	struct world *w = ctx;

	/* the contract of balancer.h: only what is wanted at this moment is acknowledged */
	cr_assert_eq(w->wishes[real].want, enabled ? BALANCER_ENABLE : BALANCER_DISABLE);
	if (enabled)
		cr_assert_eq(w->wishes[real].weight, weight);
	w->n_acked[real]++;
	w->n_acked_all++;
	w->acked[real] = w->wishes[real];
	if (w->on_acked)
		w->on_acked(w, real);
}
static inline void world_connection(void *ctx, bool is_connected)
{
	struct world *w = ctx;

	cr_assert_neq(w->is_connected, is_connected, "told when it changes only");
	w->is_connected = is_connected;
}
static inline void world_first_find(void *ctx)
{
	((struct world *)ctx)->n_first_find++;
}

typedef bool (*world_keep_fn)(uint32_t service, uint32_t real);

static inline void *world_alloc(struct arena *a, size_t bytes)
{
	void *p = arena_alloc(a, bytes);

	cr_assert(p);
	return p;
}

static inline struct draft_real *world_draft_reals(struct arena *a, uint32_t s, uint32_t n_reals,
						   world_keep_fn keep, uint32_t *n)
{
	struct draft_real *first = NULL, **link = &first;

	for (uint32_t r = 0; r < n_reals; r++) {
		if (keep && !keep(s, r))
			continue;
		*link = world_alloc(a, sizeof(**link));
		**link = (struct draft_real){
			.ip = world_rip(r), .port = 8443, .weight = 10, .flags = REAL_HAS_PORT};
		link = &(*link)->next;
		++*n;
	}
	return first;
}

/* The generation after the present one; diff is against that. */
static inline void world_build(struct world *w, uint32_t n_services, uint32_t n_reals,
			       world_keep_fn keep)
{
	struct arena *a = arena_new();
	struct draft *d = world_alloc(a, sizeof(*d));
	struct draft_service **link = &d->services;

	d->arena = a;
	for (uint32_t s = 0; s < n_services; s++) {
		*link = world_alloc(a, sizeof(**link));
		**link = (struct draft_service){.vip = world_vip(s),
						.port = 443,
						.proto = L4_TCP,
						.flags = SERVICE_HAS_PORT,
						.quorum = 1,
						.scheduler = "wrr",
						.quorum_up = "",
						.ipv4_outer_source_network = "",
						.ipv6_outer_source_network = ""};
		(*link)->reals = world_draft_reals(a, s, n_reals, keep, &d->n_reals);
		link = &(*link)->next;
		d->n_services++;
	}
	gen_diff_free(w->diff);
	w->diff = NULL;
	gen_free(w->old_gen);
	w->old_gen = w->gen;
	cr_assert_eq(gen_build(d, w->old_gen, &w->books, w->now_ns, 0, &w->gen, &w->diff), 0);
	draft_free(d);
}

static inline void world_init(struct world *w, uint32_t max_reals)
{
	*w = (struct world){.n_slots = max_reals};
	cr_assert_eq(slot_books_init(&w->books), 0);
	cr_assert_eq(state_tables_init(&w->tables), 0);
	w->wishes = calloc(max_reals, sizeof(*w->wishes));
	w->acked = calloc(max_reals, sizeof(*w->acked));
	w->n_acked = calloc(max_reals, 1);
	w->n_listed = calloc(max_reals, 1);
	w->n_unlisted = calloc(max_reals, 1);
	w->hooks = (struct balancer_hooks){
		.ctx = w,
		.wish = world_wish,
		.listed = world_listed,
		.unlisted = world_unlisted,
		.acked = world_acked,
		.first_find = world_first_find,
		.connection = world_connection,
	};
	w->app.balancer.backend = BALANCER_YANET;
	w->app.balancer.sync_states_period_ns = 5000000000u;
	w->app.announcer.withdraw_wait_ns = 500000000u;
}

static inline void world_deinit(struct world *w)
{
	gen_diff_free(w->diff);
	gen_free(w->gen);
	gen_free(w->old_gen);
	state_tables_deinit(&w->tables);
	slot_books_deinit(&w->books);
	free(w->wishes);
	free(w->acked);
	free(w->n_acked);
	free(w->n_listed);
	free(w->n_unlisted);
}

static inline uint32_t world_slot(const struct world *w, uint32_t s, uint32_t r)
{
	struct addr vip = world_vip(s), rip = world_rip(r);
	uint32_t service = gen_find_service(w->gen, &vip, true, 443, L4_TCP);

	cr_assert_neq(service, SLOT_NONE);
	return gen_find_real(w->gen, service, &rip, true, 8443);
}

static inline void world_want(struct world *w, uint32_t real, enum balancer_want want,
			      uint16_t weight)
{
	w->wishes[real] = (struct balancer_wish){.want = want, .weight = weight};
}

/* All vectors are small. Returns the length. */
static inline size_t world_vector(const char *name, uint8_t *out, size_t size)
{
	char path[256];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "tests/vectors/yanet/%s.bin", name);
	f = fopen(path, "rb");
	cr_assert(f, "%s", path);
	n = fread(out, 1, size, f);
	fclose(f);
	cr_assert_lt(n, size);
	return n;
}
