#include <criterion/criterion.h>
#include <criterion/logging.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/clk.h"
#include "base/hash.h"
#include "base/str.h"
#include "config/gen_build.h"
#include "config/gen_index.h"
#include "lib/draft_maker.h"

/* --- a naive model of what a generation must be ------------------------------------------- */

enum kind { SERVICE, REAL, CHECK, PREFIX, N_KINDS };
enum { MAX_OBJECTS = 1024, KEY_BYTES = 320, OWN_BYTES = 200 };

struct object {
	char key[KEY_BYTES];
	char own[OWN_BYTES];
	uint64_t members; /* sum of hashes: order does not matter */
	uint32_t slot;
};

struct model {
	struct object at[N_KINDS][MAX_OBJECTS];
	uint32_t n[N_KINDS];
};

/* What happened to a slot so far. */
struct past {
	char key[KEY_BYTES];
	bool is_used;
	uint64_t free_at_ns;
	uint32_t n_given;
};

struct oracle {
	struct past past[N_KINDS][MAX_OBJECTS];
};

static struct object *add(struct model *m, enum kind kind, const char *key, const char *own,
			  uint32_t slot)
{
	struct object *o = &m->at[kind][m->n[kind]++];

	cr_assert_lt(m->n[kind], MAX_OBJECTS);
	*o = (struct object){.slot = slot};
	memcpy(o->key, key, strlen(key) + 1);
	memcpy(o->own, own, strlen(own) + 1);
	return o;
}

static struct object *find(struct model *m, enum kind kind, const char *key)
{
	for (uint32_t i = 0; i < m->n[kind]; i++)
		if (strcmp(m->at[kind][i].key, key) == 0)
			return &m->at[kind][i];
	return NULL;
}

static uint64_t key_hash(const char *key)
{
	return hash_bytes(key, strlen(key), 7);
}

static const char *or_none(const char *text)
{
	return text ? text : "(none)";
}

static void model_check(struct model *m, const struct object *real, const struct draft_check *c,
			uint32_t slot)
{
	const struct check_profile *p = &c->profile;
	char key[KEY_BYTES] = "", ip[ADDR_TEXT_BYTES];
	struct str s = STR_OVER(key, sizeof(key));

	addr_format(&c->connect_ip, ip);
	str_putf(&s, "%s>%s %u %d %d i%llu r%u c%u f%x %s %s", real->key, ip, c->connect_port,
		 c->is_tunnelled, p->kind, (unsigned long long)p->interval_ns, p->retry,
		 p->status_code, p->flags, or_none(c->path), or_none(c->virtualhost));
	cr_assert(!s.is_cut);
	add(m, CHECK, key, "", slot);
}

/* Walks the draft and the generation side by side: the orders of the file must be in both. */
static void model_real(struct model *m, const struct generation *g, struct object *service,
		       const struct draft_real *r, uint32_t slot)
{
	char key[KEY_BYTES] = "", own[OWN_BYTES] = "", ip[ADDR_TEXT_BYTES];
	struct str k = STR_OVER(key, sizeof(key)), o = STR_OVER(own, sizeof(own));
	uint32_t check = g->reals[slot].first_check;
	bool is_dynamic = false;
	struct object *real;

	addr_format(&r->ip, ip);
	str_putf(&k, "%s/%s %d %u", service->key, ip, r->flags & REAL_HAS_PORT, r->port);
	for (const struct draft_check *c = r->checks; c; c = c->next)
		is_dynamic |= c->profile.flags & PROFILE_DYNAMIC_WEIGHT;
	str_putf(&o, "w%u m%u f%u d%d", r->weight, r->lvs_method, r->flags, is_dynamic);
	service->members += key_hash(key);
	real = add(m, REAL, key, own, slot);
	cr_assert_eq(g->reals[slot].weight, r->weight);
	cr_assert_eq(!!(g->reals[slot].flags & REAL_HAS_DYNAMIC), is_dynamic);
	for (const struct draft_check *c = r->checks; c; c = c->next) {
		cr_assert(gen_check_in_use(g, check));
		cr_assert_eq(g->checks[check].real, slot);
		cr_assert_eq(g->checks[check].connect_port, c->connect_port);
		cr_assert_eq(gen_profile(g, check)->interval_ns, c->profile.interval_ns);
		cr_assert_eq(gen_profile(g, check)->path == GEN_STR_UNSET, c->path == NULL);
		cr_assert_str_eq(gen_str(g, gen_profile(g, check)->path), c->path ? c->path : "");
		model_check(m, real, c, check);
		real->members += key_hash(m->at[CHECK][m->n[CHECK] - 1].key);
		check = g->checks[check].next;
	}
	cr_assert_eq(check, SLOT_NONE);
}

