/* One real: the AND over its checks (decisions 22) and what the balancer shall have for a verdict
 * (decisions 20, 24), before anything is frozen. Pure. */
#pragma once

#include "config/gen.h"
#include "quorum/fleet.h"

/* Verdict by the checks' rows. ret_not_up: how many checks are not up, saturating. */
enum state real_rule_verdict(const struct generation *g, const struct state_tables *t,
			     uint32_t real, uint8_t *ret_not_up);

struct real_want {
	enum fleet_want want;
	uint16_t weight;   /* for FLEET_ENABLE */
	bool is_inhibited; /* down, stays enabled with weight 0 */
	bool is_order;     /* the operator says so, whatever the checks say */
};

/* weight_if_up: weight_rule.h. */
struct real_want real_rule_want(enum state state, const struct real_spec *spec,
				uint16_t weight_if_up, uint32_t override);
/* is_drained: weight_rule.h. */
enum real_reason real_rule_reason(enum state state, bool is_static, bool is_drained,
				  uint32_t override);
