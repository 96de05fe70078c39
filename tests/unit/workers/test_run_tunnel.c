#include "workers/run_tunnel.h"

#include <errno.h>
#include <poll.h>

#include "bed.h"
#include "model/tunnel_option.h"

#define FAR (3600 * CLK_S)

static struct tunnel tunnel;
static struct beat tun_beat;

/* A tunnel without its thread: what it would publish is written by the test. Not proven. */
static void begin(void)
{
	bed_begin(8);
	memset(&tunnel, 0, sizeof(tunnel));
	cr_assert_eq(tunnel_init(&tunnel), 0);
	tunnel.mark_base = 1000;
	tunnel.mark_mask = 0xffff;
	tunnel.beat = &tun_beat;
	/* it never seems to hang */
	beat_mark(&tun_beat, clk_mono_ns() + FAR);
	bed.runs.tunnel = &tunnel;
}

static void end(void)
{
	bed_end();
	tunnel_deinit(&tunnel);
}

static uint32_t tunnelled(enum check_kind kind, uint16_t port)
{
	uint32_t check = gen_fixture_check(&bed.gen, kind, "127.0.0.1", port);

	bed.gen.checks[check].flags |= CHECK_TUNNELLED;
	tunnel_set32(&tunnel_real(&tunnel, check)->host, check + 1);
	return check;
}

/* Proven now, but by nothing that was sent after a check's start. */
static void prove_once(void)
{
	tunnel_set64(&tunnel.proven_ns[TUNNEL_V4], clk_mono_ns());
}

static void prove_for_ever(void)
{
	tunnel_set64(&tunnel.proven_ns[TUNNEL_V4], clk_mono_ns() + FAR);
}

/* In mark steering a check of loopback needs no privilege but the mark's. */
static bool may_mark(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), mark = 1;
	bool may = setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0;

	close(fd);
	tunnel.by_mark = true;
	return may;
}

static uint16_t refused_port(void)
{
	uint16_t port;

	close(peer_listen("127.0.0.1", &port));
	return port;
}

/* --- before it starts ------------------------------------------------------------------------- */

Test(run_tunnel, rule_39_without_a_proof_it_is_not_started)
{
	uint16_t port;
	int listener = peer_listen("127.0.0.1", &port);
	struct result r;

	begin();
	tunnel_set32(&tunnel.error, EPERM);
	r = bed_check(tunnelled(CHECK_TCP, port));
	cr_assert_eq(r.code, CODE_TUNNEL);
	cr_assert_eq(r.verdict, VERDICT_UNKNOWN);
	cr_assert_eq(r.detail, EPERM);
	cr_assert_eq(bed.runs.pool.n_made, 0, "not even a socket");
	cr_assert_eq(counter_get(&bed.counters, CTR_TUN_DOUBTED), 1);
	end();
	close(listener);
}

Test(run_tunnel, without_a_tunnel_thread_it_is_unknown)
{
	begin();
	bed.runs.tunnel = NULL;
	cr_assert_eq(bed_check(tunnelled(CHECK_TCP, 1)).code, CODE_TUNNEL);
	end();
}

Test(run_tunnel, a_real_without_mark_or_row_is_unknown)
{
	struct result r;

	begin();
	tunnel.by_mark = true;
	prove_for_ever();
	tunnel.mark_mask = 1000; /* base 1000: the range is full */
	r = bed_check(tunnelled(CHECK_TCP, 1));
	cr_assert_eq(r.code, CODE_TUNNEL);
	cr_assert_eq(r.detail, ERANGE);
	tunnel_set32(&tunnel_real(&tunnel, 0)->host, 0);
	r = bed_check(0);
	cr_assert_eq(r.code, CODE_TUNNEL);
	cr_assert_eq(r.detail, ENOENT);
	end();
}

/* --- what its socket carries ------------------------------------------------------------------ */

static struct tcp_want want_of(uint32_t check)
{
	struct run r = {
		.job = bed_job(check),
		.spec = &bed.gen.checks[check],
	};
	struct tcp_want want = {.mark = 9};

	run_tunnel_want(&bed.runs, &r, &want);
	return want;
}

Test(run_tunnel, option_steering_sets_mark_option_hops_and_segment_size)
{
	static const unsigned char want[] = {0x1e, 7, 10, 0, 0, 7, TUNNEL_GRE};
	uint32_t check;
	struct tcp_want w;

	begin();
	check = tunnelled(CHECK_TCP, 80);
	bed.gen.reals[check].ip = gen_fixture_addr("10.0.0.7");
	bed.gen.reals[check].lvs_method = LVS_GRE;
	tunnel_set_mss(tunnel_real(&tunnel, check), 1436);
	w = want_of(check);
	cr_assert_eq(w.mark, 0xffffffff);
	cr_assert_eq(w.hops, 2);
	cr_assert_eq(w.mss, 1436);
	cr_assert_eq(w.n_option, sizeof(want));
	cr_assert_arr_eq(w.option, want, sizeof(want));
	bed.gen.reals[check].lvs_method = LVS_TUN;
	cr_assert_eq(want_of(check).option[6], TUNNEL_IPIP);
	bed.gen.reals[check].lvs_method = LVS_DR;
	cr_assert_eq(want_of(check).option[6], TUNNEL_DR);
	bed.gen.checks[check].connect_ip = gen_fixture_addr("2001:db8::1");
	cr_assert_eq(want_of(check).n_option, 16);
	end();
}

Test(run_tunnel, rule_41_mark_steering_sets_the_reals_mark_and_no_option)
{
	struct tcp_want w;

	begin();
	tunnel.by_mark = true;
	tunnelled(CHECK_TCP, 80);
	w = want_of(tunnelled(CHECK_TCP, 81));
	cr_assert_eq(w.mark, 1001);
	cr_assert_eq(w.n_option, 0);
	cr_assert_eq(w.hops, 2);
	end();
}

