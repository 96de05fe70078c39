/* The scheduler thread: when each check is due, and nothing else.
 *
 * It owns the timer wheel (1 ms ticks) and each check's pace (absolute grid, phase, jitter, retry
 * bursts, in-flight mark). Every turn: drain dones, fire the wheel, put due jobs into the workers'
 * rings, ring each bell at most once. It never blocks but in its own timer, never allocates after
 * start (tables are reserved), and learns a check's state only by reading agg's word.
 *
 * Decisions 2, 3, 5-7, 10-12, 15 and 50 (pace row: 24 bytes) are its rules.
 */
#pragma once

#include "model/beat.h"
#include "model/control.h"
#include "model/counter.h"
#include "model/port.h"
#include "model/state.h"

struct sched;

struct sched_args {
	struct port *ports; /* one per worker */
	uint32_t n_workers;
	struct control *control; /* messages ADOPT and QUIT */
	struct wake *bell;       /* this thread's own: rung by main */
	const struct state_tables *tables;
	struct counters *counters;
	struct beat *beat;
	int cpu; /* -1: not pinned */
};

/* Makes the scheduler. args are copied, what they point to is borrowed until sched_free. */
MUST_CHECK int sched_new(const struct sched_args *args, struct sched **ret);
MUST_CHECK int sched_start(struct sched *s);
/* After CONTROL_QUIT. */
void sched_join(struct sched *s);
void sched_free(struct sched *s);

/* Jobs of generation number that were issued and not yet drained as done. main only asks for
 * generations that sched has left (it adopted a newer one): then the number only falls. Any
 * thread. */
uint32_t sched_in_flight(const struct sched *s, uint32_t generation);

/* Which worker runs the checks of this real. Pure; any thread. */
uint32_t sched_worker_of(uint32_t real, uint32_t n_workers);
