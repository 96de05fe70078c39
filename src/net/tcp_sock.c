#include "net/tcp_sock.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/err.h"

enum {
	RCVBUF_BYTES =
		64 << 10, /* set once: stops autotuning, which would outlive the connection */
	MAX_QUEUED_ERRORS = 256, /* the receive buffer holds about 100 */
	MAX_SOFT_ERRORS = 4,
};

#define OK_FAULT ((struct tcp_fault){TCP_FAULT_NONE, 0})

static struct tcp_fault fault(enum tcp_fault_kind kind)
{
	return (struct tcp_fault){kind, errno};
}

static bool set_int(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

static bool set_lasting(int fd, bool is_v4)
{
	return set_int(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1) &&
	       set_int(fd, SOL_SOCKET, SO_RCVBUF, TCP_SOCK_RCVBUF_BYTES) &&
	       set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1) &&
	       (is_v4 || set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1));
}

struct tcp_fault tcp_sock_open(struct tcp_sock *s, bool is_v4, bool is_bound)
{
	int fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			IPPROTO_TCP);

	if (fd < 0)
		return fault(TCP_FAULT_SOCKET);
	if (!set_lasting(fd, is_v4)) {
		struct tcp_fault f = fault(TCP_FAULT_OPTION);

		close(fd);
		return f;
	}
	*s = (struct tcp_sock){
		.fd = fd,
		.user = TCP_SOCK_UNUSED,
		.is_v4 = is_v4,
		.is_bound = is_bound,
	};
	return OK_FAULT;
}

void tcp_sock_close(struct tcp_sock *s)
{
	struct linger reset = {.l_onoff = 1, .l_linger = 0};

	/* best effort: a socket that is closed here may still be connected */
	(void)setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(s->fd);
	s->fd = -1;
}

static bool set_hops(struct tcp_sock *s, uint8_t hops)
{
	int value = hops ? hops : -1;

	return s->is_v4 ? set_int(s->fd, IPPROTO_IP, IP_TTL, value)
			: set_int(s->fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, value);
}

static bool set_option(struct tcp_sock *s, const struct tcp_want *want)
{
	int level = s->is_v4 ? IPPROTO_IP : IPPROTO_IPV6;
	int name = s->is_v4 ? IP_OPTIONS : IPV6_DSTOPTS;

	return setsockopt(s->fd, level, name, want->n_option ? want->option : NULL,
			  want->n_option) == 0;
}

static bool option_differs(const struct tcp_want *a, const struct tcp_want *b)
{
	return a->n_option != b->n_option || memcmp(a->option, b->option, a->n_option) != 0;
}

/* A refused call leaves `set` behind what the kernel has: the caller closes the socket. */
static bool set_differing(struct tcp_sock *s, const struct tcp_want *want)
{
	const struct tcp_want *set = &s->set;

	if (want->mark != set->mark && !set_int(s->fd, SOL_SOCKET, SO_MARK, (int)want->mark))
		return false;
	if (want->late_ack != set->late_ack &&
	    !set_int(s->fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, want->late_ack))
		return false;
	if (want->hops != set->hops && !set_hops(s, want->hops))
		return false;
	if (option_differs(want, set) && !set_option(s, want))
		return false;
	/* not remembered: the kernel forgets it at each disconnect and getsockopt hides that */
	return !want->mss || set_int(s->fd, IPPROTO_TCP, TCP_MAXSEG, want->mss);
}

static bool bind_source(int fd, const struct addr *source)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(source, 0, &sa);

	return bind(fd, (const struct sockaddr *)&sa, len) == 0;
}

static struct tcp_fault prepare(struct tcp_sock *s, const struct tcp_want *want)
{
	if (!set_differing(s, want))
		return fault(TCP_FAULT_OPTION);
	if (!addr_eq(&want->source, &s->set.source) && !bind_source(s->fd, &want->source))
		return fault(TCP_FAULT_BIND);
	s->set = *want;
	return OK_FAULT;
}

struct tcp_fault tcp_sock_connect(struct tcp_sock *s, const struct tcp_want *want,
				  const struct addr *target, uint16_t port)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(target, port, &sa);
	struct tcp_fault f;

	ASSERT(addr_is_v4(target) == s->is_v4);
	ASSERT(addr_is_unset(&want->source) != s->is_bound);
	f = prepare(s, want);
	if (f.kind != TCP_FAULT_NONE)
		return f;
	if (connect(s->fd, (const struct sockaddr *)&sa, len) == 0)
		return (struct tcp_fault){TCP_FAULT_AT_ONCE, 0};
	return errno == EINPROGRESS ? OK_FAULT : fault(TCP_FAULT_CONNECT);
}