static void model_prefix(struct model *m, const struct draft_service *s,
			 const struct object *service, uint32_t slot)
{
	char key[KEY_BYTES] = "", own[OWN_BYTES] = "";
	struct str o = STR_OVER(own, sizeof(own));
	struct object *prefix;

	addr_format(&s->vip, key);
	str_putf(&o, "g%u", s->group);
	prefix = find(m, PREFIX, key);
	if (!prefix)
		prefix = add(m, PREFIX, key, own, slot);
	cr_assert_eq(prefix->slot, slot, "one prefix per address");
	prefix->members += key_hash(service->key);
}

static void model_make(struct model *m, const struct draft *d, const struct generation *g)
{
	uint32_t i = 0, at = 0;

	memset(m->n, 0, sizeof(m->n));
	for (const struct draft_service *s = d->services; s; s = s->next, i++) {
		uint32_t slot = g->service_order[i];
		char key[KEY_BYTES] = "", own[OWN_BYTES] = "", ip[ADDR_TEXT_BYTES];
		struct str k = STR_OVER(key, sizeof(key)), o = STR_OVER(own, sizeof(own));
		struct object *service;

		addr_format(&s->vip, ip);
		str_putf(&k, "%s %d %u %u", ip, s->flags & SERVICE_HAS_PORT, s->port, s->proto);
		str_putf(&o, "q%u h%u g%u m%u f%u p%u w%u %s %s %s", s->quorum, s->hysteresis,
			 s->group, s->lvs_method, s->flags, s->panic_threshold, s->fwmark,
			 s->scheduler, or_none(s->virtualhost), or_none(s->version));
		service = add(m, SERVICE, key, own, slot);
		cr_assert_eq(g->services[slot].first_real, at);
		for (const struct draft_real *r = s->reals; r; r = r->next)
			model_real(m, g, service, r, g->real_order[at++]);
		cr_assert_eq(g->services[slot].n_reals, at - g->services[slot].first_real);
		cr_assert_eq(g->services[slot].prefix == SLOT_NONE, s->group == 0);
		if (s->group)
			model_prefix(m, s, service, g->services[slot].prefix);
	}
	cr_assert_eq(i, g->n_services);
	cr_assert_eq(at, g->n_reals);
	cr_assert_eq(m->n[CHECK], g->n_checks);
	cr_assert_eq(m->n[PREFIX], g->n_prefixes);
}

/* --- random drafts ------------------------------------------------------------------------ */

static uint64_t random_state;

static uint32_t random_below(uint32_t n)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(random_state >> 33) % n;
}

static void shuffle(uint32_t *at, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		at[i] = i;
	for (uint32_t i = n; i > 1; i--) {
		uint32_t k = random_below(i), swap = at[k];

		at[k] = at[i - 1];
		at[i - 1] = swap;
	}
}

static void random_check(struct draft *d, struct draft_real *r, uint32_t variant)
{
	struct draft_check *c = draft_maker_check(d, r, variant < 2 ? CHECK_TCP : CHECK_HTTP);

	c->profile.interval_ns = (variant + 1) * CLK_S;
	c->path = variant == 3 ? "" : variant == 4 ? "/status" : NULL;
	if (variant == 5) {
		c->virtualhost = "www.example.net";
		c->profile.flags = PROFILE_DYNAMIC_WEIGHT;
	}
	if (random_below(20) == 0) /* now and then a parameter changes: another check */
		c->profile.retry = 9;
}

