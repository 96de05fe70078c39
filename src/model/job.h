/* sched → worker: one due check. worker → sched: it ended. By value through rings. */
#pragma once

#include "base/cc.h"

struct generation;

enum job_flag {
	JOB_CHECK_WAS_UP = 1 << 0, /* the check's state when it was issued: X-RS-Alive */
};

struct job {
	uint32_t check;    /* slot */
	uint32_t sequence; /* of the slot */
	uint64_t due_ns;   /* CLOCK_MONOTONIC when it should start */
	/* specs and names of this job; stays valid until the worker's done was drained */
	const struct generation *generation;
	uint16_t weight; /* the check's current weight: X-RS-Weight */
	uint8_t attempt; /* 1 = at its grid point, 2.. = burst retry */
	uint8_t flags;   /* enum job_flag */
	uint16_t number; /* pace row's job sequence, comes back in done */
	uint16_t spare;
};
static_assert(sizeof(struct job) == 32, "two jobs per cache line (decisions 51)");

struct done {
	uint32_t check;
	uint16_t number;    /* of the job */
	uint8_t verdict;    /* enum verdict */
	uint8_t generation; /* low 8 bits of its generation's number */
	uint64_t end_ns;
};
static_assert(sizeof(struct done) == 16, "decisions 51");
