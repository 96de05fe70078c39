#include "quorum/fleet_freeze.h"

#include "quorum/fleet_real.h"
#include "quorum/fleet_settle.h"
#include "quorum/panic_rule.h"

/* --- taking back -------------------------------------------------------------------------------
 */

/* Was it taken since the window's first bad result, or not yet accepted by the balancer? */
static bool is_to_be_taken_back(const struct fleet *f, uint32_t real, uint64_t since_ns)
{
	const struct fleet_removal *r = fleet_removal_of(f, real);
	const struct real_row *row = state_real(f->tables, real);
	enum real_override kind = real_override_kind(row->override);

	if (!(row->flags & REAL_ROW_IN_USE) || kind == OVERRIDE_UP || kind == OVERRIDE_DRAIN ||
	    kind == OVERRIDE_DOWN)
		return false;
	if (r->kind == REMOVAL_LOWERED)
		return r->at_ns >= since_ns && (row->flags & REAL_ROW_ENABLED);
	return r->at_ns >= since_ns || (!r->is_accepted && marks_has(&f->listed, real));
}

/* Enabled again as it was; frozen, since its verdict still says otherwise. */
static void take_back(struct fleet *f, uint32_t real)
{
	struct fleet_real_edit e = fleet_real_open(f, real);
	uint16_t weight = fleet_removal_of(f, real)->former_weight;

	fleet_real_forget_removal(f, real);
	fleet_real_take_back(f, &e, weight);
	fleet_real_close(f, &e);
}

static void take_back_reals(struct fleet *f, uint64_t since_ns)
{
	uint32_t r = marks_next(&f->removed, 0);

	for (; r != SLOT_NONE; r = marks_next(&f->removed, r + 1)) {
		if (is_to_be_taken_back(f, r, since_ns))
			take_back(f, r);
	}
}

/* Services that fell since: they come back without having to reach Q + H, and their prefixes
 * without announce_hold, as soon as the reals are held again. */
static void take_back_services(struct fleet *f, uint64_t since_ns)
{
	uint32_t s = marks_next(&f->fallen, 0);

	for (; s != SLOT_NONE; s = marks_next(&f->fallen, s + 1)) {
		struct fleet_service *more = fleet_service_of(f, s);
		uint32_t prefix = f->gen->services[s].prefix;

		if (more->fell_ns < since_ns)
			continue;
		more->flags |= FLEET_SERVICE_RETAKEN;
		marks_add(&f->touched_services, s);
		if (prefix != SLOT_NONE && fleet_prefix_of(f, prefix)->fell_ns >= since_ns)
			fleet_prefix_of(f, prefix)->flags &= ~(uint32_t)FLEET_PREFIX_FAILED;
	}
}

/* --- blind -------------------------------------------------------------------------------------
 */

static void tell(const struct fleet *f, bool is_blind)
{
	if (f->hooks.blind_changed)
		f->hooks.blind_changed(f->hooks.ctx, is_blind, f->blind.counts.n,
				       f->blind.counts.n_bad);
}

static void begin(struct fleet *f, uint64_t now_ns)
{
	uint64_t since_ns = blind_first_bad_ns(&f->blind, now_ns);

	f->thaw_until_ns = UINT64_MAX;
	counter_add(f->counters, CTR_BLIND_BEGUN, 1);
	tell(f, true);
	take_back_reals(f, since_ns);
	take_back_services(f, since_ns);
	fleet_settle(f, FLEET_BY_RESULT, now_ns);
}

static void redecide_frozen(struct fleet *f, uint64_t now_ns)
{
	uint32_t r = marks_next(&f->frozen, 0);

	for (; r != SLOT_NONE; r = marks_next(&f->frozen, r + 1))
		fleet_real_redecide(f, r, FLEET_BY_RESULT, now_ns);
}

/* Nothing is frozen for blind any more. */
static void end_thaw(struct fleet *f, uint64_t now_ns)
{
	uint32_t s = marks_next(&f->fallen, 0);

	f->thaw_until_ns = UINT64_MAX;
	for (; s != SLOT_NONE; s = marks_next(&f->fallen, s + 1))
		fleet_service_of(f, s)->flags &= ~(uint32_t)FLEET_SERVICE_RETAKEN;
	redecide_frozen(f, now_ns);
	fleet_settle(f, FLEET_BY_RESULT, now_ns);
}

static void end(struct fleet *f, uint64_t now_ns)
{
	uint32_t p = marks_next(&f->frozen_prefixes, 0);

	tell(f, false);
	for (; p != SLOT_NONE; p = marks_next(&f->frozen_prefixes, p + 1))
		marks_add(&f->touched_prefixes, p);
	if (!f->blind.is_armed) {
		/* the hold is over: verdicts are believed */
		end_thaw(f, now_ns);
		return;
	}
	f->thaw_until_ns = f->blind.begun_ns + f->config.blind.max_hold_ns;
	redecide_frozen(f, now_ns);
	fleet_settle(f, FLEET_BY_RESULT, now_ns);
}