static void random_real(struct draft *d, struct draft_service *s, uint32_t variant)
{
	char ip[ADDR_TEXT_BYTES];
	struct str text = STR_OVER(ip, sizeof(ip));
	uint32_t order[6];
	struct draft_real *r;

	str_putf(&text, variant & 1 ? "10.0.0.%u" : "2001:db8::%u", variant / 2 + 1);
	r = draft_maker_real(d, s, ip, variant == 2 ? DRAFT_MAKER_NO_PORT : (int)variant);
	r->weight = (uint16_t)(random_below(10) ? 1 : random_below(4));
	r->lvs_method = random_below(20) ? LVS_TUN : LVS_GRE;
	if (random_below(20) == 0)
		r->flags |= REAL_INHIBIT;
	shuffle(order, 6);
	for (unsigned i = 0; i < 6; i++)
		if (random_below(4) == 0)
			random_check(d, r, order[i]);
}

static struct draft *random_draft(void)
{
	/* two services share a VIP, two differ in protocol only, two in having a port */
	static const struct {
		const char *vip;
		int port;
		uint8_t proto;
	} known[] = {
		{"192.0.2.1", 80, L4_TCP}, {"192.0.2.1", 80, L4_UDP}, {"192.0.2.1", 443, L4_TCP},
		{"192.0.2.2", 0, L4_TCP},  {"192.0.2.2", -1, L4_TCP}, {"2001:db8::9", 80, L4_TCP},
	};
	struct draft *d = draft_maker_new();
	uint32_t order[ARRAY_LEN(known)], reals[5];
	uint16_t group = (uint16_t)(1 + (random_below(10) == 0));

	shuffle(order, ARRAY_LEN(known));
	for (unsigned i = 0; i < ARRAY_LEN(known); i++) {
		struct draft_service *s;

		if (random_below(5) == 0)
			continue;
		s = draft_maker_service(d, known[order[i]].vip, known[order[i]].port);
		s->proto = known[order[i]].proto;
		s->group = random_below(3) ? group : 0;
		s->quorum = random_below(20) == 0 ? 2 : 1;
		s->scheduler = random_below(20) ? "wrr" : "mh";
		s->version = random_below(20) ? NULL : "v1";
		shuffle(reals, ARRAY_LEN(reals));
		for (unsigned k = 0; k < ARRAY_LEN(reals); k++)
			if (random_below(3))
				random_real(d, s, reals[k]);
	}
	return d;
}

/* --- what must hold ----------------------------------------------------------------------- */

static const struct kind_diff *kind_of(const struct gen_diff *d, enum kind kind)
{
	const struct kind_diff *const kinds[] = {
		[SERVICE] = &d->services,
		[REAL] = &d->reals,
		[CHECK] = &d->checks,
		[PREFIX] = &d->prefixes,
	};

	return kinds[kind];
}

static bool has(const struct slot_list *l, uint32_t slot)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (l->at[i] == slot)
			return true;
	return false;
}

static void diff_is_exact(const struct gen_diff *d, struct model *before, struct model *after,
			  enum kind kind)
{
	const struct kind_diff *k = kind_of(d, kind);
	uint32_t n_added = 0, n_removed = 0, n_changed = 0;

	for (uint32_t i = 0; i < after->n[kind]; i++) {
		const struct object *now = &after->at[kind][i];
		const struct object *was = find(before, kind, now->key);
		bool changed =
			was && (strcmp(was->own, now->own) != 0 || was->members != now->members);

		cr_assert_eq(has(&k->added, now->slot), !was, "added %s", now->key);
		cr_assert_eq(has(&k->changed, now->slot), changed, "changed %s", now->key);
		n_added += !was;
		n_changed += changed;
		cr_assert(!was || was->slot == now->slot, "%s keeps its slot", now->key);
	}
	for (uint32_t i = 0; i < before->n[kind]; i++) {
		const struct object *was = &before->at[kind][i];
		bool gone = !find(after, kind, was->key);

		cr_assert_eq(has(&k->removed, was->slot), gone, "removed %s", was->key);
		n_removed += gone;
	}
	cr_assert_eq(k->added.n, n_added);
	cr_assert_eq(k->removed.n, n_removed);
	cr_assert_eq(k->changed.n, n_changed);
}

