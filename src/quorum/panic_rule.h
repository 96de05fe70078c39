/* Panic hold: how many reals verdicts may take out of service at once (design §9.2). Pure.
 *
 * panic_threshold: of a service's reals at most that many percent. safety.max_remove: of the whole
 * daemon at most that many reals that were in service in this life. What exceeds either is held in
 * the balancer until enough others are back ("the rate falls") or the operator releases it.
 */
#pragma once

#include "quorum/service_rule.h"

/* May one more real, not counted in sums, be taken out? threshold 0: always. */
bool panic_rule_service_allows(const struct service_sums *sums, uint8_t threshold);
/* n_removed: out of service now. max_remove 0: always. */
bool panic_rule_daemon_allows(uint32_t n_removed, uint32_t max_remove);
