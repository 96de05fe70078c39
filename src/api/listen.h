/* Listening sockets of the API, and who may have connected to the unix one. Main thread (opening),
 * api thread (listen_peer). */
#pragma once

#include "base/cc.h"

struct listen_unix {
	int fd;
	uint64_t device, inode; /* of the file we made */
};

/* "[::1]:14080", "127.0.0.1:0", ":14080" (every address), "localhost:14080". Logs a failure with
 * the address. Returns 0 with a non-blocking listening socket (the caller closes it), or a negative
 * errno: -EINVAL for a malformed address. May ask the resolver for a name: start-up only. */
MUST_CHECK int listen_tcp(const char *address, int *ret_fd);

/* Makes the socket file, mode 0660. A socket file nobody listens on is replaced; one that somebody
 * listens on, or a file that is no socket, is left alone: -EADDRINUSE, -EEXIST. A missing last
 * directory is made. Logs a failure with the path. */
MUST_CHECK int listen_unix(const char *path, struct listen_unix *ret);
/* Removes the file if it is still the one we made. Does not close the socket. */
void listen_unlink(const char *path, const struct listen_unix *u);

enum listen_peer {
	LISTEN_PEER_NETWORK, /* not a unix socket: whoever reaches the address */
	LISTEN_PEER_OWNER,   /* root, or the daemon's own user */
	LISTEN_PEER_GROUP,   /* of the socket file's group, while its mode lets the group write */
	LISTEN_PEER_OTHER,   /* reads only */
};
/* Who is at the other end of fd; path: the unix listener's, NULL for TCP. */
enum listen_peer listen_peer(int fd, const char *path);