/* A new object must get a slot that nobody has and that has rested. */
static void slots_are_fresh(struct oracle *o, const struct gen_diff *d, struct model *after,
			    const struct generation *g, enum kind kind, uint64_t now_ns)
{
	const struct slot_list *added = &kind_of(d, kind)->added;

	for (uint32_t i = 0; i < after->n[kind]; i++) {
		const struct object *now = &after->at[kind][i];
		struct past *p = &o->past[kind][now->slot];

		if (!has(added, now->slot)) {
			cr_assert_str_eq(p->key, now->key);
			continue;
		}
		cr_assert(!p->is_used, "%s got a slot in use", now->key);
		cr_assert_leq(p->free_at_ns, now_ns, "%s got a resting slot", now->key);
		if (kind == CHECK)
			cr_assert_eq(g->check_sequence[now->slot], p->n_given);
	}
}

static void remember(struct oracle *o, const struct model *after)
{
	for (int kind = 0; kind < N_KINDS; kind++) {
		for (uint32_t i = 0; i < after->n[kind]; i++) {
			const struct object *now = &after->at[kind][i];
			struct past *p = &o->past[kind][now->slot];

			memcpy(p->key, now->key, KEY_BYTES);
			p->is_used = true;
		}
	}
}

static void forget(struct oracle *o, const struct gen_diff *d, uint64_t now_ns)
{
	for (int kind = 0; kind < N_KINDS; kind++) {
		const struct slot_list *removed = &kind_of(d, (enum kind)kind)->removed;

		for (uint32_t i = 0; i < removed->n; i++) {
			struct past *p = &o->past[kind][removed->at[i]];

			p->is_used = false;
			p->free_at_ns = now_ns + 60 * CLK_S;
			p->n_given++;
		}
	}
}

static uint32_t count_used(const struct generation *g)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < g->end_checks + 10; i++)
		n += gen_check_in_use(g, i);
	for (uint32_t i = 0; i < g->end_reals + 10; i++)
		n += gen_real_in_use(g, i);
	for (uint32_t i = 0; i < g->end_services + 10; i++)
		n += gen_service_in_use(g, i);
	for (uint32_t i = 0; i < g->end_prefixes + 10; i++)
		n += gen_prefix_in_use(g, i);
	return n;
}

static void lookups_work(const struct generation *g)
{
	for (uint32_t i = 0; i < g->n_services; i++) {
		const struct service_spec *s = &g->services[g->service_order[i]];

		cr_assert_eq(gen_find_service(g, &s->vip, s->flags & SERVICE_HAS_PORT, s->port,
					      s->proto),
			     g->service_order[i]);
		if (s->prefix != SLOT_NONE)
			cr_assert_eq(gen_find_prefix(g, &s->vip), s->prefix);
	}
	for (uint32_t i = 0; i < g->n_reals; i++) {
		const struct real_spec *r = &g->reals[g->real_order[i]];

		cr_assert_eq(
			gen_find_real(g, r->service, &r->ip, r->flags & REAL_HAS_PORT, r->port),
			g->real_order[i]);
	}
}

/* Members of a prefix are linked in file order. */
static void members_are_linked(const struct generation *g)
{
	for (uint32_t p = 0; p < g->end_prefixes; p++) {
		uint32_t at = gen_prefix_in_use(g, p) ? g->prefixes[p].first_service : SLOT_NONE;

		for (uint32_t i = 0; i < g->n_services; i++) {
			if (g->services[g->service_order[i]].prefix != p)
				continue;
			cr_assert_eq(at, g->service_order[i]);
			at = g->services[at].next_on_prefix;
		}
		cr_assert_eq(at, SLOT_NONE);
	}
}

struct run {
	struct oracle oracle;
	struct model models[2];
	struct slot_books books;
	struct generation *current;
	struct gen_diff *unreleased;
	uint64_t now_ns;
	unsigned i_model, n_adopted, n_reused;
};

static void release(struct run *r)
{
	if (!r->unreleased)
		return;
	gen_build_release(r->unreleased, &r->books, r->now_ns);
	forget(&r->oracle, r->unreleased, r->now_ns);
	gen_diff_free(r->unreleased);
	r->unreleased = NULL;
}

