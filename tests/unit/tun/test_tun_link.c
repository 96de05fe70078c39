#include "tun/tun_link.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <unistd.h>

#include "base/clk.h"
#include "tun/tun_relay.h"
#include "tun_packets.h"

#define NOW (1000 * CLK_S)

static struct gen_fixture f;
static struct tunnel tunnel;
static struct counters counters;
static struct beat beat;
static struct tun_relay r;
static int peer;

/* One direct-routed real, 10.0.0.1 on link 7; events come from a socket pair, nothing is sent. */
static void begin(void)
{
	static const struct service_names no_names;
	int fds[2];

	gen_fixture_init(&f, 1);
	f.gen.service_names = &no_names;
	gen_fixture_check(&f, CHECK_TCP, "198.51.100.1", 80);
	f.reals[0].ip = gen_fixture_addr("10.0.0.1");
	f.reals[0].lvs_method = LVS_DR;
	cr_assert_eq(tunnel_init(&tunnel), 0);
	tunnel.beat = &beat;
	r.tunnel = &tunnel;
	r.counters = &counters;
	for (int i = 0; i < 3; i++)
		r.raw.lanes[i].fd = r.raw.lanes[i].route_fd = -1;
	cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, fds), 0);
	r.link.neigh.query_fd = -1;
	r.link.neigh.event_fd = fds[0];
	peer = fds[1];
	cr_assert_eq(tun_map_new(&f.gen, NULL, &r.map), 0);
	tun_map_publish(r.map, &tunnel);
	r.map->hosts[0].ifindex = 7;
	r.now_ns = NOW;
}

TestSuite(tun_link, .init = begin);

static uint64_t count(enum counter which)
{
	return counter_get(&counters, which);
}

static void send_one(enum tun_neigh_state state)
{
	static struct made m;
	struct tun_packet p;

	m = made_bare(true, 9);
	cr_assert_eq(tun_packet_parse(m.at, m.len, false, &p), TUN_FINE);
	r.map->hosts[0].link = (uint8_t)state;
	tun_link_send(&r, 0, &p);
}

static void tell(const char *ip, int ifindex, uint16_t state)
{
	struct {
		struct nlmsghdr h;
		struct ndmsg m;
		struct nlattr a;
		uint8_t ip[4];
		struct nlattr b;
		uint8_t mac[8];
	} e = {
		.h = {.nlmsg_len = sizeof(e), .nlmsg_type = RTM_NEWNEIGH},
		.m = {.ndm_family = AF_INET, .ndm_ifindex = ifindex, .ndm_state = state},
		.a = {8, NDA_DST},
		.b = {10, NDA_LLADDR},
		.mac = {2, 3, 4, 5, 6, 7},
	};
	struct addr a = gen_fixture_addr(ip);

	memcpy(e.ip, a.b + 12, 4);
	cr_assert_eq(send(peer, &e, sizeof(e), 0), sizeof(e));
}

Test(tun_link, a_known_address_is_sent_to_at_once)
{
	struct made want = made_bare(true, 9);
	const struct tun_raw_lane *l = &r.raw.lanes[2];

	memcpy(r.map->hosts[0].mac, "\2\3\4\5\6\7", 6);
	send_one(TUN_NEIGH_READY);
	cr_assert_eq(l->n, 1);
	cr_assert_eq(l->parts[0][0].iov_len, want.len);
	cr_assert_arr_eq(l->parts[0][0].iov_base, want.at, want.len, "nothing is added or changed");
	cr_assert_eq(count(CTR_TUN_SENT_DR), 1);
}

Test(tun_link, a_packet_waits_for_the_answer)
{
	send_one(TUN_NEIGH_PENDING);
	cr_assert_eq(r.link.n_parked, 1);
	tun_link_turn(&r, NOW + 10 * CLK_MS);
	cr_assert_eq(r.link.n_parked, 1);
	tell("10.0.0.1", 7, NUD_REACHABLE);
	tun_link_turn(&r, NOW + 11 * CLK_MS);
	cr_assert_eq(r.link.n_parked, 0);
	cr_assert_eq(count(CTR_TUN_SENT_DR), 1);
	cr_assert_arr_eq(r.map->hosts[0].mac, "\2\3\4\5\6\7", 6);
}

