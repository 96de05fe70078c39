/* How much one turn of the loop may do: 512 reals or 500 µs, whichever comes first; then the result
 * rings are drained (decisions 4). All work of one turn draws from one budget. */
#pragma once

#include "base/cc.h"

struct yanet_budget {
	uint64_t turn_ns;  /* the turn it belongs to */
	uint64_t until_ns; /* by clk_mono_ns(); UINT64_MAX: no limit */
	uint32_t reals;    /* still allowed */
};

/* A new turn refills it; the turn it has seen leaves it as it is. slice_ns 0: no time limit. */
void yanet_budget_turn(struct yanet_budget *b, uint64_t turn_ns, uint32_t reals, uint64_t slice_ns);
/* One real is about to be worked on. False: no more in this turn. */
bool yanet_budget_take(struct yanet_budget *b);
