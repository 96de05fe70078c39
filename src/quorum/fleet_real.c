#include "quorum/fleet_real.h"

#include "quorum/panic_rule.h"
#include "quorum/weight_rule.h"

/* --- what the row says -------------------------------------------------------------------------
 */

static bool is_counted(const struct real_row *row)
{
	return row->flags & REAL_ROW_IN_USE;
}

struct real_want fleet_real_want(const struct real_row *row)
{
	enum real_override kind = real_override_kind(row->override);

	if (row->reason == REAL_REASON_REMOVED)
		return (struct real_want){.want = FLEET_DISABLE};
	if (!is_counted(row))
		return (struct real_want){.want = FLEET_NOTHING};
	if (row->flags & REAL_ROW_ENABLED)
		return (struct real_want){.want = FLEET_ENABLE, .weight = row->wanted_weight};
	/* frozen and not enabled: kept from an earlier life, and stays as the balancer has it */
	if (row->flags & REAL_ROW_FROZEN)
		return (struct real_want){.want = FLEET_NOTHING};
	if (row->state == STATE_UNDECIDED && kind != OVERRIDE_DOWN)
		return (struct real_want){.want = FLEET_NOTHING};
	return (struct real_want){.want = FLEET_DISABLE};
}

uint16_t fleet_real_carried(const struct fleet *f, uint32_t real, const struct real_row *row)
{
	if (row->flags & REAL_ROW_ENABLED)
		return row->wanted_weight;
	return row->flags & REAL_ROW_KEPT ? *fleet_held_weight(f, real) : 0;
}

/* --- shares ------------------------------------------------------------------------------------
 */

/* Weight that an undecided real would bring. */
static uint32_t hoped_weight(const struct fleet *f, uint32_t real, const struct real_row *row)
{
	return weight_rule_overridden(f->gen->reals[real].weight, row->override);
}

static struct service_share share_of(const struct fleet *f, uint32_t real,
				     const struct real_row *row)
{
	bool is_listed = !f->config.has_balancer || marks_has(&f->listed, real);
	bool is_absent = f->has_found && !is_listed && !marks_has(&f->fresh, real);
	bool is_enabled = row->flags & REAL_ROW_ENABLED;
	struct service_share s = {
		.is_up = row->state == STATE_UP,
		.is_undecided = row->state == STATE_UNDECIDED,
		.is_absent = is_absent,
		.is_enabled = is_enabled,
		.is_listed = is_listed,
		.is_frozen = row->state == STATE_DOWN && (row->flags & REAL_ROW_FROZEN),
	};

	if (is_enabled) {
		if (row->flags & REAL_ROW_HELD)
			s.weight = MIN(row->wanted_weight, *fleet_held_weight(f, real));
		s.frozen = s.is_frozen ? s.weight : 0;
		s.pending = is_absent ? 0 : row->wanted_weight - s.weight;
		s.enabled = is_listed ? row->wanted_weight : 0;
	} else if (fleet_real_want(row).want == FLEET_NOTHING && !is_absent) {
		s.pending = hoped_weight(f, real, row);
		s.is_open = f->gen->reals[real].flags & REAL_HAS_DYNAMIC &&
			    real_override_kind(row->override) != OVERRIDE_WEIGHT;
	}
	return s;
}

/* A real that leaves the ranks of those out of service makes room for one that is held. */
static bool is_out(const struct service_share *s)
{
	return !s->is_up && !s->is_undecided && !s->is_frozen;
}

void fleet_real_uncount(struct fleet *f, uint32_t real)
{
	const struct real_row *row = state_real(f->tables, real);
	uint32_t service = f->gen->reals[real].service;
	struct service_share share;

	if (!is_counted(row))
		return;
	share = share_of(f, real, row);
	service_rule_sub(&fleet_service_of(f, service)->sums, &share);
	marks_add(&f->touched_services, service);
	if (is_out(&share))
		marks_add(&f->retry, service);
}

static void count(struct fleet *f, uint32_t real, const struct real_row *row)
{
	uint32_t service = f->gen->reals[real].service;
	struct service_share share = share_of(f, real, row);

	service_rule_add(&fleet_service_of(f, service)->sums, &share);
	marks_add(&f->touched_services, service);
}

/* --- edits -------------------------------------------------------------------------------------
 */

