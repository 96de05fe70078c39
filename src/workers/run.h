/* One check in flight: job → connect → (TLS → talk) → result. Its states are rows of a table in
 * run.c: what an event does, what the deadline does. Everything of one worker, its thread only.
 *
 * A run owns a pool socket from its start to its end, but for the moment between two urls, when it
 * has given one back and not taken the next; it ends on every path in end(): exactly one result and
 * one done, exactly one disconnect for each socket. Rows of the table of runs are reused last in
 * first out and keep what is worth keeping (the talk's memory, a small output buffer), so that a
 * warm worker allocates nothing but the TLS objects.
 */
#pragma once

#include "base/table.h"
#include "base/wheel.h"
#include "model/tunnel.h"
#include "check/check.h"
#include "check/check_expect.h"
#include "net/tcp_pool.h"
#include "net/tls.h"
#include "workers/outbox.h"
#include "workers/standstill.h"
#include "workers/tls_contexts.h"
#include "workers/tls_sessions.h"

enum { RUN_IN_BYTES = 64 << 10 };

/* RUN_HELD: over, but the tunnel's word is still out. RUN_NEXT: between two urls, without socket.
 */
enum run_phase { RUN_FREE, RUN_CONNECT, RUN_TLS, RUN_TALK, RUN_HELD, RUN_NEXT, RUN__N };
/* What a step says: the check goes on, or it is over with run.code and run.detail. */
enum run_step { RUN_WAIT, RUN_OVER };

/* What the urls asked so far have said (run_urls.h). Zero bytes: none yet. */
struct run_said {
	int32_t weight;
	uint32_t bytes_read;
	uint8_t url; /* the one being asked */
	bool has_weight, is_drained;
};

/* In the table of runs; zero bytes are a valid free row. */
struct run {
	struct wheel_node timer; /* first: the wheel finds it */
	struct job job;
	const struct check_spec *spec; /* NULL until the job was looked at */
	const struct check_profile *profile;
	uint64_t start_ns;     /* picked up */
	uint64_t dial_ns;      /* this connection's begin; start_ns for the first one */
	uint64_t opened_ns;    /* the request was said; with extras only */
	uint64_t connected_ns; /* 0: not yet */
	uint64_t secured_ns;   /* TLS is up; 0: not yet */
	uint64_t over_ns;      /* what decided it happened; 0: not yet */
	struct tls *tls;
	uint64_t tls_key; /* of its session, if the check resumes */
	struct buf out;   /* what the socket did not take at once */
	struct check_talk talk;
	struct run_said said;
	uint32_t sock; /* TCP_SOCK_UNUSED: none */
	int own_fd;    /* run_vip.h; -1: none */
	uint32_t next_free;
	int send_error; /* first failed send; what was received before it is still read */
	uint32_t detail;
	uint16_t code;    /* enum check_code */
	uint8_t phase;    /* enum run_phase */
	uint8_t sock_end; /* enum tcp_end */
	bool has_talk;
	bool is_half_time; /* the deadline is that of half the connect */
};

/* What the runs of a worker share. */
struct run_ctx {
	struct outbox outbox;
	struct tcp_pool pool;
	struct table runs;
	uint32_t n_rows;   /* rows ever used */
	uint32_t free_row; /* row + 1 */
	uint32_t in_flight;
	uint32_t n_tls;     /* of these, with TLS objects: about 40 KB each */
	uint32_t n_own_fds; /* run_vip.h */
	struct wheel wheel; /* of rows, 1 ms ticks */
	struct standstill standstill;
	uint64_t lag_guard_ns;
	struct counters *counters;
	const struct tunnel *tunnel; /* NULL: off */
	/* ports that the kernel gives to sockets of ours */
	uint16_t first_local_port, last_local_port;
	bool is_stopping;
	struct tls_contexts contexts;
	struct tls_sessions sessions;
	struct check_expect expect;
	struct buf out;   /* scratch: bytes for the wire */
	struct buf plain; /* scratch: before encryption */
	unsigned char in[RUN_IN_BYTES];
	unsigned char clear[RUN_IN_BYTES]; /* after decryption */
};

struct run_args {
	struct port *port;
	const struct state_tables *tables;
	struct counters *counters;
	const struct tunnel *tunnel;
	uint64_t lag_guard_ns;
	int epoll_fd; /* borrowed */
	uint32_t max_sockets;
};

MUST_CHECK int run_ctx_init(struct run_ctx *c, const struct run_args *args, uint64_t now_ns);
/* Closes sockets and frees memory; no run is in flight any more. */
void run_ctx_deinit(struct run_ctx *c);

/* Takes over a copy of job; outbox_has_room() said yes. It may be over at once. */
void run_start(struct run_ctx *c, const struct job *job);
/* epoll's word about a pool slot; ignored if nobody uses it. */
void run_event(struct run_ctx *c, uint32_t slot, uint32_t events);
/* Fires the deadlines that have passed, at most max of them. */
void run_deadlines(struct run_ctx *c, uint64_t now_ns, uint32_t max);
/* Ends all that is in flight as cancelled. */
void run_cancel_all(struct run_ctx *c);

/* For the steps of a run: notes why it is over; returns RUN_OVER. */
enum run_step run_over(struct run *r, enum check_code code, uint32_t detail);
static inline struct tcp_sock *run_sock(const struct run_ctx *c, const struct run *r)
{
	return tcp_pool_at(&c->pool, r->sock);
}
