/* A generation with prefixes only, and state tables, for the announce tests. */
#pragma once

#include <criterion/criterion.h>

#include "config/gen.h"
#include "config/gen_diff.h"
#include "model/state.h"

enum { FIXTURE_MAX = 16384 };

struct announce_fixture {
	struct state_tables tables;
	struct generation gen;
	struct prefix_spec prefixes[FIXTURE_MAX];
};

static inline struct addr fixture_vip(uint32_t i)
{
	return addr_from_v4_u32(UINT32_C(0xc6336400) + i); /* 198.51.100.0 + i */
}

/* n prefixes, all in group 1, undecided. */
static inline struct announce_fixture *fixture_new(uint32_t n)
{
	struct announce_fixture *f = calloc(1, sizeof(*f));

	cr_assert(f);
	cr_assert_eq(state_tables_init(&f->tables), 0);
	for (uint32_t i = 0; i < FIXTURE_MAX; i++)
		f->prefixes[i].first_service = SLOT_NONE;
	for (uint32_t i = 0; i < n; i++)
		f->prefixes[i] =
			(struct prefix_spec){.vip = fixture_vip(i), .first_service = 0, .group = 1};
	f->gen.prefixes = f->prefixes;
	f->gen.end_prefixes = n;
	f->gen.n_prefixes = n;
	return f;
}

static inline void fixture_free(struct announce_fixture *f)
{
	state_tables_deinit(&f->tables);
	free(f);
}

/* A copy of f's generation that can be changed apart from it; freed by the test. */
static inline struct announce_fixture *fixture_next(const struct announce_fixture *f)
{
	struct announce_fixture *next = malloc(sizeof(*next));

	cr_assert(next);
	memcpy(next, f, sizeof(*next));
	next->gen.prefixes = next->prefixes;
	return next;
}

static inline void fixture_want(struct announce_fixture *f, uint32_t prefix, enum state state)
{
	struct prefix_row row = *state_prefix(&f->tables, prefix);

	row.state = (uint8_t)state;
	seqrow_publish(state_prefix(&f->tables, prefix), &row, sizeof(row));
}

/* A diff that lists n slots from first on in one of the lists. */
static inline struct gen_diff *fixture_diff(struct slot_list *(*which)(struct gen_diff *),
					    uint32_t first, uint32_t n)
{
	struct gen_diff *d = calloc(1, sizeof(*d));
	struct slot_list *list;

	cr_assert(d);
	list = which(d);
	list->at = calloc(n + 1, sizeof(uint32_t));
	list->n = n;
	for (uint32_t i = 0; i < n; i++)
		list->at[i] = first + i;
	return d;
}

static inline struct slot_list *fixture_added(struct gen_diff *d)
{
	return &d->prefixes.added;
}
static inline struct slot_list *fixture_removed(struct gen_diff *d)
{
	return &d->prefixes.removed;
}
static inline struct slot_list *fixture_changed(struct gen_diff *d)
{
	return &d->prefixes.changed;
}
