#include "tun/tun_raw.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "tun_packets.h"

static struct tun_raw r;
static int errors[8];
static uint32_t hosts[8];
static int n_told;

static void note(void *ctx, uint32_t host, int error)
{
	(void)ctx;
	errors[n_told] = error;
	hosts[n_told++] = host;
}

/* False without CAP_NET_RAW. */
static bool open_raw(void)
{
	struct addr none = ADDR_UNSET;
	int error;

	for (int i = 0; i < 3; i++)
		r.lanes[i].fd = r.lanes[i].route_fd = -1;
	error = tun_raw_open(&r, &none, &none);
	if (error == -EPERM)
		return false;
	cr_assert_eq(error, 0);
	return true;
}

static void put(const char *to, struct made *m, uint32_t host)
{
	struct addr a = gen_fixture_addr(to);
	unsigned char outer[TUN_ENCAP_BYTES];
	size_t n = tun_encap(m->at, m->len, TUNNEL_IPIP, &a, &a, outer);

	cr_assert_gt(n, 0);
	tun_raw_put(&r, &a, outer, n, m->at, m->len, host);
}

Test(tun_raw, packets_leave_whole_and_outcomes_come_in_order)
{
	struct made small = made_bare(true, 10);
	static unsigned char big[65535 - 20], got[4096];
	struct addr loopback = gen_fixture_addr("127.0.0.1");
	unsigned char outer[TUN_ENCAP_BYTES];
	int receiver = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_IPIP);
	struct pollfd p = {.fd = receiver, .events = POLLIN};
	size_t n;

	if (!open_raw() || receiver < 0)
		cr_skip_test("needs CAP_NET_RAW");
	memcpy(big, small.at, 20);
	n = tun_encap(big, sizeof(big), TUNNEL_IPIP, &loopback, &loopback, outer);
	put("127.0.0.1", &small, 1);
	tun_raw_put(&r, &loopback, outer, n, big, sizeof(big), 2);
	/* loopback takes 65536 bytes: what is refused is a class E address without a route */
	put("255.255.255.255", &small, 3);
	put("127.0.0.1", &small, 4);
	tun_raw_flush(&r, note, NULL);
	cr_assert_eq(n_told, 4);
	for (int i = 0; i < 4; i++)
		cr_assert_eq(hosts[i], i + 1);
	cr_assert_eq(errors[0], 0);
	cr_assert_neq(errors[2], 0, "one refused packet");
	cr_assert_eq(errors[3], 0, "does not hold up the next");
	cr_assert_eq(poll(&p, 1, 1000), 1);
	cr_assert_eq(recv(receiver, got, sizeof(got), 0), (ssize_t)(20 + small.len));
	cr_assert_arr_eq(got + 20, small.at, small.len);
	cr_assert_eq(made_sum(got, 20), 0);
	close(receiver);
	tun_raw_close(&r);
}

Test(tun_raw, the_sockets_never_receive)
{
	struct made m = made_bare(false, 10);
	struct pollfd p[2];

	if (!open_raw() || r.lanes[1].fd < 0)
		cr_skip_test("needs CAP_NET_RAW and IPv6");
	put("::1", &m, 1);
	put("127.0.0.1", &m, 1);
	tun_raw_flush(&r, note, NULL);
	for (int i = 0; i < 2; i++)
		p[i] = (struct pollfd){.fd = r.lanes[i].fd, .events = POLLIN};
	cr_assert_eq(poll(p, 2, 50), 0);
	tun_raw_close(&r);
}

Test(tun_raw, a_full_lane_says_so)
{
	struct made m = made_bare(true, 0);

	for (unsigned i = 0; i < TUN_RAW_BATCH; i++) {
		cr_assert_not(tun_raw_is_full(&r, true));
		put("127.0.0.1", &m, i);
	}
	cr_assert(tun_raw_is_full(&r, true));
	cr_assert_not(tun_raw_is_full(&r, false));
}

Test(tun_raw, the_route_tells_mtu_and_source)
{
	struct addr ip = gen_fixture_addr("127.0.0.5"), own = gen_fixture_addr("127.0.0.1"), source;
	uint32_t mtu;

	if (!open_raw())
		cr_skip_test("needs CAP_NET_RAW");
	cr_assert_eq(tun_raw_look_up(&r, &ip, &mtu, &source), 0);
	cr_assert_gt(mtu, 1500);
	cr_assert(addr_eq(&source, &own) || addr_eq(&source, &ip));
	ip = gen_fixture_addr("255.255.255.255");
	cr_assert_neq(tun_raw_look_up(&r, &ip, &mtu, &source), 0);
	tun_raw_close(&r);
	cr_assert_eq(tun_raw_look_up(&r, &ip, &mtu, &source), EAFNOSUPPORT);
}

Test(tun_raw, a_bind_address_that_is_not_ours_is_refused)
{
	struct addr none = ADDR_UNSET, other = gen_fixture_addr("192.0.2.77");

	if (!open_raw())
		cr_skip_test("needs CAP_NET_RAW");
	cr_assert_eq(tun_raw_open(&r, &other, &none), -EADDRNOTAVAIL);
	cr_assert_eq(r.lanes[0].fd, -1);
	cr_assert_eq(r.lanes[1].fd, -1);
}
