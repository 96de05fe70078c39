/* What a snapshot knows of the life before (decisions 25-27, 44). Nothing here is a transition: no
 * hook is called, nothing is counted. */
#include "quorum/fleet_real.h"
#include "quorum/fleet_settle.h"

void fleet_restore_weight(struct fleet *f, uint32_t check, uint16_t weight)
{
	struct check_row row = *state_check(f->tables, check);

	if (!gen_check_in_use(f->gen, check) ||
	    !(gen_profile(f->gen, check)->flags & PROFILE_DYNAMIC_WEIGHT))
		return;
	row.word = check_word_make(check_word_state(row.word),
				   check_word_flags(row.word) | CHECK_ROW_WEIGHT_KNOWN, weight);
	seqrow_publish(state_check(f->tables, check), &row, sizeof(row));
}

void fleet_restore_drain(struct fleet *f, uint32_t check)
{
	const struct check_extras *extras;
	struct check_row row;

	if (!gen_check_in_use(f->gen, check))
		return;
	extras = gen_extras(f->gen, gen_profile(f->gen, check));
	if (!extras || extras->drain_status.n == 0)
		return;
	row = *state_check(f->tables, check);
	row.word |= CHECK_ROW_DRAIN << 8;
	seqrow_publish(state_check(f->tables, check), &row, sizeof(row));
}

static void set_check(struct fleet *f, uint32_t check, enum state state)
{
	struct check_row row = *state_check(f->tables, check);

	tally_move(f->tally.checks, check_word_state(row.word), state);
	row.word = check_word_make(state, check_word_flags(row.word), check_word_weight(row.word));
	seqrow_publish(state_check(f->tables, check), &row, sizeof(row));
}

/* A static real is up, whatever a snapshot says. */
static void set_verdict(struct fleet *f, struct fleet_real_edit *e, enum state state)
{
	uint32_t c = f->gen->reals[e->real].first_check;

	if (c == SLOT_NONE)
		state = STATE_UP;
	for (; c != SLOT_NONE; c = f->gen->checks[c].next)
		set_check(f, c, state);
	tally_move(f->tally.reals, (enum state)e->row.state, state);
	e->row.state = (uint8_t)state;
	(void)real_rule_verdict(f->gen, f->tables, e->real, &e->row.checks_not_up);
}

/* The earlier life decided, and panic or blind had their say then: nothing is frozen here. */
static void decide(struct fleet *f, struct fleet_real_edit *e, uint64_t now_ns)
{
	f->is_releasing = true;
	fleet_real_decide(f, e, FLEET_BY_CONFIG, now_ns);
	f->is_releasing = false;
	fleet_real_forget_removal(f, e->real);
}

void fleet_restore_real(struct fleet *f, uint32_t real, enum state state, uint16_t held_weight,
			uint32_t override, uint64_t now_ns)
{
	struct fleet_real_edit e;

	if (!gen_real_in_use(f->gen, real))
		return;
	e = fleet_real_open(f, real);
	e.row.override = override;
	if (state != STATE_UNDECIDED)
		set_verdict(f, &e, state);
	decide(f, &e, now_ns);
	if (f->config.has_balancer && held_weight > 0 && (e.row.flags & REAL_ROW_ENABLED)) {
		e.row.flags |= REAL_ROW_HELD;
		e.row.acked_weight = held_weight;
		*fleet_held_weight(f, real) = held_weight;
	}
	if (f->config.has_balancer && state != STATE_UNDECIDED)
		marks_add(&f->restored, real);
	fleet_real_close(f, &e);
}

void fleet_restore_check(struct fleet *f, uint32_t check, enum state state)
{
	struct real_row row;
	uint32_t real;

	if (!gen_check_in_use(f->gen, check))
		return;
	real = f->gen->checks[check].real;
	row = *state_real(f->tables, real);
	if (row.state == STATE_UNDECIDED)
		return;
	set_check(f, check, state);
	if (real_rule_verdict(f->gen, f->tables, real, &row.checks_not_up) == row.state)
		seqrow_publish(state_real(f->tables, real), &row, sizeof(row));
	else
		set_check(f, check, (enum state)row.state);
}

void fleet_restore_service(struct fleet *f, uint32_t service, enum state state, bool is_joined,
			   uint64_t now_ns)
{
	struct service_row row;

	if (!gen_service_in_use(f->gen, service))
		return;
	fleet_settle_leave(f, f->gen, service);
	row = *state_service(f->tables, service);
	if (state != STATE_UNDECIDED) {
		tally_move(f->tally.services, (enum state)row.state, state);
		row.state = (uint8_t)state;
		row.since_s = fleet_seconds(now_ns);
		row.flags |= state == STATE_UP ? SERVICE_ROW_EVER_UP : 0;
		seqrow_publish(state_service(f->tables, service), &row, sizeof(row));
	}
	fleet_settle_enter(f, service);
	if (!is_joined)
		fleet_settle_unjoin(f, service);
}

void fleet_restore_prefix(struct fleet *f, uint32_t prefix, enum state state, bool was_announced,
			  uint64_t now_ns)
{
	struct prefix_row row;
	uint32_t s;

	if (!gen_prefix_in_use(f->gen, prefix) || state == STATE_UNDECIDED)
		return;
	row = *state_prefix(f->tables, prefix);
	tally_move(f->tally.prefixes, (enum state)row.state, state);
	row.state = (uint8_t)state;
	row.since_s = fleet_seconds(now_ns);
	row.flags |= was_announced || state == STATE_UP ? PREFIX_ROW_WAS_ANNOUNCED : 0;
	seqrow_publish(state_prefix(f->tables, prefix), &row, sizeof(row));
	marks_add(&f->dirty_prefixes, prefix);
	if (state != STATE_UP)
		return;
	/* services that the snapshot does not know appeared on an announced prefix */
	s = f->gen->prefixes[prefix].first_service;
	for (; s != SLOT_NONE; s = f->gen->services[s].next_on_prefix) {
		if (state_service(f->tables, s)->state == STATE_UNDECIDED)
			fleet_settle_unjoin(f, s);
	}
	fleet_settle_orphan(f, prefix);
}

void fleet_restored(struct fleet *f, uint64_t now_ns)
{
	for (uint32_t p = 0; p < f->gen->end_prefixes; p++) {
		if (!gen_prefix_in_use(f->gen, p))
			continue;
		/* on a prefix that is not announced all members are joined */
		if (state_prefix(f->tables, p)->state != STATE_UP)
			fleet_settle_join_all(f, p);
		marks_add(&f->touched_prefixes, p);
	}
	for (uint32_t s = 0; s < f->gen->end_services; s++) {
		if (gen_service_in_use(f->gen, s))
			marks_add(&f->touched_services, s);
	}
	fleet_settle(f, FLEET_BY_PEER, now_ns);
}
