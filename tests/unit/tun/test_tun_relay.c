#include "tun/tun_relay.h"

#include <errno.h>

#include "tun_packets.h"

static struct gen_fixture f;
static struct tunnel tunnel;
static struct counters counters;
static struct beat beat;
static struct tun_relay r;
static struct service_names names[2];

/* Reals 10.0.0.1 (TUN) and 2001:db8:2::1 (GRE) behind 198.51.100.1:80; no socket is open. */
static void begin(void)
{
	static const char *const reals[] = {"10.0.0.1", "2001:db8:2::1"};

	gen_fixture_init(&f, 1);
	f.gen.service_names = names;
	f.service.vip = gen_fixture_addr("198.51.100.1");
	for (int i = 0; i < 2; i++) {
		gen_fixture_check(&f, CHECK_TCP, "198.51.100.1", 80);
		f.reals[i].ip = gen_fixture_addr(reals[i]);
		f.reals[i].lvs_method = i ? LVS_GRE : LVS_TUN;
	}
	cr_assert_eq(tunnel_init(&tunnel), 0);
	tunnel.beat = &beat;
	tunnel.mark_base = 100;
	tunnel.mark_mask = 0xffff;
	r.tunnel = &tunnel;
	r.counters = &counters;
	r.proof.fds[0] = r.proof.fds[1] = -1;
	r.link.neigh.query_fd = r.link.neigh.event_fd = -1;
	for (int i = 0; i < 3; i++)
		r.raw.lanes[i].fd = r.raw.lanes[i].route_fd = -1;
}

static void adopt(void)
{
	cr_assert_eq(tun_map_new(&f.gen, NULL, &r.map), 0);
	for (uint32_t i = 0; i < r.map->n_hosts; i++)
		r.map->hosts[i].mtu = 1500;
	tun_map_publish(r.map, &tunnel);
}

TestSuite(tun_relay, .init = begin);

static uint64_t count(enum counter which)
{
	return counter_get(&counters, which);
}

static unsigned queued(int lane)
{
	return r.raw.lanes[lane].n;
}

Test(tun_relay, option_names_real_and_method)
{
	struct made m = made_marked(true, "10.0.0.1", TUNNEL_IPIP, 7), want = made_bare(true, 7);

	adopt();
	tun_relay_packet(&r, UINT32_MAX, m.at, m.len);
	cr_assert_eq(queued(0), 1);
	const struct tun_raw_lane *l = &r.raw.lanes[0];

	cr_assert_eq(l->parts[0][0].iov_len, 20);
	cr_assert_eq(l->parts[0][1].iov_len, want.len);
	cr_assert_arr_eq(l->parts[0][1].iov_base, want.at, want.len);
	cr_assert_eq(count(CTR_TUN_SENT_IPIP), 1);
}

Test(tun_relay, the_methods_byte_decides_not_the_configuration)
{
	struct made m = made_marked(false, "10.0.0.1", TUNNEL_GRE, 7);

	adopt();
	tun_relay_packet(&r, UINT32_MAX, m.at, m.len);
	cr_assert_eq(r.raw.lanes[0].parts[0][0].iov_len, 24);
	cr_assert_eq(count(CTR_TUN_SENT_GRE), 1);
}

Test(tun_relay, mark_names_the_real)
{
	struct made m = made_bare(true, 7), before = m;

	tunnel.by_mark = true;
	adopt();
	tun_relay_packet(&r, 101, m.at, m.len);
	cr_assert_eq(queued(1), 1);
	cr_assert_eq(r.raw.lanes[1].parts[0][0].iov_len, 44);
	cr_assert_arr_eq(r.raw.lanes[1].parts[0][1].iov_base, before.at, before.len);
}

