/* What happens to the fleet, one event at a time. Everything here runs on agg's thread; the parts
 * and their order are in fleet_core.h.
 *
 * Where decisions leave a choice, the reading that removes less and announces less is built:
 *  - Before the balancer has shown its reals (first RealFind) any real may have a past there: it
 * takes `fall` bad attempts to go down, not one (decisions 21).
 *  - A kept real carries traffic, so it is part of the blind window, and taking it out is a
 * removal.
 *  - An undecided real with dynamic weight could bring any weight: its service stays undecided.
 *  - A real that a reload adds is absent (decisions 26) only when two sync periods with a
 * connection have passed without its being listed: the balancer reads the new file later than we
 * do.
 *  - A service once decided never becomes undecided again by itself.
 *  - What a freeze keeps counts for a service that is up, but brings none up; a service that fell
 * since the window's first bad comes back by the weaker test (as if it had stayed up) while blind
 * lasts, as soon as its reals are held again.
 *  - When blind ends because most hosts answer again, a frozen real is let go by its next bad
 * result, not at once: else the other half would be removed just before it answers too. max_hold
 * bounds it.
 *  - Going back to `auto` or a reload does not let a frozen real go; disable and weight orders do.
 *  - A check added to a real with dynamic weight starts with the weight that real has.
 *  - panic_threshold: at most that many percent of a service's reals are out by verdict.
 */
#include "quorum/fleet.h"

#include "base/err.h"
#include "model/history.h"
#include "quorum/damp.h"
#include "quorum/fleet_freeze.h"
#include "quorum/fleet_peers.h"
#include "quorum/fleet_real.h"
#include "quorum/fleet_settle.h"
#include "quorum/weight_rule.h"

/* --- making ------------------------------------------------------------------------------------
 */

static const struct {
	size_t at; /* in struct fleet */
	uint32_t max;
} sets[] = {
	{offsetof(struct fleet, listed), MAX_REALS},
	{offsetof(struct fleet, fresh), MAX_REALS},
	{offsetof(struct fleet, restored), MAX_REALS},
	{offsetof(struct fleet, standing), MAX_REALS},
	{offsetof(struct fleet, frozen), MAX_REALS},
	{offsetof(struct fleet, removed), MAX_REALS},
	{offsetof(struct fleet, dirty_reals), MAX_REALS},
	{offsetof(struct fleet, touched_services), MAX_SERVICES},
	{offsetof(struct fleet, rescaled), MAX_SERVICES},
	{offsetof(struct fleet, fallen), MAX_SERVICES},
	{offsetof(struct fleet, retry), MAX_SERVICES},
	{offsetof(struct fleet, touched_prefixes), MAX_PREFIXES},
	{offsetof(struct fleet, dirty_prefixes), MAX_PREFIXES},
	{offsetof(struct fleet, holding), MAX_PREFIXES},
	{offsetof(struct fleet, frozen_prefixes), MAX_PREFIXES},
};

static struct marks *set(struct fleet *f, size_t i)
{
	return (struct marks *)((char *)f + sets[i].at);
}

static int init_parts(struct fleet *f)
{
	const struct blind_config blind = {
		.max_hold_ns = f->config.blind.max_hold_ns,
		.max_hold_answered_ns = f->config.blind.max_hold_answered_ns,
		.min_hosts = f->config.blind.min_hosts,
		.percent = f->config.blind.percent,
	};

	TRY(hosts_init(&f->hosts));
	TRY(blind_init(&f->blind, &blind));
	TRY(table_init(&f->services, sizeof(struct fleet_service), MAX_SERVICES));
	TRY(table_init(&f->prefixes, sizeof(struct fleet_prefix), MAX_PREFIXES));
	TRY(table_init(&f->held, sizeof(uint16_t), MAX_REALS));
	TRY(table_init(&f->removals, sizeof(struct fleet_removal), MAX_REALS));
	TRY(table_init(&f->no_routes, sizeof(uint64_t), MAX_CHECKS));
	TRY(table_init(&f->spans, sizeof(struct fleet_span), MAX_CHECKS));
	for (size_t i = 0; i < ARRAY_LEN(sets); i++)
		TRY(marks_init(set(f, i), sets[i].max));
	return 0;
}

