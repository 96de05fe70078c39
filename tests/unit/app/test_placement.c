#include "app/placement.h"

#include <criterion/criterion.h>

static cpu_set_t cpus(unsigned first, unsigned n)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (unsigned i = first; i < first + n; i++)
		CPU_SET(i, &set);
	return set;
}

Test(placement, d9_default_is_all_but_one_on_the_highest)
{
	cpu_set_t four = cpus(0, 4);
	struct placement p;

	placement_choose(&four, 0, NULL, &p);
	cr_assert_eq(p.n_workers, 3);
	cr_assert_eq(p.worker_cpus[0], 3);
	cr_assert_eq(p.worker_cpus[1], 2);
	cr_assert_eq(p.worker_cpus[2], 1);
	cr_assert_eq(p.sched_cpu, 0);
	cr_assert_eq(p.agg_cpu, 0);
}

Test(placement, single_cpu_gets_one_worker)
{
	cpu_set_t one = cpus(5, 1);
	struct placement p;

	placement_choose(&one, 0, NULL, &p);
	cr_assert_eq(p.n_workers, 1);
	cr_assert_eq(p.worker_cpus[0], 5);
	cr_assert_eq(p.sched_cpu, 5);
}

Test(placement, only_allowed_cpus_are_used)
{
	cpu_set_t allowed = cpus(8, 3);
	struct placement p;

	placement_choose(&allowed, 0, NULL, &p);
	cr_assert_eq(p.n_workers, 2);
	cr_assert_eq(p.worker_cpus[0], 10);
	cr_assert_eq(p.worker_cpus[1], 9);
	cr_assert_eq(p.sched_cpu, 8);
}

Test(placement, named_cpus_take_the_workers)
{
	cpu_set_t allowed = cpus(0, 8), own = cpus(2, 2);
	struct placement p;

	placement_choose(&allowed, 0, &own, &p);
	cr_assert_eq(p.n_workers, 2);
	cr_assert_eq(p.worker_cpus[0], 2);
	cr_assert_eq(p.worker_cpus[1], 3);
}

Test(placement, more_workers_than_cpus_wrap_around)
{
	cpu_set_t allowed = cpus(0, 2);
	struct placement p;

	placement_choose(&allowed, 5, NULL, &p);
	cr_assert_eq(p.n_workers, 5);
	cr_assert_eq(p.worker_cpus[4], 1);
}

Test(placement, worker_count_is_bounded)
{
	cpu_set_t allowed = cpus(0, 2);
	struct placement p;

	placement_choose(&allowed, 100000, NULL, &p);
	cr_assert_eq(p.n_workers, MAX_WORKERS);
}
