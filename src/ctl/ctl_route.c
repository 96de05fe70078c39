#include "ctl/ctl_route.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"

enum { ANSWER_BYTES = 8192 };

int ctl_route_open(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	return fd < 0 ? err_origin(-errno) : fd;
}

static void put_attribute(unsigned char *out, size_t *at, unsigned short type, const void *data,
			  size_t len)
{
	struct rtattr a = {.rta_len = (unsigned short)RTA_LENGTH(len), .rta_type = type};

	memcpy(out + *at, &a, sizeof(a));
	memcpy(out + *at + sizeof(a), data, len);
	*at += RTA_ALIGN(a.rta_len);
}

size_t ctl_route_request(const struct addr *to, uint32_t mark,
			 unsigned char out[CTL_ROUTE_REQUEST_BYTES])
{
	bool is_v4 = addr_is_v4(to);
	struct nlmsghdr h = {.nlmsg_type = RTM_GETROUTE, .nlmsg_flags = NLM_F_REQUEST};
	struct rtmsg r = {.rtm_family = is_v4 ? AF_INET : AF_INET6,
			  .rtm_dst_len = is_v4 ? 32 : 128};
	size_t at = NLMSG_SPACE(sizeof(r));

	memset(out, 0, CTL_ROUTE_REQUEST_BYTES);
	put_attribute(out, &at, RTA_DST, to->b + (is_v4 ? 12 : 0), is_v4 ? 4 : 16);
	if (mark)
		put_attribute(out, &at, RTA_MARK, &mark, sizeof(mark));
	h.nlmsg_len = (uint32_t)at;
	memcpy(out, &h, sizeof(h));
	memcpy(out + NLMSG_HDRLEN, &r, sizeof(r));
	return at;
}

/* Calls nothing, returns the value of attribute type or NULL; only well-formed ones are seen. */
static const unsigned char *find_attribute(const unsigned char *at, size_t len, unsigned type,
					   size_t *ret_len)
{
	struct rtattr a;

	while (len >= sizeof(a)) {
		memcpy(&a, at, sizeof(a));
		if (a.rta_len < sizeof(a) || a.rta_len > len)
			return NULL;
		if (a.rta_type == type) {
			*ret_len = a.rta_len - sizeof(a);
			return at + sizeof(a);
		}
		at += MIN(RTA_ALIGN(a.rta_len), len);
		len -= MIN(RTA_ALIGN(a.rta_len), len);
	}
	return NULL;
}

static uint32_t u32_attribute(const unsigned char *at, size_t len, unsigned type)
{
	uint32_t value = 0;
	size_t n = 0;
	const unsigned char *p = at ? find_attribute(at, len, type, &n) : NULL;

	if (p && n >= sizeof(value))
		memcpy(&value, p, sizeof(value));
	return value;
}

static struct addr source_attribute(const unsigned char *at, size_t len)
{
	struct addr a = ADDR_UNSET;
	size_t n = 0;
	const unsigned char *p = find_attribute(at, len, RTA_PREFSRC, &n);

	if (p && n == sizeof(a.b))
		memcpy(a.b, p, n);
	if (p && n == 4)
		a = addr_from_v4_u32((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
				     (uint32_t)p[2] << 8 | p[3]);
	return a;
}

static int read_route(const unsigned char *body, size_t len, struct ctl_route *ret)
{
	struct rtmsg r;
	size_t at = NLMSG_ALIGN(sizeof(r)), n_metrics = 0, n_gateway;
	const unsigned char *metrics;

	if (len < at)
		return -EBADMSG;
	memcpy(&r, body, sizeof(r));
	metrics = find_attribute(body + at, len - at, RTA_METRICS, &n_metrics);
	*ret = (struct ctl_route){
		.is_local = r.rtm_type == RTN_LOCAL,
		.has_gateway = find_attribute(body + at, len - at, RTA_GATEWAY, &n_gateway) ||
			       find_attribute(body + at, len - at, RTA_VIA, &n_gateway),
		.ifindex = u32_attribute(body + at, len - at, RTA_OIF),
		.mtu = u32_attribute(metrics, n_metrics, RTAX_MTU),
		.source = source_attribute(body + at, len - at),
	};
	switch (r.rtm_type) {
	case RTN_UNREACHABLE:
		return -EHOSTUNREACH;
	case RTN_BLACKHOLE:
		return -EINVAL;
	case RTN_PROHIBIT:
		return -EACCES;
	default:
		return 0;
	}
}

int ctl_route_read(const unsigned char *answer, size_t len, struct ctl_route *ret)
{
	struct nlmsghdr h;
	int error;

	if (len < NLMSG_HDRLEN)
		return -EBADMSG;
	memcpy(&h, answer, sizeof(h));
	if (h.nlmsg_len < NLMSG_HDRLEN || h.nlmsg_len > len)
		return -EBADMSG;
	answer += NLMSG_HDRLEN;
	len = h.nlmsg_len - (size_t)NLMSG_HDRLEN;
	if (h.nlmsg_type == RTM_NEWROUTE)
		return read_route(answer, len, ret);
	if (h.nlmsg_type != NLMSG_ERROR || len < sizeof(error))
		return -EBADMSG;
	memcpy(&error, answer, sizeof(error));
	return error < 0 && error > -4096 ? error : -EBADMSG;
}

int ctl_route_get(int fd, const struct addr *to, uint32_t mark, struct ctl_route *ret)
{
	unsigned char request[CTL_ROUTE_REQUEST_BYTES], answer[ANSWER_BYTES];
	size_t len = ctl_route_request(to, mark, request);
	ssize_t n;

	if (send(fd, request, len, 0) < 0)
		return -errno;
	do
		n = recv(fd, answer, sizeof(answer), 0);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : ctl_route_read(answer, (size_t)n, ret);
}
