/* A worker thread: takes jobs, runs checks on its own epoll, gives exactly one result and one done
 * per job. Decisions 3, 4, 12-19, spec/kept-sockets §12 are its rules. */
#pragma once

#include "config/app_config.h"
#include "model/beat.h"
#include "model/counter.h"
#include "model/port.h"
#include "model/state.h"
#include "model/tunnel.h"

struct worker;

struct worker_args {
	uint32_t index;
	int cpu; /* -1: not pinned */
	struct port *port;
	const struct state_tables *tables;
	const struct tunnel *tunnel; /* NULL: no check is tunnelled */
	struct counters *counters;
	struct beat *beat;
	uint64_t lag_guard_ns;
	uint32_t fd_budget; /* descriptors this worker may have open at once */
};

/* args are copied, what they point to is borrowed until worker_free. */
MUST_CHECK int worker_new(const struct worker_args *args, struct worker **ret);
MUST_CHECK int worker_start(struct worker *w);
/* Asks the thread to end: checks in flight are cancelled, jobs still in the ring too; each yields
 * its result and done. Main thread. */
void worker_stop(struct worker *w);
void worker_join(struct worker *w);
void worker_free(struct worker *w);
/* Checks in flight and descriptors held, for metrics. Any thread. */
uint32_t worker_in_flight(const struct worker *w);
uint32_t worker_sockets(const struct worker *w);
