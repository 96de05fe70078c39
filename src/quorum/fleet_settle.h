/* Services and prefixes: judged at the end of each event, when all reals have changed. */
#pragma once

#include "quorum/fleet_core.h"

/* Lets panic-held reals go if there is room again, then judges all touched services and prefixes.
 */
void fleet_settle(struct fleet *f, enum fleet_cause cause, uint64_t now_ns);
/* The same in two steps, for adoption: memberships change between them. */
void fleet_settle_services(struct fleet *f, enum fleet_cause cause, uint64_t now_ns);
void fleet_settle_prefixes(struct fleet *f, enum fleet_cause cause, uint64_t now_ns);

/* The service becomes a member of its prefix (decisions 27). */
void fleet_settle_enter(struct fleet *f, uint32_t service);
/* It is one no more; gen: the generation in which it was. */
void fleet_settle_leave(struct fleet *f, const struct generation *gen, uint32_t service);
/* From a snapshot: it does not count for its prefix yet. */
void fleet_settle_unjoin(struct fleet *f, uint32_t service);
void fleet_settle_join_all(struct fleet *f, uint32_t prefix);
/* A reload may have left the prefix without a joined member. */
void fleet_settle_orphan(struct fleet *f, uint32_t prefix);
/* Sets the wanted state of a prefix; tells the hooks. */
void fleet_settle_set_prefix(struct fleet *f, uint32_t prefix, enum state to,
			     enum fleet_cause cause, uint64_t now_ns);
/* announce_hold ends for those that were ready long enough. */
void fleet_settle_tick(struct fleet *f, uint64_t now_ns);