/* --- its end ---------------------------------------------------------------------------------- */

Test(run_tunnel, good_and_proven_counts_at_once)
{
	uint16_t port;
	int listener = peer_listen("127.0.0.1", &port);

	begin();
	if (!may_mark())
		cr_skip_test("needs CAP_NET_ADMIN");
	prove_for_ever();
	cr_assert_eq(bed_check(tunnelled(CHECK_TCP, port)).code, CODE_OK);
	cr_assert_eq(counter_get(&bed.counters, CTR_TUN_HELD), 0);
	end();
	close(listener);
}

Test(run_tunnel, rule_39_bad_is_held_for_a_later_proof_and_keeps_its_time)
{
	struct result r;

	begin();
	if (!may_mark())
		cr_skip_test("needs CAP_NET_ADMIN");
	prove_once();
	bed_start(tunnelled(CHECK_TCP, refused_port()));
	for (int i = 0; i < 5; i++) {
		bed_turn(2);
		bed_deadline(RUN_TUNNEL_ASK_MS + 1);
		bed_expect_none();
	}
	cr_assert_eq(counter_get(&bed.counters, CTR_TUN_HELD), 1);
	cr_assert_eq(bed.runs.in_flight, 1);
	prove_for_ever();
	poll(NULL, 0, 20);
	bed_deadline(RUN_TUNNEL_ASK_MS + 1);
	r = bed_wait();
	cr_assert_eq(r.code, CODE_REFUSED);
	cr_assert_lt(r.total_us, 15000, "the wait is none of the server's");
	end();
}

Test(run_tunnel, a_packet_seen_by_tun_is_the_proof)
{
	uint32_t check;

	begin();
	if (!may_mark())
		cr_skip_test("needs CAP_NET_ADMIN");
	prove_once();
	check = tunnelled(CHECK_TCP, refused_port());
	tunnel_set64(&tunnel_real(&tunnel, check)->sent_ns, clk_mono_ns() + FAR);
	cr_assert_eq(bed_check(check).code, CODE_REFUSED);
	cr_assert_eq(counter_get(&bed.counters, CTR_TUN_HELD), 0);
	end();
}

Test(run_tunnel, a_packet_refused_by_our_kernel_makes_it_unknown)
{
	struct result r;
	uint32_t check;

	begin();
	if (!may_mark())
		cr_skip_test("needs CAP_NET_ADMIN");
	prove_for_ever();
	check = tunnelled(CHECK_TCP, refused_port());
	tunnel_note_fault(tunnel_real(&tunnel, check), EMSGSIZE, clk_mono_ns() + FAR);
	r = bed_check(check);
	cr_assert_eq(r.code, CODE_TUNNEL);
	cr_assert_eq(r.detail, EMSGSIZE);
	tunnel_note_fault(tunnel_real(&tunnel, check), EHOSTUNREACH, clk_mono_ns() + FAR);
	r = bed_check(check);
	cr_assert_eq(r.code, CODE_NO_ROUTE, "other reals' answers decide (decisions 14)");
	cr_assert_eq(r.detail, EHOSTUNREACH);
	end();
}

Test(run_tunnel, good_of_a_check_that_is_up_waits_for_nothing)
{
	uint16_t port;
	int listener = peer_listen("127.0.0.1", &port);
	struct job j;

	begin();
	if (!may_mark())
		cr_skip_test("needs CAP_NET_ADMIN");
	prove_once();
	j = bed_job(tunnelled(CHECK_TCP, port));
	j.flags = JOB_CHECK_WAS_UP;
	run_start(&bed.runs, &j);
	cr_assert_eq(bed_wait().code, CODE_OK);
	j = bed_job(0);
	run_start(&bed.runs, &j);
	bed_turn(50);
	bed_expect_none();
	cr_assert_eq(bed.runs.in_flight, 1, "one that would go up waits");
	end();
	close(listener);
}

Test(run_tunnel, a_held_one_is_cancelled_by_a_stop)
{
	struct result r;
	struct done d;

	begin();
	if (!may_mark())
		cr_skip_test("needs CAP_NET_ADMIN");
	prove_once();
	bed_start(tunnelled(CHECK_TCP, refused_port()));
	bed_turn(50);
	bed_expect_none();
	run_cancel_all(&bed.runs);
	cr_assert(bed_take(&r, &d));
	cr_assert_eq(r.code, CODE_CANCELLED);
	cr_assert_eq(bed.runs.pool.n_in_use, 0);
	end();
}

Test(run_tunnel, one_row_serves_tunnelled_and_plain_checks)
{
	uint16_t port;
	int listener = peer_listen("127.0.0.1", &port);
	uint32_t tunnel_check, plain;

	begin();
	if (!may_mark())
		cr_skip_test("needs CAP_NET_ADMIN");
	prove_for_ever();
	tunnel_check = tunnelled(CHECK_TCP, port);
	plain = gen_fixture_check(&bed.gen, CHECK_TCP, "127.0.0.1", port);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(bed_check(tunnel_check).code, CODE_OK);
		cr_assert_eq(tcp_pool_at(&bed.runs.pool, 0)->set.mark, 1000);
		cr_assert_eq(tcp_pool_at(&bed.runs.pool, 0)->set.hops, 2);
		cr_assert_eq(bed_check(plain).code, CODE_OK);
		cr_assert_eq(tcp_pool_at(&bed.runs.pool, 0)->set.mark, 0);
		cr_assert_eq(tcp_pool_at(&bed.runs.pool, 0)->set.hops, 0);
	}
	cr_assert_eq(bed.runs.pool.n_made, 1);
	end();
	close(listener);
}
