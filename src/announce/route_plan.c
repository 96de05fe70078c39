#include "announce/route_plan.h"

#include <errno.h>

#include "base/clk.h"
#include "base/err.h"
#include "config/gen.h"

enum { WINDOW_S = 60 };

enum link_flag {
	LINK_DIRTY = 1 << 0,  /* is in its group's list */
	LINK_FORCED = 1 << 1, /* to be sent even if the peer accepted the same before */
};

/* What the peer was told about one prefix; by slot. */
struct link {
	uint8_t sent;  /* enum state */
	uint8_t flags; /* enum link_flag */
	uint16_t group;
	uint32_t window_s; /* start of the minute in which n_announced were made */
	uint32_t n_announced;
};

/* A withdrawal of something that is configured no more, or not in this group. */
struct tombstone {
	struct addr vip;
	uint32_t
		after_prefix; /* waits until this prefix is announced in its new group; SLOT_NONE */
	bool was_sent;
	bool is_dirty;
	bool in_snapshot; /* the coming send is part of a full snapshot */
};

struct group {
	uint32_t *dirty; /* prefix slots */
	uint32_t n_dirty, cap_dirty;
	struct tombstone *tombstones;
	uint32_t n_tombstones, cap_tombstones;
	uint32_t n_announced[ANNOUNCE_FAMILY__N]; /* links whose sent is up */
};

struct route_plan {
	const struct state_tables *tables;
	const struct generation *gen;
	struct table links;
	struct group *groups; /* [0] unused */
	uint32_t n_groups;
	uint32_t max_per_min;
	bool is_merged; /* all groups are group 1 */
	bool is_withdrawing;
	struct route *scratch;
	uint32_t cap_scratch;
};

static struct link *link_of(const struct route_plan *p, uint32_t prefix)
{
	return table_row(&p->links, prefix);
}

struct route_plan *route_plan_new(const struct state_tables *tables, uint32_t n_groups,
				  uint32_t max_per_min)
{
	struct route_plan *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->tables = tables;
	p->n_groups = n_groups;
	p->max_per_min = max_per_min;
	p->groups = calloc(n_groups + 1, sizeof(*p->groups));
	if (!p->groups || table_init(&p->links, sizeof(struct link), MAX_PREFIXES) < 0) {
		route_plan_free(p);
		return NULL;
	}
	return p;
}

void route_plan_free(struct route_plan *p)
{
	if (!p)
		return;
	for (uint32_t g = 0; p->groups && g <= p->n_groups; g++) {
		free(p->groups[g].dirty);
		free(p->groups[g].tombstones);
	}
	free(p->groups);
	free(p->scratch);
	table_deinit(&p->links);
	free(p);
}

/* The one place that changes what a peer was told. */
static void set_sent(struct route_plan *p, struct link *l, const struct addr *vip, enum state sent)
{
	uint32_t *n = p->groups[l->group].n_announced;
	unsigned family = addr_is_v4(vip) ? ANNOUNCE_V4 : ANNOUNCE_V6;

	n[family] += sent == STATE_UP;
	n[family] -= l->sent == STATE_UP;
	l->sent = (uint8_t)sent;
}

/* Grows *array to hold n elements of bytes each. */
static int reserve(void **array, uint32_t *cap, uint32_t n, size_t bytes)
{
	uint32_t want = *cap ? *cap : 64;
	void *more;

	if (n <= *cap)
		return 0;
	while (want < n)
		want *= 2;
	more = realloc(*array, want * bytes);
	if (!more)
		return err_origin(-ENOMEM);
	*array = more;
	*cap = want;
	return 0;
}

static enum state wanted(const struct route_plan *p, uint32_t prefix)
{
	return p->is_withdrawing ? STATE_DOWN : (enum state)state_prefix(p->tables, prefix)->state;
}

static bool is_ours(const struct route_plan *p, uint32_t prefix)
{
	return p->gen && gen_prefix_in_use(p->gen, prefix) && p->gen->prefixes[prefix].group > 0 &&
	       p->gen->prefixes[prefix].group <= p->n_groups;
}

