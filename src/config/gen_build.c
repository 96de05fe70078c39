#include "config/gen_build.h"

#include <errno.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"
#include "config/gen_index.h"
#include "config/gen_intern.h"

/* One build. Tables get as many rows as could be needed; memory that is not touched costs nothing.
 * Rows below the books' end at the start may stay unused and are marked so beforehand; those above
 * are taken by this build, one after the other, and filled as they are taken. */
struct build {
	const struct draft *draft;
	const struct generation *before;
	struct slot_books *books;
	uint64_t now_ns;
	struct gen_intern *intern;
	struct generation *g;
	/* g's tables, writable */
	struct service_spec *services;
	struct real_spec *reals;
	struct check_spec *checks;
	struct prefix_spec *prefixes;
	uint32_t *service_order, *real_order;
	uint32_t *prefix_tail; /* by prefix: last member so far; scratch */
};

int slot_books_init(struct slot_books *b)
{
	*b = (struct slot_books){
		.services = slots_new(MAX_SERVICES),
		.reals = slots_new(MAX_REALS),
		.checks = slots_new(MAX_CHECKS),
		.prefixes = slots_new(MAX_PREFIXES),
	};
	if (b->services && b->reals && b->checks && b->prefixes)
		return 0;
	slot_books_deinit(b);
	return err_origin(-ENOMEM);
}

void slot_books_deinit(struct slot_books *b)
{
	slots_free(b->services);
	slots_free(b->reals);
	slots_free(b->checks);
	slots_free(b->prefixes);
	*b = (struct slot_books){.services = NULL};
}

/* A table for every slot that could be in use after n more were taken. */
static void *table_alloc(struct build *b, const struct slots *book, uint32_t n, size_t row_bytes)
{
	return arena_alloc(b->g->arena, ((size_t)slots_end(book) + n) * row_bytes);
}

static void mark_unused(struct build *b)
{
	for (uint32_t i = slots_end(b->books->services); i-- > 0;)
		b->services[i].names = UINT32_MAX;
	for (uint32_t i = slots_end(b->books->reals); i-- > 0;)
		b->reals[i].service = SLOT_NONE;
	for (uint32_t i = slots_end(b->books->checks); i-- > 0;)
		b->checks[i].real = SLOT_NONE;
	for (uint32_t i = slots_end(b->books->prefixes); i-- > 0;)
		b->prefixes[i].first_service = SLOT_NONE;
}

static int alloc_tables(struct build *b)
{
	const struct draft *d = b->draft;
	const struct slot_books *books = b->books;
	struct generation *g = b->g;

	b->services = table_alloc(b, books->services, d->n_services, sizeof(*b->services));
	b->reals = table_alloc(b, books->reals, d->n_reals, sizeof(*b->reals));
	b->checks = table_alloc(b, books->checks, d->n_checks, sizeof(*b->checks));
	b->prefixes = table_alloc(b, books->prefixes, d->n_services, sizeof(*b->prefixes));
	b->service_order = arena_alloc(g->arena, d->n_services * sizeof(uint32_t));
	b->real_order = arena_alloc(g->arena, d->n_reals * sizeof(uint32_t));
	b->prefix_tail = reallocarray(NULL, slots_end(books->prefixes) + d->n_services + 1,
				      sizeof(uint32_t));
	if (!b->services || !b->reals || !b->checks || !b->prefixes || !b->service_order ||
	    !b->real_order || !b->prefix_tail)
		return err_origin(-ENOMEM);
	mark_unused(b);
	g->services = b->services;
	g->reals = b->reals;
	g->checks = b->checks;
	g->prefixes = b->prefixes;
	g->service_order = b->service_order;
	g->real_order = b->real_order;
	return 0;
}

static int alloc_index(struct build *b)
{
	struct generation *g = b->g;
	const struct draft *d = b->draft;

	g->index = arena_alloc(g->arena, sizeof(*g->index));
	if (!g->index)
		return err_origin(-ENOMEM);
	TRY(gen_index_init(&g->index->services, g->arena, d->n_services));
	TRY(gen_index_init(&g->index->reals, g->arena, d->n_reals));
	TRY(gen_index_init(&g->index->checks, g->arena, d->n_checks));
	return gen_index_init(&g->index->prefixes, g->arena, d->n_services);
}

/* Keeps the slot that an object had, or takes one. Returns 0, GEN_BUILD_FULL or -ENOMEM. */
static int keep_or_take(struct build *b, struct slots *book, uint32_t slot_before, uint32_t *end,
			uint32_t *ret_slot)
{
	uint32_t slot = slot_before;
	int r;

	if (slot == SLOT_NONE) {
		r = slots_take(book, b->now_ns, &slot);
		if (r == SLOTS_FULL)
			return GEN_BUILD_FULL;
		TRY(r);
	}
	*end = MAX(*end, slot + 1);
	*ret_slot = slot;
	return 0;
}