static void step(struct run *r)
{
	struct model *before = &r->models[r->i_model], *after = &r->models[!r->i_model];
	struct draft *d = random_draft();
	struct generation *g = NULL;
	struct gen_diff *diff = NULL;

	r->now_ns += random_below(40) * CLK_S;
	if (random_below(2))
		release(r);
	cr_assert_eq(gen_build(d, r->current, &r->books, r->now_ns, 5, &g, &diff), 0);
	cr_assert_eq(g->number, r->current ? r->current->number + 1 : 1);
	model_make(after, d, g);
	for (int kind = 0; kind < N_KINDS; kind++) {
		diff_is_exact(diff, before, after, (enum kind)kind);
		slots_are_fresh(&r->oracle, diff, after, g, (enum kind)kind, r->now_ns);
	}
	lookups_work(g);
	members_are_linked(g);
	cr_assert_eq(count_used(g), g->n_checks + g->n_reals + g->n_services + g->n_prefixes);
	draft_maker_free(d);
	if (random_below(6) == 0) {
		gen_build_abandon(diff, &r->books);
		gen_diff_free(diff);
		gen_free(g);
		return;
	}
	release(r);
	remember(&r->oracle, after);
	gen_free(r->current);
	r->current = g;
	r->unreleased = diff;
	r->i_model = !r->i_model;
	r->n_adopted++;
}

Test(gen_build, random_reloads_agree_with_a_naive_model, .timeout = 120)
{
	enum { SEEDS = 12, STEPS = 60 };
	struct run *r = calloc(1, sizeof(*r));

	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		memset(r, 0, sizeof(*r));
		random_state = seed;
		cr_assert_eq(slot_books_init(&r->books), 0);
		for (int i = 0; i < STEPS; i++)
			step(r);
		release(r);
		cr_assert_gt(r->n_adopted, STEPS / 2);
		gen_free(r->current);
		slot_books_deinit(&r->books);
	}
	free(r);
}

/* --- single rules ------------------------------------------------------------------------- */

struct pair {
	struct slot_books books;
	struct generation *a, *b;
	struct gen_diff *diff; /* a → b */
};

static struct pair build_two(const struct draft *first, const struct draft *second)
{
	struct pair p = {.a = NULL};
	struct gen_diff *from_nothing = NULL;

	cr_assert_eq(slot_books_init(&p.books), 0);
	cr_assert_eq(gen_build(first, NULL, &p.books, 0, 0, &p.a, &from_nothing), 0);
	gen_diff_free(from_nothing);
	cr_assert_eq(gen_build(second, p.a, &p.books, 0, 77, &p.b, &p.diff), 0);
	return p;
}

static void pair_free(struct pair *p)
{
	gen_diff_free(p->diff);
	gen_free(p->a);
	gen_free(p->b);
	slot_books_deinit(&p->books);
}

/* Two services with two reals with two checks each. */
static struct draft *small_draft(void)
{
	struct draft *d = draft_maker_new();

	for (int s = 0; s < 2; s++) {
		struct draft_service *service = draft_maker_service(d, "192.0.2.1", 80 + s);

		service->group = 1;
		for (int i = 0; i < 2; i++) {
			struct draft_real *real =
				draft_maker_real(d, service, i ? "10.0.0.1" : "10.0.0.2", 8080);

			draft_maker_check(d, real, CHECK_TCP);
			draft_maker_check(d, real, CHECK_HTTP)->path = "/alive";
		}
	}
	return d;
}

Test(gen_build, unchanged_file_has_an_empty_diff)
{
	struct draft *a = small_draft(), *b = small_draft();
	struct pair p = build_two(a, b);

	cr_assert(gen_diff_is_empty(p.diff));
	cr_assert_eq(p.b->number, 2);
	cr_assert_eq(p.b->loaded_wall_ns, 77);
	pair_free(&p);
	draft_maker_free(a);
	draft_maker_free(b);
}

Test(gen_build, fault_a4_changed_check_parameter_replaces_that_check_only)
{
	struct draft *a = small_draft(), *b = small_draft();
	struct pair p;

	b->services->reals->checks->profile.interval_ns += CLK_S;
	p = build_two(a, b);
	cr_assert_eq(p.diff->checks.added.n, 1);
	cr_assert_eq(p.diff->checks.removed.n, 1);
	cr_assert_eq(p.diff->checks.removed.at[0], 0);
	cr_assert_eq(p.diff->reals.changed.n, 1);
	cr_assert_eq(p.diff->reals.changed.at[0], 0);
	cr_assert_eq(p.diff->reals.added.n + p.diff->reals.removed.n, 0, "the real stays");
	cr_assert_eq(p.diff->services.changed.n, 0);
	pair_free(&p);
	draft_maker_free(a);
	draft_maker_free(b);
}

