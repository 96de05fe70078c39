#include "tun/tun_watch.h"

#include "base/clk.h"
#include "tun_packets.h"

#define NOW (1000 * CLK_S)

static struct tunnel tunnel;
static struct counters counters;
static struct beat beat;
static struct tun_relay relay;
static struct tun_watch w;

static void begin(void)
{
	cr_assert_eq(tunnel_init(&tunnel), 0);
	tunnel.beat = &beat;
	relay.tunnel = &tunnel;
	relay.counters = &counters;
	relay.link.neigh.query_fd = relay.link.neigh.event_fd = -1;
	relay.queue.fd = relay.proof.fds[0] = relay.proof.fds[1] = -1;
	w = (struct tun_watch){.relay = &relay, .lag_guard_ns = 200 * CLK_MS};
}

TestSuite(tun_watch, .init = begin);

static uint64_t stalled(void)
{
	return tunnel_get64(&tunnel.stalled_ns);
}

Test(tun_watch, a_long_turn_is_a_standstill)
{
	tun_watch_woke(&w, NOW);
	tun_watch_sleeps(&w, NOW + 200 * CLK_MS, 100 * CLK_MS);
	tun_watch_woke(&w, NOW + 300 * CLK_MS);
	cr_assert_eq(stalled(), 0, "the guard itself is allowed");
	tun_watch_sleeps(&w, NOW + 501 * CLK_MS, 0);
	tun_watch_woke(&w, NOW + 501 * CLK_MS);
	cr_assert_eq(stalled(), NOW + 501 * CLK_MS);
	cr_assert_eq(counter_get(&counters, CTR_TUN_STALLS), 1);
}

Test(tun_watch, an_overslept_wait_is_a_standstill)
{
	tun_watch_woke(&w, NOW);
	tun_watch_sleeps(&w, NOW, 100 * CLK_MS);
	tun_watch_woke(&w, NOW + 300 * CLK_MS);
	cr_assert_eq(stalled(), 0);
	tun_watch_sleeps(&w, NOW + 300 * CLK_MS, 100 * CLK_MS);
	tun_watch_woke(&w, NOW + 601 * CLK_MS);
	cr_assert_eq(stalled(), NOW + 601 * CLK_MS);
}

Test(tun_watch, the_first_turn_is_none)
{
	tun_watch_woke(&w, NOW);
	cr_assert_eq(stalled(), 0);
}

Test(tun_watch, a_closed_queue_proves_nothing)
{
	for (int f = 0; f < TUNNEL_FAMILY__N; f++) {
		tunnel_set64(&tunnel.proven_ns[f], NOW);
		tunnel_set32(&tunnel.rules[f], TUNNEL_RULE_PROVEN);
	}
	tun_watch_end(&w);
	for (int f = 0; f < TUNNEL_FAMILY__N; f++) {
		cr_assert_eq(tunnel_get64(&tunnel.proven_ns[f]), 0);
		cr_assert_eq(tunnel_get32(&tunnel.rules[f]), TUNNEL_RULE_UNTRIED);
	}
}

Test(tun_watch, rule_39_a_datagram_per_second_and_silence_is_told)
{
	if (tun_proof_open(&relay.proof, 0x7e58) < 0)
		cr_skip_test("needs CAP_NET_ADMIN");
	/* nothing reads the datagrams: as if they were lost */
	shutdown(relay.proof.fds[TUNNEL_V4], SHUT_RD);
	tun_watch_begin(&w, NOW);
	tun_watch_turn(&w, NOW);
	tun_watch_turn(&w, NOW + CLK_S - 1);
	cr_assert_eq(counter_get(&counters, CTR_TUN_PROOFS_SENT),
		     1 + (relay.proof.fds[TUNNEL_V6] >= 0));
	cr_assert_leq(tun_watch_next_ns(&w), NOW + CLK_S);
	relay.proof.is_open[TUNNEL_V4] = true;
	tun_watch_turn(&w, NOW + CLK_S);
	cr_assert_eq(tunnel_get32(&tunnel.rules[TUNNEL_V4]), TUNNEL_RULE_SILENT);
	tun_proof_close(&relay.proof);
}

Test(tun_watch, rule_39_a_datagram_that_comes_back_ends_the_proof_at_once)
{
	if (tun_proof_open(&relay.proof, 0x7e59) < 0)
		cr_skip_test("needs CAP_NET_ADMIN");
	tun_watch_begin(&w, NOW);
	tunnel_set64(&tunnel.proven_ns[TUNNEL_V4], NOW);
	tun_watch_turn(&w, NOW);
	tun_watch_turn(&w, NOW + CLK_MS);
	cr_assert_eq(tunnel_get32(&tunnel.rules[TUNNEL_V4]), TUNNEL_RULE_MISSING);
	cr_assert_eq(tunnel_get64(&tunnel.proven_ns[TUNNEL_V4]), 0);
	cr_assert_geq(counter_get(&counters, CTR_TUN_PROOFS_BYPASSED), 1);
	tun_proof_close(&relay.proof);
}

Test(tun_watch, routes_are_looked_up_in_slices_and_again_later)
{
	static struct gen_fixture f;
	static const struct service_names no_names;

	gen_fixture_init(&f, 1);
	f.gen.service_names = &no_names;
	for (uint32_t i = 0; i < 100; i++) {
		gen_fixture_check(&f, CHECK_TCP, "192.0.2.1", 80);
		f.reals[i].ip = addr_from_v4_u32(0x7f000001 + i);
	}
	cr_assert_eq(tun_map_new(&f.gen, NULL, &relay.map), 0);
	relay.raw.lanes[0].fd = relay.raw.lanes[0].route_fd = -1;
	relay.raw.lanes[1].fd = relay.raw.lanes[1].route_fd = -1;
	tun_watch_begin(&w, NOW);
	tun_watch_woke(&w, NOW);
	tun_watch_turn(&w, NOW);
	cr_assert_eq(w.next_host, 64);
	cr_assert_leq(tun_watch_next_ns(&w), NOW + 10 * CLK_MS, "there is more");
	tun_watch_turn(&w, NOW);
	cr_assert_eq(w.next_host, 100);
	cr_assert_gt(tun_watch_next_ns(&w), NOW + 10 * CLK_MS);
	tun_watch_turn(&w, NOW + 11 * CLK_S);
	cr_assert_eq(w.next_host, 64, "a new pass");
	tun_map_free(relay.map);
}
