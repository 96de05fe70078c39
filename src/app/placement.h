/* Which thread runs where (decisions 9). Pure. */
#pragma once

#include "model/ids.h"

#include <sched.h>

struct placement {
	uint32_t n_workers;
	int worker_cpus[MAX_WORKERS]; /* -1: not pinned */
	int sched_cpu;
	int agg_cpu; /* tun shares it */
};

/* allowed: the process's CPUs. wanted_count 0: allowed − 1, at least 1. worker_cpus NULL: workers
 * take the highest allowed CPUs, sched and agg the lowest. More workers than CPUs wrap around. */
void placement_choose(const cpu_set_t *allowed, uint32_t wanted_count, const cpu_set_t *worker_cpus,
		      struct placement *ret);
