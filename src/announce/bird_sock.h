/* The datagram socket of one announce group (spec/announce.md §1.1): bound to <dir>/<group>_b2m,
 * sends to <dir>/<group>_m2b by path, so a BIRD that made its socket anew is found again. Never
 * blocks, never connects. A lock file keeps a second instance from stealing the path. agg's thread.
 */
#pragma once

#include <sys/un.h>

#include "base/cc.h"

struct bird_sock {
	int fd;      /* -1: not open */
	int lock_fd; /* -1: not held */
	struct sockaddr_un own, peer;
};

/* Paths only; nothing is opened. dir and group were checked by the configuration. */
void bird_sock_init(struct bird_sock *s, const char *dir, const char *group);
/* Locks, replaces an old path, binds, opens it to BIRD's user. Returns 0, BIRD_SOCK_TAKEN (another
 * process holds the lock) or a negative errno; may be called again. */
enum { BIRD_SOCK_TAKEN = 1 };
MUST_CHECK int bird_sock_open(struct bird_sock *s);
/* Closes; removes the path and the lock file if they are ours. */
void bird_sock_close(struct bird_sock *s);

/* Sends one datagram. Returns 0 or a negative errno. */
MUST_CHECK int bird_sock_send(struct bird_sock *s, const void *data, size_t len);
/* Reads all state requests that wait; returns how many, or a negative errno. */
int bird_sock_drain(struct bird_sock *s);
