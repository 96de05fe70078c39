/* Weights: smoothing of what a server says (spec/monalive §3.5), the weight of a real and the scale
 * of a service (decisions 23). Pure. */
#pragma once

#include "config/gen.h"
#include "model/state.h"

/* The check's weight after the server said `given` (>= 0, cut at 65535). is_known: old was given
 * before. percent: dynamic_weight_coefficient, 0 = no smoothing. */
uint16_t weight_rule_smooth(bool is_known, uint16_t old, int32_t given, uint32_t percent);

/* Smallest weight that the dynamic checks of the real gave. False: none gave one yet. */
bool weight_rule_dynamic(const struct generation *g, const struct state_tables *t, uint32_t real,
			 uint16_t *ret_weight);
/* One of its checks was last well answered with a drain_status: it is to take no new traffic. */
bool weight_rule_is_drained(const struct generation *g, const struct state_tables *t,
			    uint32_t real);
/* The real's weight if it is up: dynamic or configured, 0 if drained, then the operator's: a weight
 * that he sets counts also for a drained one. */
uint16_t weight_rule_if_up(const struct generation *g, const struct state_tables *t, uint32_t real,
			   uint32_t override);
/* The operator's word about a weight; other overrides leave it alone. A weight above 0 stays so
 * unless the operator says 0. */
uint16_t weight_rule_overridden(uint16_t weight, uint32_t override);

/* Balancers spread 100 slots per real: beyond that sum weights are sent as weight × num / den.
 * den 0: as they are. */
struct weight_scale {
	uint32_t num, den;
};
/* enabled: sum of the wanted weights of the enabled reals that the balancer lists. */
struct weight_scale weight_rule_scale(uint64_t enabled, uint32_t reals_listed);
uint16_t weight_rule_scaled(uint16_t weight, struct weight_scale scale);
/* The unscaled weight that a sent weight stands for, rounded down. */
uint16_t weight_rule_unscaled(uint16_t sent, struct weight_scale scale);
