/* A snapshot of the life before into the fleet (decisions 44). agg's thread. */
#pragma once

#include "agg/snapshot.h"

struct fleet;

struct snapshot_restored {
	uint32_t n_reals, n_up, n_down, n_overrides; /* of reals that are configured still */
	uint32_t n_gone;                             /* objects that are not */
};

/* Right after the first fleet_adopt of g. Without with_verdicts only overrides, weights and joined
 * marks are taken. Returns 0 or -ENOMEM (nothing was restored). */
MUST_CHECK int snapshot_restore(const struct snapshot *s, bool with_verdicts, struct fleet *f,
				const struct generation *g, uint64_t now_ns,
				struct snapshot_restored *ret);
