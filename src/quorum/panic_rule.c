#include "quorum/panic_rule.h"

bool panic_rule_service_allows(const struct service_sums *sums, uint8_t threshold)
{
	uint64_t n_out = (uint64_t)service_rule_n_out(sums) + 1,
		 n_reals = (uint64_t)sums->n_reals + 1;

	return threshold == 0 || n_out * 100 <= n_reals * threshold;
}

bool panic_rule_daemon_allows(uint32_t n_removed, uint32_t max_remove)
{
	return max_remove == 0 || n_removed < max_remove;
}
