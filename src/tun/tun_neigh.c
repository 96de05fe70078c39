#include "tun/tun_neigh.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/err.h"

enum {
	REQUEST_BYTES = 256,
	ANSWER_MS = 200, /* the kernel answers within the call; this only bounds a surprise */
};

static size_t ip_bytes(const struct addr *ip)
{
	return addr_is_v4(ip) ? 4 : 16;
}

static const void *ip_at(const struct addr *ip)
{
	return addr_is_v4(ip) ? ip->b + 12 : ip->b;
}

static uint8_t family_of(const struct addr *ip)
{
	return addr_is_v4(ip) ? AF_INET : AF_INET6;
}

/* --- sockets ---------------------------------------------------------------------------------- */

static int open_one(uint32_t groups, int flags, int *ret_fd)
{
	struct sockaddr_nl own = {.nl_family = AF_NETLINK, .nl_groups = groups};

	*ret_fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, NETLINK_ROUTE);
	if (*ret_fd < 0 || bind(*ret_fd, (const struct sockaddr *)&own, sizeof(own)) < 0)
		return err_origin(-errno);
	return 0;
}

int tun_neigh_open(struct tun_neigh *n)
{
	struct timeval limit = {.tv_usec = ANSWER_MS * 1000};
	int r;

	*n = (struct tun_neigh){.query_fd = -1, .event_fd = -1, .has_overrun = true};
	r = open_one(0, 0, &n->query_fd);
	if (r == 0)
		r = open_one(RTMGRP_NEIGH, SOCK_NONBLOCK, &n->event_fd);
	if (r < 0) {
		tun_neigh_close(n);
		return err_trace(r);
	}
	(void)setsockopt(n->query_fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return 0;
}

void tun_neigh_close(struct tun_neigh *n)
{
	if (n->query_fd >= 0)
		close(n->query_fd);
	if (n->event_fd >= 0)
		close(n->event_fd);
	n->query_fd = n->event_fd = -1;
	n->left = 0;
}

/* --- questions -------------------------------------------------------------------------------- */

/* Sends h and waits for its answer, which lands in answer. Returns 0 with *ret_bytes, or a
 * (positive) errno, the kernel's own or of the exchange. An acknowledgement is an answer of 0
 * bytes. */
static int ask(struct tun_neigh *n, struct nlmsghdr *h, void *answer, size_t room,
	       size_t *ret_bytes)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	const struct nlmsghdr *a = answer;
	struct nlmsgerr e;

	h->nlmsg_seq = ++n->sequence;
	if (sendto(n->query_fd, h, h->nlmsg_len, 0, (const struct sockaddr *)&kernel,
		   sizeof(kernel)) < 0)
		return errno;
	for (;;) {
		ssize_t got = recv(n->query_fd, answer, room, 0);

		if (got < 0)
			return errno;
		if ((size_t)got < sizeof(*a) || a->nlmsg_len > (size_t)got ||
		    a->nlmsg_len < sizeof(*a) || a->nlmsg_seq != n->sequence)
			continue;
		*ret_bytes = (size_t)got;
		if (a->nlmsg_type != NLMSG_ERROR)
			return 0;
		*ret_bytes = 0;
		if (mnl_nlmsg_get_payload_len(a) < sizeof(e))
			return EPROTO;
		memcpy(&e, mnl_nlmsg_get_payload(a), sizeof(e));
		return -e.error;
	}
}

struct route_parts {
	uint32_t ifindex;
	bool has_gateway;
};

static int take_route_part(const struct nlattr *a, void *ctx)
{
	struct route_parts *p = ctx;
	unsigned type = mnl_attr_get_type(a);

	if (type == RTA_OIF && mnl_attr_get_payload_len(a) >= sizeof(uint32_t))
		p->ifindex = mnl_attr_get_u32(a);
	p->has_gateway |= type == RTA_GATEWAY || type == RTA_VIA;
	return MNL_CB_OK;
}

int tun_neigh_route(struct tun_neigh *n, const struct addr *ip, uint32_t *ret_ifindex)
{
	alignas(8) unsigned char request[REQUEST_BYTES], answer[4096] = {0};
	struct nlmsghdr *h = mnl_nlmsg_put_header(request);
	struct route_parts p = {0};
	struct rtmsg *m;
	size_t bytes = 0;
	int error;

	h->nlmsg_type = RTM_GETROUTE;
	h->nlmsg_flags = NLM_F_REQUEST;
	m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->rtm_family = family_of(ip);
	m->rtm_dst_len = (unsigned char)(ip_bytes(ip) * 8);
	mnl_attr_put(h, RTA_DST, ip_bytes(ip), ip_at(ip));
	error = ask(n, h, answer, sizeof(answer), &bytes);
	if (error)
		return error;
	h = (void *)answer;
	if (bytes == 0 || mnl_nlmsg_get_payload_len(h) < sizeof(*m) ||
	    mnl_attr_parse(h, sizeof(*m), take_route_part, &p) < 0 || !p.ifindex)
		return EPROTO;
	*ret_ifindex = p.ifindex;
	return p.has_gateway ? EXDEV : 0;
}

