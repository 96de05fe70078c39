/* How long the worker's loop did not look at its sockets: what makes a bad result doubtful
 * (decisions 15). Pure: the caller says what time it is. One thread.
 *
 * A standstill is the time from one return of epoll_wait to the next, less the sleep that was
 * asked for. If the sleep itself lasted much longer than asked (the process was stopped, or got no
 * CPU) all of it counts: nobody can say when within it the standstill began. So that a standstill
 * of lag_guard cannot hide in a sleep, sleeps are at most a quarter of it.
 */
#pragma once

#include "base/cc.h"

enum { STANDSTILL_ROWS = 64 };

struct standstill {
	uint64_t slack_ns;   /* a quarter of lag_guard: longest sleep */
	uint64_t woke_ns;    /* last return of epoll_wait */
	uint64_t keep_ns;    /* longest check so far: older standstills matter to none */
	uint64_t asleep_ns;  /* last call of epoll_wait */
	uint64_t timeout_ns; /* and what it was asked for */
	/* oldest first; each is shorter than the one before it, since a longer one makes all before
	 * it pointless for every check it falls into */
	uint32_t n_rows;
	struct {
		uint64_t end_ns, length_ns;
	} rows[STANDSTILL_ROWS];
};

void standstill_init(struct standstill *s, uint64_t lag_guard_ns, uint64_t now_ns);
/* A check that may last so long begins. */
void standstill_expect(struct standstill *s, uint64_t check_ns);
/* Longest sleep that may be asked for. */
uint64_t standstill_max_sleep_ns(const struct standstill *s);

/* Before and after epoll_wait. woke returns the standstill that just ended. */
void standstill_sleeps(struct standstill *s, uint64_t now_ns, uint64_t timeout_ns);
uint64_t standstill_woke(struct standstill *s, uint64_t now_ns);
/* The longest one that ended at since_ns or later, the running turn included. */
uint64_t standstill_since(const struct standstill *s, uint64_t since_ns, uint64_t now_ns);