/* Room for every prefix was made when the generation was adopted, so this cannot fail. */
static void add_dirty(struct route_plan *p, uint32_t prefix, uint8_t extra_flags)
{
	struct link *l = link_of(p, prefix);
	struct group *g = &p->groups[l->group];

	l->flags |= extra_flags;
	if (l->flags & LINK_DIRTY)
		return;
	ASSERT(g->n_dirty < g->cap_dirty);
	l->flags |= LINK_DIRTY;
	g->dirty[g->n_dirty++] = prefix;
}

void route_plan_merge_groups(struct route_plan *p)
{
	p->is_merged = true;
}

/* --- adopting ----------------------------------------------------------------------------------
 */

static int add_tombstone(struct route_plan *p, uint16_t group, const struct addr *vip,
			 uint32_t after_prefix)
{
	struct group *g = &p->groups[group];

	TRY(reserve((void **)&g->tombstones, &g->cap_tombstones, g->n_tombstones + 1,
		    sizeof(*g->tombstones)));
	g->tombstones[g->n_tombstones++] =
		(struct tombstone){.vip = *vip, .after_prefix = after_prefix, .is_dirty = true};
	return 0;
}

static void drop_tombstone_of(struct route_plan *p, uint16_t group, const struct addr *vip)
{
	struct group *g = &p->groups[group];

	for (uint32_t i = 0; i < g->n_tombstones; i++) {
		if (addr_eq(&g->tombstones[i].vip, vip)) {
			g->tombstones[i] = g->tombstones[--g->n_tombstones];
			return;
		}
	}
}

static void drop_from_dirty(struct route_plan *p, uint32_t prefix)
{
	struct link *l = link_of(p, prefix);
	struct group *g = &p->groups[l->group];

	for (uint32_t i = 0; (l->flags & LINK_DIRTY) && i < g->n_dirty; i++) {
		if (g->dirty[i] == prefix) {
			g->dirty[i] = g->dirty[--g->n_dirty];
			l->flags = 0;
		}
	}
}

/* Tombstones that waited for this slot's announcement wait no more. */
static void release_waiters(struct route_plan *p, uint32_t prefix)
{
	for (uint32_t group = 1; group <= p->n_groups; group++) {
		struct group *g = &p->groups[group];

		for (uint32_t i = 0; i < g->n_tombstones; i++) {
			if (g->tombstones[i].after_prefix == prefix)
				g->tombstones[i].after_prefix = SLOT_NONE;
		}
	}
}

static int remove_prefix(struct route_plan *p, uint32_t prefix)
{
	const struct addr *vip = &p->gen->prefixes[prefix].vip;
	struct link *l = link_of(p, prefix);

	drop_from_dirty(p, prefix);
	release_waiters(p, prefix);
	if (l->group)
		TRY(add_tombstone(p, l->group, vip, SLOT_NONE));
	set_sent(p, l, vip, STATE_UNDECIDED);
	*l = (struct link){0};
	return 0;
}

/* Into the group that gen names; out of the one it was in (decisions 29: new first, then old). */
static int place_prefix(struct route_plan *p, const struct generation *gen, uint32_t prefix)
{
	const struct prefix_spec *spec = &gen->prefixes[prefix];
	uint16_t group = p->is_merged ? 1 : spec->group;
	struct link *l = link_of(p, prefix);
	uint16_t before = l->group;

	if (before == group)
		return 0;
	drop_from_dirty(p, prefix);
	if (before)
		TRY(add_tombstone(p, before, &spec->vip, l->sent == STATE_UP ? prefix : SLOT_NONE));
	drop_tombstone_of(p, group, &spec->vip);
	set_sent(p, l, &spec->vip, STATE_UNDECIDED);
	*l = (struct link){.group = group};
	add_dirty(p, prefix, LINK_FORCED);
	return 0;
}

static int reserve_lists(struct route_plan *p, const struct generation *gen)
{
	for (uint32_t g = 1; g <= p->n_groups; g++)
		TRY(reserve((void **)&p->groups[g].dirty, &p->groups[g].cap_dirty,
			    gen->n_prefixes + 1, sizeof(uint32_t)));
	return 0;
}

