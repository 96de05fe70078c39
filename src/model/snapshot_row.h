/* How the state file fares, in one seqrow'd row: the state thread writes, api reads. Zero: there is
 * none (state.path is empty, or the thread has not begun). */
#pragma once

#include "base/cc.h"

struct snapshot_row {
	uint32_t seq;
	uint32_t is_kept;    /* the file is what the last write made it */
	uint64_t written_ns; /* CLOCK_MONOTONIC of the last write that succeeded; 0: none yet */
	uint64_t bytes;      /* of the file */
	uint64_t writes;     /* whole files and additions */
	uint64_t bases;      /* whole files */
	uint64_t errors;     /* writes that failed */
	uint32_t write_us;   /* the last one: reading the rows, writing, syncing */
	uint32_t write_max_us;
	int32_t last_error; /* errno of the failure that is not over; 0 */
	uint32_t spare;
};
static_assert(sizeof(struct snapshot_row) == 64, "a whole number of words, no padding");
