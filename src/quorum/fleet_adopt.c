/* Another generation (decisions 6, 20, 22, 27). Costs in proportion to the diff.
 *
 * Before the switch, in the old generation: shares and memberships that change are taken out, what
 * is dropped is wanted as removed. After it, in the new one: what is new starts, what changed is
 * judged anew, and shares and memberships come back; then services, memberships, prefixes, in this
 * order.
 */
#include "base/err.h"
#include "quorum/fleet_peers.h"
#include "quorum/fleet_real.h"
#include "quorum/fleet_settle.h"
#include "quorum/weight_rule.h"

/* --- before the switch -------------------------------------------------------------------------
 */

static void uncount_reals(struct fleet *f, const struct slot_list *reals)
{
	for (uint32_t i = 0; i < reals->n; i++)
		fleet_real_uncount(f, reals->at[i]);
}

/* Its disable comes after the withdrawal of this prefix, if there is one. */
static void remember_prefix(struct fleet *f, uint32_t real)
{
	struct fleet_removal *r = fleet_removal_of(f, real);
	uint32_t prefix = f->gen->services[f->gen->reals[real].service].prefix;

	*r = (struct fleet_removal){.prefix = prefix};
	if (prefix == SLOT_NONE)
		return;
	r->next = fleet_prefix_of(f, prefix)->first_dropped;
	fleet_prefix_of(f, prefix)->first_dropped = real + 1;
}

static void drop_real(struct fleet *f, uint32_t real)
{
	struct fleet_real_edit e = fleet_real_open_uncounted(f, real);
	uint32_t host = e.row.host;

	fleet_real_forget_removal(f, real);
	fleet_real_unhold(f, &e);
	marks_remove(&f->frozen, real);
	marks_remove(&f->restored, real);
	marks_remove(&f->listed, real);
	marks_remove(&f->fresh, real);
	f->tally.reals[e.row.state]--;
	e.row.flags &= REAL_ROW_UNLISTED_ONCE;
	e.row.wanted_weight = 0;
	e.row.override = 0;
	e.row.reason = REAL_REASON_REMOVED;
	e.row.host = SLOT_NONE;
	fleet_real_close(f, &e);
	if (hosts_give(&f->hosts, host, &f->gen->reals[real].ip))
		blind_forget(&f->blind, host);
	remember_prefix(f, real);
	marks_add(&f->dirty_reals, real);
}

static void drop_check(struct fleet *f, uint32_t check)
{
	struct check_row row = *state_check(f->tables, check);

	f->tally.checks[check_word_state(row.word)]--;
	row.word &= ~(uint32_t)(CHECK_ROW_IN_USE << 8);
	seqrow_publish(state_check(f->tables, check), &row, sizeof(row));
}

static void drop_service(struct fleet *f, uint32_t service)
{
	struct service_row row;

	fleet_settle_leave(f, f->gen, service);
	marks_remove(&f->touched_services, service);
	marks_remove(&f->rescaled, service);
	marks_remove(&f->fallen, service);
	marks_remove(&f->retry, service);
	row = *state_service(f->tables, service);
	f->tally.services[row.state]--;
	row.flags &= (uint8_t)~SERVICE_ROW_IN_USE;
	seqrow_publish(state_service(f->tables, service), &row, sizeof(row));
}

/* Withdrawn, whatever its members say; blind does not hold it (decisions 33). */
static void drop_prefix(struct fleet *f, uint32_t prefix, uint64_t now_ns)
{
	struct prefix_row row;

	marks_remove(&f->touched_prefixes, prefix);
	marks_remove(&f->frozen_prefixes, prefix);
	row = *state_prefix(f->tables, prefix);
	row.flags &= (uint8_t) ~(PREFIX_ROW_FROZEN | PREFIX_ROW_HOLDING);
	seqrow_publish(state_prefix(f->tables, prefix), &row, sizeof(row));
	if (row.state != STATE_DOWN)
		fleet_settle_set_prefix(f, prefix, STATE_DOWN, FLEET_BY_CONFIG, now_ns);
	marks_remove(&f->holding, prefix);
	f->tally.prefixes[STATE_DOWN]--;
	row = *state_prefix(f->tables, prefix);
	row.flags &= (uint8_t)~PREFIX_ROW_IN_USE;
	seqrow_publish(state_prefix(f->tables, prefix), &row, sizeof(row));
	marks_add(&f->dirty_prefixes, prefix);
}

static void leave_moved(struct fleet *f, const struct generation *gen,
			const struct slot_list *services)
{
	for (uint32_t i = 0; i < services->n; i++) {
		uint32_t s = services->at[i];

		if (gen->services[s].prefix != f->gen->services[s].prefix)
			fleet_settle_leave(f, f->gen, s);
	}
}