static int put_check(struct build *b, uint32_t real, const struct draft_check *c,
		     uint32_t *ret_slot)
{
	struct check_spec spec = {
		.connect_ip = c->connect_ip,
		.real = real,
		.next = SLOT_NONE,
		.connect_port = c->connect_port,
		.kind = c->profile.kind,
		.flags = c->is_tunnelled ? CHECK_TUNNELLED : 0,
	};
	uint32_t profile, slot = SLOT_NONE;
	uint64_t hash;
	int r;

	TRY(gen_intern_profile(b->intern, c, &profile, &spec.profile));
	if (spec.profile != SLOT_NONE)
		slot = gen_index_find_check(b->before, &spec, gen_index_hash_check(&spec));
	spec.profile = profile;
	hash = gen_index_hash_check(&spec);
	if (gen_index_find_check(b->g, &spec, hash) != SLOT_NONE)
		return err_origin(-EINVAL);
	r = keep_or_take(b, b->books->checks, slot, &b->g->end_checks, &slot);
	if (r != 0)
		return r;
	b->checks[slot] = spec;
	gen_index_put(&b->g->index->checks, hash, slot);
	b->g->n_checks++;
	*ret_slot = slot;
	return 0;
}

static int put_checks(struct build *b, uint32_t real, const struct draft_check *first)
{
	uint32_t *link = &b->reals[real].first_check, slot = SLOT_NONE;
	int r;

	for (const struct draft_check *c = first; c; c = c->next) {
		r = put_check(b, real, c, &slot);
		if (r != 0)
			return r;
		*link = slot;
		link = &b->checks[slot].next;
		if (c->profile.flags & PROFILE_DYNAMIC_WEIGHT)
			b->reals[real].flags |= REAL_HAS_DYNAMIC;
	}
	return 0;
}

static int put_real(struct build *b, uint32_t service, const struct draft_real *real)
{
	bool has_port = real->flags & REAL_HAS_PORT;
	const struct real_spec spec = {
		.ip = real->ip,
		.service = service,
		.first_check = SLOT_NONE,
		.weight = real->weight,
		.port = has_port ? real->port : 0,
		.lvs_method = real->lvs_method,
		.flags = real->flags & (uint8_t)~REAL_HAS_DYNAMIC,
	};
	uint64_t hash = gen_index_hash_real(service, &spec.ip, has_port, spec.port);
	uint32_t slot = b->before ? gen_index_find_real(b->before, &spec, hash) : SLOT_NONE;
	int r;

	if (gen_index_find_real(b->g, &spec, hash) != SLOT_NONE)
		return err_origin(-EINVAL);
	r = keep_or_take(b, b->books->reals, slot, &b->g->end_reals, &slot);
	if (r != 0)
		return r;
	b->reals[slot] = spec;
	gen_index_put(&b->g->index->reals, hash, slot);
	b->real_order[b->g->n_reals++] = slot;
	return put_checks(b, slot, real->checks);
}

/* Links a service with a group to the prefix of its VIP. */
static int join_prefix(struct build *b, uint32_t service)
{
	struct service_spec *s = &b->services[service];
	uint64_t hash = gen_index_hash_prefix(&s->vip);
	uint32_t slot = gen_index_find_prefix(b->g, &s->vip, hash);
	int r;

	if (slot != SLOT_NONE) {
		b->services[b->prefix_tail[slot]].next_on_prefix = service;
	} else {
		if (b->before)
			slot = gen_index_find_prefix(b->before, &s->vip, hash);
		r = keep_or_take(b, b->books->prefixes, slot, &b->g->end_prefixes, &slot);
		if (r != 0)
			return r;
		b->prefixes[slot] = (struct prefix_spec){
			.vip = s->vip,
			.first_service = service,
			.group = s->group,
		};
		gen_index_put(&b->g->index->prefixes, hash, slot);
		b->g->n_prefixes++;
	}
	s->prefix = slot;
	b->prefix_tail[slot] = service;
	return 0;
}

static int put_service_row(struct build *b, const struct draft_service *s, uint32_t *ret_slot)
{
	bool has_port = s->flags & SERVICE_HAS_PORT;
	struct service_spec spec = {
		.vip = s->vip,
		.prefix = SLOT_NONE,
		.next_on_prefix = SLOT_NONE,
		.first_real = b->g->n_reals,
		.quorum = s->quorum,
		.hysteresis = s->hysteresis,
		.port = has_port ? s->port : 0,
		.group = s->group,
		.proto = s->proto,
		.lvs_method = s->lvs_method,
		.flags = s->flags,
		.panic_threshold = s->panic_threshold,
		.fwmark = s->fwmark,
	};
	uint64_t hash = gen_index_hash_service(&spec.vip, has_port, spec.port, spec.proto);
	uint32_t slot = b->before ? gen_index_find_service(b->before, &spec, hash) : SLOT_NONE;
	int r;

	if (gen_index_find_service(b->g, &spec, hash) != SLOT_NONE)
		return err_origin(-EINVAL);
	TRY(gen_intern_names(b->intern, s, &spec.names));
	r = keep_or_take(b, b->books->services, slot, &b->g->end_services, &slot);
	if (r != 0)
		return r;
	b->services[slot] = spec;
	gen_index_put(&b->g->index->services, hash, slot);
	b->service_order[b->g->n_services++] = slot;
	*ret_slot = slot;
	return 0;
}