static int pending_error(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 ? error : errno;
}

/* Returns how many entries it removed; MAX_QUEUED_ERRORS if there may be more. */
static uint32_t drain_error_queue(int fd)
{
	char control[256];
	uint32_t n = 0;

	while (n < MAX_QUEUED_ERRORS) {
		struct msghdr m = {.msg_control = control, .msg_controllen = sizeof(control)};

		if (recvmsg(fd, &m, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			break;
		n++;
	}
	return n;
}

int tcp_sock_take_error(const struct tcp_sock *s)
{
	int error = pending_error(s->fd);

	if (!error)
		drain_error_queue(s->fd);
	return error;
}

uint32_t tcp_sock_poll(const struct tcp_sock *s, bool with_out)
{
	struct pollfd p = {.fd = s->fd,
			   .events = (short)(POLLIN | POLLRDHUP | (with_out ? POLLOUT : 0))};

	static_assert(EPOLLIN == POLLIN && EPOLLOUT == POLLOUT && EPOLLERR == POLLERR &&
			      EPOLLHUP == POLLHUP && EPOLLRDHUP == POLLRDHUP,
		      "one set of bits");
	return poll(&p, 1, 0) > 0 ? (uint32_t)(unsigned short)p.revents : 0;
}

/* EPOLLERR or EPOLLHUP while connecting. An error queue that is not empty raises EPOLLERR on a
 * healthy connection too, so without a reason the kernel is asked again after a drain. */
static enum tcp_progress judge_trouble(const struct tcp_sock *s, uint32_t events, int *ret_error)
{
	*ret_error = tcp_sock_take_error(s);
	if (*ret_error || (events & EPOLLHUP))
		return TCP_FAILED;
	events = tcp_sock_poll(s, true);
	if (events & (EPOLLERR | EPOLLHUP)) {
		*ret_error = pending_error(s->fd);
		return TCP_FAILED;
	}
	return events & EPOLLOUT ? TCP_CONNECTED : TCP_PENDING;
}

enum tcp_progress tcp_sock_progress(const struct tcp_sock *s, uint32_t events, int *ret_error)
{
	if (unlikely(events & (EPOLLERR | EPOLLHUP)))
		return judge_trouble(s, events, ret_error);
	return events & EPOLLOUT ? TCP_CONNECTED : TCP_PENDING;
}

bool tcp_sock_is_self(const struct tcp_sock *s, const struct addr *target, uint16_t port)
{
	struct sockaddr_storage want, have = {0};
	const size_t head = offsetof(struct sockaddr_in, sin_addr); /* family and port, in both */
	const size_t at = s->is_v4 ? head : offsetof(struct sockaddr_in6, sin6_addr);
	const size_t n = s->is_v4 ? sizeof(struct in_addr) : sizeof(struct in6_addr);
	socklen_t len = sizeof(have);

	addr_to_sockaddr(target, port, &want);
	if (getsockname(s->fd, (struct sockaddr *)&have, &len) < 0)
		return false;
	return memcmp(&want, &have, head) == 0 &&
	       memcmp((const char *)&want + at, (const char *)&have + at, n) == 0;
}

int tcp_sock_disconnect(struct tcp_sock *s)
{
	struct sockaddr none = {.sa_family = AF_UNSPEC};

	if (connect(s->fd, &none, sizeof(none)) < 0)
		return err_origin(-errno);
	return 0;
}

int tcp_sock_scrub(struct tcp_sock *s)
{
	if (drain_error_queue(s->fd) == MAX_QUEUED_ERRORS)
		return TCP_SOCK_DIRTY;
	/* ECONNRESET of the disconnect, then what ICMP left behind it */
	for (int i = 0; i < MAX_SOFT_ERRORS; i++)
		if (pending_error(s->fd) == 0)
			return 0;
	return TCP_SOCK_DIRTY;
}

int tcp_sock_test_source(const struct addr *source)
{
	int fd = socket(addr_is_v4(source) ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int error = 0;

	if (fd < 0)
		return errno;
	if (!bind_source(fd, source))
		error = errno;
	close(fd);
	return error;
}
