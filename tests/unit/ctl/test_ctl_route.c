#include "ctl/ctl_route.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "unit/ctl/ctl_test.h"

static struct addr ip(const char *text)
{
	struct addr a;

	cr_assert_eq(addr_parse(text, strlen(text), &a), ADDR_OK);
	return a;
}

/* An answer in a block of its exact size. */
static int answer(uint16_t type, const void *body, size_t len, struct ctl_route *ret)
{
	struct nlmsghdr h = {.nlmsg_len = (uint32_t)(NLMSG_HDRLEN + len), .nlmsg_type = type};
	unsigned char *p = malloc(NLMSG_HDRLEN + len);
	int r;

	memcpy(p, &h, sizeof(h));
	memcpy(p + NLMSG_HDRLEN, body, len);
	r = ctl_route_read(p, NLMSG_HDRLEN + len, ret);
	free(p);
	return r;
}

struct reply {
	struct rtmsg r;
	struct rtattr oif_head;
	uint32_t oif;
	struct rtattr metrics_head, mtu_head;
	uint32_t mtu;
	struct rtattr source_head;
	unsigned char source[4];
};

static const struct reply good = {
	.r = {.rtm_family = AF_INET, .rtm_type = RTN_UNICAST},
	.oif_head = {.rta_len = 8, .rta_type = RTA_OIF},
	.oif = 3,
	.metrics_head = {.rta_len = 12, .rta_type = RTA_METRICS},
	.mtu_head = {.rta_len = 8, .rta_type = RTAX_MTU},
	.mtu = 1400,
	.source_head = {.rta_len = 8, .rta_type = RTA_PREFSRC},
	.source = {192, 0, 2, 9},
};

Test(ctl_route, request_carries_address_and_mark)
{
	unsigned char out[CTL_ROUTE_REQUEST_BYTES];
	struct addr v4 = ip("192.0.2.1"), v6 = ip("2001:db8::1");
	struct rtmsg r;

	cr_assert_eq(ctl_route_request(&v4, 0, out), 16 + 12 + 8);
	memcpy(&r, out + 16, sizeof(r));
	cr_assert_eq(r.rtm_family, AF_INET);
	cr_assert_eq(r.rtm_dst_len, 32);
	cr_assert_arr_eq(out + 32, ((unsigned char[]){192, 0, 2, 1}), 4);
	cr_assert_eq(ctl_route_request(&v6, UINT32_MAX, out), 16 + 12 + 20 + 8);
	cr_assert_arr_eq(out + 52, "\xff\xff\xff\xff", 4);
}

Test(ctl_route, route_is_read)
{
	struct reply with_gateway = good;
	struct addr source = ip("192.0.2.9");
	struct ctl_route route;

	cr_assert_eq(answer(RTM_NEWROUTE, &good, sizeof(good), &route), 0);
	cr_assert_eq(route.ifindex, 3);
	cr_assert_eq(route.mtu, 1400);
	cr_assert(!route.is_local);
	cr_assert(!route.has_gateway);
	cr_assert(addr_eq(&route.source, &source));
	with_gateway.oif_head.rta_type = RTA_GATEWAY;
	cr_assert_eq(answer(RTM_NEWROUTE, &with_gateway, sizeof(good), &route), 0);
	cr_assert(route.has_gateway);
}

Test(ctl_route, local_and_refusing_routes_are_told_apart)
{
	static const struct {
		unsigned char type;
		int result;
	} rows[] = {{RTN_LOCAL, 0},
		    {RTN_UNREACHABLE, -EHOSTUNREACH},
		    {RTN_BLACKHOLE, -EINVAL},
		    {RTN_PROHIBIT, -EACCES}};
	struct ctl_route route;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct reply reply = good;

		reply.r.rtm_type = rows[i].type;
		cr_assert_eq(answer(RTM_NEWROUTE, &reply, sizeof(reply), &route), rows[i].result);
		cr_assert_eq(route.is_local, rows[i].type == RTN_LOCAL);
	}
}

Test(ctl_route, kernel_errors_are_handed_on)
{
	struct ctl_route route;
	int error = -ENETUNREACH, odd = 7;

	cr_assert_eq(answer(NLMSG_ERROR, &error, sizeof(error), &route), -ENETUNREACH);
	cr_assert_eq(answer(NLMSG_ERROR, &odd, sizeof(odd), &route), -EBADMSG);
	cr_assert_eq(answer(NLMSG_DONE, &error, sizeof(error), &route), -EBADMSG);
}

Test(ctl_route, answers_cut_anywhere_are_survived)
{
	struct ctl_route route;
	struct reply bad = good;

	for (size_t len = 0; len < sizeof(good); len++) {
		int r = answer(RTM_NEWROUTE, &good, len, &route);

		cr_assert_eq(r, len < sizeof(struct rtmsg) ? -EBADMSG : 0, "%zu", len);
	}
	bad.oif_head.rta_len = 0;
	cr_assert_eq(answer(RTM_NEWROUTE, &bad, sizeof(bad), &route), 0);
	cr_assert_eq(route.ifindex, 0);
	bad.oif_head.rta_len = 60000;
	cr_assert_eq(answer(RTM_NEWROUTE, &bad, sizeof(bad), &route), 0);
	cr_assert_eq(route.ifindex, 0);
}

Test(ctl_route, loopback_is_local)
{
	struct ctl_route route;
	struct addr lo = ip("127.0.0.1");
	int fd = ctl_route_open();

	cr_assert_geq(fd, 0);
	cr_assert_eq(ctl_route_get(fd, &lo, 0, &route), 0);
	cr_assert(route.is_local);
}
