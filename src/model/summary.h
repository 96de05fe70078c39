/* agg's view of the whole in one seqrow'd row: for `alivectl status`, /metrics, /v1/summary. */
#pragma once

#include "base/cc.h"

struct summary {
	uint32_t seq;
	uint32_t generation; /* number agg works on */
	uint32_t checks_up, checks_down, checks_undecided;
	uint32_t reals_up, reals_down, reals_undecided;
	uint32_t reals_enabled; /* in balancer terms: inhibited ones too */
	uint32_t services_up, services_down, services_undecided;
	uint32_t prefixes_announced, prefixes_withdrawn, prefixes_undecided;
	uint32_t is_blind;
	uint32_t is_warm;          /* all first verdicts are known */
	uint32_t balancer_backend; /* enum balancer_backend */
	uint32_t balancer_connected;
	uint32_t balancer_modules;
	uint32_t balancer_undelivered;
	uint32_t balancer_absent;
	uint32_t balancer_foreign;
	uint32_t announcer_backend;
	uint32_t announcer_groups, announcer_groups_synced, announcer_unsent;
	uint32_t checks_unknown; /* unknown for checks.unknown_max results in a row */
	uint32_t certs_expiring; /* checks whose certificate ends within expire_warn */
	/* histogram of all attempts' durations, and of the time between transitions of a real
	 * (spec/monalive §12.2): counts per bucket, not cumulative; the last is +Inf */
	uint64_t response_buckets[8];
	uint64_t transition_buckets[5];
	uint64_t response_count, transition_count;
	uint64_t response_sum_us;
	uint64_t transition_sum_s;
	/* failed attempts by the reference's label, order of summary_error_label() */
	uint64_t errors[12];
};
static_assert(sizeof(struct summary) % 4 == 0, "a whole number of words");

/* Upper bounds of the buckets without +Inf: 7 in ms; 4 in s. */
extern const uint32_t summary_response_ms[7];
extern const uint32_t summary_transition_s[4];
/* i < 12: the label, NULL past the last one. */
const char *summary_error_label(unsigned i);
unsigned summary_error_index(const char *label);