Test(tun_relay, what_is_not_ours_is_counted_by_reason_and_not_sent)
{
	struct made unknown = made_marked(true, "10.0.0.9", TUNNEL_IPIP, 0);
	struct made method = made_marked(true, "10.0.0.1", (enum tunnel_method)0x7f, 0);
	struct made bare = made_bare(true, 0),
		    other = made_marked(true, "10.0.0.1", TUNNEL_IPIP, 0);
	struct made cut = bare, odd = bare, piece = bare;

	adopt();
	odd.at[0] = 0;
	piece.at[6] = 0x20;
	tun_relay_packet(&r, UINT32_MAX, unknown.at, unknown.len);
	tun_relay_packet(&r, UINT32_MAX, method.at, method.len);
	tun_relay_packet(&r, UINT32_MAX, bare.at, bare.len);
	tun_relay_packet(&r, 5, other.at, other.len);
	tun_relay_packet(&r, UINT32_MAX, cut.at, 19);
	tun_relay_packet(&r, UINT32_MAX, odd.at, odd.len);
	tun_relay_packet(&r, UINT32_MAX, piece.at, piece.len);
	tun_relay_packet(&r, UINT32_MAX, NULL, 0);
	cr_assert_eq(count(CTR_TUN_UNKNOWN_REAL), 1);
	cr_assert_eq(count(CTR_TUN_UNKNOWN_METHOD), 1);
	cr_assert_eq(count(CTR_TUN_NO_OPTION), 1);
	cr_assert_eq(count(CTR_TUN_UNKNOWN_MARK), 1);
	cr_assert_eq(count(CTR_TUN_TRUNCATED), 2);
	cr_assert_eq(count(CTR_TUN_MALFORMED), 1);
	cr_assert_eq(count(CTR_TUN_FRAGMENTS), 1);
	cr_assert_eq(queued(0) + queued(1), 0);
}

Test(tun_relay, rule_41_marks_of_no_real_are_dropped)
{
	static const uint32_t marks[] = {0, 99, 102, 5000, 0xffff, UINT32_MAX};
	struct made m = made_bare(true, 7);

	tunnel.by_mark = true;
	adopt();
	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		tun_relay_packet(&r, marks[i], m.at, m.len);
	cr_assert_eq(count(CTR_TUN_UNKNOWN_MARK), ARRAY_LEN(marks));
	cr_assert_eq(queued(0) + queued(1), 0);
}

Test(tun_relay, before_the_first_adoption_nothing_is_sent)
{
	struct made m = made_marked(true, "10.0.0.1", TUNNEL_IPIP, 7), bare = made_bare(true, 7);

	tun_relay_packet(&r, UINT32_MAX, m.at, m.len);
	tunnel.by_mark = true;
	tun_relay_packet(&r, 100, bare.at, bare.len);
	cr_assert_eq(count(CTR_TUN_UNKNOWN_REAL), 1);
	cr_assert_eq(count(CTR_TUN_UNKNOWN_MARK), 1);
}

Test(tun_relay, a_refused_packet_is_a_fault_of_its_host)
{
	struct made m = made_marked(true, "10.0.0.1", TUNNEL_IPIP, 7);

	adopt();
	r.now_ns = 77;
	for (unsigned i = 0; i <= TUN_RAW_BATCH; i++) {
		struct made copy = m;

		tun_relay_packet(&r, UINT32_MAX, copy.at, copy.len);
	}
	cr_assert_eq(queued(0), 1, "a full lane was flushed");
	cr_assert_eq(count(CTR_TUN_SEND_ERRORS), TUN_RAW_BATCH);
	cr_assert_eq(tunnel_get64(&tunnel.packets[TUNNEL_WAY_IPIP][TUNNEL_REFUSED]), TUN_RAW_BATCH);
	cr_assert_eq(tunnel_get64(&tunnel.send_errors[EBADF]), TUN_RAW_BATCH);
	cr_assert_eq(tunnel_get64(&tunnel.packets[TUNNEL_WAY_IPIP][TUNNEL_SENT]), 0);
	cr_assert_eq(tunnel_get64(&tunnel_real(&tunnel, 0)->fault_ns), 77);
	cr_assert_eq(tunnel_get16(&tunnel_real(&tunnel, 0)->error), EBADF);
	cr_assert_eq(tunnel_get64(&tunnel_real(&tunnel, 0)->sent_ns), 0);
	cr_assert_eq(tunnel_get64(&tunnel_real(&tunnel, 1)->fault_ns), 0);
}

Test(tun_relay, a_packet_too_long_for_its_header_is_a_fault)
{
	static unsigned char big[UINT16_MAX];
	struct made m = made_bare(true, 0);

	tunnel.by_mark = true;
	adopt();
	memcpy(big, m.at, m.len);
	made_u16(big + 2, sizeof(big));
	r.now_ns = 78;
	tun_relay_packet(&r, 100, big, sizeof(big));
	cr_assert_eq(count(CTR_TUN_TOO_BIG), 1);
	cr_assert_eq(tunnel_get16(&tunnel_real(&tunnel, 0)->error), EMSGSIZE);
}

