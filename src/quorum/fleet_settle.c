#include "quorum/fleet_settle.h"

#include "quorum/fleet_freeze.h"
#include "quorum/weight_rule.h"

/* --- alarms ------------------------------------------------------------------------------------
 */

static void alarm_changed(const struct fleet *f, uint32_t service, enum fleet_alarm alarm, bool was,
			  bool is)
{
	if (was != is && f->hooks.service_alarm)
		f->hooks.service_alarm(f->hooks.ctx, service, alarm, is);
}

/* "announced, SERVICE never served" */
static void set_unserved(struct fleet *f, uint32_t service, bool is_unserved)
{
	struct fleet_service *s = fleet_service_of(f, service);
	bool was = s->flags & FLEET_SERVICE_UNSERVED;

	s->flags &= ~(uint32_t)FLEET_SERVICE_UNSERVED;
	s->flags |= is_unserved ? FLEET_SERVICE_UNSERVED : 0;
	alarm_changed(f, service, FLEET_ALARM_UNSERVED, was, is_unserved);
}

/* --- members of a prefix (decisions 27) --------------------------------------------------------
 */

static void count_joined(struct fleet *f, struct prefix_row *p, uint32_t prefix, enum state state,
			 uint32_t step)
{
	p->n_joined += step;
	p->n_joined_up += state == STATE_UP ? step : 0;
	fleet_prefix_of(f, prefix)->n_joined_down += state == STATE_DOWN ? step : 0;
	marks_add(&f->touched_prefixes, prefix);
}

static void publish_prefix(struct fleet *f, uint32_t prefix, const struct prefix_row *row)
{
	seqrow_publish(state_prefix(f->tables, prefix), row, sizeof(*row));
}

static void set_joined(struct fleet *f, uint32_t service, bool joined)
{
	struct service_row row = *state_service(f->tables, service);

	row.flags &= (uint8_t)~SERVICE_ROW_JOINED;
	row.flags |= joined ? SERVICE_ROW_JOINED : 0;
	seqrow_publish(state_service(f->tables, service), &row, sizeof(row));
}

static void join(struct fleet *f, uint32_t service, uint32_t prefix)
{
	struct prefix_row p = *state_prefix(f->tables, prefix);

	set_joined(f, service, true);
	count_joined(f, &p, prefix, (enum state)state_service(f->tables, service)->state, 1);
	publish_prefix(f, prefix, &p);
	set_unserved(f, service, false);
}

static bool is_joined(const struct fleet *f, uint32_t service)
{
	return state_service(f->tables, service)->flags & SERVICE_ROW_JOINED;
}

static void unjoin(struct fleet *f, uint32_t service, uint32_t prefix)
{
	struct prefix_row p = *state_prefix(f->tables, prefix);

	if (!is_joined(f, service))
		return;
	count_joined(f, &p, prefix, (enum state)state_service(f->tables, service)->state,
		     UINT32_MAX);
	publish_prefix(f, prefix, &p);
	set_joined(f, service, false);
}

void fleet_settle_unjoin(struct fleet *f, uint32_t service)
{
	uint32_t prefix = f->gen->services[service].prefix;

	if (prefix != SLOT_NONE)
		unjoin(f, service, prefix);
}

void fleet_settle_join_all(struct fleet *f, uint32_t prefix)
{
	uint32_t s = f->gen->prefixes[prefix].first_service;

	for (; s != SLOT_NONE; s = f->gen->services[s].next_on_prefix) {
		if (!is_joined(f, s))
			join(f, s, prefix);
	}
	fleet_prefix_of(f, prefix)->flags &= ~(uint32_t)FLEET_PREFIX_WAIT_ALL;
}

static bool all_have_verdicts(const struct fleet *f, uint32_t prefix)
{
	uint32_t s = f->gen->prefixes[prefix].first_service;

	for (; s != SLOT_NONE; s = f->gen->services[s].next_on_prefix) {
		if (state_service(f->tables, s)->state == STATE_UNDECIDED)
			return false;
	}
	return true;
}