static enum state first_state(const struct real_spec *spec)
{
	if (spec->flags & REAL_INIT_UP)
		return STATE_UP;
	return spec->flags & REAL_INIT_DOWN ? STATE_DOWN : STATE_UNDECIDED;
}

static bool may_drain(const struct generation *gen, uint32_t check)
{
	const struct check_extras *e = gen_extras(gen, gen_profile(gen, check));

	return e && e->drain_status.n > 0;
}

/* A check of a real that was there starts with that real's verdict, and with its dynamic weight if
 * it has one; if the real is drained, and its answers can say so, it begins drained. Before the
 * switch, so the real's checks of before are known. */
static void add_check(struct fleet *f, const struct generation *gen, uint32_t check,
		      uint64_t now_ns)
{
	uint32_t real = gen->checks[check].real;
	const struct real_row *of = state_real(f->tables, real);
	enum state state = first_state(&gen->reals[real]);
	uint8_t flags = CHECK_ROW_IN_USE;
	uint16_t weight = 0;
	struct check_row row = {.since_s = fleet_seconds(now_ns)};

	if (of->flags & REAL_ROW_IN_USE) {
		state = (enum state)of->state;
		if ((gen_profile(gen, check)->flags & PROFILE_DYNAMIC_WEIGHT) &&
		    weight_rule_dynamic(f->gen, f->tables, real, &weight))
			flags |= CHECK_ROW_WEIGHT_KNOWN;
		if (may_drain(gen, check) && weight_rule_is_drained(f->gen, f->tables, real))
			flags |= CHECK_ROW_DRAIN;
	}
	row.word = check_word_make(state, flags, weight);
	f->tally.checks[state]++;
	seqrow_publish(state_check(f->tables, check), &row, sizeof(row));
}

static void leave(struct fleet *f, const struct generation *gen, const struct gen_diff *diff,
		  uint64_t now_ns)
{
	uint32_t i;

	for (i = 0; i < diff->checks.added.n; i++)
		add_check(f, gen, diff->checks.added.at[i], now_ns);
	if (!f->gen)
		return;
	uncount_reals(f, &diff->reals.changed);
	uncount_reals(f, &diff->reals.removed);
	for (i = 0; i < diff->reals.removed.n; i++)
		drop_real(f, diff->reals.removed.at[i]);
	for (i = 0; i < diff->checks.removed.n; i++)
		drop_check(f, diff->checks.removed.at[i]);
	leave_moved(f, gen, &diff->services.changed);
	for (i = 0; i < diff->services.removed.n; i++)
		drop_service(f, diff->services.removed.at[i]);
	for (i = 0; i < diff->prefixes.removed.n; i++)
		drop_prefix(f, diff->prefixes.removed.at[i], now_ns);
}

/* --- after the switch --------------------------------------------------------------------------
 */

static void add_prefix(struct fleet *f, uint32_t prefix, uint64_t now_ns)
{
	const struct prefix_row row = {
		.flags = (uint8_t)(PREFIX_ROW_IN_USE |
				   (f->config.needs_address ? PREFIX_ROW_ADDRESS_UNKNOWN : 0)),
		.group = f->gen->prefixes[prefix].group,
		.since_s = fleet_seconds(now_ns),
	};

	seqrow_publish(state_prefix(f->tables, prefix), &row, sizeof(row));
	f->tally.prefixes[STATE_UNDECIDED]++;
	marks_add(&f->touched_prefixes, prefix);
}

static void change_prefix(struct fleet *f, uint32_t prefix)
{
	struct prefix_row row = *state_prefix(f->tables, prefix);

	marks_add(&f->touched_prefixes, prefix);
	if (row.group == f->gen->prefixes[prefix].group)
		return;
	row.group = f->gen->prefixes[prefix].group;
	seqrow_publish(state_prefix(f->tables, prefix), &row, sizeof(row));
	marks_add(&f->dirty_prefixes, prefix);
}

static void add_service(struct fleet *f, uint32_t service, uint64_t now_ns)
{
	const struct service_row row = {
		.flags = SERVICE_ROW_IN_USE,
		.since_s = fleet_seconds(now_ns),
	};

	seqrow_publish(state_service(f->tables, service), &row, sizeof(row));
	f->tally.services[STATE_UNDECIDED]++;
}

static void judge(struct fleet *f, uint32_t real, uint64_t now_ns)
{
	const struct fleet_real_source by = {FLEET_BY_CONFIG, true, SLOT_NONE, NULL};

	fleet_real_judge(f, real, &by, now_ns);
}

static void add_real(struct fleet *f, uint32_t real, uint64_t now_ns)
{
	const struct real_row row = {
		.flags = REAL_ROW_IN_USE,
		.since_s = fleet_seconds(now_ns),
		.host = hosts_take(&f->hosts, &f->gen->reals[real].ip),
	};

	seqrow_publish(state_real(f->tables, real), &row, sizeof(row));
	f->tally.reals[STATE_UNDECIDED]++;
	fleet_peers_expect(f, real, now_ns);
	judge(f, real, now_ns);
}

