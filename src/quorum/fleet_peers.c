/* What the balancer and the announcer say, and what they are told (decisions 25, 34-37). */
#include "quorum/fleet_peers.h"

#include "quorum/fleet_real.h"
#include "quorum/fleet_settle.h"
#include "quorum/weight_rule.h"

static bool is_known(const struct fleet *f, uint32_t real)
{
	return f->gen && f->config.has_balancer && gen_real_in_use(f->gen, real);
}

static struct weight_scale scale_of(const struct fleet *f, uint32_t real)
{
	const struct service_row *row = state_service(f->tables, f->gen->reals[real].service);

	return (struct weight_scale){row->scale_num, row->scale_den};
}

/* --- from the balancer -------------------------------------------------------------------------
 */

void fleet_connection(struct fleet *f, bool is_connected)
{
	/* what was to be disabled while connected may or may not have been sent */
	if (!is_connected) {
		while (marks_take(&f->standing) != SLOT_NONE)
			;
	}
	f->is_connected = is_connected;
}

/* The snapshot and the balancer disagree: nobody knows (decisions 44). */
static void undecide(struct fleet *f, struct fleet_real_edit *e, uint64_t now_ns)
{
	uint32_t c = f->gen->reals[e->real].first_check;

	for (; c != SLOT_NONE; c = f->gen->checks[c].next) {
		struct check_row row = *state_check(f->tables, c);

		tally_move(f->tally.checks, check_word_state(row.word), STATE_UNDECIDED);
		row.word = check_word_make(STATE_UNDECIDED, check_word_flags(row.word),
					   check_word_weight(row.word));
		row.bad_run = 0;
		row.good_run = 0;
		seqrow_publish(state_check(f->tables, c), &row, sizeof(row));
	}
	tally_move(f->tally.reals, (enum state)e->row.state, STATE_UNDECIDED);
	e->row.state = STATE_UNDECIDED;
	e->row.since_s = fleet_seconds(now_ns);
	fleet_real_unhold(f, e);
	fleet_real_forget_removal(f, e->real);
	fleet_real_decide(f, e, FLEET_BY_PEER, now_ns);
}

void fleet_listed(struct fleet *f, uint32_t real, bool enabled, uint16_t weight, uint64_t now_ns)
{
	struct fleet_real_edit e;
	bool was_restored;

	if (!is_known(f, real))
		return;
	e = fleet_real_open(f, real);
	was_restored = marks_has(&f->restored, real);
	marks_remove(&f->restored, real);
	marks_add(&f->listed, real);
	marks_remove(&f->fresh, real);
	if (was_restored && (fleet_real_want(&e.row).want == FLEET_ENABLE) != enabled)
		undecide(f, &e, now_ns);
	if (enabled && fleet_real_want(&e.row).want == FLEET_NOTHING) {
		fleet_real_unhold(f, &e);
		e.row.flags |= REAL_ROW_KEPT;
		e.row.acked_weight = weight;
		*fleet_held_weight(f, real) = weight;
	}
	fleet_real_close(f, &e);
	marks_add(&f->dirty_reals, real);
	fleet_settle(f, FLEET_BY_PEER, now_ns);
}

void fleet_unlisted(struct fleet *f, uint32_t real, uint64_t now_ns)
{
	struct fleet_real_edit e;

	if (!is_known(f, real))
		return;
	e = fleet_real_open(f, real);
	marks_remove(&f->listed, real);
	fleet_real_unhold(f, &e);
	fleet_real_close(f, &e);
	marks_add(&f->dirty_reals, real);
	fleet_settle(f, FLEET_BY_PEER, now_ns);
}

/* Full resyncs acknowledge what is known: most reals change nothing. */
static bool says_nothing_new(const struct fleet *f, uint32_t real, bool enabled, uint16_t weight)
{
	const struct real_row *row = state_real(f->tables, real);

	return enabled && (row->flags & REAL_ROW_HELD) && row->acked_weight == weight &&
	       *fleet_held_weight(f, real) == row->wanted_weight;
}

static void hold(struct fleet *f, struct fleet_real_edit *e, uint16_t weight)
{
	struct weight_scale scale = scale_of(f, e->real);
	uint16_t held = weight_rule_unscaled(weight, scale);

	if (weight == weight_rule_scaled(e->row.wanted_weight, scale))
		held = e->row.wanted_weight;
	e->row.flags |= REAL_ROW_HELD;
	e->row.flags &= (uint8_t)~REAL_ROW_KEPT;
	e->row.acked_weight = weight;
	*fleet_held_weight(f, e->real) = held;
}