void fleet_settle_enter(struct fleet *f, uint32_t service)
{
	uint32_t prefix = f->gen->services[service].prefix;
	struct fleet_service *s = fleet_service_of(f, service);
	struct prefix_row p;

	if (prefix == SLOT_NONE || (s->flags & FLEET_SERVICE_IS_MEMBER))
		return;
	s->flags |= FLEET_SERVICE_IS_MEMBER;
	p = *state_prefix(f->tables, prefix);
	p.n_members++;
	publish_prefix(f, prefix, &p);
	marks_add(&f->touched_prefixes, prefix);
	if (p.state != STATE_UP)
		join(f, service, prefix);
	else if (state_service(f->tables, service)->state == STATE_UP &&
		 !(fleet_prefix_of(f, prefix)->flags & FLEET_PREFIX_WAIT_ALL))
		join(f, service, prefix);
	else
		set_unserved(f, service, true);
}

void fleet_settle_leave(struct fleet *f, const struct generation *gen, uint32_t service)
{
	uint32_t prefix = gen->services[service].prefix;
	struct fleet_service *s = fleet_service_of(f, service);
	struct prefix_row p;

	if (!(s->flags & FLEET_SERVICE_IS_MEMBER))
		return;
	s->flags &= ~(uint32_t)FLEET_SERVICE_IS_MEMBER;
	unjoin(f, service, prefix);
	p = *state_prefix(f->tables, prefix);
	p.n_members--;
	publish_prefix(f, prefix, &p);
	set_unserved(f, service, false);
}

void fleet_settle_orphan(struct fleet *f, uint32_t prefix)
{
	const struct prefix_row *p = state_prefix(f->tables, prefix);
	struct fleet_prefix *more = fleet_prefix_of(f, prefix);

	if (p->n_joined > 0 || p->n_members == 0)
		return;
	if (p->state == STATE_UP)
		more->flags |= FLEET_PREFIX_WAIT_ALL;
	else
		fleet_settle_join_all(f, prefix);
	marks_add(&f->touched_prefixes, prefix);
}

/* A member's state changed. */
static void tell_prefix(struct fleet *f, uint32_t service, enum state from, enum state to)
{
	uint32_t prefix = f->gen->services[service].prefix;
	struct prefix_row p;

	if (!(fleet_service_of(f, service)->flags & FLEET_SERVICE_IS_MEMBER))
		return;
	if (is_joined(f, service)) {
		p = *state_prefix(f->tables, prefix);
		count_joined(f, &p, prefix, from, UINT32_MAX);
		count_joined(f, &p, prefix, to, 1);
		publish_prefix(f, prefix, &p);
	} else if (fleet_prefix_of(f, prefix)->flags & FLEET_PREFIX_WAIT_ALL) {
		marks_add(&f->touched_prefixes, prefix);
	} else if (to == STATE_UP) {
		join(f, service, prefix);
	}
}

/* --- services ----------------------------------------------------------------------------------
 */

static uint32_t cut(uint64_t v)
{
	return (uint32_t)MIN(v, (uint64_t)UINT32_MAX);
}

static void show_sums(struct service_row *row, const struct service_sums *sums)
{
	row->weight = cut(sums->weight);
	row->weight_pending = cut(sums->pending);
	row->enabled_weight = cut(sums->enabled);
	row->alive_count = sums->n_enabled;
	row->n_up = sums->n_up;
	row->n_undecided = sums->n_undecided;
	row->n_absent = sums->n_absent;
	row->reals_listed = sums->n_listed;
}

/* Returns true if the weights that are sent differ now. */
static bool rescale(const struct fleet *f, struct service_row *row, const struct service_sums *sums)
{
	struct weight_scale scale = {0, 0};
	bool is_other;

	if (f->config.has_balancer)
		scale = weight_rule_scale(sums->enabled, sums->n_listed);
	is_other = row->scale_num != scale.num || row->scale_den != scale.den;
	row->scale_num = scale.num;
	row->scale_den = scale.den;
	return is_other;
}