Test(tun_link, nobodys_answer_is_the_networks_silence)
{
	send_one(TUN_NEIGH_PENDING);
	tell("10.0.0.1", 7, NUD_FAILED);
	tun_link_turn(&r, NOW + CLK_MS);
	cr_assert_eq(r.link.n_parked, 0);
	cr_assert_eq(count(CTR_TUN_UNRESOLVED), 1);
	cr_assert_eq(tunnel_get64(&tunnel_real(&tunnel, 0)->sent_ns), NOW + CLK_MS);
	cr_assert_eq(tunnel_get64(&tunnel_real(&tunnel, 0)->fault_ns), 0);
}

Test(tun_link, a_packet_waits_a_second_at_most)
{
	send_one(TUN_NEIGH_PENDING);
	tun_link_turn(&r, NOW + CLK_S - 1);
	cr_assert_eq(r.link.n_parked, 1);
	tun_link_turn(&r, NOW + CLK_S);
	cr_assert_eq(r.link.n_parked, 0);
	cr_assert_eq(count(CTR_TUN_UNRESOLVED), 1);
}

Test(tun_link, changes_of_other_links_and_addresses_are_none_of_ours)
{
	send_one(TUN_NEIGH_PENDING);
	tell("10.0.0.1", 8, NUD_REACHABLE);
	tell("10.0.0.2", 7, NUD_REACHABLE);
	tun_link_turn(&r, NOW);
	cr_assert_eq(r.link.n_parked, 1);
	cr_assert_eq(r.map->hosts[0].link, TUN_NEIGH_PENDING);
}

Test(tun_link, without_room_to_wait_it_is_our_fault)
{
	for (int i = 0; i <= TUN_LINK_PARKED; i++)
		send_one(TUN_NEIGH_PENDING);
	cr_assert_eq(r.link.n_parked, TUN_LINK_PARKED);
	cr_assert_eq(tunnel_get16(&tunnel_real(&tunnel, 0)->error), ENOBUFS);
	tell("10.0.0.1", 7, NUD_REACHABLE);
	tun_link_turn(&r, NOW);
	cr_assert_eq(r.link.n_parked, 0);
	cr_assert_eq(count(CTR_TUN_SENT_DR), TUN_LINK_PARKED);
}

Test(tun_link, a_host_that_left_the_map_takes_its_packets_along)
{
	struct tun_map *old = r.map;

	send_one(TUN_NEIGH_PENDING);
	f.reals[0].ip = gen_fixture_addr("10.0.0.2");
	cr_assert_eq(tun_map_new(&f.gen, NULL, &r.map), 0);
	tun_map_free(old);
	tun_link_turn(&r, NOW);
	cr_assert_eq(r.link.n_parked, 0);
	cr_assert_eq(count(CTR_TUN_SENT_DR), 0);
}

Test(tun_link, lost_events_make_every_entry_unknown)
{
	r.map->hosts[0].link = TUN_NEIGH_READY;
	r.link.neigh.has_overrun = true;
	tun_link_turn(&r, NOW);
	cr_assert_eq(r.map->hosts[0].link, TUN_NEIGH_UNKNOWN);
	cr_assert_not(r.link.neigh.has_overrun);
}

Test(tun_link, what_the_kernel_cannot_be_asked_is_our_fault)
{
	send_one(TUN_NEIGH_UNKNOWN);
	cr_assert_eq(tunnel_get16(&tunnel_real(&tunnel, 0)->error), EBADF);
	cr_assert_eq(tunnel_get64(&tunnel_real(&tunnel, 0)->fault_ns), NOW);
	cr_assert_eq(r.link.n_parked, 0);
}

Test(tun_link, a_dead_real_is_asked_for_once_a_second)
{
	r.map->hosts[0].asked_ns = NOW - CLK_S / 2;
	send_one(TUN_NEIGH_FAILED);
	cr_assert_eq(count(CTR_TUN_UNRESOLVED), 1);
	cr_assert_eq(r.map->hosts[0].asked_ns, NOW - CLK_S / 2);
	r.now_ns = NOW + CLK_S;
	send_one(TUN_NEIGH_FAILED);
	cr_assert_eq(r.map->hosts[0].asked_ns, NOW + CLK_S);
}