struct fleet *fleet_new(const struct fleet_config *config, struct state_tables *tables,
			const struct fleet_hooks *hooks, struct counters *counters)
{
	struct fleet *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->config = *config;
	f->tables = tables;
	f->counters = counters;
	f->hold_next_ns = UINT64_MAX;
	f->fresh_until_ns = UINT64_MAX;
	f->thaw_until_ns = UINT64_MAX;
	f->has_found = !config->has_balancer;
	if (hooks)
		f->hooks = *hooks;
	route_rule_init(&f->routes);
	tally_init(&f->tally);
	if (init_parts(f) < 0) {
		fleet_free(f);
		return NULL;
	}
	return f;
}

void fleet_free(struct fleet *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < ARRAY_LEN(sets); i++)
		marks_deinit(set(f, i));
	hosts_deinit(&f->hosts);
	blind_deinit(&f->blind);
	table_deinit(&f->services);
	table_deinit(&f->prefixes);
	table_deinit(&f->held);
	table_deinit(&f->removals);
	table_deinit(&f->no_routes);
	table_deinit(&f->spans);
	free(f);
}

/* --- one result --------------------------------------------------------------------------------
 */

static bool is_current(const struct fleet *f, const struct result *r)
{
	return f->gen && gen_check_in_use(f->gen, r->check) &&
	       f->gen->check_sequence[r->check] == r->sequence;
}

static uint64_t start_ns(const struct result *r)
{
	return r->due_ns + r->lateness_us * UINT64_C(1000);
}

/* Whose fault is a missing route (decisions 14)? Notes the run in row. */
static enum verdict judge_no_route(struct fleet *f, const struct check_spec *spec, uint32_t check,
				   uint64_t now_ns, struct check_row *row)
{
	uint64_t *since_ns = table_row(&f->no_routes, check);
	uint32_t host = state_real(f->tables, spec->real)->host;

	if (!(check_word_flags(row->word) & CHECK_ROW_NO_ROUTE)) {
		row->word |= CHECK_ROW_NO_ROUTE << 8;
		*since_ns = now_ns;
	}
	return route_rule_others_answer(&f->routes, addr_is_v4(&spec->connect_ip), host, *since_ns)
		       ? VERDICT_BAD
		       : VERDICT_UNKNOWN;
}

/* The verdict that counts. */
static enum verdict judge_result(struct fleet *f, const struct check_spec *spec,
				 const struct result *r, uint64_t now_ns, struct check_row *row)
{
	enum verdict verdict = (enum verdict)r->verdict;

	if (r->code == CODE_NO_ROUTE)
		return judge_no_route(f, spec, r->check, now_ns, row);
	if (verdict != VERDICT_GOOD && verdict != VERDICT_BAD)
		return VERDICT_UNKNOWN;
	row->word &= ~(uint32_t)(CHECK_ROW_NO_ROUTE << 8);
	if (route_rule_is_answer(r, verdict))
		route_rule_answered(&f->routes, addr_is_v4(&spec->connect_ip),
				    state_real(f->tables, spec->real)->host, start_ns(r));
	return verdict;
}

static void count_result(struct fleet *f, const struct check_spec *spec, const struct result *r,
			 enum verdict verdict)
{
	static const enum counter counters[] = {
		[VERDICT_GOOD] = CTR_RESULTS_GOOD,
		[VERDICT_BAD] = CTR_RESULTS_BAD,
		[VERDICT_UNKNOWN] = CTR_RESULTS_UNKNOWN,
	};

	counter_add(f->counters, counters[verdict], 1);
	tally_attempt(&f->tally, (enum check_kind)spec->kind, r, verdict);
}

static void write_history(struct fleet *f, struct check_row *row, const struct result *r)
{
	struct history_row *h = state_history(f->tables, r->check);
	_Atomic uint8_t *code = (_Atomic uint8_t *)&h->at[row->history_at % 16].code;
	_Atomic uint8_t *duration = (_Atomic uint8_t *)&h->at[row->history_at % 16].log_duration;

	/* relaxed: bytes of a ring for display; a reader may see the newest half-written */
	atomic_store_explicit(code, (uint8_t)r->code, memory_order_relaxed);
	/* relaxed: as above */
	atomic_store_explicit(duration, history_log(r->total_us), memory_order_relaxed);
	row->history_at = (uint8_t)((row->history_at + 1) % 16);
}

