/* The worker's way out: for each job one result, then one done, in batches. A job is taken only if
 * both rings have room for it and for all that are in flight (decisions 3), so putting never
 * fails. Worker thread only. */
#pragma once

#include "model/counter.h"
#include "model/job.h"
#include "model/port.h"
#include "model/result.h"
#include "model/state.h"

struct outbox {
	struct port *port;
	const struct state_tables *tables;
	struct counters *counters;
	bool is_urgent; /* something staged may change a verdict: ring agg's bell */
};

/* True if one more job may be taken while in_flight others still owe theirs. */
bool outbox_has_room(struct outbox *o, uint32_t in_flight);

/* Stages the result and the done of job; fills the fields that both take from the job and from the
 * result's code. After the next outbox_publish() the job's generation may be gone. */
void outbox_put(struct outbox *o, const struct job *job, struct result *r, uint64_t now_ns);
/* Makes what was staged visible, results first; rings agg if it is urgent. */
void outbox_publish(struct outbox *o);
