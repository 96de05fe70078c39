/* Keeps the tunnel thread alive: makes it, watches its sign of life, replaces it when that fails.
 *
 * A thread that died or hangs cannot be ended from outside, so it is left behind: the queue is
 * taken from it, since the kernel gives a queue to one reader only, and a new thread begins with a
 * control ring, a bell, sockets and a map of its own. A left thread that comes back to life ends at
 * its next turn and is freed then; one that does not stays until the process ends. Until the new
 * thread has proven its way the tunnelled checks are unknown, as while the old one was silent
 * (decisions 39). Main thread only.
 */
#pragma once

#include "config/gen.h"
#include "tun/tun.h"

struct keeper;

struct keeper_args {
	const struct app_config *app;
	struct tunnel *tunnel;
	struct counters *counters;      /* the tunnel thread's */
	struct counters *main_counters; /* main's */
	struct beat *beat;              /* the tunnel thread's */
	struct wake *main_bell;
	int cpu; /* -1: not pinned */
};

/* Makes the first thread's state and sets up *args->tunnel. args are copied, what they point to is
 * borrowed until keeper_free. Returns 0 or a negative errno. */
MUST_CHECK int keeper_new(const struct keeper_args *args, struct keeper **ret);
MUST_CHECK int keeper_start(struct keeper *k);

/* Sends the thread a generation, now and after each replacement; it must live until the next one
 * was adopted. Wait for keeper_is_idle(), with keeper_turn() now and then. */
void keeper_adopt(struct keeper *k, const struct generation *g);
/* Asks the thread to end; then keeper_is_idle(), keeper_join(). */
void keeper_quit(struct keeper *k);
/* Everything that was sent is done. */
bool keeper_is_idle(const struct keeper *k);
void keeper_join(struct keeper *k);

/* Several times per second, always: a pause of main's own is not held against the thread. True if
 * the thread was replaced. */
bool keeper_turn(struct keeper *k, uint64_t now_ns);
/* A left thread has not ended: what it may touch (the args) must not be freed. */
bool keeper_has_left(const struct keeper *k);
/* After keeper_join(), or before keeper_start(); not if keeper_has_left(). */
void keeper_free(struct keeper *k);
