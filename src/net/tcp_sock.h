/* One kept TCP socket: connected to one address after another, disconnected by connect(AF_UNSPEC)
 * in between, so that a check pays neither socket nor close nor epoll registration
 * (spec/kept-sockets §9). What a disconnect leaves behind is dealt with here (§12, rules 1-11).
 *
 * Order of use: connect → progress... → (I/O by the caller on fd) → disconnect → scrub if it was
 * never connected → connect again. Nothing is set on it between connect and disconnect, since the
 * RST carries the mark and options of its moment. One thread.
 */
#pragma once

#include <netinet/in.h>

#include "base/addr.h"

enum {
	TCP_SOCK_OPTION_BYTES = 40,
	TCP_SOCK_RCVBUF_BYTES = 64 << 10, /* set once: autotuning would outlive its connection */
};
#define TCP_SOCK_UNUSED UINT32_MAX

/* What one connection needs of its socket. */
struct tcp_want {
	struct addr source; /* ADDR_UNSET: the kernel chooses */
	uint32_t mark;      /* SO_MARK */
	uint16_t mss;       /* TCP_MAXSEG; 0: the route's */
	uint8_t hops;       /* TTL or hop limit; 0: the system's */
	/* The handshake's ACK waits for our data or RST (at most 200 ms): with data it saves a
	 * packet, without it the connection stays half-open (kept-sockets §8). */
	bool late_ack;
	uint8_t n_option; /* bytes of IP_OPTIONS or IPV6_DSTOPTS */
	unsigned char option[TCP_SOCK_OPTION_BYTES];
};

/* Embedded in the pool's table. */
struct tcp_sock {
	int fd;
	uint32_t
		user; /* the pool's taker says who: comes back with events; TCP_SOCK_UNUSED: idle */
	bool is_v4;
	bool is_bound; /* each of its connections has a source, or none has (rule 9) */
	uint32_t next, prev;
	uint64_t idle_since_ns;
	struct tcp_want set; /* what is set on it now; mss is lost at every disconnect */
};

enum tcp_fault_kind {
	TCP_FAULT_NONE,
	TCP_FAULT_BUDGET, /* the pool's limit */
	TCP_FAULT_SOCKET, /* socket() or its registration */
	TCP_FAULT_OPTION, /* an option was refused */
	TCP_FAULT_BIND,
	TCP_FAULT_CONNECT, /* connect() failed at once: our own kernel's word */
	TCP_FAULT_AT_ONCE, /* connect() returned 0: it did nothing (kept-sockets §5) */
};
struct tcp_fault {
	enum tcp_fault_kind kind;
	int error; /* errno; 0 if there is none */
};

/* Makes the socket: non-blocking, close-on-exec, options that never change (rule 2). */
MUST_CHECK struct tcp_fault tcp_sock_open(struct tcp_sock *s, bool is_v4, bool is_bound);
/* Closes it; an open connection is reset. */
void tcp_sock_close(struct tcp_sock *s);

/* Sets what differs from want and starts the connection. The target's family is the socket's, and
 * want has a source if the socket is a bound one: bind(ANY) would be no undo. After a fault other
 * than TCP_FAULT_CONNECT the caller closes the socket. */
MUST_CHECK struct tcp_fault tcp_sock_connect(struct tcp_sock *s, const struct tcp_want *want,
					     const struct addr *target, uint16_t port);

enum tcp_progress { TCP_PENDING, TCP_CONNECTED, TCP_FAILED };
/* What epoll's bits mean for a socket that is connecting (rule 7). With TCP_FAILED, *ret_error is
 * the reason; 0: the kernel gave none. */
enum tcp_progress tcp_sock_progress(const struct tcp_sock *s, uint32_t events, int *ret_error);
/* Asks the kernel now: the bits epoll would report, EPOLLOUT only if with_out. */
uint32_t tcp_sock_poll(const struct tcp_sock *s, bool with_out);
/* For EPOLLERR on a live connection: takes SO_ERROR; if it is 0, drains the error queue, whose
 * entries raise EPOLLERR too. */
int tcp_sock_take_error(const struct tcp_sock *s);
/* True if a connection to target ended at its own source: the kernel chose the dialled port for a
 * local address where nobody listens, and the two SYNs crossed. It proves no server. */
bool tcp_sock_is_self(const struct tcp_sock *s, const struct addr *target, uint16_t port);

/* Ends whatever is there. Returns 0 or a negative errno: then close it. */
MUST_CHECK int tcp_sock_disconnect(struct tcp_sock *s);
enum { TCP_SOCK_DIRTY = 1 };
/* After a disconnect of a socket that did not get connected: removes what is left of it (rule 6).
 * Returns 0, or TCP_SOCK_DIRTY: then close it. */
MUST_CHECK int tcp_sock_scrub(struct tcp_sock *s);

/* 0 if a new socket can be bound to source; else errno: EADDRNOTAVAIL if the address is gone. */
int tcp_sock_test_source(const struct addr *source);