void fleet_freeze_confirm(struct fleet *f, uint32_t real, uint64_t now_ns)
{
	if (f->blind.is_active || f->thaw_until_ns == UINT64_MAX || !marks_has(&f->frozen, real))
		return;
	f->is_confirming = true;
	fleet_real_redecide(f, real, FLEET_BY_RESULT, now_ns);
	f->is_confirming = false;
	fleet_settle(f, FLEET_BY_RESULT, now_ns);
}

static void follow(struct fleet *f, enum blind_event event, uint64_t now_ns)
{
	if (event == BLIND_BEGINS)
		begin(f, now_ns);
	else if (event == BLIND_ENDS)
		end(f, now_ns);
}

/* 1.5 spans */
static uint64_t span_of(struct fleet *f, uint32_t profile)
{
	struct fleet_span *s = table_row(&f->spans, profile);
	uint64_t detection_ns;

	if (s->generation == f->gen->number)
		return s->span_ns;
	detection_ns = MIN(gen_detection_ns(&f->gen->profiles[profile]), UINT64_MAX / 4);
	*s = (struct fleet_span){.span_ns = detection_ns + detection_ns / 2,
				 .generation = f->gen->number};
	return s->span_ns;
}

/* Until when a result of now counts: its real carries traffic, or did until not long ago. */
static uint64_t counts_until(const struct fleet *f, uint32_t real, uint64_t span_ns,
			     uint64_t now_ns)
{
	const struct fleet_removal *r;

	if (fleet_real_carried(f, real, state_real(f->tables, real)) > 0)
		return now_ns + span_ns;
	if (!marks_has(&f->removed, real))
		return 0;
	r = fleet_removal_of(f, real);
	return r->kind == REMOVAL_OUT ? r->at_ns + span_ns : 0;
}

void fleet_freeze_note(struct fleet *f, const struct check_spec *spec, const struct result *result,
		       enum verdict verdict, uint64_t now_ns)
{
	uint64_t span_ns = span_of(f, spec->profile);
	struct blind_sample s = {
		.host = state_real(f->tables, spec->real)->host,
		.is_bad = verdict == VERDICT_BAD,
		.is_answer = route_rule_is_bad_answer((enum check_code)result->code),
		.until_ns = counts_until(f, spec->real, span_ns, now_ns),
		.span_ns = span_ns,
	};

	if (s.until_ns > now_ns)
		follow(f, blind_note(&f->blind, &s, now_ns), now_ns);
}

void fleet_freeze_tick(struct fleet *f, uint64_t now_ns)
{
	follow(f, blind_tick(&f->blind, now_ns), now_ns);
	if (now_ns >= f->thaw_until_ns)
		end_thaw(f, now_ns);
}

/* --- panic -------------------------------------------------------------------------------------
 */

static bool has_room(const struct fleet *f, uint32_t service)
{
	struct service_sums sums = fleet_service_of(f, service)->sums;

	/* the one that would go is among them */
	sums.n_reals--;
	sums.n_frozen--;
	return panic_rule_service_allows(&sums, f->gen->services[service].panic_threshold) &&
	       panic_rule_daemon_allows(f->n_out, f->config.max_remove);
}

static bool is_panic_held(const struct fleet *f, uint32_t real)
{
	const struct real_row *row = state_real(f->tables, real);

	return (row->flags & REAL_ROW_FROZEN) && row->state == STATE_DOWN;
}

static void retry_service(struct fleet *f, uint32_t service, uint64_t now_ns)
{
	const struct service_spec *spec = &f->gen->services[service];

	if (fleet_service_of(f, service)->sums.n_frozen == 0)
		return;
	for (uint32_t i = 0; i < spec->n_reals && has_room(f, service); i++) {
		uint32_t real = f->gen->real_order[spec->first_real + i];

		if (is_panic_held(f, real))
			fleet_real_redecide(f, real, FLEET_BY_RESULT, now_ns);
		if (fleet_service_of(f, service)->sums.n_frozen == 0)
			return;
	}
}

static void retry_all(struct fleet *f, uint64_t now_ns)
{
	uint32_t r = marks_next(&f->frozen, 0);

	for (; r != SLOT_NONE; r = marks_next(&f->frozen, r + 1)) {
		if (!panic_rule_daemon_allows(f->n_out, f->config.max_remove))
			return;
		if (has_room(f, f->gen->reals[r].service))
			fleet_real_redecide(f, r, FLEET_BY_RESULT, now_ns);
	}
}

void fleet_freeze_retry(struct fleet *f, uint64_t now_ns)
{
	uint32_t service;

	/* while blind nothing goes; its end asks all of them again */
	while ((service = marks_take(&f->retry)) != SLOT_NONE) {
		if (!fleet_withholds(f))
			retry_service(f, service, now_ns);
	}
	if (f->must_retry && !fleet_withholds(f) && f->frozen.n > 0)
		retry_all(f, now_ns);
	f->must_retry = false;
}

void fleet_freeze_release(struct fleet *f, uint64_t now_ns)
{
	f->is_releasing = true;
	if (!f->blind.is_active)
		redecide_frozen(f, now_ns);
	f->is_releasing = false;
	fleet_settle(f, FLEET_BY_OPERATOR, now_ns);
}
