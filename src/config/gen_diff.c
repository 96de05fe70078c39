#include "config/gen_diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "config/gen.h"

struct scan;

/* From the lowest up: each is scanned before its owners, so that they know what became of their
 * members. */
enum kind { CHECKS, REALS, SERVICES, PREFIXES, KIND__N };

/* One kind of object, as the scan sees it. */
struct kind_row {
	bool (*in_use)(const struct generation *g, uint32_t slot);
	bool (*differs)(const struct scan *s, uint32_t slot); /* own fields; NULL: never */
	/* tells the owners that their set of members changed; NULL: no owner */
	void (*touch)(const struct scan *s, uint32_t slot, bool was, bool is);
};

struct scan {
	const struct kind_row *kind;
	const struct generation *before, *after; /* before may be NULL */
	uint32_t end;
	uint64_t *touched;       /* bit per slot: its members changed; NULL: has no members */
	uint64_t *owner_touched; /* the same of the kind above; NULL: no owner */
	struct kind_diff *diff;
};

enum { WORD_BITS = 64 };

static void touch(uint64_t *bits, uint32_t slot)
{
	if (slot != SLOT_NONE)
		bits[slot / WORD_BITS] |= UINT64_C(1) << slot % WORD_BITS;
}

static bool is_touched(const uint64_t *bits, uint32_t slot)
{
	return bits && (bits[slot / WORD_BITS] >> slot % WORD_BITS & 1);
}

/* The list that slot belongs to, or NULL. */
static struct slot_list *list_of(const struct scan *s, uint32_t slot, bool was, bool is)
{
	if (!was && !is)
		return NULL;
	if (!was)
		return &s->diff->added;
	if (!is)
		return &s->diff->removed;
	if (is_touched(s->touched, slot) || (s->kind->differs && s->kind->differs(s, slot)))
		return &s->diff->changed;
	return NULL;
}

/* Room for what was counted; the count starts anew. */
static bool list_alloc(struct slot_list *l)
{
	if (l->n)
		l->at = reallocarray(NULL, l->n, sizeof(*l->at));
	if (l->n && !l->at)
		return false;
	l->n = 0;
	return true;
}

/* Two rounds over the slots: the first counts and tells the owners, the second fills. */
static int scan_run(const struct scan *s)
{
	struct kind_diff *const d = s->diff;
	struct slot_list *l;

	for (uint32_t slot = 0; slot < s->end; slot++) {
		bool was = s->before && s->kind->in_use(s->before, slot),
		     is = s->kind->in_use(s->after, slot);

		if (s->kind->touch && (was || is))
			s->kind->touch(s, slot, was, is);
		l = list_of(s, slot, was, is);
		if (l)
			l->n++;
	}
	if (!d->added.n && !d->removed.n && !d->changed.n)
		return 0;
	if (!list_alloc(&d->added) || !list_alloc(&d->removed) || !list_alloc(&d->changed))
		return err_origin(-ENOMEM);
	for (uint32_t slot = 0; slot < s->end; slot++) {
		l = list_of(s, slot, s->before && s->kind->in_use(s->before, slot),
			    s->kind->in_use(s->after, slot));
		if (!l)
			continue;
		ASSERT(l->at); /* the first round counted it */
		l->at[l->n++] = slot;
	}
	return 0;
}

static void check_touch(const struct scan *s, uint32_t slot, bool was, bool is)
{
	if (was != is)
		touch(s->owner_touched, (is ? s->after : s->before)->checks[slot].real);
}

static void real_touch(const struct scan *s, uint32_t slot, bool was, bool is)
{
	if (was != is)
		touch(s->owner_touched, (is ? s->after : s->before)->reals[slot].service);
}

static void service_touch(const struct scan *s, uint32_t slot, bool was, bool is)
{
	uint32_t old = was ? s->before->services[slot].prefix : SLOT_NONE;
	uint32_t now = is ? s->after->services[slot].prefix : SLOT_NONE;

	if (old == now)
		return;
	touch(s->owner_touched, old);
	touch(s->owner_touched, now);
}

static bool real_differs(const struct scan *s, uint32_t slot)
{
	const struct real_spec *a = &s->before->reals[slot], *b = &s->after->reals[slot];

	return a->weight != b->weight || a->lvs_method != b->lvs_method || a->flags != b->flags;
}

static bool text_differs(const struct scan *s, gen_strref a, gen_strref b)
{
	return (a == GEN_STR_UNSET) != (b == GEN_STR_UNSET) ||
	       strcmp(gen_str(s->before, a), gen_str(s->after, b)) != 0;
}

