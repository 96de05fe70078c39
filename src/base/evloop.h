/* Single-threaded epoll dispatcher with timers, for threads with few descriptors (main, agg, api).
 * Workers have their own loop. Everything here belongs to the thread that runs the loop.
 *
 * Sources and timers are embedded in their owner's struct. Removing any source or timer from
 * inside any callback is safe: an event that was already collected for a removed source is not
 * delivered.
 */
#pragma once

#include <sys/epoll.h>

#include "base/cc.h"

struct evloop;
struct ev_source;
struct ev_timer;

typedef void (*ev_source_fn)(struct ev_source *s, uint32_t events);
typedef void (*ev_timer_fn)(struct ev_timer *t);

struct ev_source {
	int fd;
	ev_source_fn fn;
	uint32_t events; /* as registered; 0: not registered */
};

struct ev_timer {
	ev_timer_fn fn;
	uint64_t due_ns; /* 0: not armed */
	struct ev_timer *next;
	struct evloop *loop;
};

/* Returns NULL if out of memory or descriptors. Owner: caller, until evloop_free. */
struct evloop *evloop_new(void);
void evloop_free(struct evloop *l);

/* Registers s->fd for events (EPOLL*, level-triggered unless EPOLLET is among them), or changes
 * them. Returns 0 or a negative errno. */
MUST_CHECK int evloop_watch(struct evloop *l, struct ev_source *s, uint32_t events);
/* Unregisters; s->fd may be closed afterwards. Nothing happens if it is not registered. */
void evloop_unwatch(struct evloop *l, struct ev_source *s);

/* Arms (or moves) t to CLOCK_MONOTONIC due_ns. It fires once. */
void evloop_timer_at(struct evloop *l, struct ev_timer *t, uint64_t due_ns);
void evloop_timer_stop(struct ev_timer *t);
static inline bool evloop_timer_is_armed(const struct ev_timer *t)
{
	return t->due_ns != 0;
}

/* Time at the start of this turn. */
uint64_t evloop_now(const struct evloop *l);
/* One turn: waits until something is ready, a timer is due, or max_wait_ns passed; then runs the
 * callbacks. max_wait_ns 0 polls. */
void evloop_turn(struct evloop *l, uint64_t max_wait_ns);
