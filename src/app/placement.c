#include "app/placement.h"

#include "base/cc.h"

/* CPUs of set in ascending order; returns how many. */
static int list_cpus(const cpu_set_t *set, int list[CPU_SETSIZE])
{
	int n = 0;

	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (CPU_ISSET((size_t)cpu, set))
			list[n++] = cpu;
	}
	return n;
}

void placement_choose(const cpu_set_t *allowed, uint32_t wanted_count, const cpu_set_t *worker_cpus,
		      struct placement *ret)
{
	int cpus[CPU_SETSIZE], own[CPU_SETSIZE];
	int n = list_cpus(allowed, cpus), n_own = 0;
	uint32_t count = wanted_count;

	if (worker_cpus)
		n_own = list_cpus(worker_cpus, own);
	if (count == 0)
		count = n_own ? (uint32_t)n_own : (uint32_t)MAX(n - 1, 1);
	ret->n_workers = MIN(count, (uint32_t)MAX_WORKERS);
	for (uint32_t i = 0; i < ret->n_workers; i++) {
		if (n_own)
			ret->worker_cpus[i] = own[i % (uint32_t)n_own];
		else
			ret->worker_cpus[i] = n ? cpus[(uint32_t)n - 1 - i % (uint32_t)n] : -1;
	}
	ret->sched_cpu = n ? cpus[0] : -1;
	ret->agg_cpu = n ? cpus[0] : -1;
}