struct fleet_real_edit fleet_real_open_uncounted(const struct fleet *f, uint32_t real)
{
	struct fleet_real_edit e = {.real = real, .row = *state_real(f->tables, real)};

	e.before = fleet_real_want(&e.row);
	e.held_before = *fleet_held_weight(f, real);
	return e;
}

struct fleet_real_edit fleet_real_open(struct fleet *f, uint32_t real)
{
	fleet_real_uncount(f, real);
	return fleet_real_open_uncounted(f, real);
}

void fleet_real_close(struct fleet *f, struct fleet_real_edit *e)
{
	struct real_row *published = state_real(f->tables, e->real);
	struct real_want after = fleet_real_want(&e->row);
	bool was_enabled = published->flags & REAL_ROW_ENABLED;
	bool is_enabled = e->row.flags & REAL_ROW_ENABLED;

	f->tally.reals_enabled += (uint32_t)is_enabled - (uint32_t)was_enabled;
	seqrow_publish(published, &e->row, sizeof(e->row));
	if (is_counted(&e->row))
		count(f, e->real, &e->row);
	if (after.want != e->before.want || after.weight != e->before.weight)
		marks_add(&f->dirty_reals, e->real);
}

/* --- held (decisions 25) -----------------------------------------------------------------------
 */

void fleet_real_unhold(struct fleet *f, struct fleet_real_edit *e)
{
	e->row.flags &= (uint8_t) ~(REAL_ROW_HELD | REAL_ROW_KEPT);
	*fleet_held_weight(f, e->real) = 0;
	marks_remove(&f->standing, e->real);
}

/* The want of the row changed from was_enabled. */
static void follow_want(struct fleet *f, struct fleet_real_edit *e, bool was_enabled)
{
	bool is_enabled = e->row.flags & REAL_ROW_ENABLED;

	if (!f->config.has_balancer) {
		fleet_real_unhold(f, e);
		if (is_enabled) {
			e->row.flags |= REAL_ROW_HELD;
			e->row.acked_weight = e->row.wanted_weight;
			*fleet_held_weight(f, e->real) = e->row.wanted_weight;
		}
		return;
	}
	if (was_enabled && !is_enabled && (e->row.flags & REAL_ROW_HELD)) {
		e->row.flags &= (uint8_t)~REAL_ROW_HELD;
		if (f->is_connected)
			marks_add(&f->standing, e->real);
	} else if (is_enabled && marks_has(&f->standing, e->real)) {
		marks_remove(&f->standing, e->real);
		e->row.flags |= REAL_ROW_HELD;
	}
}

/* --- removals ----------------------------------------------------------------------------------
 */

void fleet_real_forget_removal(struct fleet *f, uint32_t real)
{
	struct fleet_removal *r;

	if (!marks_has(&f->removed, real))
		return;
	r = fleet_removal_of(f, real);
	if (r->kind == REMOVAL_OUT) {
		f->must_retry = f->must_retry || f->n_out == f->config.max_remove;
		f->n_out--;
	}
	*r = (struct fleet_removal){.prefix = SLOT_NONE};
	marks_remove(&f->removed, real);
}

static void remember_removal(struct fleet *f, uint32_t real, enum removal_kind kind,
			     uint16_t former_weight, uint64_t now_ns)
{
	fleet_real_forget_removal(f, real);
	*fleet_removal_of(f, real) = (struct fleet_removal){
		.at_ns = now_ns,
		.prefix = SLOT_NONE,
		.former_weight = former_weight,
		.kind = (uint8_t)kind,
	};
	f->n_out += kind == REMOVAL_OUT;
	marks_add(&f->removed, real);
}

/* Several decreases in a row are one: blind gives back what was there before the first of them, as
 * long as that is not older than a minute. */
static void remember_decrease(struct fleet *f, uint32_t real, uint16_t former_weight,
			      uint64_t now_ns)
{
	const struct fleet_removal *r = fleet_removal_of(f, real);
	const uint64_t minute_ns = UINT64_C(60000000000);

	if (r->kind == REMOVAL_LOWERED && now_ns - r->at_ns < minute_ns)
		former_weight = MAX(former_weight, r->former_weight);
	remember_removal(f, real, REMOVAL_LOWERED, former_weight, now_ns);
}