static bool names_differ(const struct scan *s, uint32_t i_before, uint32_t i_after)
{
	const struct service_names *a = &s->before->service_names[i_before];
	const struct service_names *b = &s->after->service_names[i_after];

	return text_differs(s, a->scheduler, b->scheduler) ||
	       text_differs(s, a->quorum_up, b->quorum_up) ||
	       text_differs(s, a->virtualhost, b->virtualhost) ||
	       text_differs(s, a->version, b->version) ||
	       text_differs(s, a->ipv4_outer_source_network, b->ipv4_outer_source_network) ||
	       text_differs(s, a->ipv6_outer_source_network, b->ipv6_outer_source_network);
}

static bool service_differs(const struct scan *s, uint32_t slot)
{
	const struct service_spec *a = &s->before->services[slot], *b = &s->after->services[slot];

	return a->prefix != b->prefix || a->group != b->group || a->quorum != b->quorum ||
	       a->hysteresis != b->hysteresis || a->lvs_method != b->lvs_method ||
	       a->flags != b->flags || a->panic_threshold != b->panic_threshold ||
	       a->fwmark != b->fwmark || names_differ(s, a->names, b->names);
}

static bool prefix_differs(const struct scan *s, uint32_t slot)
{
	return s->before->prefixes[slot].group != s->after->prefixes[slot].group;
}

static const struct kind_row kinds[KIND__N] = {
	[CHECKS] = {gen_check_in_use, NULL, check_touch},
	[REALS] = {gen_real_in_use, real_differs, real_touch},
	[SERVICES] = {gen_service_in_use, service_differs, service_touch},
	[PREFIXES] = {gen_prefix_in_use, prefix_differs, NULL},
};

static uint32_t end_of(const struct generation *g, enum kind kind)
{
	const uint32_t ends[KIND__N] = {
		[CHECKS] = g->end_checks,
		[REALS] = g->end_reals,
		[SERVICES] = g->end_services,
		[PREFIXES] = g->end_prefixes,
	};

	return ends[kind];
}

static struct kind_diff *diff_of(struct gen_diff *d, enum kind kind)
{
	switch (kind) {
	case CHECKS:
		return &d->checks;
	case REALS:
		return &d->reals;
	case SERVICES:
		return &d->services;
	default:
		return &d->prefixes;
	}
}

static int scan_all(const struct generation *before, const struct generation *after,
		    uint64_t *const touched[KIND__N + 1], struct gen_diff *d)
{
	for (enum kind k = 0; k < KIND__N; k++) {
		const struct scan s = {
			.kind = &kinds[k],
			.before = before,
			.after = after,
			.end = MAX(before ? end_of(before, k) : 0, end_of(after, k)),
			.touched = touched[k],
			.owner_touched = touched[k + 1],
			.diff = diff_of(d, k),
		};

		TRY(scan_run(&s));
	}
	return 0;
}

static int fill(const struct generation *before, const struct generation *after, struct gen_diff *d)
{
	/* checks have no members, prefixes no owner */
	uint64_t *touched[KIND__N + 1] = {NULL};
	bool is_complete = true;
	int r = 0;

	for (enum kind k = REALS; k < KIND__N; k++) {
		uint32_t end = MAX(before ? end_of(before, k) : 0, end_of(after, k));

		touched[k] = calloc(end / WORD_BITS + 1, sizeof(uint64_t));
		is_complete = is_complete && touched[k];
	}
	if (is_complete)
		r = scan_all(before, after, touched, d);
	for (enum kind k = REALS; k < KIND__N; k++)
		free(touched[k]);
	return is_complete ? r : err_origin(-ENOMEM);
}

int gen_diff_make(const struct generation *before, const struct generation *after,
		  struct gen_diff **ret_diff)
{
	struct gen_diff *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return err_origin(-ENOMEM);
	r = fill(before, after, d);
	if (r < 0) {
		gen_diff_free(d);
		return err_trace(r);
	}
	*ret_diff = d;
	return 0;
}

static void kind_free(struct kind_diff *d)
{
	free(d->added.at);
	free(d->removed.at);
	free(d->changed.at);
}

void gen_diff_free(struct gen_diff *d)
{
	if (!d)
		return;
	kind_free(&d->services);
	kind_free(&d->reals);
	kind_free(&d->checks);
	kind_free(&d->prefixes);
	free(d);
}

static bool kind_is_empty(const struct kind_diff *d)
{
	return !d->added.n && !d->removed.n && !d->changed.n;
}

bool gen_diff_is_empty(const struct gen_diff *d)
{
	return kind_is_empty(&d->services) && kind_is_empty(&d->reals) &&
	       kind_is_empty(&d->checks) && kind_is_empty(&d->prefixes);
}
