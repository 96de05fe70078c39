/* One service: sums over its reals and the quorum (decisions 25, 26). Pure.
 *
 * A real that a freeze keeps in the balancer against its verdict (decisions 32) goes on counting
 * for a service that is up, so that the freeze also covers its prefix; but it brings no service up.
 */
#pragma once

#include "model/state.h"

/* What one real adds to its service. */
struct service_share {
	uint32_t weight;  /* held: min(wanted, acknowledged) */
	uint32_t frozen;  /* the part of weight that only a freeze keeps */
	uint32_t pending; /* could still come: undecided, or up and not yet held; absent ones not */
	uint32_t enabled; /* wanted weight, if enabled and listed by the balancer */
	bool is_open;     /* undecided with a dynamic weight: could still bring anything */
	bool is_up, is_undecided, is_absent, is_enabled, is_listed;
	bool is_frozen; /* down, removal held back */
};

struct service_sums {
	uint64_t weight, frozen, pending, enabled;
	uint32_t n_reals, n_open;
	uint32_t n_up, n_undecided, n_absent, n_enabled, n_listed, n_frozen;
};

void service_rule_add(struct service_sums *sums, const struct service_share *share);
void service_rule_sub(struct service_sums *sums, const struct service_share *share);
/* Reals that their verdict took out of service. */
static inline uint32_t service_rule_n_out(const struct service_sums *sums)
{
	return sums->n_reals - sums->n_up - sums->n_undecided - sums->n_frozen;
}

struct service_terms {
	uint32_t quorum, hysteresis;
	bool may_be_empty; /* quorum 0 counts: the balancer has shown its reals */
	bool is_retaken; /* its fall was our own fault (decisions 32): judge as if it had stayed up
			  */
};

/* The state that follows `before`. Undecided = was never up and never down. */
enum state service_rule_state(const struct service_sums *sums, const struct service_terms *terms,
			      enum state before);