/* Does this want take traffic away by a verdict? */
static bool is_removal(const struct fleet *f, const struct fleet_real_edit *e,
		       const struct real_want *want)
{
	uint16_t carried = fleet_real_carried(f, e->real, &e->row);
	uint16_t after = want->want == FLEET_ENABLE ? want->weight : 0;

	if (carried == 0 || want->is_order || want->want == FLEET_NOTHING || after >= carried)
		return false;
	/* a kept real that comes up takes its configured weight: that is no loss */
	return e->row.state == STATE_DOWN || (e->row.flags & REAL_ROW_ENABLED);
}

static bool must_freeze(const struct fleet *f, const struct fleet_real_edit *e,
			enum fleet_cause cause)
{
	const struct service_spec *service = &f->gen->services[f->gen->reals[e->real].service];
	const struct fleet_service *s = fleet_service_of(f, f->gen->reals[e->real].service);

	if (f->blind.is_active)
		return e->row.state == STATE_DOWN || !fleet_cause_is_order(cause);
	if (e->row.state != STATE_DOWN)
		return false;
	if (f->thaw_until_ns != UINT64_MAX && (e->row.flags & REAL_ROW_FROZEN) && !f->is_confirming)
		return true;
	if (f->is_releasing)
		return false;
	return !panic_rule_service_allows(&s->sums, service->panic_threshold) ||
	       !panic_rule_daemon_allows(f->n_out, f->config.max_remove);
}

/* --- decide ------------------------------------------------------------------------------------
 */

static void set_frozen(struct fleet *f, struct fleet_real_edit *e, bool is_frozen)
{
	if (is_frozen) {
		e->row.flags |= REAL_ROW_FROZEN;
		marks_add(&f->frozen, e->real);
	} else {
		e->row.flags &= (uint8_t)~REAL_ROW_FROZEN;
		marks_remove(&f->frozen, e->real);
	}
}

/* Stays as it is, but for a weight that the operator or the file changed. */
static void freeze(struct fleet *f, struct fleet_real_edit *e, uint16_t weight_if_up,
		   enum fleet_cause cause)
{
	bool is_enabled = e->row.flags & REAL_ROW_ENABLED;

	set_frozen(f, e, true);
	if (is_enabled && fleet_cause_is_order(cause) && weight_if_up > 0) {
		e->row.wanted_weight = weight_if_up;
		follow_want(f, e, true);
	}
}

/* A decrease is over when the weight is back, or when the file or the operator set another. */
static bool is_made_good(const struct fleet_removal *r, const struct fleet_real_edit *e,
			 const struct real_want *want, enum fleet_cause cause)
{
	if (r->kind == REMOVAL_OUT)
		return e->row.state != STATE_DOWN || want->weight > 0;
	return fleet_cause_is_order(cause) || want->weight >= r->former_weight;
}

static void remember(struct fleet *f, const struct fleet_real_edit *e, const struct real_want *want,
		     enum fleet_cause cause, uint64_t now_ns)
{
	uint16_t carried = fleet_real_carried(f, e->real, &e->row);
	bool is_loss = is_removal(f, e, want);

	if (is_loss && e->row.state == STATE_DOWN)
		remember_removal(f, e->real, REMOVAL_OUT, carried, now_ns);
	else if (is_loss && !fleet_cause_is_order(cause))
		remember_decrease(f, e->real, carried, now_ns);
	else if (marks_has(&f->removed, e->real) &&
		 is_made_good(fleet_removal_of(f, e->real), e, want, cause))
		fleet_real_forget_removal(f, e->real);
}

static void apply(struct fleet *f, struct fleet_real_edit *e, const struct real_want *want)
{
	bool was_enabled = e->row.flags & REAL_ROW_ENABLED;

	set_frozen(f, e, false);
	e->row.flags &= (uint8_t) ~(REAL_ROW_ENABLED | REAL_ROW_INHIBITED);
	e->row.wanted_weight = 0;
	if (want->want == FLEET_ENABLE) {
		e->row.flags |= REAL_ROW_ENABLED;
		e->row.wanted_weight = want->weight;
	}
	if (want->is_inhibited)
		e->row.flags |= REAL_ROW_INHIBITED;
	if (want->want != FLEET_NOTHING)
		e->row.flags &= (uint8_t)~REAL_ROW_KEPT;
	follow_want(f, e, was_enabled);
}