void fleet_acked(struct fleet *f, uint32_t real, bool enabled, uint16_t weight, uint64_t now_ns)
{
	struct fleet_real_edit e;

	if (!is_known(f, real) || says_nothing_new(f, real, enabled, weight))
		return;
	e = fleet_real_open(f, real);
	if (!enabled) {
		fleet_real_unhold(f, &e);
		e.row.acked_weight = 0;
		if (marks_has(&f->removed, real))
			fleet_removal_of(f, real)->is_accepted = true;
	} else if (e.row.flags & REAL_ROW_ENABLED) {
		hold(f, &e, weight);
	}
	fleet_real_close(f, &e);
	fleet_settle(f, FLEET_BY_PEER, now_ns);
}

void fleet_first_find(struct fleet *f, uint64_t now_ns)
{
	uint32_t i;

	if (f->has_found)
		return;
	for (i = 0; f->gen && i < f->gen->end_reals; i++) {
		if (gen_real_in_use(f->gen, i))
			fleet_real_uncount(f, i);
	}
	f->has_found = true;
	if (!f->gen)
		return;
	for (i = 0; i < f->gen->end_reals; i++) {
		if (gen_real_in_use(f->gen, i)) {
			struct fleet_real_edit e = fleet_real_open_uncounted(f, i);

			fleet_real_close(f, &e);
		}
	}
	for (i = 0; i < f->gen->end_services; i++) {
		if (gen_service_in_use(f->gen, i))
			marks_add(&f->touched_services, i);
	}
	fleet_settle(f, FLEET_BY_PEER, now_ns);
}

/* Two complete replies can lack it by then (decisions 25). */
static uint64_t time_to_list(const struct fleet *f)
{
	return 2 * MAX(f->config.sync_period_ns, UINT64_C(1000000000));
}

void fleet_peers_expect(struct fleet *f, uint32_t real, uint64_t now_ns)
{
	/* before the first RealFind nothing is absent */
	if (!f->config.has_balancer || !f->has_found)
		return;
	marks_add(&f->fresh, real);
	f->fresh_until_ns = now_ns + time_to_list(f);
}

void fleet_peers_tick(struct fleet *f, uint64_t now_ns)
{
	uint32_t real;

	if (now_ns < f->fresh_until_ns)
		return;
	f->fresh_until_ns = UINT64_MAX;
	if (f->fresh.n > 0 && !f->is_connected) {
		/* nobody could have listed it */
		f->fresh_until_ns = now_ns + time_to_list(f);
		return;
	}
	while ((real = marks_next(&f->fresh, 0)) != SLOT_NONE) {
		struct fleet_real_edit e = fleet_real_open(f, real);

		marks_remove(&f->fresh, real);
		fleet_real_close(f, &e);
	}
	fleet_settle(f, FLEET_BY_PEER, now_ns);
}

/* --- from the announcer ------------------------------------------------------------------------
 */

static void release_service(struct fleet *f, uint32_t service)
{
	const struct service_spec *spec = &f->gen->services[service];

	if (state_service(f->tables, service)->state != STATE_DOWN)
		return;
	for (uint32_t i = 0; i < spec->n_reals; i++) {
		uint32_t real = f->gen->real_order[spec->first_real + i];

		if (fleet_real_want(state_real(f->tables, real)).want == FLEET_DISABLE)
			marks_add(&f->dirty_reals, real);
	}
}

/* The withdrawal is accepted: disables that waited for it may go (decisions 36). */
static void release_waiting(struct fleet *f, uint32_t prefix)
{
	struct fleet_prefix *more = fleet_prefix_of(f, prefix);
	uint32_t s = SLOT_NONE;

	if (f->gen && gen_prefix_in_use(f->gen, prefix))
		s = f->gen->prefixes[prefix].first_service;
	for (; s != SLOT_NONE; s = f->gen->services[s].next_on_prefix)
		release_service(f, s);
	while (more->first_dropped) {
		uint32_t real = more->first_dropped - 1;

		more->first_dropped = fleet_removal_of(f, real)->next;
		marks_add(&f->dirty_reals, real);
	}
}

