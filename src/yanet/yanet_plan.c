#include "yanet/yanet_plan.h"

#include <errno.h>

#include "base/err.h"

void yanet_plan_init(struct yanet_plan *p, const struct balancer_args *args)
{
	*p = (struct yanet_plan){
		.hooks = &args->hooks,
		.tables = args->tables,
		.counters = args->counters,
	};
}

void yanet_plan_deinit(struct yanet_plan *p)
{
	slotset_deinit(&p->urgent);
	slotset_deinit(&p->bulk);
	slotset_deinit(&p->told);
	slotset_deinit(&p->told_on);
	slotset_deinit(&p->touched);
	for (unsigned i = 0; i < MAX_MODULES; i++)
		slotset_deinit(&p->took[i]);
	yanet_sent_deinit(&p->staged);
	yanet_sent_deinit(&p->settling);
	yanet_tombs_deinit(&p->tombs);
	free(p->told_weight);
}

/* --- rows -------------------------------------------------------------------------------- */

static const struct real_row *row_of(const struct yanet_plan *p, uint32_t real)
{
	return state_real(p->tables, real);
}

/* fleet writes the same rows on this thread: always changed from what is there now. */
void yanet_plan_set_modules(struct yanet_plan *p, uint32_t real, uint32_t listing, uint32_t in_sync)
{
	struct real_row row = *row_of(p, real);

	if (row.modules_listing == listing && row.modules_in_sync == in_sync)
		return;
	row.modules_listing = listing;
	row.modules_in_sync = in_sync;
	seqrow_publish(state_real(p->tables, real), &row, sizeof(row));
}

/* --- wishes ------------------------------------------------------------------------------ */

struct balancer_wish yanet_plan_wish(const struct yanet_plan *p, uint32_t real)
{
	if (p->is_stopping)
		return (struct balancer_wish){.want = BALANCER_DISABLE};
	return p->hooks->wish(p->hooks->ctx, real);
}

static bool is_wish(const struct balancer_wish *w, bool enable, uint32_t weight)
{
	if (!enable)
		return w->want == BALANCER_DISABLE;
	return w->want == BALANCER_ENABLE && w->weight == weight;
}

/* Nothing of this real was sent since what it was told last was flushed everywhere. */
static bool is_told(const struct yanet_plan *p, uint32_t real, const struct balancer_wish *w)
{
	return slotset_has(&p->told, real) && !slotset_has(&p->bulk, real) &&
	       !slotset_has(&p->staged.slots, real) && !slotset_has(&p->settling.slots, real) &&
	       is_wish(w, slotset_has(&p->told_on, real), p->told_weight[real]);
}

static void set_told(struct yanet_plan *p, uint32_t real, const struct balancer_wish *w)
{
	slotset_add(&p->told, real);
	if (w->want == BALANCER_ENABLE)
		slotset_add(&p->told_on, real);
	else
		slotset_remove(&p->told_on, real);
	p->told_weight[real] = w->weight;
}

/* Every module that lists the real has flushed its wish. */
static void acknowledge(struct yanet_plan *p, uint32_t real, const struct balancer_wish *w)
{
	bool is_enabled = w->want == BALANCER_ENABLE;

	set_told(p, real, w);
	if (p->is_stopping)
		return;
	p->hooks->acked(p->hooks->ctx, real, is_enabled, is_enabled ? w->weight : 0);
}

/* The wish came back to what the balancer has. The hook is spared if it has nothing to learn, so
 * that a real which is made dirty by its own acknowledgement does not go round. */
static void back_in_sync(struct yanet_plan *p, uint32_t real, const struct balancer_wish *w)
{
	const struct real_row *row = row_of(p, real);
	bool was_in_sync = row->modules_in_sync == row->modules_listing;
	bool is_held = row->flags & REAL_ROW_HELD;

	slotset_remove(&p->urgent, real);
	yanet_plan_set_modules(p, real, row->modules_listing, row->modules_listing);
	if (!was_in_sync || (w->want == BALANCER_ENABLE && row->state == STATE_UP && !is_held))
		acknowledge(p, real, w);
}

