/* One netlink socket, subscribed to links and addresses before anything is listed, so no change is
 * missed. local_addr_view.c knows what the messages mean. */
#include "announce/local_addr.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/err.h"
#include "base/evloop.h"
#include "base/log.h"
#include "announce/local_addr_view.h"

enum {
	DATAGRAM_BYTES = 64 * 1024, /* the kernel's lists come in pieces of at most 32 KiB */
	RECEIVE_BYTES = 4 << 20,    /* some ten thousand events at once */
	DATAGRAMS_PER_TURN = 64,
	RETRY_MS = 100,
	REPEAT_MS = 200,
	ANSWER_MS = 1000, /* the kernel answers at once, if it can */
};

struct local_addr {
	struct evloop *loop;
	struct local_addr_hooks hooks;
	struct local_addr_view view;
	struct ev_source source;
	struct ev_timer timer;
	bool is_waiting; /* the timer is for another try, not for an answer */
	bool is_lossy;   /* the kernel dropped events */
	bool is_failure_told, was_known;
	uint32_t told_ifindex;
	alignas(NLMSG_ALIGNTO) unsigned char datagram[DATAGRAM_BYTES];
};

static void again_in(struct local_addr *l, uint64_t ms)
{
	evloop_timer_at(l->loop, &l->timer, evloop_now(l->loop) + ms * CLK_MS);
}

static void tell_failure(struct local_addr *l, int error)
{
	if (!l->is_failure_told)
		LOG(LOG_ERROR, "announce", "local_address_unreadable",
		    LF_STR("interface", l->view.ifname), LF_STR("error", strerrorname_np(error)));
	l->is_failure_told = true;
}

/* One line when the interface is there or not, first seen or later. */
static void tell_interface(struct local_addr *l)
{
	const struct local_addr_view *v = &l->view;

	if (!v->is_known || (l->was_known && l->told_ifindex == v->ifindex))
		return;
	l->was_known = true;
	l->told_ifindex = v->ifindex;
	LOG(v->ifindex ? LOG_INFO : LOG_ERROR, "announce",
	    v->ifindex ? "local_address_interface" : "local_address_interface_missing",
	    LF_STR("interface", v->ifname), LF_U64("index", v->ifindex),
	    LF_U64("addresses", v->live.n));
}

/* --- the socket --------------------------------------------------------------------------------
 */

static void send_request(struct local_addr *l)
{
	alignas(NLMSG_ALIGNTO) unsigned char request[LOCAL_ADDR_REQUEST_BYTES];
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	size_t len = local_addr_view_request(&l->view, request);

	if (len == 0)
		return;
	again_in(l, ANSWER_MS);
	if (sendto(l->source.fd, request, len, 0, (const struct sockaddr *)&kernel,
		   sizeof(kernel)) < 0) {
		l->view.has_failed = true;
		tell_failure(l, errno);
	}
}

/* What the messages left to be done. Events that go on coming do not put off what waits. */
static void follow(struct local_addr *l)
{
	const struct local_addr_view *v = &l->view;

	send_request(l);
	tell_interface(l);
	if ((v->has_failed || v->must_repeat) && !l->is_waiting) {
		l->is_waiting = true;
		again_in(l, v->has_failed ? RETRY_MS : REPEAT_MS);
	}
	if (v->step == LOCAL_ADDR_REST && !l->is_waiting)
		evloop_timer_stop(&l->timer);
}

static void begin(struct local_addr *l)
{
	local_addr_view_begin(&l->view);
	follow(l);
}

/* What is known may be wrong. While the queue is full the kernel could not queue an answer either,
 * and would not say so: everything is asked for when the queue is empty. */
static void note_loss(struct local_addr *l, const char *why)
{
	if (!l->is_lossy)
		LOG(LOG_WARN, "announce", "local_address_events_lost",
		    LF_STR("interface", l->view.ifname), LF_STR("why", why));
	l->is_lossy = true;
}