/* A VIP that is local on this machine, and no bindto: the real would answer itself. */
Test(tun_relay, rule_13_a_packet_from_the_vip_to_itself_is_our_fault)
{
	struct made m = made_bare(true, 0);

	tunnel.by_mark = true;
	adopt();
	memcpy(m.at + 12, m.at + 16, 4);
	r.now_ns = 79;
	tun_relay_packet(&r, 100, m.at, m.len);
	cr_assert_eq(r.raw.lanes[0].n, 0);
	cr_assert_eq(tunnel_get16(&tunnel_real(&tunnel, 0)->error), EADDRNOTAVAIL);
}

Test(tun_relay, services_source_network_is_the_outer_source)
{
	static const unsigned char want[] = {203, 0, 113, 5};
	struct made m = made_marked(true, "10.0.0.1", TUNNEL_IPIP, 7);

	names[0].ipv4_outer_source_network = gen_fixture_text(&f, "203.0.113.5/24");
	adopt();
	tun_relay_packet(&r, UINT32_MAX, m.at, m.len);
	cr_assert_arr_eq(r.raw.lanes[0].outer[0] + 12, want, 4);
}

/* --- the proof -------------------------------------------------------------------------------- */

static struct made proof_packet(uint64_t sent_ns)
{
	unsigned char udp[8] = {0x22, 0x22, 0x22, 0x22};
	struct made m = made_v4(NULL, 0);

	memcpy(m.at + 16, "\x7f\0\0\1", 4);
	m.at[9] = IPPROTO_UDP;
	made_put(&m, udp, sizeof(udp));
	made_put(&m, r.proof.secret, sizeof(r.proof.secret));
	made_put(&m, &sent_ns, sizeof(sent_ns));
	made_finish(&m);
	return m;
}

Test(tun_relay, rule_39_the_test_datagram_proves_its_family_and_is_not_sent)
{
	memset(r.proof.secret, 0xa5, sizeof(r.proof.secret));
	r.proof.ports[TUNNEL_V4] = 0x2222;
	r.proof.is_open[TUNNEL_V4] = true;
	struct made m = proof_packet(4711);

	adopt();
	tun_relay_packet(&r, UINT32_MAX, m.at, m.len);
	cr_assert_eq(tunnel_get64(&tunnel.proven_ns[TUNNEL_V4]), 4711, "the time of its sending");
	cr_assert_eq(tunnel_get64(&tunnel.proven_ns[TUNNEL_V6]), 0);
	cr_assert_eq(tunnel_get32(&tunnel.rules[TUNNEL_V4]), TUNNEL_RULE_PROVEN);
	cr_assert_not(r.proof.is_open[TUNNEL_V4]);
	cr_assert_eq(count(CTR_TUN_PROOFS_SEEN), 1);
	cr_assert_eq(queued(0), 0);
}

Test(tun_relay, rule_39_datagrams_of_others_prove_nothing)
{
	memset(r.proof.secret, 0xa5, sizeof(r.proof.secret));
	r.proof.ports[TUNNEL_V4] = 0x2222;
	struct made port = proof_packet(1), secret = port, length = port, mark = port, where = port;

	port.at[21] = 0x23;
	secret.at[30] ^= 1;
	made_put(&length, "x", 1);
	made_finish(&length);
	where.at[19] = 2;
	tun_relay_packet(&r, UINT32_MAX, port.at, port.len);
	tun_relay_packet(&r, UINT32_MAX, secret.at, secret.len);
	tun_relay_packet(&r, UINT32_MAX, length.at, length.len);
	tun_relay_packet(&r, UINT32_MAX, where.at, where.len);
	tun_relay_packet(&r, 7, mark.at, mark.len);
	cr_assert_eq(count(CTR_TUN_PROOFS_SEEN), 0);
	cr_assert_eq(tunnel_get64(&tunnel.proven_ns[TUNNEL_V4]), 0);
	tunnel.by_mark = true;
	tun_relay_packet(&r, 100, mark.at, mark.len);
	cr_assert_eq(count(CTR_TUN_PROOFS_SEEN), 0, "a real's mark is not the proof's");
	tun_relay_packet(&r, 0xffff, mark.at, mark.len);
	cr_assert_eq(count(CTR_TUN_PROOFS_SEEN), 1);
}