void yanet_plan_dirty(struct yanet_plan *p, uint32_t real)
{
	struct balancer_wish w;

	if (!p->gen || !gen_real_in_use(p->gen, real)) {
		yanet_tombs_release(&p->tombs, real);
		return;
	}
	if (p->is_stopping)
		return;
	w = yanet_plan_wish(p, real);
	if (p->is_connected && is_told(p, real, &w)) {
		back_in_sync(p, real, &w);
		return;
	}
	yanet_plan_set_modules(p, real, row_of(p, real)->modules_listing, 0);
	/* nothing is sent for a real that no module lists: it is sent when one does */
	if (w.want != BALANCER_NOTHING && (row_of(p, real)->modules_listing || !p->has_found))
		slotset_add(&p->urgent, real);
	else
		slotset_remove(&p->urgent, real);
}

/* --- adoption ---------------------------------------------------------------------------- */

static int reserve(struct yanet_plan *p, uint32_t end, uint32_t n_removed)
{
	struct slotset *sets[] = {&p->urgent,  &p->bulk,         &p->told,          &p->told_on,
				  &p->touched, &p->staged.slots, &p->settling.slots};
	uint16_t *told_weight;

	for (unsigned i = 0; i < ARRAY_LEN(sets); i++)
		TRY(slotset_reserve(sets[i], end));
	for (unsigned i = 0; i < MAX_MODULES; i++) {
		if (p->took[i].words)
			TRY(slotset_reserve(&p->took[i], end));
	}
	TRY(yanet_tombs_reserve(&p->tombs, n_removed, end));
	if (end <= p->end)
		return 0;
	told_weight = realloc(p->told_weight, end * sizeof(*told_weight));
	if (!told_weight)
		return err_origin(-ENOMEM);
	p->told_weight = told_weight;
	p->end = end;
	return 0;
}

static uint32_t modules_with_enable(const struct yanet_plan *p, uint32_t real)
{
	uint32_t modules = 0;

	for (unsigned i = 0; i < MAX_MODULES; i++)
		modules |= (uint32_t)slotset_has(&p->took[i], real) << i;
	return modules & p->modules.in_use;
}

/* Before gen changes: the real's specs are still at hand. */
static void bury(struct yanet_plan *p, uint32_t real)
{
	const struct real_spec *spec = &p->gen->reals[real];
	struct yanet_tomb tomb = {
		.modules = row_of(p, real)->modules_listing | modules_with_enable(p, real),
		.slot = real,
	};

	if (!tomb.modules || !yanet_key_make(&p->gen->services[spec->service], spec, &tomb.key))
		return;
	yanet_tombs_add(&p->tombs, &tomb, yanet_plan_wish(p, real).want != BALANCER_DISABLE);
}

static void forget(struct yanet_plan *p, uint32_t real)
{
	struct slotset *sets[] = {&p->urgent,  &p->bulk,         &p->told,          &p->told_on,
				  &p->touched, &p->staged.slots, &p->settling.slots};

	for (unsigned i = 0; i < ARRAY_LEN(sets); i++)
		slotset_remove(sets[i], real);
	for (unsigned i = 0; i < MAX_MODULES; i++)
		slotset_remove(&p->took[i], real);
}

int yanet_plan_adopt(struct yanet_plan *p, const struct generation *gen,
		     const struct gen_diff *diff, uint64_t wait_until_ns)
{
	const struct slot_list *removed = &diff->reals.removed;

	TRY(reserve(p, MAX(gen->end_reals, p->gen ? p->gen->end_reals : 0), removed->n));
	for (uint32_t i = 0; p->gen && i < removed->n; i++) {
		bury(p, removed->at[i]);
		forget(p, removed->at[i]);
	}
	if (p->tombs.waiting.n)
		p->tombs.wait_until_ns = p->is_stopping ? 0 : wait_until_ns;
	p->gen = gen;
	yanet_tombs_revive(&p->tombs, gen);
	return 0;
}

/* --- connection -------------------------------------------------------------------------- */

void yanet_plan_resync(struct yanet_plan *p)
{
	if (p->gen)
		slotset_fill(&p->bulk, p->gen->end_reals);
}

void yanet_plan_connected(struct yanet_plan *p)
{
	p->is_connected = true;
	yanet_plan_resync(p);
}

void yanet_plan_lost(struct yanet_plan *p)
{
	p->is_connected = false;
	p->must_flush = p->must_flush || yanet_plan_needs_flush(p);
	p->is_full = p->has_staged_urgent = false;
	/* what was staged after them may be in force or not: they prove nothing any more */
	slotset_subtract(&p->settling.slots, &p->staged.slots);
	slotset_move(&p->urgent, &p->staged.slots);
	yanet_sent_clear(&p->staged);
	yanet_tombs_lost(&p->tombs);
}

