#include "peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_CONNS = 256, BACKLOG = 4096, DRIP_MS = 20 };

static const char ok_answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

struct conn {
	int fd;
	size_t head;   /* bytes of "\r\n\r\n" seen so far at its end */
	size_t left;   /* of a big body */
	size_t n_said; /* bytes dripped */
	bool is_asked; /* the request head is complete */
};

struct peer {
	enum peer_kind kind;
	uint16_t port;
	int listener;
	pthread_t thread;
	_Atomic bool must_stop;
	_Atomic uint32_t n_accepted;
	int n_conns;
	struct conn conns[MAX_CONNS];
};

static int bound_socket(const char *ip, uint16_t *ret_port)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	bool is_v4 = inet_pton(AF_INET, ip, &v4.sin_addr) == 1;
	struct sockaddr *sa = is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
	socklen_t len = is_v4 ? sizeof(v4) : sizeof(v6);
	int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if ((!is_v4 && inet_pton(AF_INET6, ip, &v6.sin6_addr) != 1) || bind(fd, sa, len) < 0 ||
	    getsockname(fd, sa, &len) < 0) {
		close(fd);
		return -1;
	}
	*ret_port = ntohs(is_v4 ? v4.sin_port : v6.sin6_port);
	return fd;
}

int peer_closed_port(const char *ip, uint16_t *ret_port)
{
	return bound_socket(ip, ret_port);
}

int peer_listen(const char *ip, uint16_t *ret_port)
{
	int fd = bound_socket(ip, ret_port);

	if (fd >= 0 && listen(fd, BACKLOG) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

struct peer_deaf peer_deaf_start(void)
{
	struct peer_deaf d = {.listener = bound_socket("127.0.0.1", &d.port)};
	struct sockaddr_in sa = {.sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				 .sin_port = htons(d.port)};

	if (listen(d.listener, 0) < 0)
		abort();
	for (int i = 0; i < 4; i++) {
		int r;

		d.fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		r = connect(d.fillers[i], (struct sockaddr *)&sa, sizeof(sa));
		(void)r; /* in progress, for ever */
	}
	return d;
}

void peer_deaf_stop(struct peer_deaf *d)
{
	for (int i = 0; i < 4; i++)
		close(d->fillers[i]);
	close(d->listener);
}

short peer_wait(int fd, short events, int ms)
{
	struct pollfd p = {.fd = fd, .events = events};

	return poll(&p, 1, ms) > 0 ? p.revents : 0;
}

int peer_accept(int listener, int ms)
{
	if (!peer_wait(listener, POLLIN, ms))
		return -1;
	return accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

ssize_t peer_recv(int fd, void *buf, size_t room, int ms)
{
	peer_wait(fd, POLLIN, ms);
	return recv(fd, buf, room, MSG_DONTWAIT);
}

static void say(struct conn *c, const void *data, size_t len)
{
	ssize_t n = send(c->fd, data, len, MSG_NOSIGNAL);
	(void)n; /* whoever tests sees what is missing */
}

static void say_big(struct conn *c)
{
	static const char body[64 << 10];

	while (c->left) {
		size_t len = c->left < sizeof(body) ? c->left : sizeof(body);
		ssize_t n = send(c->fd, body, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		c->left -= (size_t)n;
	}
}

static void drip(struct conn *c)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nX-Long: ";

	say(c, c->n_said < sizeof(head) - 1 ? &head[c->n_said] : "a", 1);
	c->n_said++;
}

/* Returns false when the connection has been ended. */
static bool answer(struct peer *p, struct conn *c)
{
	struct linger reset = {1, 0};
	char head[96];

	switch (p->kind) {
	case PEER_HTTP:
		say(c, ok_answer, sizeof(ok_answer) - 1);
		return false;
	case PEER_RESET:
		say(c, ok_answer, 20);
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		return false;
	case PEER_BIG:
		snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n",
			 PEER_BIG_BYTES);
		say(c, head, strlen(head));
		c->left = PEER_BIG_BYTES;
		say_big(c);
		return true;
	default:
		return true;
	}
}

static bool read_head(struct conn *c)
{
	static const char end[] = "\r\n\r\n";
	char buf[4096];
	ssize_t n = recv(c->fd, buf, sizeof(buf), 0);

	if (n <= 0)
		return n < 0 && errno == EAGAIN;
	for (ssize_t i = 0; i < n && c->head < 4; i++)
		c->head = buf[i] == end[c->head] ? c->head + 1 : buf[i] == '\r';
	return true;
}

static bool serve(struct peer *p, struct conn *c, short events)
{
	if ((events & POLLOUT) && c->left)
		say_big(c);
	if (!(events & (POLLIN | POLLHUP | POLLERR)))
		return true;
	if (!read_head(c))
		return false;
	if (c->head < 4 || c->is_asked)
		return true;
	c->is_asked = true;
	return answer(p, c);
}

static void welcome(struct peer *p)
{
	while (p->n_conns < MAX_CONNS) {
		struct conn c = {
			.fd = accept4(p->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)};

		if (c.fd < 0)
			return;
		/* relaxed: a test's count */
		atomic_fetch_add_explicit(&p->n_accepted, 1, memory_order_relaxed);
		if (p->kind == PEER_EAGER)
			say(&c, ok_answer, sizeof(ok_answer) - 1);
		if (p->kind == PEER_EAGER || p->kind == PEER_CLOSER)
			close(c.fd);
		else
			p->conns[p->n_conns++] = c;
	}
}

static void turn(struct peer *p)
{
	struct pollfd fds[MAX_CONNS + 1] = {{.fd = p->listener, .events = POLLIN}};

	for (int i = 0; i < p->n_conns; i++)
		fds[i + 1] = (struct pollfd){
			.fd = p->conns[i].fd,
			.events = (short)(POLLIN | (p->conns[i].left ? POLLOUT : 0)),
		};
	poll(fds, (nfds_t)p->n_conns + 1, DRIP_MS);
	/* from the end, so that the last one may take an ended one's place */
	for (int i = p->n_conns - 1; i >= 0; i--) {
		struct conn *c = &p->conns[i];

		if (p->kind == PEER_DRIP && c->is_asked)
			drip(c);
		if (fds[i + 1].revents && !serve(p, c, fds[i + 1].revents)) {
			close(c->fd);
			*c = p->conns[--p->n_conns];
		}
	}
	welcome(p);
}

static void *run(void *arg)
{
	struct peer *p = arg;

	/* relaxed: the flag alone matters */
	while (!atomic_load_explicit(&p->must_stop, memory_order_relaxed))
		turn(p);
	for (int i = 0; i < p->n_conns; i++)
		close(p->conns[i].fd);
	return NULL;
}

struct peer *peer_start(enum peer_kind kind, const char *ip)
{
	struct peer *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->kind = kind;
	p->listener = peer_listen(ip, &p->port);
	if (p->listener >= 0 && pthread_create(&p->thread, NULL, run, p) == 0)
		return p;
	if (p->listener >= 0)
		close(p->listener);
	free(p);
	return NULL;
}

uint16_t peer_port(const struct peer *p)
{
	return p->port;
}

uint32_t peer_accepted(const struct peer *p)
{
	/* relaxed: a test's count */
	return atomic_load_explicit(&p->n_accepted, memory_order_relaxed);
}

void peer_stop(struct peer *p)
{
	if (!p)
		return;
	/* relaxed: the flag alone matters */
	atomic_store_explicit(&p->must_stop, true, memory_order_relaxed);
	pthread_join(p->thread, NULL);
	close(p->listener);
	free(p);
}
