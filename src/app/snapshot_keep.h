/* The state thread: keeps the state file true (decisions 44).
 *
 * It reads published rows like the api does and is read by nobody, so a disk that hangs holds up
 * this thread and nothing else. It looks for changes every 50 ms: one number that agg counts up.
 * A change is added to the file within 100 ms, many at once; every state.period an addition says
 * that nothing happened; when the additions outweigh the base, and with each configuration, the
 * file is written anew. A write that fails is counted, said once, and tried again every second.
 *
 * field       writer        readers       order
 * orders      main          state thread  release/acquire: what main did before counts
 * is_done     state thread  main          release/acquire
 * row         state thread  api           seqrow
 */
#pragma once

#include "agg/snapshot.h"
#include "model/snapshot_row.h"
#include "model/state.h"

struct snapshot_keep;

/* Everything is borrowed until snapshot_keep_free. */
struct snapshot_keep_args {
	const char *path;
	uint64_t period_ns;
	const struct state_tables *tables;
	struct generation *_Atomic *current;
	const _Atomic uint32_t *changes; /* agg's: grows with each change worth keeping */
	struct snapshot_row *row;
	/* Until then (CLOCK_MONOTONIC) verdicts are those of the life before, not yet confirmed,
	 * and are as old as its file: a daemon that starts again and again must not make them
	 * young. 0: there was none. */
	uint64_t inherited_until_ns;
	struct snapshot_stamp inherited;
};

/* Main thread, all of it. snapshot_keep_start after the first adoption. */
MUST_CHECK int snapshot_keep_start(const struct snapshot_keep_args *args,
				   struct snapshot_keep **ret);
/* From now on the file says that this life takes back what it announced; written at once. */
void snapshot_keep_withdrawing(struct snapshot_keep *k);
/* agg has ended: writes the last word and ends the thread. */
void snapshot_keep_finish(struct snapshot_keep *k);
bool snapshot_keep_is_done(const struct snapshot_keep *k);
/* After snapshot_keep_finish; waits for the thread. NULL is fine. */
void snapshot_keep_free(struct snapshot_keep *k);

/* What the life before left. */
struct snapshot_past {
	struct snapshot snapshot;
	bool with_verdicts; /* it counts for verdicts */
	uint64_t age_ns;    /* meaning only if the clocks tell it */
	uint8_t *data;      /* the snapshot's */
};
/* Reads the file at path and says in one line what it is worth. False: there is nothing to restore.
 * Before any thread runs. */
bool snapshot_keep_read(const char *path, uint64_t max_age_ns, struct snapshot_past *ret);
void snapshot_keep_forget(struct snapshot_past *p);
