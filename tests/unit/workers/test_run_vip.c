/* The VIP is a deaf listener on 127.0.0.1; the real's own address is 127.0.0.2, where each test
 * decides who answers on that port. */
#include "workers/run_vip.h"

#include <errno.h>
#include <poll.h>

#include "bed.h"

#define FAR (3600 * CLK_S)

static struct tunnel tunnel;
static struct beat tun_beat;
static struct peer_deaf vip;

static void begin(void)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), mark = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0) {
		close(fd);
		cr_skip_test("marks need CAP_NET_ADMIN");
	}
	close(fd);
	vip = peer_deaf_start();
	bed_begin(16);
	memset(&tunnel, 0, sizeof(tunnel));
	cr_assert_eq(tunnel_init(&tunnel), 0);
	tunnel.by_mark = true;
	tunnel.mark_base = 1000;
	tunnel.mark_mask = 0xffff;
	tunnel.beat = &tun_beat;
	beat_mark(&tun_beat, clk_mono_ns() + FAR);
	tunnel_set64(&tunnel.proven_ns[TUNNEL_V4], clk_mono_ns() + FAR);
	bed.runs.tunnel = &tunnel;
}

static void end(void)
{
	bed_end();
	cr_assert_eq(bed.runs.n_own_fds, 0);
	tunnel_deinit(&tunnel);
	peer_deaf_stop(&vip);
}

TestSuite(run_vip, .init = begin, .fini = end);

static uint32_t check_of(enum lvs_method method, const char *real, uint16_t port)
{
	uint32_t check = gen_fixture_check(&bed.gen, CHECK_TCP, "127.0.0.1", port);

	bed.gen.checks[check].flags |= CHECK_TUNNELLED;
	bed.gen.reals[check].lvs_method = (uint8_t)method;
	bed.gen.reals[check].ip = gen_fixture_addr(real);
	tunnel_set32(&tunnel_real(&tunnel, check)->host, check + 1);
	return check;
}

/* The check runs into its deadline of 1 s, with what happened at half its time. */
static struct result run_out(uint32_t check)
{
	bed_start(check);
	bed_turn(0);
	bed_deadline(600);
	poll(NULL, 0, 5);
	bed_deadline(1100);
	return bed_wait();
}

static int listen_on(const char *ip, uint16_t port)
{
	struct addr a = gen_fixture_addr(ip);
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&a, port, &sa);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	cr_assert_eq(bind(fd, (struct sockaddr *)&sa, len), 0);
	cr_assert_eq(listen(fd, 16), 0);
	return fd;
}

static unsigned accepted(int listener)
{
	unsigned n = 0;

	for (int fd; (fd = accept(listener, NULL, NULL)) >= 0; n++)
		close(fd);
	return n;
}

Test(run_vip, real_that_accepts_on_its_own_address_is_named)
{
	int own = listen_on("127.0.0.2", vip.port);
	struct result r = run_out(check_of(LVS_DR, "127.0.0.2", vip.port));

	cr_assert_eq(r.code, CODE_NO_REPLY_FOR_VIP);
	cr_assert_eq(r.verdict, VERDICT_BAD, "as bad as before");
	cr_assert_eq(r.layer, LAYER_CONNECT);
	cr_assert_eq(accepted(own), 1);
	cr_assert_eq(counter_get(&bed.counters, CTR_TUN_VIPS_SILENT), 1);
	close(own);
}

Test(run_vip, real_that_refuses_on_its_own_address_is_there_too)
{
	struct result r = run_out(check_of(LVS_DR, "127.0.0.2", vip.port));

	cr_assert_eq(r.code, CODE_NO_REPLY_FOR_VIP);
}

Test(run_vip, dead_real_stays_a_timeout)
{
	struct result r = run_out(check_of(LVS_DR, "127.0.0.1", vip.port));

	cr_assert_eq(r.code, CODE_CONNECT_TIMEOUT);
	cr_assert_eq(counter_get(&bed.counters, CTR_TUN_VIPS_SILENT), 0);
}

Test(run_vip, it_looks_once_while_the_real_is_bad)
{
	int own = listen_on("127.0.0.2", vip.port);
	uint32_t check = check_of(LVS_DR, "127.0.0.2", vip.port);

	for (int i = 0; i < 5; i++)
		cr_assert_eq(run_out(check).code, CODE_NO_REPLY_FOR_VIP, "check %d", i);
	cr_assert_eq(accepted(own), 1);
	cr_assert_eq(counter_get(&bed.counters, CTR_TUN_VIPS_SILENT), 1);
	close(own);
}

Test(run_vip, a_good_check_ends_that)
{
	uint16_t port;
	int good = peer_listen("127.0.0.1", &port), own = listen_on("127.0.0.2", vip.port);
	uint32_t bad_check = check_of(LVS_DR, "127.0.0.2", vip.port);
	uint32_t good_check = check_of(LVS_DR, "127.0.0.2", port);

	bed.gen.checks[good_check].real = bad_check;
	cr_assert_eq(run_out(bad_check).code, CODE_NO_REPLY_FOR_VIP);
	cr_assert_eq(bed_check(good_check).code, CODE_OK);
	cr_assert_eq(tunnel_get32(&tunnel_real(&tunnel, bad_check)->asked), 0);
	cr_assert_eq(run_out(bad_check).code, CODE_NO_REPLY_FOR_VIP);
	cr_assert_eq(accepted(own), 2);
	close(own);
	close(good);
}

Test(run_vip, a_check_that_is_answered_in_time_looks_at_nobody)
{
	uint16_t port;
	int good = peer_listen("127.0.0.1", &port), own = listen_on("127.0.0.2", port);
	uint32_t check = check_of(LVS_DR, "127.0.0.2", port);

	for (int i = 0; i < 3; i++)
		cr_assert_eq(bed_check(check).code, CODE_OK);
	cr_assert_eq(accepted(own), 0);
	close(own);
	close(good);
}

Test(run_vip, other_methods_look_at_nobody)
{
	int own = listen_on("127.0.0.2", vip.port);

	bed_start(check_of(LVS_TUN, "127.0.0.2", vip.port));
	bed_turn(0);
	bed_deadline(600);
	bed_deadline(1100);
	cr_assert_eq(bed_wait().code, CODE_CONNECT_TIMEOUT);
	cr_assert_eq(accepted(own), 0);
	close(own);
}

Test(run_vip, four_at_a_time)
{
	int own = listen_on("127.0.0.2", vip.port);
	unsigned named = 0;

	for (int i = 0; i < 7; i++)
		bed_start(check_of(LVS_DR, "127.0.0.2", vip.port));
	bed_turn(0);
	bed_deadline(600);
	cr_assert_eq(bed.runs.n_own_fds, RUN_VIP_MAX);
	poll(NULL, 0, 5);
	bed_deadline(1100);
	for (int i = 0; i < 7; i++)
		named += bed_wait().code == CODE_NO_REPLY_FOR_VIP;
	cr_assert_eq(named, RUN_VIP_MAX);
	cr_assert_eq(accepted(own), RUN_VIP_MAX);
	close(own);
}

Test(run_vip, a_cancelled_check_closes_what_it_opened)
{
	bed_start(check_of(LVS_DR, "127.0.0.2", vip.port));
	bed_turn(0);
	bed_deadline(600);
	cr_assert_eq(bed.runs.n_own_fds, 1);
	run_cancel_all(&bed.runs);
	cr_assert_eq(bed.runs.n_own_fds, 0);
	cr_assert_eq(bed_wait().code, CODE_CANCELLED);
}