static void note_result(struct fleet *f, struct check_row *row, const struct result *r,
			uint64_t now_ns)
{
	write_history(f, row, r);
	row->last_code = (uint8_t)r->code;
	row->last_url = (uint8_t)(r->flags >> RESULT_URL_SHIFT);
	row->last_detail = (uint16_t)r->detail;
	row->last_total_us = r->total_us;
	row->last_end_10ms = MAX((uint32_t)(now_ns / UINT64_C(10000000)), 1u);
}

/* A verdict from before, or the balancer may show the real enabled (decisions 21). */
static bool has_past(const struct fleet *f, uint32_t real)
{
	return !f->has_found || (state_real(f->tables, real)->flags & REAL_ROW_KEPT);
}

/* A drain lasts until the next good answer that is none; it says nothing about the weight, which is
 * as it was afterwards. */
static void take_weight(const struct check_profile *profile, const struct result *r,
			uint16_t *weight, uint8_t *flags)
{
	if (r->flags & RESULT_DRAIN) {
		*flags |= CHECK_ROW_DRAIN;
		return;
	}
	*flags &= (uint8_t)~CHECK_ROW_DRAIN;
	if (!(profile->flags & PROFILE_DYNAMIC_WEIGHT) || r->weight < 0)
		return;
	*weight = weight_rule_smooth(*flags & CHECK_ROW_WEIGHT_KNOWN, *weight, r->weight,
				     profile->weight_coefficient);
	*flags |= CHECK_ROW_WEIGHT_KNOWN;
}

enum alarm_step { ALARM_SAME, ALARM_BEGINS, ALARM_ENDS };

static enum alarm_step step_alarm(const struct fleet *f, const struct check_row *row,
				  enum verdict verdict, uint8_t *flags)
{
	bool was_told = *flags & CHECK_ROW_UNKNOWN_TOLD;

	if (verdict != VERDICT_UNKNOWN) {
		*flags &= (uint8_t)~CHECK_ROW_UNKNOWN_TOLD;
		return was_told ? ALARM_ENDS : ALARM_SAME;
	}
	if (was_told || f->config.unknown_max == 0 ||
	    row->unknown_run < MIN(f->config.unknown_max, (uint32_t)UINT8_MAX))
		return ALARM_SAME;
	*flags |= CHECK_ROW_UNKNOWN_TOLD;
	return ALARM_BEGINS;
}

static void tell_check(struct fleet *f, const struct result *r, enum state from, enum state to,
		       enum alarm_step alarm)
{
	if (alarm != ALARM_SAME && f->hooks.unknown_alarm)
		f->hooks.unknown_alarm(f->hooks.ctx, r->check, r, alarm == ALARM_BEGINS);
	if (from != to && f->hooks.check_changed)
		f->hooks.check_changed(f->hooks.ctx, r->check, from, to, r);
}

/* What of a check's word its real depends on. */
static uint32_t relevant(uint32_t word)
{
	return word & check_word_make((enum state)0xff, CHECK_ROW_WEIGHT_KNOWN | CHECK_ROW_DRAIN,
				      UINT16_MAX);
}

/* Counts the result in the check's row; returns true if its state or weight is another. */
static bool take_result(struct fleet *f, const struct check_spec *spec, const struct result *r,
			enum verdict verdict, struct check_row *row, uint64_t now_ns)
{
	const struct check_profile *profile = &f->gen->profiles[spec->profile];
	enum state from = check_word_state(row->word), to;
	uint16_t weight = check_word_weight(row->word);
	uint8_t flags = check_word_flags(row->word);
	uint32_t before = relevant(row->word);
	enum alarm_step alarm;

	to = damp_count(row, verdict, profile, from == STATE_UNDECIDED && has_past(f, spec->real));
	if (verdict == VERDICT_GOOD)
		take_weight(profile, r, &weight, &flags);
	alarm = step_alarm(f, row, verdict, &flags);
	if (to != from) {
		row->since_s = fleet_seconds(now_ns);
		tally_move(f->tally.checks, from, to);
		marks_remove(&f->restored, spec->real);
	}
	row->word = check_word_make(to, flags, weight);
	note_result(f, row, r, now_ns);
	seqrow_publish(state_check(f->tables, r->check), row, sizeof(*row));
	tell_check(f, r, from, to, alarm);
	return relevant(row->word) != before;
}