void fleet_prefix_sent(struct fleet *f, uint32_t prefix, enum state sent)
{
	struct prefix_row row = *state_prefix(f->tables, prefix);

	/* an answer after its retirement finds an empty row */
	if (row.sent == sent || (row.flags == 0 && row.state == STATE_UNDECIDED))
		return;
	row.sent = (uint8_t)sent;
	seqrow_publish(state_prefix(f->tables, prefix), &row, sizeof(row));
	if (sent == STATE_DOWN && row.state == STATE_DOWN)
		release_waiting(f, prefix);
}

void fleet_prefix_accepted(struct fleet *f, uint32_t prefix, unsigned backend, enum state state)
{
	struct prefix_row row = *state_prefix(f->tables, prefix);

	if (row.accepted[backend] == state || (row.flags == 0 && row.state == STATE_UNDECIDED))
		return;
	row.accepted[backend] = (uint8_t)state;
	seqrow_publish(state_prefix(f->tables, prefix), &row, sizeof(row));
}

/* --- to them -----------------------------------------------------------------------------------
 */

/* The prefix whose withdrawal belongs to the loss of this real (decisions 36). */
static uint32_t prefix_of_loss(const struct fleet *f, uint32_t real)
{
	uint32_t service;

	if (state_real(f->tables, real)->reason == REAL_REASON_REMOVED)
		return fleet_removal_of(f, real)->prefix;
	service = f->gen->reals[real].service;
	if (state_service(f->tables, service)->state != STATE_DOWN)
		return SLOT_NONE;
	return f->gen->services[service].prefix;
}

static uint32_t awaited_prefix(const struct fleet *f, uint32_t real)
{
	uint32_t prefix = f->config.has_announcer ? prefix_of_loss(f, real) : SLOT_NONE;
	const struct prefix_row *row;

	if (prefix == SLOT_NONE)
		return SLOT_NONE;
	row = state_prefix(f->tables, prefix);
	if (row->state != STATE_DOWN || row->sent == STATE_DOWN ||
	    !(row->flags & PREFIX_ROW_WAS_ANNOUNCED))
		return SLOT_NONE;
	return prefix;
}

struct fleet_wish fleet_wish_peek(const struct fleet *f, uint32_t real)
{
	struct real_want want = fleet_real_want(state_real(f->tables, real));
	struct fleet_wish wish = {.want = want.want, .after_prefix = SLOT_NONE};

	if (want.want == FLEET_ENABLE)
		wish.weight = weight_rule_scaled(want.weight, scale_of(f, real));
	else if (want.want == FLEET_DISABLE)
		wish.after_prefix = awaited_prefix(f, real);
	return wish;
}

struct fleet_wish fleet_wish_of(struct fleet *f, uint32_t real)
{
	struct fleet_wish wish = fleet_wish_peek(f, real);
	const struct real_row *row = state_real(f->tables, real);
	uint16_t *held = fleet_held_weight(f, real);

	/* held weight is what the balancer surely has: a lower one may be on its way now. The share
	 * in the service, min(wanted, held), stays the same by it. */
	if (wish.want == FLEET_DISABLE)
		marks_remove(&f->standing, real);
	else if (wish.want == FLEET_ENABLE && (row->flags & REAL_ROW_HELD))
		*held = MIN(*held, row->wanted_weight);
	return wish;
}

/* --- dirty lists -------------------------------------------------------------------------------
 */

/* Another scale: every enabled real of the service is to be sent again. */
static void mark_rescaled(struct fleet *f, uint32_t service)
{
	const struct service_spec *spec = &f->gen->services[service];

	for (uint32_t i = 0; i < spec->n_reals; i++) {
		uint32_t real = f->gen->real_order[spec->first_real + i];

		if (state_real(f->tables, real)->flags & REAL_ROW_ENABLED)
			marks_add(&f->dirty_reals, real);
	}
}

uint32_t fleet_take_dirty_real(struct fleet *f)
{
	uint32_t service;

	while ((service = marks_take(&f->rescaled)) != SLOT_NONE)
		mark_rescaled(f, service);
	return marks_take(&f->dirty_reals);
}

uint32_t fleet_take_dirty_prefix(struct fleet *f)
{
	return marks_take(&f->dirty_prefixes);
}
