/* What the balancer and the announcer say: the public part is in fleet.h. */
#pragma once

#include "quorum/fleet_core.h"

/* A real that was not in the file before: absent only when the balancer had time to list it. */
void fleet_peers_expect(struct fleet *f, uint32_t real, uint64_t now_ns);
/* That time may be over. Settles. */
void fleet_peers_tick(struct fleet *f, uint64_t now_ns);
