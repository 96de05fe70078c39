#include "quorum/tally.h"

void tally_init(struct tally *t)
{
	*t = (struct tally){.reals_enabled = 0};
	for (int kind = 0; kind < CHECK_KIND__N; kind++) {
		for (int code = 0; code < CODE__N; code++)
			t->error_of[kind][code] = (uint8_t)summary_error_index(
				check_code_label((enum check_kind)kind, (enum check_code)code));
	}
}

static bool was_started(const struct result *r)
{
	return r->code != CODE_LATE && r->code != CODE_CANCELLED;
}

static void count_response(struct tally *t, uint32_t us)
{
	size_t i = 0;

	while (i < ARRAY_LEN(summary_response_ms) && us > summary_response_ms[i] * 1000)
		i++;
	t->response_buckets[i]++;
	t->response_count++;
	t->response_sum_us += us;
}

void tally_attempt(struct tally *t, enum check_kind kind, const struct result *r,
		   enum verdict verdict)
{
	if (!was_started(r))
		return;
	count_response(t, r->total_us);
	if (verdict != VERDICT_GOOD && kind < CHECK_KIND__N && r->code < CODE__N)
		t->errors[t->error_of[kind][r->code]]++;
}

void tally_transition(struct tally *t, uint32_t held_s)
{
	size_t i = 0;

	while (i < ARRAY_LEN(summary_transition_s) && held_s > summary_transition_s[i])
		i++;
	t->transition_buckets[i]++;
	t->transition_count++;
	t->transition_sum_s += held_s;
}

static void fill_states(const struct tally *t, struct summary *s)
{
	s->checks_undecided = t->checks[STATE_UNDECIDED];
	s->checks_up = t->checks[STATE_UP];
	s->checks_down = t->checks[STATE_DOWN];
	s->reals_undecided = t->reals[STATE_UNDECIDED];
	s->reals_up = t->reals[STATE_UP];
	s->reals_down = t->reals[STATE_DOWN];
	s->services_undecided = t->services[STATE_UNDECIDED];
	s->services_up = t->services[STATE_UP];
	s->services_down = t->services[STATE_DOWN];
	s->prefixes_undecided = t->prefixes[STATE_UNDECIDED];
	s->prefixes_announced = t->prefixes[STATE_UP];
	s->prefixes_withdrawn = t->prefixes[STATE_DOWN];
	s->reals_enabled = t->reals_enabled;
}

void tally_fill(const struct tally *t, struct summary *s)
{
	fill_states(t, s);
	memcpy(s->response_buckets, t->response_buckets, sizeof(s->response_buckets));
	memcpy(s->transition_buckets, t->transition_buckets, sizeof(s->transition_buckets));
	memcpy(s->errors, t->errors, sizeof(s->errors));
	s->response_count = t->response_count;
	s->transition_count = t->transition_count;
	s->response_sum_us = t->response_sum_us;
	s->transition_sum_s = t->transition_sum_s;
}
