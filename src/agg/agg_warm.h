/* How long first verdicts are waited for. Pure. */
#pragma once

#include "config/gen.h"

/* From the first adoption of gen until announcer_warm comes at the latest (decisions 28): 10 s; and
 * the longest detection time on top if one of the backends (set of enum announcer_backend) writes
 * files, since its first write decides for the prefixes that are undecided then. */
uint64_t agg_warm_wait_ns(const struct generation *gen, uint32_t backends);
