#include "tun/tun_neigh.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <unistd.h>

#include "tun_packets.h"

static struct tun_neigh n;
static int peer = -1;

/* Events come from the peer's end of a socket pair. */
static void fake_events(void)
{
	int fds[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds), 0);
	n = (struct tun_neigh){.query_fd = -1, .event_fd = fds[0]};
	peer = fds[1];
}

static void put_attr(struct made *m, uint16_t type, const void *data, size_t bytes)
{
	uint16_t head[2] = {(uint16_t)(4 + bytes), type};

	made_put(m, head, 4);
	made_put(m, data, bytes);
	m->len = (m->len + 3) & ~(size_t)3;
}

static struct made event(uint16_t type, const char *ip, uint16_t state, bool has_mac)
{
	struct addr a = gen_fixture_addr(ip);
	bool v4 = addr_is_v4(&a);
	struct nlmsghdr h = {.nlmsg_type = type};
	struct ndmsg m = {
		.ndm_family = v4 ? AF_INET : AF_INET6, .ndm_ifindex = 7, .ndm_state = state};
	struct made out;
	uint32_t len;

	memset(&out, 0, sizeof(out));
	made_put(&out, &h, sizeof(h));
	made_put(&out, &m, sizeof(m));
	put_attr(&out, NDA_DST, v4 ? a.b + 12 : a.b, v4 ? 4 : 16);
	if (has_mac)
		put_attr(&out, NDA_LLADDR, "\2\3\4\5\6\7", 6);
	len = (uint32_t)out.len;
	memcpy(out.at, &len, 4);
	return out;
}

static void give(const struct made *m)
{
	cr_assert_eq(send(peer, m->at, m->len, 0), (ssize_t)m->len);
}

static void expect(const char *ip, enum tun_neigh_state state)
{
	struct addr a = gen_fixture_addr(ip);
	struct tun_neigh_entry e;

	cr_assert(tun_neigh_next(&n, &e));
	cr_assert(addr_eq(&e.ip, &a));
	cr_assert_eq(e.ifindex, 7);
	cr_assert_eq(e.state, state);
	if (state == TUN_NEIGH_READY)
		cr_assert_arr_eq(e.mac, "\2\3\4\5\6\7", 6);
}

Test(tun_neigh, states_of_the_kernel_are_four_of_ours)
{
	static const struct {
		uint16_t nud;
		bool has_mac;
		enum tun_neigh_state state;
	} cases[] = {
		{NUD_REACHABLE, true, TUN_NEIGH_READY},
		{NUD_STALE, true, TUN_NEIGH_READY},
		{NUD_DELAY, true, TUN_NEIGH_READY},
		{NUD_PROBE, true, TUN_NEIGH_READY},
		{NUD_PERMANENT, true, TUN_NEIGH_READY},
		{NUD_INCOMPLETE, false, TUN_NEIGH_PENDING},
		{NUD_FAILED, false, TUN_NEIGH_FAILED},
		{NUD_NONE, false, TUN_NEIGH_UNKNOWN},
		{NUD_REACHABLE, false, TUN_NEIGH_FAILED},
	};

	fake_events();
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct made m = event(RTM_NEWNEIGH, i % 2 ? "2001:db8::7" : "10.0.0.7",
				      cases[i].nud, cases[i].has_mac);

		give(&m);
		expect(i % 2 ? "2001:db8::7" : "10.0.0.7", cases[i].state);
	}
}

Test(tun_neigh, a_deleted_entry_is_unknown)
{
	struct made m = event(RTM_DELNEIGH, "10.0.0.7", NUD_REACHABLE, true);

	fake_events();
	give(&m);
	expect("10.0.0.7", TUN_NEIGH_UNKNOWN);
}

Test(tun_neigh, several_events_in_one_message_are_all_taken)
{
	struct made a = event(RTM_NEWNEIGH, "10.0.0.7", NUD_REACHABLE, true);
	struct made b = event(RTM_NEWNEIGH, "10.0.0.8", NUD_FAILED, false);
	struct tun_neigh_entry e;

	fake_events();
	made_put(&a, b.at, b.len);
	give(&a);
	expect("10.0.0.7", TUN_NEIGH_READY);
	expect("10.0.0.8", TUN_NEIGH_FAILED);
	cr_assert_not(tun_neigh_next(&n, &e));
}

Test(tun_neigh, other_and_broken_messages_are_skipped)
{
	struct made type = event(RTM_NEWLINK, "10.0.0.7", NUD_REACHABLE, true);
	struct made family = event(RTM_NEWNEIGH, "10.0.0.7", NUD_REACHABLE, true);
	struct made length = family, good = event(RTM_NEWNEIGH, "10.0.0.9", NUD_STALE, true);
	struct made cut = good;
	uint32_t big = 0xfffffff0;

	fake_events();
	family.at[16] = AF_INET6;
	memcpy(length.at, &big, 4);
	cut.len = 12;
	give(&type);
	give(&family);
	give(&length);
	give(&cut);
	give(&good);
	expect("10.0.0.9", TUN_NEIGH_READY);
}

Test(tun_neigh, the_kernel_tells_the_link_of_loopback)
{
	struct addr lo = gen_fixture_addr("127.0.0.1");
	uint32_t ifindex = 0;

	cr_assert_eq(tun_neigh_open(&n), 0);
	cr_assert(n.has_overrun, "nothing is known at first");
	cr_assert_eq(tun_neigh_route(&n, &lo, &ifindex), 0);
	cr_assert_gt(ifindex, 0);
	lo = gen_fixture_addr("10.255.255.254");
	cr_assert_eq(tun_neigh_get(&n, &lo, ifindex).state, TUN_NEIGH_UNKNOWN);
	tun_neigh_close(&n);
	cr_assert_eq(tun_neigh_route(&n, &lo, &ifindex), EBADF);
}
