#include "agg/snapshot_restore.h"

#include <errno.h>

#include "base/err.h"
#include "quorum/fleet.h"

/* What the records say in the end, by slot: the later record of an object wins. */
struct past_real {
	bool is_known;
	uint8_t state;
	uint16_t held_weight;
	uint32_t override;
};
struct past_check {
	bool is_known;
	uint8_t state, flags;
	uint16_t weight;
};
struct past_group { /* service, prefix */
	bool is_known;
	uint8_t state, flags;
};

struct past {
	const struct generation *gen;
	struct past_real *reals;
	struct past_check *checks;
	struct past_group *services, *prefixes;
	uint32_t service, real; /* to which the next records belong; SLOT_NONE: gone */
	uint32_t n_gone;
};

static void past_deinit(struct past *p)
{
	free(p->reals);
	free(p->checks);
	free(p->services);
	free(p->prefixes);
}

static int past_init(struct past *p, const struct generation *g)
{
	*p = (struct past){
		.gen = g,
		.reals = calloc(g->end_reals + 1, sizeof(*p->reals)),
		.checks = calloc(g->end_checks + 1, sizeof(*p->checks)),
		.services = calloc(g->end_services + 1, sizeof(*p->services)),
		.prefixes = calloc(g->end_prefixes + 1, sizeof(*p->prefixes)),
		.service = SLOT_NONE,
		.real = SLOT_NONE,
	};
	return p->reals && p->checks && p->services && p->prefixes ? 0 : err_origin(-ENOMEM);
}

/* --- records to slots --------------------------------------------------------------------------
 */

static void note_service(struct past *p, const struct snapshot_service *s)
{
	p->real = SLOT_NONE;
	p->service = gen_find_service(p->gen, &s->vip, s->flags & SNAPSHOT_HAS_PORT, s->port,
				      (enum l4_proto)s->proto);
	if (p->service == SLOT_NONE)
		p->n_gone++;
	else
		p->services[p->service] = (struct past_group){true, s->state, s->flags};
}

static void note_real(struct past *p, const struct snapshot_real *r)
{
	p->real = SLOT_NONE;
	if (p->service != SLOT_NONE)
		p->real = gen_find_real(p->gen, p->service, &r->ip, r->flags & SNAPSHOT_HAS_PORT,
					r->port);
	if (p->real == SLOT_NONE) {
		p->n_gone++;
		return;
	}
	p->reals[p->real] = (struct past_real){true, r->state, r->held_weight, r->override};
	for (uint32_t c = p->gen->reals[p->real].first_check; c != SLOT_NONE;
	     c = p->gen->checks[c].next)
		p->checks[c].is_known = false;
}

static void note_check(struct past *p, const struct snapshot_check *r)
{
	uint32_t c = p->real == SLOT_NONE ? SLOT_NONE : p->gen->reals[p->real].first_check;
	uint64_t identity;

	memcpy(&identity, r->identity, sizeof(identity));
	while (c != SLOT_NONE && snapshot_check_identity(p->gen, c) != identity)
		c = p->gen->checks[c].next;
	if (c == SLOT_NONE)
		p->n_gone++;
	else
		p->checks[c] = (struct past_check){true, r->state, r->flags, r->weight};
}

static void note_prefix(struct past *p, const struct snapshot_prefix *r)
{
	uint32_t prefix = gen_find_prefix(p->gen, &r->vip);

	if (prefix == SLOT_NONE)
		p->n_gone++;
	else
		p->prefixes[prefix] = (struct past_group){true, r->state, r->flags};
}

static void read_all(struct past *p, const struct snapshot *s)
{
	struct snapshot_cursor c = SNAPSHOT_FIRST(s);
	union snapshot_record r;

	while (snapshot_next(&c, &r)) {
		if (r.tag == SNAPSHOT_SERVICE)
			note_service(p, &r.service);
		else if (r.tag == SNAPSHOT_REAL)
			note_real(p, &r.real);
		else if (r.tag == SNAPSHOT_CHECK)
			note_check(p, &r.check);
		else
			note_prefix(p, &r.prefix);
	}
}

/* --- slots to the fleet ------------------------------------------------------------------------
 */

static void forget_verdicts(struct past *p)
{
	uint32_t i;

	for (i = 0; i < p->gen->end_reals; i++) {
		p->reals[i].state = STATE_UNDECIDED;
		p->reals[i].held_weight = 0;
	}
	for (i = 0; i < p->gen->end_services; i++)
		p->services[i].state = STATE_UNDECIDED;
	for (i = 0; i < p->gen->end_prefixes; i++)
		p->prefixes[i].state = STATE_UNDECIDED;
}

static void restore_weights(const struct past *p, struct fleet *f)
{
	for (uint32_t i = 0; i < p->gen->end_checks; i++) {
		const struct past_check *c = &p->checks[i];

		if (c->is_known && (c->flags & SNAPSHOT_WEIGHT_KNOWN))
			fleet_restore_weight(f, i, c->weight);
		if (c->is_known && (c->flags & SNAPSHOT_DRAIN))
			fleet_restore_drain(f, i);
	}
}

static void restore_reals(const struct past *p, struct fleet *f, uint64_t now_ns,
			  struct snapshot_restored *n)
{
	for (uint32_t i = 0; i < p->gen->end_reals; i++) {
		const struct past_real *r = &p->reals[i];

		if (!r->is_known)
			continue;
		fleet_restore_real(f, i, (enum state)r->state, r->held_weight, r->override, now_ns);
		n->n_reals++;
		n->n_up += r->state == STATE_UP;
		n->n_down += r->state == STATE_DOWN;
		n->n_overrides += real_override_kind(r->override) != OVERRIDE_NONE;
	}
	for (uint32_t i = 0; i < p->gen->end_checks; i++) {
		if (p->checks[i].is_known)
			fleet_restore_check(f, i, (enum state)p->checks[i].state);
	}
}

static void restore_groups(const struct past *p, struct fleet *f, uint64_t now_ns)
{
	uint32_t i;

	for (i = 0; i < p->gen->end_services; i++) {
		const struct past_group *s = &p->services[i];

		if (s->is_known)
			fleet_restore_service(f, i, (enum state)s->state,
					      s->flags & SNAPSHOT_JOINED, now_ns);
	}
	for (i = 0; i < p->gen->end_prefixes; i++) {
		const struct past_group *x = &p->prefixes[i];

		if (x->is_known)
			fleet_restore_prefix(f, i, (enum state)x->state,
					     x->flags & SNAPSHOT_ANNOUNCED, now_ns);
	}
}

int snapshot_restore(const struct snapshot *s, bool with_verdicts, struct fleet *f,
		     const struct generation *g, uint64_t now_ns, struct snapshot_restored *ret)
{
	struct snapshot_restored n = {0};
	struct past p;

	if (past_init(&p, g) < 0) {
		past_deinit(&p);
		return err_trace(-ENOMEM);
	}
	read_all(&p, s);
	if (!with_verdicts)
		forget_verdicts(&p);
	restore_weights(&p, f);
	restore_reals(&p, f, now_ns, &n);
	restore_groups(&p, f, now_ns);
	fleet_restored(f, now_ns);
	n.n_gone = p.n_gone;
	past_deinit(&p);
	*ret = n;
	return 0;
}
