/* Named threads with an optional CPU set and nice value.
 *
 * Each thread blocks all signals (main handles them through a signalfd), is registered with RCU
 * and with the log, and runs until its function returns.
 */
#pragma once

#include <pthread.h>
#include <sched.h>

#include "base/cc.h"

typedef void (*thr_fn)(void *ctx);

struct thr {
	pthread_t id;
	thr_fn fn;
	void *ctx;
	char name[16];
	int nice;
	/* It runs little and must run at once: its timers are exact, and where the kernel takes a
	 * wish for the slice (6.12) it comes before threads that are in the middle of long ones. */
	bool is_prompt;
	bool has_cpus;
	cpu_set_t cpus;
	bool is_running;
};

/* Starts t (name, fn, ctx, nice, cpus set by the caller; the struct stays where it is until
 * thr_join). CPU set and nice value are best effort: without permission the thread runs with what
 * it has and the first refusal is logged. Returns 0 or a negative errno. */
MUST_CHECK int thr_start(struct thr *t);
/* Waits for the thread's end; does nothing if it was not started. Not from a thread itself. */
void thr_join(struct thr *t);
