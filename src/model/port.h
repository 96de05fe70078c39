/* One worker's three rings and bells: the edges sched → worker → sched and worker → agg.
 *
 * A worker takes a job only when it can reserve a slot in both its dones and its results; for one
 * job it publishes the result first and the done last (decisions 3). So neither ring overflows.
 */
#pragma once

#include "base/ring.h"
#include "base/wake.h"

struct port {
	struct ring jobs;      /* struct job: sched puts, worker peeks */
	struct ring dones;     /* struct done: worker puts, sched peeks each tick; no bell */
	struct ring results;   /* struct result: worker puts, agg peeks */
	struct wake bell;      /* the worker's: rung by sched, at most once per tick */
	struct wake *agg_bell; /* rung by the worker if a result may change something */
};

enum { PORT_MIN_SLOTS = 32768 };

/* slots per ring: ≥ PORT_MIN_SLOTS, or the number of the worker's checks if that is smaller. */
MUST_CHECK int port_init(struct port *p, uint32_t slots, struct wake *agg_bell);
void port_deinit(struct port *p);
