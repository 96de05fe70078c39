#include "quorum/service_rule.h"

void service_rule_add(struct service_sums *sums, const struct service_share *share)
{
	sums->weight += share->weight;
	sums->frozen += share->frozen;
	sums->pending += share->pending;
	sums->enabled += share->enabled;
	sums->n_reals++;
	sums->n_open += share->is_open;
	sums->n_up += share->is_up;
	sums->n_undecided += share->is_undecided;
	sums->n_absent += share->is_absent;
	sums->n_enabled += share->is_enabled;
	sums->n_listed += share->is_listed;
	sums->n_frozen += share->is_frozen;
}

void service_rule_sub(struct service_sums *sums, const struct service_share *share)
{
	sums->weight -= share->weight;
	sums->frozen -= share->frozen;
	sums->pending -= share->pending;
	sums->enabled -= share->enabled;
	sums->n_reals--;
	sums->n_open -= share->is_open;
	sums->n_up -= share->is_up;
	sums->n_undecided -= share->is_undecided;
	sums->n_absent -= share->is_absent;
	sums->n_enabled -= share->is_enabled;
	sums->n_listed -= share->is_listed;
	sums->n_frozen -= share->is_frozen;
}

static bool is_enough(const struct service_sums *sums, const struct service_terms *terms)
{
	uint64_t needed = (uint64_t)terms->quorum + terms->hysteresis;

	if (needed == 0 && !terms->may_be_empty)
		return false;
	return sums->weight - sums->frozen >= needed;
}

/* For one that is up: W >= Q + H, or the hysteresis holds it. */
static bool stays_up(const struct service_sums *sums, const struct service_terms *terms)
{
	uint64_t w = sums->weight;

	if (w >= (uint64_t)terms->quorum + terms->hysteresis)
		return true;
	return w > 0 && w + terms->hysteresis >= terms->quorum;
}

static bool could_still_come_up(const struct service_sums *sums, const struct service_terms *terms)
{
	return sums->n_open > 0 ||
	       sums->weight + sums->pending >= (uint64_t)terms->quorum + terms->hysteresis;
}

enum state service_rule_state(const struct service_sums *sums, const struct service_terms *terms,
			      enum state before)
{
	bool was_up = before == STATE_UP || terms->is_retaken;

	if (was_up && stays_up(sums, terms))
		return STATE_UP;
	if (before == STATE_UP)
		return STATE_DOWN;
	if (is_enough(sums, terms))
		return STATE_UP;
	if (before == STATE_UNDECIDED && could_still_come_up(sums, terms))
		return STATE_UNDECIDED;
	return STATE_DOWN;
}