static void set_panic(const struct fleet *f, struct service_row *row,
		      const struct service_sums *sums)
{
	bool is_panic =
		sums->n_frozen > 0 && (!fleet_withholds(f) || (row->flags & SERVICE_ROW_PANIC));

	row->flags &= (uint8_t)~SERVICE_ROW_PANIC;
	row->flags |= is_panic ? SERVICE_ROW_PANIC : 0;
}

static void enter_service_state(struct fleet *f, uint32_t service, struct service_row *row,
				enum state to, uint64_t now_ns)
{
	tally_move(f->tally.services, (enum state)row->state, to);
	if (row->state == STATE_UP || to == STATE_UP) {
		row->transitions++;
		counter_add(f->counters, CTR_SERVICE_TRANSITIONS, 1);
	}
	row->state = (uint8_t)to;
	row->since_s = fleet_seconds(now_ns);
	if (to == STATE_UP) {
		row->flags |= SERVICE_ROW_EVER_UP;
		fleet_service_of(f, service)->flags &= ~(uint32_t)FLEET_SERVICE_RETAKEN;
		marks_remove(&f->fallen, service);
	}
}

static void note_fall(struct fleet *f, uint32_t service, enum state from, enum fleet_cause cause,
		      uint64_t now_ns)
{
	if (from != STATE_UP || fleet_cause_is_order(cause))
		return;
	fleet_service_of(f, service)->fell_ns = now_ns;
	marks_add(&f->fallen, service);
}

static enum state judge_service(const struct fleet *f, uint32_t service, enum state before)
{
	const struct service_spec *spec = &f->gen->services[service];
	const struct fleet_service *s = fleet_service_of(f, service);
	const struct service_terms terms = {
		.quorum = spec->quorum,
		.hysteresis = spec->hysteresis,
		.may_be_empty = f->has_found,
		.is_retaken = s->flags & FLEET_SERVICE_RETAKEN,
	};

	return service_rule_state(&s->sums, &terms, before);
}

static void settle_service(struct fleet *f, uint32_t service, enum fleet_cause cause,
			   uint64_t now_ns)
{
	const struct service_sums *sums = &fleet_service_of(f, service)->sums;
	struct service_row row = *state_service(f->tables, service), old = row;
	enum state from = (enum state)row.state, to = judge_service(f, service, from);

	show_sums(&row, sums);
	set_panic(f, &row, sums);
	if (rescale(f, &row, sums))
		marks_add(&f->rescaled, service);
	if (to != from)
		enter_service_state(f, service, &row, to, now_ns);
	seqrow_publish(state_service(f->tables, service), &row, sizeof(row));
	alarm_changed(f, service, FLEET_ALARM_PANIC, old.flags & SERVICE_ROW_PANIC,
		      row.flags & SERVICE_ROW_PANIC);
	alarm_changed(f, service, FLEET_ALARM_SCALED, old.scale_den > 0, row.scale_den > 0);
	if (to == from)
		return;
	if (to == STATE_DOWN)
		note_fall(f, service, from, cause, now_ns);
	if (f->hooks.service_changed)
		f->hooks.service_changed(f->hooks.ctx, service, from, to);
	tell_prefix(f, service, from, to);
}

/* --- prefixes ----------------------------------------------------------------------------------
 */

/* Keeps the set and the published flag equal. */
static void set_mark(struct fleet *f, struct marks *set, enum prefix_row_flag flag, uint32_t prefix,
		     bool is_in)
{
	struct prefix_row row = *state_prefix(f->tables, prefix);

	if (is_in == marks_has(set, prefix))
		return;
	row.flags &= (uint8_t)~flag;
	row.flags |= is_in ? (uint8_t)flag : 0;
	publish_prefix(f, prefix, &row);
	if (is_in)
		marks_add(set, prefix);
	else
		marks_remove(set, prefix);
}