int route_plan_adopt(struct route_plan *p, const struct generation *gen,
		     const struct gen_diff *diff)
{
	const struct kind_diff *d = &diff->prefixes;

	TRY(reserve_lists(p, gen));
	for (uint32_t i = 0; i < d->removed.n; i++)
		TRY(remove_prefix(p, d->removed.at[i]));
	for (uint32_t i = 0; i < d->added.n; i++)
		TRY(place_prefix(p, gen, d->added.at[i]));
	for (uint32_t i = 0; i < d->changed.n; i++)
		TRY(place_prefix(p, gen, d->changed.at[i]));
	p->gen = gen;
	return 0;
}

/* --- marking -----------------------------------------------------------------------------------
 */

uint16_t route_plan_mark(struct route_plan *p, uint32_t prefix)
{
	if (!is_ours(p, prefix))
		return 0;
	add_dirty(p, prefix, 0);
	return link_of(p, prefix)->group;
}

/* Forgets the tombstones that were sent as part of a full snapshot. */
static void compact_tombstones(struct group *g)
{
	uint32_t n_kept = 0;

	for (uint32_t i = 0; i < g->n_tombstones; i++) {
		if (!g->tombstones[i].was_sent || g->tombstones[i].is_dirty ||
		    !g->tombstones[i].in_snapshot)
			g->tombstones[n_kept++] = g->tombstones[i];
	}
	g->n_tombstones = n_kept;
}

void route_plan_mark_all(struct route_plan *p, uint16_t group)
{
	struct group *g = &p->groups[group];

	compact_tombstones(g);
	for (uint32_t i = 0; p->gen && i < p->gen->end_prefixes; i++) {
		if (is_ours(p, i) && link_of(p, i)->group == group)
			add_dirty(p, i, LINK_FORCED);
	}
	for (uint32_t i = 0; i < g->n_tombstones; i++) {
		g->tombstones[i].is_dirty = true;
		g->tombstones[i].in_snapshot = true;
	}
}

void route_plan_drop_sent_tombstones(struct route_plan *p, uint16_t group)
{
	struct group *g = &p->groups[group];
	uint32_t n_kept = 0;

	for (uint32_t i = 0; i < g->n_tombstones; i++) {
		if (!g->tombstones[i].was_sent || g->tombstones[i].is_dirty)
			g->tombstones[n_kept++] = g->tombstones[i];
	}
	g->n_tombstones = n_kept;
}

void route_plan_withdraw_all(struct route_plan *p)
{
	p->is_withdrawing = true;
	for (uint32_t g = 1; g <= p->n_groups; g++)
		route_plan_mark_all(p, (uint16_t)g);
}

/* --- collecting --------------------------------------------------------------------------------
 */

/* May one more announcement of this prefix be made? Withdrawals are never limited, nor is the
 * repetition of what the peer was told before: it may have forgotten it. */
static bool has_budget(const struct route_plan *p, const struct link *l, uint64_t now_ns)
{
	uint32_t now_s = (uint32_t)(now_ns / CLK_S);

	return p->max_per_min == 0 || l->sent == STATE_UP || now_s - l->window_s >= WINDOW_S ||
	       l->n_announced < p->max_per_min;
}

static void count_announcement(struct link *l, uint64_t now_ns)
{
	uint32_t now_s = (uint32_t)(now_ns / CLK_S);

	if (l->n_announced == 0 || now_s - l->window_s >= WINDOW_S) {
		l->window_s = now_s;
		l->n_announced = 0;
	}
	l->n_announced++;
}

static int by_kind_and_address(const void *a, const void *b)
{
	const struct route *x = a, *y = b;

	if (x->announce != y->announce)
		return x->announce ? 1 : -1;
	return addr_cmp(&x->vip, &y->vip);
}

/* True if the prefix has to be told; takes it off the list if there is nothing to tell. */
static bool is_due(struct route_plan *p, uint32_t prefix)
{
	struct link *l = link_of(p, prefix);
	enum state want = wanted(p, prefix);

	if (want == STATE_UNDECIDED || (want == l->sent && !(l->flags & LINK_FORCED))) {
		l->flags = 0;
		return false;
	}
	return true;
}

