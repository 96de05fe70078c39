/* The daemon as a whole: agg's summary, the threads' signs of life, the generation's numbers; and
 * what /healthz and /v1/summary say of them. Thread: api only. */
#pragma once

#include "api/api.h"
#include "base/buf.h"

/* A generation's numbers, copied out under RCU, so that nothing is held. */
struct overview_gen {
	uint32_t number; /* 0: there is none yet */
	uint32_t n_services, n_reals, n_checks, n_prefixes;
	uint64_t loaded_wall_ns;
};
void overview_gen(const struct api_args *args, struct overview_gen *ret);

/* A copy of agg's summary; zero if it stays torn. */
void overview_summary(const struct api_args *args, struct summary *ret);
/* Sum of a counter over all threads. */
uint64_t overview_counter(const struct api_args *args, enum counter which);
/* A thread's silence; a thread that never beat has been silent since the clock's zero. */
uint64_t overview_silence_ns(const struct api_beat *b, uint64_t now_ns);
/* The thread that has been silent longest, if that is OVERVIEW_SILENCE_S or more; else NULL. */
enum { OVERVIEW_SILENCE_S = 2 };
const struct api_beat *overview_dead_thread(const struct api_args *args, uint64_t now_ns);

/* GET /v1/summary. Returns 0 or -ENOBUFS. */
MUST_CHECK int overview_json(const struct api_args *args, uint64_t start_wall_ns, struct buf *out);
