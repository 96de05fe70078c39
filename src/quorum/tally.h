/* What the fleet counts for the summary row, kept at each event so that filling the row costs
 * nothing in proportion to the fleet. agg's thread only. */
#pragma once

#include "model/result.h"
#include "model/state.h"
#include "model/summary.h"

enum { TALLY_STATES = STATE_DOWN + 1 };

struct tally {
	uint32_t checks[TALLY_STATES], reals[TALLY_STATES];
	uint32_t services[TALLY_STATES], prefixes[TALLY_STATES];
	uint32_t reals_enabled;
	uint64_t response_buckets[8], response_count;
	uint64_t response_sum_us;
	uint64_t transition_buckets[5], transition_count;
	uint64_t transition_sum_s;
	uint64_t errors[12];
	uint8_t error_of[CHECK_KIND__N][CODE__N]; /* index of the reference's label */
};

void tally_init(struct tally *t);
/* One object changed its state. */
static inline void tally_move(uint32_t counts[TALLY_STATES], enum state from, enum state to)
{
	counts[from]--;
	counts[to]++;
}
/* One attempt ended with this effective verdict. Jobs that were never started are no attempts. */
void tally_attempt(struct tally *t, enum check_kind kind, const struct result *r,
		   enum verdict verdict);
/* A real changed between alive and not alive, the time before having lasted held_s. */
void tally_transition(struct tally *t, uint32_t held_s);
/* Fills what is counted here; the rest of the row is left alone. */
void tally_fill(const struct tally *t, struct summary *ret_summary);