void yanet_plan_stop(struct yanet_plan *p)
{
	p->is_stopping = true;
	p->tombs.wait_until_ns = 0;
	yanet_plan_resync(p);
}

/* --- what RealFind shows ----------------------------------------------------------------- */

void yanet_plan_appeared(struct yanet_plan *p, uint32_t real, unsigned module)
{
	const struct real_row *row = row_of(p, real);

	yanet_plan_set_modules(p, real, row->modules_listing | 1u << module,
			       row->modules_in_sync & ~(1u << module));
	slotset_add(&p->bulk, real);
}

void yanet_plan_compare(struct yanet_plan *p, uint32_t real, unsigned module, bool enabled,
			uint32_t weight)
{
	bool is_on = slotset_has(&p->told_on, real);

	/* what was not in sync at the request, or came into sync since, proves nothing */
	if (!(row_of(p, real)->modules_in_sync >> module & 1) || !slotset_has(&p->told, real) ||
	    slotset_has(&p->touched, real) || slotset_has(&p->bulk, real))
		return;
	if (is_on == enabled && (!is_on || p->told_weight[real] == weight))
		return;
	counter_add(p->counters, CTR_YANET_REPAIRS, 1);
	slotset_add(&p->bulk, real);
}

void yanet_plan_vanished(struct yanet_plan *p, uint32_t real, uint32_t still)
{
	const struct real_row *row = row_of(p, real);

	yanet_plan_set_modules(p, real, row->modules_listing & still, row->modules_in_sync & still);
	if (row->modules_listing)
		return;
	slotset_remove(&p->told, real);
	slotset_remove(&p->urgent, real);
	slotset_remove(&p->bulk, real);
}

void yanet_plan_forget_modules(struct yanet_plan *p, uint32_t modules)
{
	for (unsigned i = 0; i < MAX_MODULES; i++) {
		if (modules >> i & 1)
			slotset_deinit(&p->took[i]);
	}
	yanet_tombs_forget_modules(&p->tombs, modules);
}

/* --- what to do -------------------------------------------------------------------------- */

bool yanet_plan_has_todo(const struct yanet_plan *p, uint64_t now_ns)
{
	return !p->is_full &&
	       (p->urgent.n || p->bulk.n || yanet_tombs_has_unsent(&p->tombs, now_ns));
}

bool yanet_plan_needs_flush(const struct yanet_plan *p)
{
	return p->must_flush || p->staged.n || p->tombs.n_sent;
}

void yanet_plan_flushed(struct yanet_plan *p)
{
	struct yanet_sent_list empty = p->settling;

	ASSERT(!empty.n);
	p->settling = p->staged;
	p->staged = empty;
	p->must_flush = p->is_full = p->has_staged_urgent = false;
	yanet_tombs_flushed(&p->tombs);
}

static void settle_one(struct yanet_plan *p, const struct yanet_sent *e)
{
	uint32_t listing = row_of(p, e->slot)->modules_listing;
	struct balancer_wish w;

	for (unsigned i = 0; i < MAX_MODULES && !e->enable; i++) {
		if (e->modules >> i & 1 && !slotset_has(&p->staged.slots, e->slot))
			slotset_remove(&p->took[i], e->slot);
	}
	/* something newer is on its way, or everything is in doubt */
	if (slotset_has(&p->staged.slots, e->slot) || slotset_has(&p->bulk, e->slot))
		return;
	w = yanet_plan_wish(p, e->slot);
	if (!is_wish(&w, e->enable, e->weight))
		return;
	if (!listing || listing & ~e->modules)
		return;
	yanet_plan_set_modules(p, e->slot, listing, listing);
	slotset_add(&p->touched, e->slot);
	slotset_remove(&p->urgent, e->slot);
	acknowledge(p, e->slot, &w);
}

bool yanet_plan_settle(struct yanet_plan *p, struct yanet_budget *b)
{
	struct yanet_sent e;

	while (p->settling.n) {
		if (!yanet_budget_take(b))
			return false;
		if (yanet_sent_take(&p->settling, &e))
			settle_one(p, &e);
	}
	yanet_sent_clear(&p->settling);
	return true;
}

uint32_t yanet_plan_undelivered(const struct yanet_plan *p)
{
	const struct slotset *sets[] = {&p->urgent, &p->bulk, &p->staged.slots, &p->settling.slots};

	return slotset_count_any(sets, ARRAY_LEN(sets)) + p->tombs.n;
}