void fleet_real_decide(struct fleet *f, struct fleet_real_edit *e, enum fleet_cause cause,
		       uint64_t now_ns)
{
	const struct real_spec *spec = &f->gen->reals[e->real];
	uint16_t weight = weight_rule_if_up(f->gen, f->tables, e->real, e->row.override);
	struct real_want want =
		real_rule_want((enum state)e->row.state, spec, weight, e->row.override);

	e->row.reason = (uint8_t)real_rule_reason(
		(enum state)e->row.state, e->row.flags & REAL_ROW_STATIC,
		weight_rule_is_drained(f->gen, f->tables, e->real), e->row.override);
	if (is_removal(f, e, &want) && must_freeze(f, e, cause)) {
		freeze(f, e, weight, cause);
		return;
	}
	remember(f, e, &want, cause, now_ns);
	apply(f, e, &want);
}

void fleet_real_take_back(struct fleet *f, struct fleet_real_edit *e, uint16_t weight)
{
	const struct real_want want = {.want = FLEET_ENABLE, .weight = weight};

	apply(f, e, &want);
	set_frozen(f, e, true);
}

void fleet_real_redecide(struct fleet *f, uint32_t real, enum fleet_cause cause, uint64_t now_ns)
{
	struct fleet_real_edit e = fleet_real_open(f, real);

	fleet_real_decide(f, &e, cause, now_ns);
	fleet_real_close(f, &e);
}

/* --- judge -------------------------------------------------------------------------------------
 */

static void tell(struct fleet *f, uint32_t real, enum state from, enum state to,
		 const struct fleet_real_source *by, uint32_t held_s)
{
	if (f->hooks.real_changed)
		f->hooks.real_changed(f->hooks.ctx, real, from, to, by->check, by->result, held_s);
}

static void tell_drain(struct fleet *f, uint32_t real, enum real_reason from,
		       const struct fleet_real_source *by)
{
	const struct real_row *row = state_real(f->tables, real);
	bool was_drained = from == REAL_REASON_DRAINED;
	bool is_drained = row->reason == REAL_REASON_DRAINED;

	if (was_drained == is_drained || row->state != STATE_UP || !f->hooks.real_drained)
		return;
	f->hooks.real_drained(f->hooks.ctx, real, is_drained, by->result);
}

/* Notes the new state in the row; a transition is a change between alive and not alive. Returns
 * the seconds spent in the state that it left. */
static uint32_t enter_state(struct fleet *f, struct real_row *row, enum state to, uint64_t now_ns)
{
	enum state from = (enum state)row->state;
	uint32_t held_s = from == STATE_UNDECIDED ? 0 : fleet_seconds(now_ns) - row->since_s;

	tally_move(f->tally.reals, from, to);
	if (from == STATE_UP || to == STATE_UP) {
		if (row->transitions > 0)
			tally_transition(&f->tally, fleet_seconds(now_ns) - row->since_s);
		row->transitions++;
		counter_add(f->counters, CTR_REAL_TRANSITIONS, 1);
	}
	row->state = (uint8_t)to;
	row->since_s = fleet_seconds(now_ns);
	return held_s;
}

void fleet_real_judge(struct fleet *f, uint32_t real, const struct fleet_real_source *by,
		      uint64_t now_ns)
{
	struct fleet_real_edit e =
		by->share_is_out ? fleet_real_open_uncounted(f, real) : fleet_real_open(f, real);
	enum state from = (enum state)e.row.state;
	enum state to = real_rule_verdict(f->gen, f->tables, real, &e.row.checks_not_up);
	enum real_reason reason = (enum real_reason)e.row.reason;
	uint32_t held_s = 0;

	if (f->gen->reals[real].first_check == SLOT_NONE)
		e.row.flags |= REAL_ROW_STATIC;
	else
		e.row.flags &= (uint8_t)~REAL_ROW_STATIC;
	if (to != from)
		held_s = enter_state(f, &e.row, to, now_ns);
	fleet_real_decide(f, &e, by->cause, now_ns);
	fleet_real_close(f, &e);
	if (to != from)
		tell(f, real, from, to, by, held_s);
	tell_drain(f, real, reason, by);
}