static void set_frozen(struct fleet *f, uint32_t prefix, bool is_frozen)
{
	set_mark(f, &f->frozen_prefixes, PREFIX_ROW_FROZEN, prefix, is_frozen);
}

static void set_holding(struct fleet *f, uint32_t prefix, bool is_holding)
{
	set_mark(f, &f->holding, PREFIX_ROW_HOLDING, prefix, is_holding);
}

void fleet_settle_set_prefix(struct fleet *f, uint32_t prefix, enum state to,
			     enum fleet_cause cause, uint64_t now_ns)
{
	struct prefix_row row = *state_prefix(f->tables, prefix);
	struct fleet_prefix *more = fleet_prefix_of(f, prefix);
	enum state from = (enum state)row.state;

	marks_remove(&f->holding, prefix);
	tally_move(f->tally.prefixes, from, to);
	row.state = (uint8_t)to;
	row.flags &= (uint8_t)~PREFIX_ROW_HOLDING;
	row.since_s = fleet_seconds(now_ns);
	if (from == STATE_UP || to == STATE_UP) {
		row.transitions++;
		counter_add(f->counters, CTR_PREFIX_TRANSITIONS, 1);
	}
	if (to == STATE_UP) {
		row.flags |= PREFIX_ROW_WAS_ANNOUNCED;
		more->flags &= ~(uint32_t)FLEET_PREFIX_FAILED;
	} else if (from == STATE_UP && fleet_cause_is_failure(cause)) {
		more->flags |= FLEET_PREFIX_FAILED;
		more->fell_ns = now_ns;
	}
	publish_prefix(f, prefix, &row);
	marks_add(&f->dirty_prefixes, prefix);
	if (f->hooks.prefix_changed)
		f->hooks.prefix_changed(f->hooks.ctx, prefix, from, to);
}

/* announce_hold (decisions 30). A reload that makes the prefix ready spares it the wait; one that
 * comes while it waits does not. */
static bool must_hold(struct fleet *f, uint32_t prefix, enum fleet_cause cause, uint64_t now_ns)
{
	struct fleet_prefix *more = fleet_prefix_of(f, prefix);
	bool is_holding = marks_has(&f->holding, prefix);

	if (f->config.announce_hold_ns == 0 || !(more->flags & FLEET_PREFIX_FAILED))
		return false;
	if (!is_holding) {
		if (cause == FLEET_BY_CONFIG)
			return false;
		more->ready_ns = now_ns;
		set_holding(f, prefix, true);
		f->hold_next_ns = MIN(f->hold_next_ns, now_ns + f->config.announce_hold_ns);
	}
	return now_ns - more->ready_ns < f->config.announce_hold_ns;
}

static struct prefix_counts counts_of(const struct fleet *f, uint32_t prefix)
{
	const struct prefix_row *row = state_prefix(f->tables, prefix);

	return (struct prefix_counts){
		.n_members = row->n_members,
		.n_joined = row->n_joined,
		.n_joined_up = row->n_joined_up,
		.n_joined_down = fleet_prefix_of(f, prefix)->n_joined_down,
	};
}

/* The first withdrawal of an undecided prefix is frozen too: BIRD may have it from before. A reload
 * alone does not let a frozen one go. */
static bool is_frozen_by_blind(const struct fleet *f, uint32_t prefix, enum fleet_cause cause)
{
	bool is_order = fleet_cause_is_order(cause);

	if (state_prefix(f->tables, prefix)->flags & PREFIX_ROW_NO_ADDRESS)
		return false;
	if (cause == FLEET_BY_CONFIG && marks_has(&f->frozen_prefixes, prefix))
		is_order = false;
	return f->blind.is_active && !is_order;
}

/* What its services say, less what announce_hold holds back. The hold runs while the address is
 * away, too: it is about the services. */
static enum state served_state(struct fleet *f, uint32_t prefix, enum fleet_cause cause,
			       uint64_t now_ns)
{
	enum state from = (enum state)state_prefix(f->tables, prefix)->state, to;
	struct prefix_counts counts = counts_of(f, prefix);

	to = prefix_rule_state(&counts, from);
	if (!prefix_rule_is_ready(&counts))
		set_holding(f, prefix, false);
	if (to == STATE_UP && from != STATE_UP && must_hold(f, prefix, cause, now_ns))
		return from;
	return to;
}

