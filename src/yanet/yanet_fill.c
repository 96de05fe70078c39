#include "yanet/yanet_fill.h"

static bool has_room(struct yanet_request *q, uint32_t modules)
{
	return q->n_updates + (uint32_t)__builtin_popcount(modules) <= YANET_BATCH_MAX;
}

static void encode(struct yanet_plan *p, struct yanet_request *q, uint32_t modules,
		   const struct yanet_key *key, const struct yanet_update *u)
{
	for (unsigned i = 0; i < MAX_MODULES; i++) {
		if (modules >> i & 1) {
			yanet_encode_update(q, &p->modules.names[i], key, u);
			counter_add(p->counters, CTR_YANET_UPDATES, 1);
		}
	}
}

static bool note_enable(struct yanet_plan *p, uint32_t real, uint32_t modules)
{
	for (unsigned i = 0; i < MAX_MODULES; i++) {
		if (!(modules >> i & 1))
			continue;
		if (slotset_reserve(&p->took[i], p->end) < 0)
			return false;
		slotset_add(&p->took[i], real);
	}
	return true;
}

enum send_result { SEND_OK, SEND_NO_ROOM };

/* Puts one wish into the request for the modules that need it. */
static enum send_result send_wish(struct yanet_plan *p, struct yanet_request *q, uint32_t real,
				  const struct balancer_wish *w, uint32_t modules)
{
	const struct real_spec *spec = &p->gen->reals[real];
	const struct yanet_sent entry = {
		.slot = real,
		.modules = modules,
		.weight = w->weight,
		.enable = w->want == BALANCER_ENABLE,
	};
	const struct yanet_update u = {entry.enable, true, entry.weight};
	struct yanet_key key;

	if (!yanet_key_make(&p->gen->services[spec->service], spec, &key))
		return SEND_OK; /* the configuration's checks exclude it */
	if (!has_room(q, modules))
		return SEND_NO_ROOM;
	if ((entry.enable && !note_enable(p, real, modules)) ||
	    !yanet_sent_add(&p->staged, &entry)) {
		p->is_full = p->must_flush = true;
		return SEND_NO_ROOM;
	}
	slotset_remove(&p->told, real);
	encode(p, q, modules, &key, &u);
	return SEND_OK;
}

/* Looks at one real of urgent or bulk. What it is sent goes to every module that lists it. */
static enum send_result send_real(struct yanet_plan *p, struct yanet_request *q, uint32_t real)
{
	uint32_t listing = state_real(p->tables, real)->modules_listing;
	struct balancer_wish w = yanet_plan_wish(p, real);

	if (w.want != BALANCER_NOTHING && listing && send_wish(p, q, real, &w, listing) != SEND_OK)
		return SEND_NO_ROOM;
	yanet_plan_set_modules(p, real, listing, 0);
	p->has_staged_urgent = p->has_staged_urgent || slotset_has(&p->urgent, real);
	if (slotset_has(&p->bulk, real))
		slotset_remove(&p->told, real);
	slotset_remove(&p->urgent, real);
	slotset_remove(&p->bulk, real);
	return SEND_OK;
}

static enum send_result send_tombs(struct yanet_plan *p, struct yanet_request *q, uint64_t now_ns,
				   struct yanet_budget *b)
{
	static const struct yanet_update disable = {.enable = false};
	const struct yanet_tomb *tomb;
	uint32_t at = 0;

	if (!yanet_tombs_has_unsent(&p->tombs, now_ns))
		return SEND_OK;
	while ((tomb = yanet_tombs_next(&p->tombs, now_ns, &at))) {
		if (!has_room(q, tomb->modules) || !yanet_budget_take(b))
			return SEND_NO_ROOM;
		encode(p, q, tomb->modules, &tomb->key, &disable);
		yanet_tombs_mark_sent(&p->tombs, at);
		p->has_staged_urgent = true;
	}
	return SEND_OK;
}

/* Goes round the set from where it stopped last, so that no real waits for ever. */
static enum send_result send_set(struct yanet_plan *p, struct yanet_request *q, struct slotset *s,
				 uint32_t *at, struct yanet_budget *b)
{
	while (s->n) {
		uint32_t real = slotset_next(s, *at);

		if (real == SLOT_NONE) {
			*at = 0;
			continue;
		}
		if (!yanet_budget_take(b))
			return SEND_NO_ROOM;
		if (!gen_real_in_use(p->gen, real)) {
			slotset_remove(s, real);
		} else if (send_real(p, q, real) != SEND_OK) {
			return SEND_NO_ROOM;
		}
		*at = real + 1;
	}
	return SEND_OK;
}

uint32_t yanet_fill(struct yanet_plan *p, struct yanet_request *q, uint64_t now_ns,
		    struct yanet_budget *b)
{
	yanet_encode_begin(q, YANET_REAL);
	if (!p->gen || p->is_full)
		return 0;
	if (send_tombs(p, q, now_ns, b) == SEND_OK &&
	    send_set(p, q, &p->urgent, &p->urgent_at, b) == SEND_OK &&
	    send_set(p, q, &p->bulk, &p->bulk_at, b) == SEND_OK)
		p->urgent_at = p->bulk_at = 0;
	return q->n_updates;
}