static void enter(struct fleet *f, const struct gen_diff *diff, uint64_t now_ns)
{
	uint32_t i;

	for (i = 0; i < diff->prefixes.added.n; i++)
		add_prefix(f, diff->prefixes.added.at[i], now_ns);
	for (i = 0; i < diff->services.added.n; i++) {
		add_service(f, diff->services.added.at[i], now_ns);
		marks_add(&f->touched_services, diff->services.added.at[i]);
	}
	for (i = 0; i < diff->services.changed.n; i++) {
		marks_add(&f->touched_services, diff->services.changed.at[i]);
		marks_add(&f->retry, diff->services.changed.at[i]);
	}
	for (i = 0; i < diff->reals.added.n; i++)
		add_real(f, diff->reals.added.at[i], now_ns);
	for (i = 0; i < diff->reals.changed.n; i++)
		judge(f, diff->reals.changed.at[i], now_ns);
	fleet_settle_services(f, FLEET_BY_CONFIG, now_ns);
	for (i = 0; i < diff->services.added.n; i++)
		fleet_settle_enter(f, diff->services.added.at[i]);
	for (i = 0; i < diff->services.changed.n; i++)
		fleet_settle_enter(f, diff->services.changed.at[i]);
	for (i = 0; i < diff->prefixes.changed.n; i++) {
		change_prefix(f, diff->prefixes.changed.at[i]);
		fleet_settle_orphan(f, diff->prefixes.changed.at[i]);
	}
	fleet_settle_prefixes(f, FLEET_BY_CONFIG, now_ns);
}

int fleet_adopt(struct fleet *f, const struct generation *gen, const struct gen_diff *diff,
		uint64_t now_ns)
{
	TRY(hosts_reserve(&f->hosts, diff->reals.added.n, f->gen, f->tables));
	leave(f, gen, diff, now_ns);
	f->gen = gen;
	if (f->hooks.generation_changed)
		f->hooks.generation_changed(f->hooks.ctx, gen);
	enter(f, diff, now_ns);
	return 0;
}

/* --- retirement --------------------------------------------------------------------------------
 */

/* Byte by byte as it was written, since api may be reading it. */
static void history_clear(struct history_row *h)
{
	_Atomic uint8_t *bytes = (_Atomic uint8_t *)h;

	for (size_t i = 0; i < sizeof(*h); i++) {
		/* relaxed: readers take each entry as it comes */
		atomic_store_explicit(&bytes[i], 0, memory_order_relaxed);
	}
}

static void retire_checks(struct fleet *f, const struct slot_list *checks)
{
	static const struct check_row zero;

	for (uint32_t i = 0; i < checks->n; i++) {
		uint32_t check = checks->at[i];

		seqrow_publish(state_check(f->tables, check), &zero, sizeof(zero));
		history_clear(state_history(f->tables, check));
		*(uint64_t *)table_row(&f->no_routes, check) = 0;
	}
}

static void retire_reals(struct fleet *f, const struct slot_list *reals)
{
	static const struct real_row zero;

	for (uint32_t i = 0; i < reals->n; i++) {
		uint32_t real = reals->at[i], prefix = fleet_removal_of(f, real)->prefix;

		if (prefix != SLOT_NONE)
			fleet_prefix_of(f, prefix)->first_dropped = 0;
		*fleet_removal_of(f, real) = (struct fleet_removal){.prefix = SLOT_NONE};
		*fleet_held_weight(f, real) = 0;
		marks_remove(&f->dirty_reals, real);
		seqrow_publish(state_real(f->tables, real), &zero, sizeof(zero));
	}
}

static void retire_groups(struct fleet *f, const struct gen_diff *diff)
{
	static const struct service_row no_service;
	static const struct prefix_row no_prefix;

	for (uint32_t i = 0; i < diff->services.removed.n; i++) {
		uint32_t s = diff->services.removed.at[i];

		*fleet_service_of(f, s) = (struct fleet_service){.flags = 0};
		seqrow_publish(state_service(f->tables, s), &no_service, sizeof(no_service));
	}
	for (uint32_t i = 0; i < diff->prefixes.removed.n; i++) {
		uint32_t p = diff->prefixes.removed.at[i];

		*fleet_prefix_of(f, p) = (struct fleet_prefix){.flags = 0};
		marks_remove(&f->dirty_prefixes, p);
		seqrow_publish(state_prefix(f->tables, p), &no_prefix, sizeof(no_prefix));
	}
}

void fleet_retire(struct fleet *f, const struct gen_diff *diff)
{
	retire_checks(f, &diff->checks.removed);
	retire_reals(f, &diff->reals.removed);
	retire_groups(f, diff);
}