/* announcer.require_local_address: without its address a prefix is withdrawn; before that is known,
 * nothing is announced that was not. */
static enum state with_address(const struct prefix_row *row, enum state served)
{
	if (row->flags & PREFIX_ROW_NO_ADDRESS)
		return STATE_DOWN;
	if ((row->flags & PREFIX_ROW_ADDRESS_UNKNOWN) && served == STATE_UP)
		return (enum state)row->state;
	return served;
}

static void settle_prefix(struct fleet *f, uint32_t prefix, enum fleet_cause cause, uint64_t now_ns)
{
	const struct prefix_row *row = state_prefix(f->tables, prefix);
	enum state from = (enum state)row->state, to;

	if ((fleet_prefix_of(f, prefix)->flags & FLEET_PREFIX_WAIT_ALL) &&
	    all_have_verdicts(f, prefix))
		fleet_settle_join_all(f, prefix);
	to = with_address(row, served_state(f, prefix, cause, now_ns));
	if (to == from) {
		set_frozen(f, prefix, false);
		return;
	}
	if (to == STATE_DOWN && is_frozen_by_blind(f, prefix, cause)) {
		set_frozen(f, prefix, true);
		return;
	}
	set_frozen(f, prefix, false);
	fleet_settle_set_prefix(f, prefix, to, cause, now_ns);
}

void fleet_address(struct fleet *f, uint32_t prefix, bool is_there, uint64_t now_ns)
{
	struct prefix_row row = *state_prefix(f->tables, prefix);
	uint8_t before = row.flags;

	if (!(row.flags & PREFIX_ROW_IN_USE))
		return;
	row.flags &= (uint8_t) ~(PREFIX_ROW_NO_ADDRESS | PREFIX_ROW_ADDRESS_UNKNOWN);
	row.flags |= is_there ? 0 : PREFIX_ROW_NO_ADDRESS;
	if (row.flags == before)
		return;
	publish_prefix(f, prefix, &row);
	marks_add(&f->touched_prefixes, prefix);
	fleet_settle_prefixes(f, FLEET_BY_ADDRESS, now_ns);
}

/* --- all ---------------------------------------------------------------------------------------
 */

void fleet_settle_services(struct fleet *f, enum fleet_cause cause, uint64_t now_ns)
{
	uint32_t service;

	fleet_freeze_retry(f, now_ns);
	while ((service = marks_take(&f->touched_services)) != SLOT_NONE)
		settle_service(f, service, cause, now_ns);
}

void fleet_settle_prefixes(struct fleet *f, enum fleet_cause cause, uint64_t now_ns)
{
	uint32_t prefix;

	while ((prefix = marks_take(&f->touched_prefixes)) != SLOT_NONE)
		settle_prefix(f, prefix, cause, now_ns);
}

void fleet_settle(struct fleet *f, enum fleet_cause cause, uint64_t now_ns)
{
	fleet_settle_services(f, cause, now_ns);
	fleet_settle_prefixes(f, cause, now_ns);
}

void fleet_settle_tick(struct fleet *f, uint64_t now_ns)
{
	uint64_t next_ns = UINT64_MAX;
	uint32_t p;

	if (now_ns < f->hold_next_ns)
		return;
	for (p = marks_next(&f->holding, 0); p != SLOT_NONE; p = marks_next(&f->holding, p + 1)) {
		uint64_t end_ns = fleet_prefix_of(f, p)->ready_ns + f->config.announce_hold_ns;

		if (end_ns <= now_ns)
			marks_add(&f->touched_prefixes, p);
		else
			next_ns = MIN(next_ns, end_ns);
	}
	f->hold_next_ns = next_ns;
	fleet_settle_prefixes(f, FLEET_BY_RESULT, now_ns);
}
