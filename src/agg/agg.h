/* The deciding thread: results in, verdicts by quorum/, and both actuators on its event loop.
 *
 * It never blocks: sockets are non-blocking, big work is cut into slices, and between two slices it
 * drains the result rings (decisions 4). Order between balancer and announcements (decisions 36,
 * 45) lives here and nowhere else.
 */
#pragma once

#include "config/app_config.h"
#include "model/announce_row.h"
#include "model/beat.h"
#include "model/control.h"
#include "model/counter.h"
#include "model/port.h"
#include "model/state.h"
#include "model/summary.h"

struct agg;
struct snapshot;

struct agg_args {
	const struct app_config *app;
	struct port *ports;
	uint32_t n_workers;
	struct control *control; /* ADOPT, RETIRE, OVERRIDE, RELEASE_PANIC, QUIT */
	struct wake *bell;       /* this thread's own: rung by workers and main */
	struct state_tables *tables;
	struct counters *counters;
	struct beat *beat;
	struct summary *summary; /* seqrow; written here only */
	/* ANNOUNCE_MAX_BACKENDS seqrows, one per backend; written here only; NULL: nobody reads */
	struct announce_row *announcers;
	/* grows with each change that a snapshot keeps, after its rows; NULL: nobody looks */
	_Atomic uint32_t *changes;
	/* What the life before left, used up by the first CONTROL_ADOPT; NULL: nothing */
	const struct snapshot *past;
	bool past_has_verdicts; /* false: overrides, weights and joined marks alone */
	int cpu;                /* -1: not pinned */
};

/* args are copied, what they point to is borrowed until agg_free. */
MUST_CHECK int agg_new(const struct agg_args *args, struct agg **ret);
MUST_CHECK int agg_start(struct agg *a);
/* After CONTROL_QUIT. The thread ends within 3.5 s, whatever its peers do. */
void agg_join(struct agg *a);
void agg_free(struct agg *a);