static struct nlmsghdr *neigh_request(void *buffer, uint16_t type, uint16_t flags,
				      const struct addr *ip, uint32_t ifindex)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
	struct ndmsg *m;

	h->nlmsg_type = type;
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
	m->ndm_family = family_of(ip);
	m->ndm_ifindex = (int)ifindex;
	mnl_attr_put(h, NDA_DST, ip_bytes(ip), ip_at(ip));
	return h;
}

int tun_neigh_use(struct tun_neigh *n, const struct addr *ip, uint32_t ifindex)
{
	alignas(8) unsigned char request[REQUEST_BYTES], answer[1024] = {0};
	struct nlmsghdr *h = neigh_request(request, RTM_NEWNEIGH,
					   NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK, ip, ifindex);
	struct ndmsg *m = mnl_nlmsg_get_payload(h);
	size_t bytes = 0;

	/* as if a packet of the kernel's own had gone there */
	m->ndm_flags = NTF_USE;
	return ask(n, h, answer, sizeof(answer), &bytes);
}

/* --- entries ---------------------------------------------------------------------------------- */

static enum tun_neigh_state state_of(uint16_t nud, bool has_mac)
{
	if (nud & (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT | NUD_NOARP))
		return has_mac ? TUN_NEIGH_READY : TUN_NEIGH_FAILED;
	if (nud & NUD_INCOMPLETE)
		return TUN_NEIGH_PENDING;
	return nud & NUD_FAILED ? TUN_NEIGH_FAILED : TUN_NEIGH_UNKNOWN;
}

struct entry_parts {
	const struct nlattr *ip, *mac;
};

static int take_entry_part(const struct nlattr *a, void *ctx)
{
	struct entry_parts *p = ctx;

	if (mnl_attr_get_type(a) == NDA_DST)
		p->ip = a;
	if (mnl_attr_get_type(a) == NDA_LLADDR)
		p->mac = a;
	return MNL_CB_OK;
}

static bool read_ip(const struct nlattr *a, uint8_t family, struct addr *ret)
{
	struct addr ip = ADDR_UNSET;
	size_t n = a ? mnl_attr_get_payload_len(a) : 0;

	if (family == AF_INET && n == 4) {
		ip.b[10] = ip.b[11] = 0xff;
		memcpy(ip.b + 12, mnl_attr_get_payload(a), 4);
	} else if (family == AF_INET6 && n == 16) {
		memcpy(ip.b, mnl_attr_get_payload(a), 16);
	} else {
		return false;
	}
	*ret = ip;
	return true;
}

static bool read_entry(const struct nlmsghdr *h, struct tun_neigh_entry *ret)
{
	struct tun_neigh_entry e = {.state = TUN_NEIGH_UNKNOWN};
	struct entry_parts p = {0};
	const struct ndmsg *m;
	bool has_mac;

	if ((h->nlmsg_type != RTM_NEWNEIGH && h->nlmsg_type != RTM_DELNEIGH) ||
	    mnl_nlmsg_get_payload_len(h) < sizeof(*m) ||
	    mnl_attr_parse(h, sizeof(*m), take_entry_part, &p) < 0)
		return false;
	m = mnl_nlmsg_get_payload(h);
	if (!read_ip(p.ip, m->ndm_family, &e.ip))
		return false;
	e.ifindex = (uint32_t)m->ndm_ifindex;
	has_mac = p.mac && mnl_attr_get_payload_len(p.mac) == sizeof(e.mac);
	if (h->nlmsg_type == RTM_NEWNEIGH)
		e.state = state_of(m->ndm_state, has_mac);
	if (has_mac)
		memcpy(e.mac, mnl_attr_get_payload(p.mac), sizeof(e.mac));
	*ret = e;
	return true;
}

struct tun_neigh_entry tun_neigh_get(struct tun_neigh *n, const struct addr *ip, uint32_t ifindex)
{
	alignas(8) unsigned char request[REQUEST_BYTES], answer[4096] = {0};
	struct nlmsghdr *h = neigh_request(request, RTM_GETNEIGH, 0, ip, ifindex);
	struct tun_neigh_entry e = {.ip = *ip, .ifindex = ifindex};
	size_t bytes = 0;

	if (ask(n, h, answer, sizeof(answer), &bytes) != 0 || bytes == 0 ||
	    !read_entry((const void *)answer, &e))
		e = (struct tun_neigh_entry){.ip = *ip, .ifindex = ifindex};
	return e;
}

/* --- events ----------------------------------------------------------------------------------- */

static bool receive(struct tun_neigh *n)
{
	ssize_t got = recv(n->event_fd, n->buffer, sizeof(n->buffer), MSG_DONTWAIT);

	if (got < 0) {
		n->has_overrun |= errno == ENOBUFS;
		return errno == ENOBUFS;
	}
	n->at = n->buffer;
	n->left = (size_t)got;
	return got > 0;
}

bool tun_neigh_next(struct tun_neigh *n, struct tun_neigh_entry *ret)
{
	for (;;) {
		const struct nlmsghdr *h = (const void *)n->at;
		size_t step;

		if (n->left < sizeof(*h) || h->nlmsg_len < sizeof(*h) || h->nlmsg_len > n->left) {
			n->left = 0;
			if (!receive(n))
				return false;
			continue;
		}
		step = MIN(((size_t)h->nlmsg_len + 3) & ~(size_t)3, n->left);
		n->at += step;
		n->left -= step;
		if (read_entry(h, ret))
			return true;
	}
}