static void collect_prefixes(struct route_plan *p, struct group *g, bool with_announcements,
			     uint64_t now_ns, uint32_t *n)
{
	uint32_t n_kept = 0;

	for (uint32_t i = 0; i < g->n_dirty; i++) {
		uint32_t prefix = g->dirty[i];
		bool announce = wanted(p, prefix) == STATE_UP;

		if (!is_due(p, prefix))
			continue;
		g->dirty[n_kept++] = prefix;
		if (announce && (!with_announcements || !has_budget(p, link_of(p, prefix), now_ns)))
			continue;
		p->scratch[(*n)++] = (struct route){.vip = p->gen->prefixes[prefix].vip,
						    .announce = announce,
						    .prefix = prefix,
						    .tombstone = SLOT_NONE};
	}
	g->n_dirty = n_kept;
}

/* A moved prefix is announced in its new group before it is withdrawn in its old one; if it shall
 * not be announced at all, there is nothing to wait for. */
static bool has_to_wait(const struct route_plan *p, const struct tombstone *t)
{
	return t->after_prefix != SLOT_NONE && wanted(p, t->after_prefix) == STATE_UP &&
	       link_of(p, t->after_prefix)->sent != STATE_UP;
}

static void collect_tombstones(struct route_plan *p, const struct group *g, uint32_t *n)
{
	for (uint32_t i = 0; i < g->n_tombstones; i++) {
		const struct tombstone *t = &g->tombstones[i];

		if (t->is_dirty && !has_to_wait(p, t))
			p->scratch[(*n)++] =
				(struct route){.vip = t->vip, .prefix = SLOT_NONE, .tombstone = i};
	}
}

int route_plan_collect(struct route_plan *p, uint16_t group, bool with_announcements,
		       uint64_t now_ns, struct route_list *ret)
{
	struct group *g = &p->groups[group];
	uint32_t n = 0;

	TRY(reserve((void **)&p->scratch, &p->cap_scratch, g->n_dirty + g->n_tombstones + 1,
		    sizeof(*p->scratch)));
	collect_prefixes(p, g, with_announcements, now_ns, &n);
	collect_tombstones(p, g, &n);
	if (n)
		qsort(p->scratch, n, sizeof(*p->scratch), by_kind_and_address);
	*ret = (struct route_list){.at = p->scratch, .n = n};
	return 0;
}

void route_plan_accepted(struct route_plan *p, uint16_t group, const struct route *routes,
			 uint32_t n, uint64_t now_ns)
{
	struct group *g = &p->groups[group];

	for (uint32_t i = 0; i < n; i++) {
		if (routes[i].prefix != SLOT_NONE) {
			struct link *l = link_of(p, routes[i].prefix);

			if (routes[i].announce && l->sent != STATE_UP)
				count_announcement(l, now_ns);
			set_sent(p, l, &routes[i].vip, routes[i].announce ? STATE_UP : STATE_DOWN);
			l->flags &= (uint8_t)~LINK_FORCED; /* the next collection drops it */
		} else {
			g->tombstones[routes[i].tombstone].was_sent = true;
			g->tombstones[routes[i].tombstone].is_dirty = false;
		}
	}
}

uint32_t route_plan_pending(const struct route_plan *p, uint16_t group)
{
	const struct group *g = &p->groups[group];
	uint32_t n = 0;

	for (uint32_t i = 0; i < g->n_dirty; i++) {
		const struct link *l = link_of(p, g->dirty[i]);
		enum state want = wanted(p, g->dirty[i]);

		n += want != STATE_UNDECIDED && (want != l->sent || (l->flags & LINK_FORCED));
	}
	for (uint32_t i = 0; i < g->n_tombstones; i++)
		n += g->tombstones[i].is_dirty;
	return n;
}

void route_plan_count(const struct route_plan *p, uint16_t group,
		      uint32_t ret_n[ANNOUNCE_FAMILY__N])
{
	memcpy(ret_n, p->groups[group].n_announced, sizeof(p->groups[group].n_announced));
}

bool route_plan_has_withdrawal(const struct route_plan *p, uint16_t group)
{
	const struct group *g = &p->groups[group];

	for (uint32_t i = 0; i < g->n_tombstones; i++) {
		if (g->tombstones[i].is_dirty && !has_to_wait(p, &g->tombstones[i]))
			return true;
	}
	for (uint32_t i = 0; i < g->n_dirty; i++) {
		if (wanted(p, g->dirty[i]) == STATE_DOWN)
			return true;
	}
	return false;
}