static int put_service(struct build *b, const struct draft_service *s)
{
	uint32_t slot = SLOT_NONE;
	int r = put_service_row(b, s, &slot);

	for (const struct draft_real *real = s->reals; r == 0 && real; real = real->next) {
		r = put_real(b, slot, real);
		b->services[slot].n_reals++;
	}
	if (r == 0 && s->group)
		r = join_prefix(b, slot);
	return r;
}

static int put_sequences(struct build *b)
{
	uint32_t end = b->g->end_checks;
	uint32_t *sequence = arena_alloc(b->g->arena, end * sizeof(*sequence));

	if (!sequence)
		return err_origin(-ENOMEM);
	for (uint32_t i = 0; i < end; i++)
		sequence[i] = slots_sequence(b->books->checks, i);
	b->g->check_sequence = sequence;
	return 0;
}

/* Gives back what was taken so far: slots in use now and not before. */
static void untake_new(const struct build *b, struct slots *book, uint32_t end,
		       bool (*in_use)(const struct generation *g, uint32_t slot))
{
	for (uint32_t i = end; i-- > 0;)
		if (in_use(b->g, i) && !(b->before && in_use(b->before, i)))
			slots_untake(book, i);
}

static void undo(const struct build *b)
{
	untake_new(b, b->books->services, b->g->end_services, gen_service_in_use);
	untake_new(b, b->books->reals, b->g->end_reals, gen_real_in_use);
	untake_new(b, b->books->checks, b->g->end_checks, gen_check_in_use);
	untake_new(b, b->books->prefixes, b->g->end_prefixes, gen_prefix_in_use);
}

static int put_all(struct build *b, struct gen_diff **ret_diff)
{
	int r = 0;

	TRY(alloc_tables(b));
	TRY(alloc_index(b));
	for (const struct draft_service *s = b->draft->services; r == 0 && s; s = s->next)
		r = put_service(b, s);
	if (r != 0)
		return r;
	TRY(put_sequences(b));
	TRY(gen_intern_finish(b->intern, b->g));
	return gen_diff_make(b->before, b->g, ret_diff);
}

static struct generation *generation_new(void)
{
	struct arena *a = arena_new();
	struct generation *g = a ? arena_alloc(a, sizeof(*g)) : NULL;

	if (g)
		g->arena = a;
	else if (a)
		arena_free(a);
	return g;
}

static bool is_too_large(const struct draft *d)
{
	return d->n_services > MAX_SERVICES || d->n_reals > MAX_REALS || d->n_checks > MAX_CHECKS;
}

int gen_build(const struct draft *draft, const struct generation *before, struct slot_books *books,
	      uint64_t now_ns, uint64_t wall_ns, struct generation **ret_gen,
	      struct gen_diff **ret_diff)
{
	struct build b = {.draft = draft, .before = before, .books = books, .now_ns = now_ns};
	int r;

	if (is_too_large(draft))
		return GEN_BUILD_FULL;
	b.g = generation_new();
	b.intern = gen_intern_new(before);
	r = b.g && b.intern ? put_all(&b, ret_diff) : err_origin(-ENOMEM);
	if (r == 0) {
		b.g->number = before ? before->number + 1 : 1;
		b.g->loaded_wall_ns = wall_ns;
		*ret_gen = b.g;
	} else if (b.g) {
		undo(&b);
		gen_free(b.g);
	}
	gen_intern_free(b.intern);
	free(b.prefix_tail);
	return r;
}

static void give_list(const struct slot_list *l, struct slots *book, uint64_t now_ns)
{
	for (uint32_t i = 0; i < l->n; i++)
		slots_give(book, l->at[i], now_ns);
}

void gen_build_release(const struct gen_diff *diff, struct slot_books *books, uint64_t now_ns)
{
	give_list(&diff->services.removed, books->services, now_ns);
	give_list(&diff->reals.removed, books->reals, now_ns);
	give_list(&diff->checks.removed, books->checks, now_ns);
	give_list(&diff->prefixes.removed, books->prefixes, now_ns);
}

static void untake_list(const struct slot_list *l, struct slots *book)
{
	for (uint32_t i = 0; i < l->n; i++)
		slots_untake(book, l->at[i]);
}

void gen_build_abandon(const struct gen_diff *diff, struct slot_books *books)
{
	untake_list(&diff->services.added, books->services);
	untake_list(&diff->reals.added, books->reals);
	untake_list(&diff->checks.added, books->checks);
	untake_list(&diff->prefixes.added, books->prefixes);
}
