/* One turn of the scheduler, without thread, clock or sleep: sched.c calls it in a loop, tests call
 * it on virtual time. All of it belongs to the scheduler's thread but turn_in_flight().
 *
 * field        writer  readers  order
 * in_flight[]  sched   main     release after the done of a job was drained; acquire: then the
 *                               worker's last look at the generation is over
 */
#pragma once

#include <stdatomic.h>

#include "base/table.h"
#include "model/counter.h"
#include "model/port.h"
#include "sched/pace.h"

struct gen_diff;

enum { TURN_GENERATIONS = 256 };
#define TURN_TICK_NS    (UINT64_C(1000) * 1000) /* of the wheel */
#define TURN_SPACING_NS (2 * TURN_TICK_NS)      /* turns lie on multiples of it */

struct turn {
	struct wheel wheel;
	struct table rows;                   /* struct pace, by check slot */
	const struct generation *generation; /* NULL before the first adoption */
	struct port *ports;
	uint32_t n_workers;
	const struct state_tables *tables;
	struct counters *counters;
	/* jobs in flight whose end may begin a burst; those of a running burst, which wait for
	 * nothing else; and the shortest retry delay since there was none of either */
	uint32_t n_watched;
	uint32_t n_in_burst;
	uint64_t watch_delay_ns;
	/* by the low 8 bits of the generation's number, as a done carries it. Two generations 256
	 * apart share one, so the number may be too high, never too low. */
	_Atomic uint32_t in_flight[TURN_GENERATIONS];
};

/* Reserves the table of rows; the rest is borrowed. Returns 0 or a negative errno. */
MUST_CHECK int turn_init(struct turn *t, struct port *ports, uint32_t n_workers,
			 const struct state_tables *tables, struct counters *counters,
			 uint64_t now_ns);
void turn_deinit(struct turn *t);

/* Uses g from now on: forgets the checks that diff removed, lets those it added wait for their
 * first grid point; the others keep theirs. Costs as much as changed. Without diff every check of g
 * that waits for nothing yet is added. */
void turn_adopt(struct turn *t, const struct generation *g, const struct gen_diff *diff,
		uint64_t now_ns);

/* Drains the dones, fires what is due, publishes the jobs and rings each worker at most once.
 * Returns when the next turn is due: a multiple of TURN_SPACING_NS later than now_ns, or
 * UINT64_MAX. */
MUST_CHECK uint64_t turn_run(struct turn *t, uint64_t now_ns);

/* Jobs of this generation that are on their way. Any thread. */
uint32_t turn_in_flight(const struct turn *t, uint32_t generation);
/* Which worker has the checks of this real. */
uint32_t turn_worker_of(uint32_t real, uint32_t n_workers);
