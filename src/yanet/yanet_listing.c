#include "yanet/yanet_listing.h"

enum { ROWS_PER_STEP = 64 }; /* looking at a row that did not change costs little */

void yanet_listing_init(struct yanet_listing *l, struct yanet_plan *plan, uint64_t period_ns)
{
	*l = (struct yanet_listing){
		.plan = plan,
		.period_ns = period_ns,
		.module = YANET_MODULES_FULL,
		.service = SLOT_NONE,
	};
}

void yanet_listing_deinit(struct yanet_listing *l)
{
	for (unsigned i = 0; i < MAX_MODULES; i++)
		slotset_deinit(&l->seen[i]);
}

static const struct real_row *row_of(const struct yanet_listing *l, uint32_t real)
{
	return state_real(l->plan->tables, real);
}

static void set_unlisted_once(struct yanet_listing *l, uint32_t real, bool is_once)
{
	struct real_row row = *row_of(l, real);

	if (is_once)
		row.flags |= REAL_ROW_UNLISTED_ONCE;
	else
		row.flags &= (uint8_t)~REAL_ROW_UNLISTED_ONCE;
	seqrow_publish(state_real(l->plan->tables, real), &row, sizeof(row));
}

void yanet_listing_adopt(struct yanet_listing *l, const struct gen_diff *diff)
{
	l->is_void = true;
	for (uint32_t i = 0; l->plan->gen && i < diff->reals.removed.n; i++)
		l->n_listed -= row_of(l, diff->reals.removed.at[i])->modules_listing != 0;
}

/* --- while the reply comes --------------------------------------------------------------- */

void yanet_listing_begin(struct yanet_listing *l, uint64_t now_ns)
{
	l->is_open = true;
	l->is_void = false;
	l->asked_ns = now_ns;
	l->module = YANET_MODULES_FULL;
	l->service = SLOT_NONE;
	l->sweep_at = l->n_foreign_so_far = l->n_unnamed = 0;
	for (unsigned i = 0; i < MAX_MODULES; i++)
		slotset_clear(&l->seen[i]);
	slotset_clear(&l->plan->touched);
	yanet_modules_begin(&l->plan->modules);
}

void yanet_listing_module(struct yanet_listing *l, const struct yanet_found_module *m)
{
	l->service = SLOT_NONE;
	l->module = YANET_MODULES_FULL;
	if (l->is_void)
		return;
	if (m->is_usable)
		l->module = yanet_modules_found(&l->plan->modules, &m->name);
	if (l->module == YANET_MODULES_FULL)
		l->n_unnamed++;
	else if (slotset_reserve(&l->seen[l->module], l->plan->end) < 0)
		l->is_void = true;
}

void yanet_listing_service(struct yanet_listing *l, const struct yanet_found_service *s)
{
	l->service = SLOT_NONE;
	if (l->is_void || l->module == YANET_MODULES_FULL || !s->is_usable)
		return;
	l->service = gen_find_service(l->plan->gen, &s->vip, s->has_port, s->port, s->proto);
}

/* The module did not list it in the reply before. */
static void appeared(struct yanet_listing *l, uint32_t real, const struct yanet_found_real *r)
{
	bool is_first = row_of(l, real)->modules_listing == 0;

	if (row_of(l, real)->flags & REAL_ROW_UNLISTED_ONCE)
		set_unlisted_once(l, real, false);
	yanet_plan_appeared(l->plan, real, l->module);
	l->n_listed += is_first;
	if (is_first)
		l->plan->hooks->listed(l->plan->hooks->ctx, real, r->is_enabled,
				       (uint16_t)MIN(r->weight, UINT16_MAX));
}

void yanet_listing_real(struct yanet_listing *l, const struct yanet_found_real *r)
{
	const struct real_row *row;
	uint32_t real;

	if (l->is_void || l->service == SLOT_NONE || !r->is_usable)
		return;
	real = gen_find_real(l->plan->gen, l->service, &r->ip, r->has_port, r->port);
	if (real == SLOT_NONE) {
		l->n_foreign_so_far++;
		return;
	}
	/* the same real listed twice: the first entry counts, they share one key (spec §5) */
	if (slotset_has(&l->seen[l->module], real))
		return;
	slotset_add(&l->seen[l->module], real);
	row = row_of(l, real);
	if (!(row->modules_listing >> l->module & 1) || row->flags & REAL_ROW_UNLISTED_ONCE)
		appeared(l, real, r);
	else
		yanet_plan_compare(l->plan, real, l->module, r->is_enabled, r->weight);
}

void yanet_listing_abort(struct yanet_listing *l)
{
	l->is_open = false;
}

/* --- after the reply --------------------------------------------------------------------- */

static uint32_t seen_in(const struct yanet_listing *l, uint32_t real)
{
	uint32_t modules = 0, left = l->plan->modules.present;

	for (; left; left &= left - 1) {
		unsigned i = (unsigned)__builtin_ctz(left);

		modules |= (uint32_t)slotset_has(&l->seen[i], real) << i;
	}
	return modules;
}

static bool counts_for_absence(const struct yanet_listing *l)
{
	return !l->counted_ns || l->asked_ns - l->counted_ns >= l->period_ns;
}

static void unlist(struct yanet_listing *l, uint32_t real)
{
	set_unlisted_once(l, real, false);
	l->n_listed -= row_of(l, real)->modules_listing != 0;
	yanet_plan_vanished(l->plan, real, 0);
	l->plan->hooks->unlisted(l->plan->hooks->ctx, real);
}

/* Returns true if something changed. */
static bool sweep_real(struct yanet_listing *l, uint32_t real)
{
	const struct real_row *row = row_of(l, real);
	uint32_t seen;

	/* held without being listed: from a snapshot of an earlier life */
	if ((!row->modules_listing && !(row->flags & REAL_ROW_HELD)) ||
	    !gen_real_in_use(l->plan->gen, real))
		return false;
	seen = seen_in(l, real);
	if (seen && seen == row->modules_listing)
		return false;
	if (seen)
		yanet_plan_vanished(l->plan, real, seen);
	else if (!counts_for_absence(l))
		return false;
	else if (row->flags & REAL_ROW_UNLISTED_ONCE)
		unlist(l, real);
	else
		set_unlisted_once(l, real, true);
	return true;
}

static void complete(struct yanet_listing *l)
{
	l->is_open = false;
	l->n_foreign = l->n_foreign_so_far;
	if (counts_for_absence(l)) {
		l->counted_ns = l->asked_ns;
		yanet_plan_forget_modules(l->plan, yanet_modules_end(&l->plan->modules));
	}
	if (!l->plan->has_found) {
		l->plan->has_found = true;
		l->plan->hooks->first_find(l->plan->hooks->ctx);
	}
}

int yanet_listing_sweep(struct yanet_listing *l, struct yanet_budget *b)
{
	uint32_t end = l->plan->gen->end_reals;

	while (!l->is_void && l->sweep_at < end) {
		uint32_t real = l->sweep_at++;
		bool is_costly = sweep_real(l, real);

		if ((is_costly || l->sweep_at % ROWS_PER_STEP == 0) && !yanet_budget_take(b))
			break;
	}
	if (l->is_void) {
		l->is_open = false;
		return YANET_LISTING_VOID;
	}
	if (l->sweep_at < end)
		return YANET_LISTING_MORE;
	complete(l);
	return YANET_LISTING_DONE;
}
