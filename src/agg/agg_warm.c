#include "agg/agg_warm.h"

#include "base/clk.h"
#include "config/app_config.h"

enum { LEAST_S = 10 };

uint64_t agg_warm_wait_ns(const struct generation *gen, uint32_t backends)
{
	uint64_t longest = 0;

	if (backends & (ANNOUNCER_BIRD2 | ANNOUNCER_BIRD_LIST)) {
		for (uint32_t i = 0; i < gen->n_profiles; i++)
			longest = MAX(longest, gen_detection_ns(&gen->profiles[i]));
	}
	return MIN(longest, UINT64_MAX / 4) + LEAST_S * CLK_S;
}