Test(gen_build, fault_a11_changed_connect_timeout_is_another_check)
{
	struct draft *a = small_draft(), *b = small_draft();
	struct pair p;

	b->services->reals->checks->profile.connect_timeout_ns += CLK_MS;
	p = build_two(a, b);
	cr_assert_eq(p.diff->checks.added.n, 1);
	cr_assert_eq(p.diff->checks.removed.n, 1);
	pair_free(&p);
	draft_maker_free(a);
	draft_maker_free(b);
}

Test(gen_build, fault_a5_removed_check_changes_its_real)
{
	struct draft *a = small_draft(), *b = small_draft();
	struct pair p;

	b->services->reals->checks = b->services->reals->checks->next;
	b->n_checks--;
	p = build_two(a, b);
	cr_assert_eq(p.diff->checks.removed.n, 1);
	cr_assert_eq(p.diff->reals.changed.n, 1);
	cr_assert_eq(p.diff->reals.changed.at[0], 0);
	pair_free(&p);
	draft_maker_free(a);
	draft_maker_free(b);
}

Test(gen_build, fault_a10_added_group_changes_service_and_prefix)
{
	struct draft *a = small_draft(), *b = small_draft();
	struct pair p;

	a->services->next->group = 0;
	p = build_two(a, b);
	cr_assert_eq(p.diff->services.changed.n, 1);
	cr_assert_eq(p.diff->services.changed.at[0], 1);
	cr_assert_eq(p.diff->prefixes.changed.n, 1);
	cr_assert_eq(p.b->prefixes[0].first_service, 0);
	cr_assert_eq(p.b->services[0].next_on_prefix, 1);
	pair_free(&p);
	draft_maker_free(a);
	draft_maker_free(b);
}

Test(gen_build, fault_a20_identity_named_twice_is_refused_and_leaves_the_books)
{
	struct draft *d = small_draft();
	struct generation *g = NULL;
	struct gen_diff *diff = NULL;
	struct slot_books books;

	cr_assert_eq(slot_books_init(&books), 0);
	d->services->next->port = 80;
	cr_assert_eq(gen_build(d, NULL, &books, 0, 0, &g, &diff), -EINVAL);
	d->services->next->port = 81;
	d->services->reals->next->ip = d->services->reals->ip;
	cr_assert_eq(gen_build(d, NULL, &books, 0, 0, &g, &diff), -EINVAL);
	d->services->reals->next->ip = draft_maker_addr("10.0.0.9");
	d->services->reals->checks->next->profile = d->services->reals->checks->profile;
	d->services->reals->checks->next->path = NULL;
	cr_assert_eq(gen_build(d, NULL, &books, 0, 0, &g, &diff), -EINVAL);
	draft_maker_free(d);
	d = small_draft();
	cr_assert_eq(gen_build(d, NULL, &books, 0, 0, &g, &diff), 0);
	cr_assert_eq(g->end_checks, 8, "lowest slots were free again");
	gen_diff_free(diff);
	gen_free(g);
	slot_books_deinit(&books);
	draft_maker_free(d);
}

Test(gen_build, too_many_objects_are_full)
{
	struct draft *d = small_draft();
	struct generation *g = NULL;
	struct gen_diff *diff = NULL;
	struct slot_books books;

	cr_assert_eq(slot_books_init(&books), 0);
	d->n_checks = MAX_CHECKS + 1;
	cr_assert_eq(gen_build(d, NULL, &books, 0, 0, &g, &diff), GEN_BUILD_FULL);
	d->n_checks = 8;
	slots_free(books.checks);
	books.checks = slots_new(7);
	cr_assert_eq(gen_build(d, NULL, &books, 0, 0, &g, &diff), GEN_BUILD_FULL);
	cr_assert_null(g);
	cr_assert_eq(slots_end(books.reals), 4);
	slots_free(books.checks);
	books.checks = slots_new(8);
	cr_assert_eq(gen_build(d, NULL, &books, 0, 0, &g, &diff), 0);
	cr_assert_eq(g->end_reals, 4, "the failed build gave its slots back");
	gen_diff_free(diff);
	gen_free(g);
	slot_books_deinit(&books);
	draft_maker_free(d);
}

