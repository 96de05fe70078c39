/* Every thread and what connects them: the only place that knows all of them. Main thread.
 *
 * Start order: agg, tun, workers, sched (idle until the first generation), then adopt, then api.
 * Stop is the reverse, each after its input has drained. Edges are those of decisions 2. There is
 * a tun thread only if the configuration has tunnelled checks at all.
 */
#pragma once

#include "agg/agg.h"
#include "api/api.h"
#include "app/keeper.h"
#include "app/placement.h"
#include "app/snapshot_keep.h"
#include "base/evloop.h"
#include "config/gen_build.h"
#include "sched/sched.h"
#include "workers/worker.h"

/* A generation that was replaced and may still be read. */
struct old_generation {
	struct old_generation *next;
	struct generation *generation;
};

struct engine {
	const struct app_config *app;
	struct placement placement;
	struct evloop *loop; /* main's */
	struct ev_source bell_source;
	struct wake main_bell, sched_bell, agg_bell, api_bell;
	struct control to_sched, to_agg;
	struct command_port commands;
	struct port *ports;
	struct state_tables tables;
	struct summary *summary;
	struct announce_row *announcers; /* ANNOUNCE_MAX_BACKENDS */
	/* one block per thread: main, sched, agg, api, workers, tun */
	uint32_t n_blocks;
	struct counters *counters;
	const struct counters **counter_list;
	struct beat *beats; /* by block */
	struct api_beat *beat_list;
	struct sched *sched;
	struct agg *agg;
	struct worker **workers;
	struct tunnel tunnel; /* written by tun; meaning only if there is one */
	struct keeper *tun;   /* NULL: off */
	struct api *api;
	struct snapshot_keep *keep; /* NULL: off, or not started yet */
	struct snapshot_row *snapshot;
	_Atomic uint32_t changes;           /* agg's count of what a snapshot keeps */
	bool is_serving;                    /* api runs */
	struct generation *_Atomic current; /* readers: api, under RCU */
	struct old_generation *old;
	struct slot_books books;
};

/* Blocks and beats by thread; tun's is the last one. */
enum { BLOCK_MAIN, BLOCK_SCHED, BLOCK_AGG, BLOCK_API, BLOCK_WORKER0 };

/* Makes everything and starts all threads but api and state. app and loop are borrowed, books are
 * taken over; past, which may be NULL, is borrowed until the first adoption is over. Returns 0 or a
 * negative errno, with everything undone. */
MUST_CHECK int engine_start(struct engine *e, const struct app_config *app, struct evloop *loop,
			    const struct slot_books *books, const struct snapshot_past *past);
/* Keeps the state file from now on: after the first adoption of generation. past is what that began
 * with, or NULL. Failing is told, not fatal. */
void engine_start_keeping(struct engine *e, const struct generation *generation,
			  const struct snapshot_past *past);
/* Answers API clients from now on: after the first adoption. */
MUST_CHECK int engine_start_api(struct engine *e);

/* Makes generation the one that all threads use (decisions 6): agg, tun, sched; then agg retires
 * what was removed; then the slots rest. Takes both over. Returns when all is done. */
void engine_adopt(struct engine *e, struct generation *generation, struct gen_diff *diff);
/* Replaces a tunnel thread that gives no sign of life. Several times per second. */
void engine_watch(struct engine *e);
/* Frees old generations that nobody can hold any more (decisions 7). Call now and then. */
void engine_reap(struct engine *e);
struct generation *engine_current(const struct engine *e);

/* Sends msg to agg and waits for its end. */
void engine_tell_agg(struct engine *e, struct control_msg msg);

/* True if every thread's beat is younger than 2 s. */
bool engine_is_alive(const struct engine *e);
/* Stops everything within 5 s. */
void engine_stop(struct engine *e, enum quit_kind quit);
