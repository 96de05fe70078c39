/* Servers on loopback for tests: a listener by hand, or a thread that behaves in one way. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* A non-blocking listener on ip with a port the kernel chose; -1 if it cannot be made. */
int peer_listen(const char *ip, uint16_t *ret_port);
/* A port on ip where nobody listens: a bound socket that never listens. Close it after use. */
int peer_closed_port(const char *ip, uint16_t *ret_port);
/* A listener whose backlog is full: SYNs to it are dropped, so it is silent although it is on
 * loopback. */
struct peer_deaf {
	int listener;
	int fillers[4];
	uint16_t port;
};
struct peer_deaf peer_deaf_start(void); /* on 127.0.0.1 */
void peer_deaf_stop(struct peer_deaf *d);
/* Waits at most ms for a connection; -1 if none came. */
int peer_accept(int listener, int ms);
/* Waits at most ms for a poll event; returns its bits or 0. */
short peer_wait(int fd, short events, int ms);
/* recv after waiting at most ms for something; -1 with errno, EAGAIN if nothing came. */
ssize_t peer_recv(int fd, void *buf, size_t room, int ms);

enum peer_kind {
	PEER_HTTP,   /* reads a request head, answers 200 "ok", closes */
	PEER_RESET,  /* reads a head, sends half an answer, resets */
	PEER_SILENT, /* accepts, never says a word */
	PEER_CLOSER, /* accepts and closes in order at once */
	PEER_DRIP,   /* answers one byte each 20 ms, for ever */
	PEER_BIG,    /* 200 with a body of PEER_BIG_BYTES */
	PEER_EAGER,  /* answers before it has read anything, and closes */
};
enum { PEER_BIG_BYTES = 3 << 20 };

struct peer;
/* A thread that serves ip on a port of its own. NULL if it cannot be made. */
struct peer *peer_start(enum peer_kind kind, const char *ip);
uint16_t peer_port(const struct peer *p);
/* Connections accepted so far. */
uint32_t peer_accepted(const struct peer *p);
void peer_stop(struct peer *p);
