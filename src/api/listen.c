#include "api/listen.h"

#include <errno.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/str.h"

enum {
	BACKLOG = 64,
	HOST_BYTES = 256,
	SOCKET_MODE = 0660,
	DIRECTORY_MODE = 0755,
	MAX_GROUPS = 256,
};

static void tell(const char *address, int r)
{
	LOG(LOG_ERROR, "api", "listen_failed", LF_STR("address", address),
	    LF_STR("error", strerrorname_np(-r)));
}

/* "HOST:PORT" → host without brackets, and where the port begins; NULL if malformed. */
static const char *split_address(const char *address, char host[HOST_BYTES])
{
	const char *colon = strrchr(address, ':');
	size_t len = colon ? (size_t)(colon - address) : 0;
	uint64_t port;

	if (!colon || len >= HOST_BYTES ||
	    !str_to_u64(colon + 1, strlen(colon + 1), UINT16_MAX, &port))
		return NULL;
	if (len >= 2 && address[0] == '[' && address[len - 1] == ']') {
		address++;
		len -= 2;
	} else if (memchr(address, ':', len)) {
		return NULL;
	}
	memcpy(host, address, len);
	host[len] = 0;
	return colon + 1;
}

static int open_one(const struct addrinfo *ai, int *ret_fd)
{
	int on = 1, off = 0, r = 0;
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_origin(-errno);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* [::] means every address of both families, as the reference's listener does */
	if (ai->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0)
		r = -errno;
	if (r < 0) {
		close(fd);
		return err_origin(r);
	}
	*ret_fd = fd;
	return 0;
}

static int open_first(const struct addrinfo *list, int *ret_fd)
{
	int r = -EADDRNOTAVAIL;

	for (const struct addrinfo *ai = list; ai; ai = ai->ai_next) {
		r = open_one(ai, ret_fd);
		if (r == 0)
			return 0;
	}
	return err_trace(r);
}

int listen_tcp(const char *address, int *ret_fd)
{
	char host[HOST_BYTES] = "";
	const char *port = split_address(address, host);
	const struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
				       .ai_family = host[0] ? AF_UNSPEC : AF_INET6,
				       .ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;
	int r;

	if (!port || getaddrinfo(host[0] ? host : NULL, port, &hints, &list) != 0) {
		tell(address, -EINVAL);
		return err_origin(-EINVAL);
	}
	r = open_first(list, ret_fd);
	freeaddrinfo(list);
	if (r < 0)
		tell(address, r);
	return r;
}

static int fill_unix(const char *path, struct sockaddr_un *ret)
{
	size_t len = strlen(path);

	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (len == 0 || len >= sizeof(ret->sun_path))
		return err_origin(-ENAMETOOLONG);
	memcpy(ret->sun_path, path, len + 1);
	return 0;
}

static void make_directory(const char *path)
{
	char copy[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	if (len == 0 || len >= sizeof(copy))
		return;
	memcpy(copy, path, len);
	copy[len] = 0;
	/* if this fails, bind() fails and says so */
	if (mkdir(copy, DIRECTORY_MODE) < 0)
		return;
}

/* Removes what a dead process left behind. */
static int remove_stale(const struct sockaddr_un *sa)
{
	struct stat st;
	int fd, r;

	if (lstat(sa->sun_path, &st) < 0)
		return errno == ENOENT ? 0 : err_origin(-errno);
	if (!S_ISSOCK(st.st_mode))
		return err_origin(-EEXIST);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_origin(-errno);
	r = connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) < 0 ? -errno : 0;
	close(fd);
	if (r != -ECONNREFUSED)
		return err_origin(-EADDRINUSE);
	return unlink(sa->sun_path) < 0 ? err_origin(-errno) : 0;
}

/* Nobody can connect between bind() and listen(), so the mode is right before the first client. */
static int bind_and_listen(int fd, const struct sockaddr_un *sa, struct listen_unix *ret)
{
	struct stat st;

	if (bind(fd, (const struct sockaddr *)sa, sizeof(*sa)) < 0)
		return err_origin(-errno);
	if (chmod(sa->sun_path, SOCKET_MODE) < 0 || stat(sa->sun_path, &st) < 0 ||
	    listen(fd, BACKLOG) < 0) {
		int r = -errno;

		unlink(sa->sun_path);
		return err_origin(r);
	}
	*ret = (struct listen_unix){.fd = fd, .device = st.st_dev, .inode = st.st_ino};
	return 0;
}

static int open_unix(const char *path, struct listen_unix *ret)
{
	struct sockaddr_un sa;
	int fd, r;

	TRY(fill_unix(path, &sa));
	make_directory(path);
	TRY(remove_stale(&sa));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_origin(-errno);
	r = bind_and_listen(fd, &sa, ret);
	if (r < 0)
		close(fd);
	return err_trace(r);
}

int listen_unix(const char *path, struct listen_unix *ret)
{
	int r = open_unix(path, ret);

	if (r < 0)
		tell(path, r);
	return r;
}

void listen_unlink(const char *path, const struct listen_unix *u)
{
	struct stat st;

	if (stat(path, &st) == 0 && st.st_dev == u->device && st.st_ino == u->inode)
		unlink(path);
}

static bool is_in_group(int fd, gid_t primary, gid_t wanted)
{
	gid_t groups[MAX_GROUPS];
	socklen_t len = sizeof(groups);

	if (primary == wanted)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (size_t i = 0; i < len / sizeof(groups[0]); i++) {
		if (groups[i] == wanted)
			return true;
	}
	return false;
}

enum listen_peer listen_peer(int fd, const char *path)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	struct stat st;

	if (!path)
		return LISTEN_PEER_NETWORK;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return LISTEN_PEER_OTHER;
	if (cred.uid == 0 || cred.uid == geteuid())
		return LISTEN_PEER_OWNER;
	if (stat(path, &st) == 0 && (st.st_mode & S_IWGRP) && is_in_group(fd, cred.gid, st.st_gid))
		return LISTEN_PEER_GROUP;
	return LISTEN_PEER_OTHER;
}