/* Returns false if nothing more can be read now. */
static bool receive(struct local_addr *l)
{
	struct sockaddr_nl from = {0};
	struct iovec part = {l->datagram, sizeof(l->datagram)};
	struct msghdr m = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &part, .msg_iovlen = 1};
	ssize_t n = recvmsg(l->source.fd, &m, 0);

	if (n < 0 && errno == ENOBUFS)
		note_loss(l, "ENOBUFS");
	else if (n >= 0 && from.nl_pid != 0)
		return true; /* not from the kernel */
	else if (n >= 0 && (m.msg_flags & MSG_TRUNC))
		note_loss(l, "a message is too long");
	else if (n >= 0)
		local_addr_view_take(&l->view, l->datagram, (size_t)n);
	return n >= 0 || errno == ENOBUFS || errno == EINTR;
}

static void on_readable(struct ev_source *s, uint32_t events)
{
	struct local_addr *l = CONTAINER_OF(s, struct local_addr, source);

	(void)events;
	for (int i = 0; i < DATAGRAMS_PER_TURN; i++) {
		if (receive(l))
			continue;
		l->is_failure_told = false;
		if (l->is_lossy)
			local_addr_view_begin(&l->view);
		l->is_lossy = false;
		break;
	}
	follow(l);
}

static int subscribe(int fd)
{
	const struct sockaddr_nl own = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
	};
	int bytes = RECEIVE_BYTES;

	/* beyond the system's limit only with CAP_NET_ADMIN; less is only slower */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	return bind(fd, (const struct sockaddr *)&own, sizeof(own)) < 0 ? -errno : 0;
}

static int open_socket(struct local_addr *l)
{
	struct sockaddr_nl own = {0};
	socklen_t len = sizeof(own);
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE), r;

	if (fd < 0)
		return -errno;
	l->source = (struct ev_source){.fd = fd, .fn = on_readable};
	r = subscribe(fd);
	if (r == 0 && getsockname(fd, (struct sockaddr *)&own, &len) < 0)
		r = -errno;
	if (r == 0)
		r = evloop_watch(l->loop, &l->source, EPOLLIN);
	if (r < 0) {
		close(fd);
		l->source.fd = -1;
		return r;
	}
	l->view.port = own.nl_pid;
	return 0;
}

static void on_timer(struct ev_timer *t)
{
	struct local_addr *l = CONTAINER_OF(t, struct local_addr, timer);
	int r = l->source.fd < 0 ? open_socket(l) : 0;

	l->is_waiting = false;
	if (r < 0) {
		tell_failure(l, -r);
		again_in(l, RETRY_MS);
		return;
	}
	begin(l);
}

/* --- the rest ----------------------------------------------------------------------------------
 */

static void on_change(void *ctx, const struct addr *local)
{
	const struct local_addr *l = ctx;

	l->hooks.changed(l->hooks.ctx, local);
}

int local_addr_new(struct evloop *loop, const char *ifname, const struct local_addr_hooks *hooks,
		   struct local_addr **ret)
{
	struct local_addr *l = calloc(1, sizeof(*l));

	if (!l)
		return err_origin(-ENOMEM);
	l->loop = loop;
	l->hooks = *hooks;
	l->source.fd = -1;
	l->timer.fn = on_timer;
	local_addr_view_init(&l->view, ifname);
	l->view.ctx = l;
	l->view.changed = on_change;
	on_timer(&l->timer);
	*ret = l;
	return 0;
}

void local_addr_free(struct local_addr *l)
{
	if (!l)
		return;
	evloop_timer_stop(&l->timer);
	if (l->source.fd >= 0) {
		evloop_unwatch(l->loop, &l->source);
		close(l->source.fd);
	}
	local_addr_view_deinit(&l->view);
	free(l);
}

bool local_addr_is_known(const struct local_addr *l)
{
	return l->view.is_known;
}

bool local_addr_has(const struct local_addr *l, const struct addr *local)
{
	return local_addr_view_has(&l->view, local);
}
