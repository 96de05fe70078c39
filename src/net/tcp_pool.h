/* Kept TCP sockets of one worker: one list per (family, bound or never bound), last in first out
 * (spec/kept-sockets §12, pool key). Each socket is in one epoll, registered once, edge-triggered;
 * data.u64 of its events is its slot here.
 *
 * Idle sockets beyond the most in use within the last 60 s are closed, oldest first
 * (decisions 19). One thread; no allocation after init (the table is reserved address space).
 */
#pragma once

#include "base/table.h"
#include "net/tcp_sock.h"

enum { TCP_POOL_LISTS = 4, TCP_POOL_PEAK_S = 60, TCP_POOL_TRIM_MAX = 32 };

struct tcp_pool {
	int epoll_fd; /* borrowed */
	uint32_t max_open;
	struct table socks;
	uint32_t n_slots;   /* slots ever used */
	uint32_t free_slot; /* list of slots without socket, by next; slot + 1 */
	struct {
		uint32_t newest, oldest; /* slot + 1; 0: empty */
	} idle[TCP_POOL_LISTS];
	uint32_t n_open, n_in_use;
	/* most in use, per second of the last minute */
	uint32_t peaks[TCP_POOL_PEAK_S];
	uint64_t peak_s;
	/* ever */
	uint64_t n_made, n_reused, n_discarded;
};

MUST_CHECK int tcp_pool_init(struct tcp_pool *p, int epoll_fd, uint32_t max_open, uint64_t now_ns);
/* Closes every socket. */
void tcp_pool_deinit(struct tcp_pool *p);

/* A socket that fits, kept or new; user is noted on it. At the limit an idle socket of another list
 * makes room. *ret_slot is written with TCP_FAULT_NONE only. */
MUST_CHECK struct tcp_fault tcp_pool_take(struct tcp_pool *p, bool is_v4, bool is_bound,
					  uint32_t user, uint32_t *ret_slot);
static inline struct tcp_sock *tcp_pool_at(const struct tcp_pool *p, uint32_t slot)
{
	return table_row(&p->socks, slot);
}

enum tcp_end {
	TCP_END_CONNECTED, /* it had been connected */
	TCP_END_FAILED,    /* it had not: needs the scrub */
	TCP_END_SURPRISE,  /* close it */
};
/* Ends what the socket does by exactly one disconnect; then it is idle, or closed if it is not
 * known to be clean. It may be connected again only after the events of the epoll_wait at hand
 * were handled (rule 8). */
void tcp_pool_give(struct tcp_pool *p, uint32_t slot, enum tcp_end how, uint64_t now_ns);

/* Closes surplus idle sockets, at most TCP_POOL_TRIM_MAX; to be called at least once a second. */
void tcp_pool_trim(struct tcp_pool *p, uint64_t now_ns);
