/* The fleet's listeners: one for all addresses of a port, or one per address. */
#pragma once

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fleet_books.h"

enum kind { KIND_TCP, KIND_HTTP, KIND_HTTPS, KIND_GRPC, KIND_GRPCS, KIND__N };
enum behaviour { BE_OK, BE_RESET, BE_REFUSE, BE_DROP, BE_MUTE, BE_SLOW, BE_STATUS, BE_NOT_SERVING };
enum event { EV_LISTEN, EV_CONN, EV_CONTROL, EV_CLIENT };

static int epoll_fd;

static void die(const char *what)
{
	fprintf(stderr, "fleet: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void watch(int fd, enum event type, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.u64 = (uint64_t)type << 32 | (uint32_t)fd};

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
		die("epoll_ctl");
}

static int listen_on(const struct addr *a, uint16_t port, bool is_loopback)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(a, port, &ss);
	int one = 1, fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	/* an address's own listener beside the shared one */
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	setsockopt(fd, SOL_IP, IP_FREEBIND, &one, sizeof(one));
	/* accepted sockets inherit it: an answer does not wait for the ACK of a ticket */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (ss.ss_family == AF_INET6)
		setsockopt(fd, SOL_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (is_loopback)
		setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2);
	if (bind(fd, (struct sockaddr *)&ss, len) < 0 || listen(fd, 65535) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool is_loopback(const struct addr *a)
{
	return addr_is_v4(a) && a->b[12] == 127;
}

static void discard_all(int fd)
{
	struct sock_filter none[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
	struct sock_fprog prog = {.len = 1, .filter = none};

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0)
		die("SO_ATTACH_FILTER");
}

static void close_own(struct target *t)
{
	if (t->listen_fd >= 0)
		close(t->listen_fd);
	t->listen_fd = -1;
}

static bool listen_own(uint32_t i)
{
	struct target *t = &targets[i];
	struct addr a = target_addr(i);

	t->listen_fd = listen_on(&a, groups[t->group].port, is_loopback(&a));
	if (t->listen_fd < 0)
		return false;
	watch(t->listen_fd, EV_LISTEN, EPOLLIN);
	return true;
}

/* Returns NULL or what is wrong. */
static const char *set_behaviour(uint32_t i, enum behaviour be, uint16_t value)
{
	struct target *t = &targets[i];
	bool is_own = groups[t->group].is_own;

	if (be == BE_REFUSE && !is_own)
		return "a shared listener cannot refuse: use an own group, or a port without one";
	if (be == BE_NOT_SERVING && groups[t->group].kind < KIND_GRPC)
		return "only a gRPC target says NOT_SERVING";
	close_own(t);
	if ((be == BE_DROP || (is_own && be != BE_REFUSE)) && !listen_own(i))
		return strerror(errno);
	if (be == BE_DROP)
		discard_all(t->listen_fd);
	t->behaviour = (uint8_t)be;
	t->value = value;
	return NULL;
}
