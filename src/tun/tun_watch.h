/* The tun thread's chores by the clock: test datagrams, losses the kernel counted, routes of the
 * reals, its own standstills; and the lines that tell the operator about them. Tun thread only.
 */
#pragma once

#include "tun/tun_relay.h"

struct tun_watch {
	struct tun_relay *relay;
	uint64_t lag_guard_ns;
	uint64_t drops_at_ns;
	uint64_t told_drops;
	uint64_t routes_at_ns; /* next pass over all hosts */
	uint32_t next_host;    /* of the pass that runs */
	uint32_t told_rules[TUNNEL_FAMILY__N];
	bool told_need[TUNNEL_FAMILY__N];
	/* standstills */
	uint64_t awake_ns, slept_ns, timeout_ns;
};

/* After the queue was opened. */
void tun_watch_begin(struct tun_watch *w, uint64_t now_ns);
/* After the queue was closed: nothing is proven any more. */
void tun_watch_end(struct tun_watch *w);
/* Routes are looked up again at once: after an adoption. */
void tun_watch_new_map(struct tun_watch *w, uint64_t now_ns);

/* Whatever is due. Only while the queue is open. */
void tun_watch_turn(struct tun_watch *w, uint64_t now_ns);
/* When the next chore is due. */
uint64_t tun_watch_next_ns(const struct tun_watch *w);

/* Before and after the thread's wait: a standstill is the time from one wait to the next, or by
 * how much a wait was overslept. */
void tun_watch_sleeps(struct tun_watch *w, uint64_t now_ns, uint64_t timeout_ns);
void tun_watch_woke(struct tun_watch *w, uint64_t now_ns);
