#include "model/port.h"

#include <criterion/criterion.h>

#include "model/job.h"
#include "model/result.h"

Test(port, rings_hold_what_was_asked)
{
	struct wake agg;
	struct port p;

	cr_assert_eq(wake_init(&agg), 0);
	cr_assert_eq(port_init(&p, 1000, &agg), 0);
	cr_assert_eq(ring_room(&p.jobs), 1024);
	cr_assert_eq(ring_room(&p.dones), 1024);
	cr_assert_eq(ring_room(&p.results), 1024);
	cr_assert_eq(p.jobs.elem_bytes, sizeof(struct job));
	cr_assert_eq(p.dones.elem_bytes, sizeof(struct done));
	cr_assert_eq(p.results.elem_bytes, sizeof(struct result));
	cr_assert_eq(p.agg_bell, &agg);
	port_deinit(&p);
	wake_deinit(&agg);
}
