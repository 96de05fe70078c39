#include "announce/bird_sock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

enum { SEND_BUFFER = 1 << 20, DRAIN_MAX = 4096 };

static void path_of(struct sockaddr_un *a, const char *dir, const char *group, const char *suffix)
{
	int n;

	*a = (struct sockaddr_un){.sun_family = AF_UNIX};
	n = snprintf(a->sun_path, sizeof(a->sun_path), "%s/%s%s", dir, group, suffix);
	ASSERT(n > 0 && (size_t)n < sizeof(a->sun_path));
}

void bird_sock_init(struct bird_sock *s, const char *dir, const char *group)
{
	s->fd = -1;
	s->lock_fd = -1;
	path_of(&s->own, dir, group, "_b2m");
	path_of(&s->peer, dir, group, "_m2b");
}

static void lock_path(const struct bird_sock *s, char out[sizeof(s->own.sun_path) + 8])
{
	snprintf(out, sizeof(s->own.sun_path) + 8, "%s.lock", s->own.sun_path);
}

static int take_lock(struct bird_sock *s)
{
	char path[sizeof(s->own.sun_path) + 8];
	int fd;

	if (s->lock_fd >= 0)
		return 0;
	lock_path(s, path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno; /* told by the caller, once per change */
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int error = errno;

		close(fd);
		return error == EWOULDBLOCK ? BIRD_SOCK_TAKEN : -error;
	}
	s->lock_fd = fd;
	return 0;
}

static int bind_own(struct bird_sock *s)
{
	int buffer = SEND_BUFFER;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof(buffer)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
	unlink(s->own.sun_path);
	/* the reference's mode: BIRD's user, whoever it is, may ask for state */
	if (bind(fd, (const struct sockaddr *)&s->own, sizeof(s->own)) < 0 ||
	    chmod(s->own.sun_path, 0777) < 0) {
		int error = errno;

		close(fd);
		return -error;
	}
	s->fd = fd;
	return 0;
}

int bird_sock_open(struct bird_sock *s)
{
	int r;

	if (s->fd >= 0)
		return 0;
	r = take_lock(s);
	return r != 0 ? r : bind_own(s);
}

void bird_sock_close(struct bird_sock *s)
{
	char path[sizeof(s->own.sun_path) + 8];

	if (s->fd >= 0) {
		close(s->fd);
		unlink(s->own.sun_path);
	}
	if (s->lock_fd >= 0) {
		lock_path(s, path);
		unlink(path);
		close(s->lock_fd);
	}
	s->fd = -1;
	s->lock_fd = -1;
}

int bird_sock_send(struct bird_sock *s, const void *data, size_t len)
{
	ssize_t n = sendto(s->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT,
			   (const struct sockaddr *)&s->peer, sizeof(s->peer));

	return n < 0 ? -errno : 0;
}

int bird_sock_drain(struct bird_sock *s)
{
	char byte[8];
	int n = 0;

	while (n < DRAIN_MAX) {
		if (recv(s->fd, byte, sizeof(byte), MSG_DONTWAIT) < 0)
			return errno == EAGAIN || errno == EINTR || n ? n : -errno;
		n++;
	}
	return n;
}
