/* The plan's next Real request: tombstones first, then changes, then the full state, each real to
 * every module that lists it. Pure, like the plan. */
#pragma once

#include "yanet/yanet_encode.h"
#include "yanet/yanet_plan.h"

/* Writes updates to q (begun here, not ended) until it is full, nothing is left, or the budget is
 * used up. Returns how many; what it wrote is staged from now on. */
uint32_t yanet_fill(struct yanet_plan *p, struct yanet_request *q, uint64_t now_ns,
		    struct yanet_budget *b);