Test(gen_build, decision_5_slot_returns_60_s_after_its_release)
{
	struct draft *full = small_draft(), *none = draft_maker_new();
	struct pair p = build_two(full, none);
	struct generation *g = NULL;
	struct gen_diff *diff = NULL;

	cr_assert_eq(p.diff->checks.removed.n, 8);
	gen_build_release(p.diff, &p.books, 100 * CLK_S);
	cr_assert_eq(gen_build(full, p.b, &p.books, 159 * CLK_S, 0, &g, &diff), 0);
	cr_assert_eq(g->service_order[0], 2, "slots 0 and 1 rest");
	gen_build_abandon(diff, &p.books);
	gen_diff_free(diff);
	gen_free(g);
	cr_assert_eq(gen_build(full, p.b, &p.books, 160 * CLK_S, 0, &g, &diff), 0);
	cr_assert_eq(g->service_order[0], 0);
	cr_assert_eq(g->check_sequence[0], 1);
	gen_diff_free(diff);
	gen_free(g);
	pair_free(&p);
	draft_maker_free(full);
	draft_maker_free(none);
}

Test(gen_build, decision_50_equal_parameters_are_one_profile)
{
	struct draft *a = small_draft(), *b = small_draft();
	struct pair p = build_two(a, b);

	cr_assert_eq(p.b->n_checks, 8);
	cr_assert_eq(p.b->n_profiles, 2);
	cr_assert_str_eq(gen_str(p.b, gen_profile(p.b, 1)->path), "/alive");
	cr_assert_eq(gen_profile(p.b, 0)->path, GEN_STR_UNSET);
	pair_free(&p);
	draft_maker_free(a);
	draft_maker_free(b);
}

/* --- size and speed ----------------------------------------------------------------------- */

static struct draft *large_draft(void)
{
	enum { SERVICES = 10000, REALS = 10 };
	struct draft *d = draft_maker_new();
	struct draft_service *last = NULL;

	for (int s = 0; s < SERVICES; s++) {
		struct draft made = {.arena = d->arena};
		struct draft_service *service;
		char ip[ADDR_TEXT_BYTES];

		snprintf(ip, sizeof(ip), "2001:db8::%x:1", s);
		service = draft_maker_service(&made, ip, 80);
		service->group = 1;
		for (int i = 0; i < REALS; i++) {
			snprintf(ip, sizeof(ip), "10.%d.%d.%d", s >> 8, s & 255, i + 1);
			draft_maker_check(d, draft_maker_real(d, service, ip, 8080), CHECK_TCP);
		}
		if (last)
			last->next = service;
		else
			d->services = service;
		last = service;
		d->n_services++;
	}
	return d;
}

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * CLK_S + (uint64_t)t.tv_nsec;
}

Test(gen_build, hundred_thousand_reals_within_budget)
{
	struct draft *d = large_draft();
	struct generation *a = NULL, *b = NULL;
	struct gen_diff *diff = NULL;
	struct slot_books books;
	uint64_t begin = cpu_ns(), first, second = UINT64_MAX;

	cr_assert_eq(slot_books_init(&books), 0);
	cr_assert_eq(gen_build(d, NULL, &books, 0, 0, &a, &diff), 0);
	first = cpu_ns() - begin;
	gen_diff_free(diff);
	for (int i = 0; i < 5; i++) {
		begin = cpu_ns();
		cr_assert_eq(gen_build(d, a, &books, 0, 0, &b, &diff), 0);
		second = MIN(second, cpu_ns() - begin);
		cr_assert(gen_diff_is_empty(diff));
		cr_assert_eq(b->n_checks, 100000);
		gen_diff_free(diff);
		gen_free(b);
	}
	cr_log_info("100000 reals: first build %lu us, unchanged %lu us, %zu KiB",
		    (unsigned long)(first / CLK_US), (unsigned long)(second / CLK_US),
		    arena_bytes(a->arena) / 1024);
	/* far above the budget of 60 and 40 ms: this may be a sanitizer's build */
	cr_assert_lt(first, 2 * CLK_S);
	cr_assert_lt(second, 2 * CLK_S);
	gen_free(a);
	slot_books_deinit(&books);
	draft_maker_free(d);
}