void fleet_result(struct fleet *f, const struct result *r, uint64_t now_ns)
{
	const struct fleet_real_source by = {FLEET_BY_RESULT, false, r->check, r};
	const struct check_spec *spec;
	struct check_row row;
	enum verdict verdict;

	if (!is_current(f, r)) {
		counter_add(f->counters, CTR_RESULTS_STALE, 1);
		return;
	}
	spec = &f->gen->checks[r->check];
	row = *state_check(f->tables, r->check);
	verdict = judge_result(f, spec, r, now_ns, &row);
	count_result(f, spec, r, verdict);
	/* before the result is believed: it may be the one that shows that we are blind */
	if (verdict != VERDICT_UNKNOWN)
		fleet_freeze_note(f, spec, r, verdict, now_ns);
	if (take_result(f, spec, r, verdict, &row, now_ns)) {
		fleet_real_judge(f, spec->real, &by, now_ns);
		fleet_settle(f, FLEET_BY_RESULT, now_ns);
	}
	if (verdict == VERDICT_BAD)
		fleet_freeze_confirm(f, spec->real, now_ns);
}

/* --- time, operator ----------------------------------------------------------------------------
 */

void fleet_tick(struct fleet *f, uint64_t now_ns)
{
	fleet_freeze_tick(f, now_ns);
	fleet_settle_tick(f, now_ns);
	fleet_peers_tick(f, now_ns);
}

uint64_t fleet_next_ns(const struct fleet *f)
{
	return MIN(MIN(f->blind.next_ns, f->hold_next_ns),
		   MIN(f->fresh_until_ns, f->thaw_until_ns));
}

static bool is_known(const struct fleet *f, uint32_t real)
{
	return f->gen && gen_real_in_use(f->gen, real);
}

void fleet_override(struct fleet *f, uint32_t real, uint32_t override, uint64_t now_ns)
{
	struct fleet_real_edit e;

	if (!is_known(f, real))
		return;
	e = fleet_real_open(f, real);
	e.row.override = override;
	fleet_real_decide(f, &e, FLEET_BY_OPERATOR, now_ns);
	fleet_real_close(f, &e);
	fleet_settle(f, FLEET_BY_OPERATOR, now_ns);
}

void fleet_release_panic(struct fleet *f, uint64_t now_ns)
{
	fleet_freeze_release(f, now_ns);
}

bool fleet_is_blind(const struct fleet *f)
{
	return f->blind.is_active;
}

/* --- summary -----------------------------------------------------------------------------------
 */

void fleet_fill_summary(const struct fleet *f, struct summary *s)
{
	tally_fill(&f->tally, s);
	s->generation = f->gen ? f->gen->number : 0;
	s->is_blind = f->blind.is_active;
	s->is_warm = f->gen && s->reals_undecided == 0 && s->prefixes_undecided == 0;
}

/* 3 intervals without a known result: three attempts in a row said nothing, or none came. */
static bool is_stale(const struct fleet *f, uint32_t check, uint64_t now_ns)
{
	const struct check_row *row = state_check(f->tables, check);
	uint64_t end_ns = row->last_end_10ms * UINT64_C(10000000);
	uint64_t age_ns = now_ns > end_ns ? now_ns - end_ns : 0;

	return row->unknown_run >= 3 || age_ns / 3 > gen_profile(f->gen, check)->interval_ns;
}

uint32_t fleet_n_stale(const struct fleet *f, uint64_t now_ns)
{
	uint32_t n = 0;

	for (uint32_t real = 0; f->gen && real < f->gen->end_reals; real++) {
		uint32_t c = f->gen->reals[real].first_check;

		if (!gen_real_in_use(f->gen, real))
			continue;
		while (c != SLOT_NONE && !is_stale(f, c, now_ns))
			c = f->gen->checks[c].next;
		n += c != SLOT_NONE;
	}
	return n;
}
