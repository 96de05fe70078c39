#include "workers/run.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>

#include "bed.h"

static uint32_t tcp_check(const char *ip, uint16_t port)
{
	return gen_fixture_check(&bed.gen, CHECK_TCP, ip, port);
}

static struct check_profile *profile(uint32_t check)
{
	return &bed.gen.profiles[check];
}

static uint64_t count(enum counter c)
{
	return counter_get(&bed.counters, c);
}

static void expect_clean(void)
{
	cr_assert_eq(bed.runs.in_flight, 0);
	cr_assert_eq(bed.runs.pool.n_in_use, 0);
	bed_expect_none();
}

Test(run, listening_port_is_good)
{
	uint16_t port;
	int listener = peer_listen("127.0.0.1", &port);
	struct result r;

	bed_begin(8);
	r = bed_check(tcp_check("127.0.0.1", port));
	cr_assert_eq(r.code, CODE_OK);
	cr_assert_eq(r.verdict, VERDICT_GOOD);
	cr_assert_eq(r.layer, LAYER_LOCAL);
	cr_assert_eq(r.weight, -1);
	cr_assert_gt(r.connect_us, 0);
	cr_assert_geq(r.total_us, r.connect_us);
	cr_assert_eq(r.tls_us, 0);
	expect_clean();
	bed_end();
	close(listener);
}

Test(run, ipv6_port_is_good)
{
	uint16_t port;
	int listener = peer_listen("::1", &port);

	bed_begin(8);
	cr_assert_eq(bed_check(tcp_check("::1", port)).code, CODE_OK);
	bed_end();
	close(listener);
}

Test(run, closed_port_is_refused_and_the_socket_stays_clean)
{
	uint16_t port, dead;
	int listener = peer_listen("127.0.0.1", &port);
	int holder = peer_closed_port("127.0.0.1", &dead);

	bed_begin(8);
	uint32_t up = tcp_check("127.0.0.1", port), down = tcp_check("127.0.0.1", dead);

	for (int i = 0; i < 30; i++) {
		struct result r = bed_check(down);

		cr_assert_eq(r.code, CODE_REFUSED);
		cr_assert_eq(r.verdict, VERDICT_BAD);
		cr_assert_eq(r.layer, LAYER_CONNECT);
		cr_assert_gt(r.connect_us, 0);
		cr_assert_eq(bed_check(up).code, CODE_OK);
	}
	cr_assert_eq(bed.runs.pool.n_made, 1, "one socket for all");
	cr_assert_eq(bed.runs.pool.n_discarded, 0);
	expect_clean();
	bed_end();
	close(listener);
	close(holder);
}

Test(run, silent_port_times_out_at_its_deadline)
{
	struct peer_deaf deaf = peer_deaf_start();
	struct result r;

	bed_begin(8);
	bed_start(tcp_check("127.0.0.1", deaf.port));
	bed_turn(0);
	bed_deadline(500);
	bed_expect_none();
	bed_deadline(1100);
	r = bed_wait();
	cr_assert_eq(r.code, CODE_CONNECT_TIMEOUT);
	cr_assert_eq(r.verdict, VERDICT_BAD);
	expect_clean();
	bed_end();
	peer_deaf_stop(&deaf);
}

Test(run, decisions_17_check_timeout_bounds_the_connect_too)
{
	struct peer_deaf deaf = peer_deaf_start();

	bed_begin(8);
	uint32_t check = tcp_check("127.0.0.1", deaf.port);

	profile(check)->connect_timeout_ns = 60 * CLK_S;
	profile(check)->check_timeout_ns = CLK_S;
	bed_start(check);
	bed_turn(0);
	bed_deadline(1100);
	cr_assert_eq(bed_wait().code, CODE_CONNECT_TIMEOUT);
	bed_end();
	peer_deaf_stop(&deaf);
}

/* Our own lateness fails no check: the event waits in the kernel, the deadline is handled first. */
Test(run, decisions_15_polls_once_more_before_it_believes_a_timeout)
{
	uint16_t port;
	int listener = peer_listen("127.0.0.1", &port);

	bed_begin(8);
	bed_start(tcp_check("127.0.0.1", port));
	peer_wait(tcp_pool_at(&bed.runs.pool, 0)->fd, POLLOUT, BED_WAIT_MS);
	bed_deadline(60000);
	cr_assert_eq(bed_wait().code, CODE_OK);
	bed_end();
	close(listener);
}

/* kept-sockets §12 rule 8: the batch holds an OUT of a socket that a timer has meanwhile ended; the
 * slot is not connected again before the batch is finished, so the old OUT meets an idle slot. */
Test(run, harvested_event_of_an_ended_check_is_ignored)
{
	struct peer_deaf deaf = peer_deaf_start();
	uint16_t port;
	int listener = peer_listen("127.0.0.1", &port);
	struct epoll_event batch[4];
	struct result r;
	struct done d;
	int n;

	bed_begin(8);
	uint32_t good = tcp_check("127.0.0.1", port), silent = tcp_check("127.0.0.1", deaf.port);

	bed_start(good);
	peer_wait(tcp_pool_at(&bed.runs.pool, 0)->fd, POLLOUT, BED_WAIT_MS);
	n = epoll_wait(bed.epoll_fd, batch, 4, 0);
	cr_assert_eq(n, 1);
	run_cancel_all(&bed.runs);
	cr_assert(bed_take(&r, &d));
	cr_assert_eq(r.code, CODE_CANCELLED);
	run_event(&bed.runs, (uint32_t)batch[0].data.u64, batch[0].events);
	bed_expect_none();
	bed_start(silent);
	cr_assert_eq(tcp_pool_at(&bed.runs.pool, 0)->user, 0, "the same slot again");
	for (int i = 0; i < 5; i++)
		bed_turn(10);
	bed_expect_none();
	bed_deadline(2000);
	cr_assert_eq(bed_wait().code, CODE_CONNECT_TIMEOUT);
	bed_end();
	peer_deaf_stop(&deaf);
	close(listener);
}

Test(run, decisions_17_half_open_never_completes_the_handshake)
{
	uint16_t port;
	int listener = peer_listen("127.0.0.1", &port), accepted;

	bed_begin(8);
	uint32_t half = tcp_check("127.0.0.1", port), full = tcp_check("127.0.0.1", port);

	profile(half)->flags |= PROFILE_HALF_OPEN;
	for (int i = 0; i < 5; i++) {
		cr_assert_eq(bed_check(half).code, CODE_OK);
		cr_assert_eq(peer_accept(listener, 10), -1);
		cr_assert_eq(bed_check(full).code, CODE_OK);
		accepted = peer_accept(listener, BED_WAIT_MS);
		cr_assert_geq(accepted, 0);
		close(accepted);
	}
	cr_assert_eq(bed.runs.pool.n_made, 1);
	bed_end();
	close(listener);
}

Test(run, decisions_15_late_job_is_not_started)
{
	struct job j;
	struct result r;

	bed_begin(8);
	j = bed_job(tcp_check("127.0.0.1", 9));
	j.due_ns -= 250 * CLK_MS;
	run_start(&bed.runs, &j);
	r = bed_wait();
	cr_assert_eq(r.code, CODE_LATE);
	cr_assert_eq(r.verdict, VERDICT_UNKNOWN);
	cr_assert(r.detail >= 250 && r.detail < 1000);
	cr_assert(r.lateness_us >= 250000);
	cr_assert_eq(r.connect_us, 0);
	cr_assert_eq(count(CTR_WORKER_LATE), 1);
	cr_assert_eq(bed.runs.pool.n_made, 0);
	bed_end();
}

Test(run, job_within_the_lag_guard_is_started)
{
	uint16_t port;
	int listener = peer_listen("127.0.0.1", &port);
	struct job j;

	bed_begin(8);
	j = bed_job(tcp_check("127.0.0.1", port));
	j.due_ns -= 100 * CLK_MS;
	run_start(&bed.runs, &j);
	cr_assert_eq(bed_wait().code, CODE_OK);
	bed_end();
	close(listener);
}

Test(run, decisions_39_tunnelled_check_sends_nothing_and_is_unknown)
{
	uint16_t port;
	int listener = peer_listen("127.0.0.1", &port);
	struct result r;

	bed_begin(8);
	uint32_t check = tcp_check("127.0.0.1", port);

	bed.gen.checks[check].flags |= CHECK_TUNNELLED;
	r = bed_check(check);
	cr_assert_eq(r.code, CODE_TUNNEL);
	cr_assert_eq(r.verdict, VERDICT_UNKNOWN);
	cr_assert_eq(bed.runs.pool.n_made, 0);
	cr_assert_eq(peer_accept(listener, 10), -1);
	bed_end();
	close(listener);
}

Test(run, decisions_19_budget_met_is_unknown)
{
	struct peer_deaf deaf = peer_deaf_start();
	struct result r;

	bed_begin(2);
	for (int i = 0; i < 3; i++)
		bed_start(tcp_check("127.0.0.1", deaf.port));
	r = bed_wait();
	cr_assert_eq(r.check, 2);
	cr_assert_eq(r.code, CODE_FD_LIMIT);
	cr_assert_eq(r.verdict, VERDICT_UNKNOWN);
	cr_assert_eq(bed.runs.in_flight, 2);
	bed_end();
	peer_deaf_stop(&deaf);
}

Test(run, source_that_is_not_ours_is_our_fault)
{
	uint16_t port;
	int listener = peer_listen("127.0.0.1", &port);
	struct result r;

	bed_begin(8);
	uint32_t check = tcp_check("127.0.0.1", port);

	profile(check)->bindto = gen_fixture_addr("203.0.113.5");
	r = bed_check(check);
	cr_assert_eq(r.code, CODE_NO_LOCAL_ADDR);
	cr_assert_eq(r.detail, EADDRNOTAVAIL);
	cr_assert_eq(r.verdict, VERDICT_UNKNOWN);
	expect_clean();
	bed_end();
	close(listener);
}

Test(run, bound_checks_use_their_sources)
{
	uint16_t port;
	int listener = peer_listen("127.0.0.1", &port);

	bed_begin(8);
	uint32_t a = tcp_check("127.0.0.1", port), b = tcp_check("127.0.0.1", port),
		 unbound = tcp_check("127.0.0.1", port);

	profile(a)->bindto = gen_fixture_addr("127.0.0.2");
	profile(b)->bindto = gen_fixture_addr("127.0.0.3");
	for (int i = 0; i < 5; i++) {
		cr_assert_eq(bed_check(a).code, CODE_OK);
		cr_assert_eq(bed_check(b).code, CODE_OK);
		cr_assert_eq(bed_check(unbound).code, CODE_OK);
	}
	cr_assert_eq(bed.runs.pool.n_made, 2, "a bound and a never bound one");
	bed_end();
	close(listener);
}

/* A network of the test's own, where lo can be switched off. */
static void set_lo(bool is_up)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq lo = {.ifr_name = "lo"};

	lo.ifr_flags = is_up ? IFF_UP : 0;
	cr_assert_eq(ioctl(fd, SIOCSIFFLAGS, &lo), 0);
	close(fd);
}

static void own_network(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		cr_skip_test("needs CAP_SYS_ADMIN");
	set_lo(true);
}

Test(run, decisions_14_no_route_of_our_own_is_unknown)
{
	struct result r;

	own_network();
	bed_begin(8);
	uint32_t v4 = tcp_check("192.0.2.1", 80), v6 = tcp_check("2001:db8::1", 80);

	r = bed_check(v4);
	cr_assert_eq(r.code, CODE_NO_ROUTE);
	cr_assert_eq(r.detail, ENETUNREACH);
	cr_assert_eq(r.verdict, VERDICT_UNKNOWN);
	cr_assert_eq(r.layer, LAYER_CONNECT);
	cr_assert_eq(bed_check(v6).code, CODE_NO_ROUTE);
	expect_clean();
	cr_assert_eq(bed.runs.pool.n_discarded, 0);
	bed_end();
}

Test(run, decisions_14_no_route_with_a_good_source_is_no_route)
{
	own_network();
	bed_begin(8);
	uint32_t check = tcp_check("192.0.2.1", 80);

	profile(check)->bindto = gen_fixture_addr("127.0.0.2");
	cr_assert_eq(bed_check(check).code, CODE_NO_ROUTE);
	bed_end();
}

static void ask_lo(int family, unsigned long request, void *arg)
{
	int fd = socket(family, SOCK_DGRAM, 0);

	cr_assert_eq(ioctl(fd, request, arg), 0, "%s", strerror(errno));
	close(fd);
}

/* Adds 10.9.9.2 to lo, or takes it away: an alias that goes down is gone. */
static void set_v4_source(bool is_there)
{
	struct ifreq alias = {.ifr_name = "lo:1"};
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a090902)};

	if (!is_there) {
		ask_lo(AF_INET, SIOCSIFFLAGS, &alias);
		return;
	}
	memcpy(&alias.ifr_addr, &sa, sizeof(sa));
	ask_lo(AF_INET, SIOCSIFADDR, &alias);
}

static void set_v6_source(bool is_there)
{
	struct {
		struct in6_addr addr;
		uint32_t prefix_len;
		unsigned int index;
	} alias = {.prefix_len = 128, .index = if_nametoindex("lo")};
	struct addr a = gen_fixture_addr("fd00::2");

	memcpy(&alias.addr, a.b, sizeof(alias.addr));
	ask_lo(AF_INET6, is_there ? SIOCSIFADDR : SIOCDIFADDR, &alias);
	/* the kernel makes it usable a moment later */
	for (int i = 0; is_there && i < 1000 && tcp_sock_test_source(&a); i++)
		poll(NULL, 0, 1);
}

/* A kept socket stays bound to an address that has gone; connect() then says "no route". */
Test(run, decisions_14_source_that_has_gone_is_our_fault)
{
	uint16_t port;
	int listener;
	struct result r;

	own_network();
	set_v4_source(true);
	listener = peer_listen("127.0.0.1", &port);
	bed_begin(8);
	uint32_t check = tcp_check("127.0.0.1", port);

	profile(check)->bindto = gen_fixture_addr("10.9.9.2");
	cr_assert_eq(bed_check(check).code, CODE_OK);
	set_v4_source(false);
	for (int i = 0; i < 3; i++) {
		r = bed_check(check);
		cr_assert_eq(r.code, CODE_NO_LOCAL_ADDR, "%s", check_code_text(r.code));
		cr_assert_eq(r.verdict, VERDICT_UNKNOWN);
	}
	set_v4_source(true);
	cr_assert_eq(bed_check(check).code, CODE_OK, "back again");
	bed_end();
	close(listener);
}

/* IPv6 sends its SYN from an address that is no longer ours, and no answer can come back: what
 * looks like a silent real is our own fault. */
Test(run, ipv6_source_that_has_gone_is_our_fault_at_the_timeout)
{
	uint16_t port;
	int listener;
	struct result r;

	own_network();
	set_v6_source(true);
	listener = peer_listen("::1", &port);
	bed_begin(8);
	uint32_t check = tcp_check("::1", port);

	profile(check)->bindto = gen_fixture_addr("fd00::2");
	r = bed_check(check);
	cr_assert_eq(r.code, CODE_OK, "%s %u", check_code_text(r.code), r.detail);
	set_v6_source(false);
	bed_start(check);
	bed_turn(0);
	bed_deadline(1100);
	r = bed_wait();
	cr_assert_eq(r.code, CODE_NO_LOCAL_ADDR, "%s", check_code_text(r.code));
	cr_assert_eq(r.verdict, VERDICT_UNKNOWN);
	bed_end();
	close(listener);
}

/* The kernel gave our socket the very port it dials: the SYNs cross, TCP says connected, and nobody
 * is there. A namespace whose only local port is the dialled one makes it happen each time. */
Test(run, connection_to_itself_is_refused)
{
	FILE *f;

	own_network();
	f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "w");
	cr_assert(f && fputs("40001 40001", f) >= 0 && fclose(f) == 0);
	bed_begin(8);
	for (int i = 0; i < 3; i++) {
		struct result r = bed_check(tcp_check(i & 1 ? "::1" : "127.0.0.1", 40001));

		cr_assert_eq(r.code, CODE_REFUSED, "%s", check_code_text(r.code));
		cr_assert_eq(r.verdict, VERDICT_BAD);
	}
	expect_clean();
	bed_end();
}

Test(run, no_local_port_left_is_our_fault)
{
	struct peer_deaf deaf;
	struct result r;
	FILE *f;

	own_network();
	deaf = peer_deaf_start();
	f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "w");
	cr_assert(f && fputs("40001 40002", f) >= 0 && fclose(f) == 0);
	bed_begin(8);
	uint32_t check = tcp_check("127.0.0.1", deaf.port);

	for (int i = 0; i < 3; i++)
		bed_start(check);
	r = bed_wait();
	cr_assert_eq(r.code, CODE_NO_LOCAL_PORT);
	cr_assert_eq(r.detail, EADDRNOTAVAIL);
	cr_assert_eq(r.verdict, VERDICT_UNKNOWN);
	cr_assert_eq(bed.runs.in_flight, 2);
	bed_end();
	peer_deaf_stop(&deaf);
}

Test(run, check_that_is_not_in_the_generation_is_internal)
{
	struct job j;
	struct result r;

	bed_begin(8);
	j = bed_job(tcp_check("127.0.0.1", 9));
	bed.gen.checks[0].real = SLOT_NONE;
	run_start(&bed.runs, &j);
	r = bed_wait();
	cr_assert_eq(r.code, CODE_INTERNAL);
	cr_assert_eq(r.verdict, VERDICT_UNKNOWN);
	bed_end();
}

/* :: means unset; a connect to it would test ourselves. */
Test(run, unset_address_is_internal)
{
	bed_begin(8);
	uint32_t check = tcp_check("127.0.0.1", 9);

	bed.gen.checks[check].connect_ip = ADDR_UNSET;
	cr_assert_eq(bed_check(check).code, CODE_INTERNAL);
	bed_end();
}

Test(run, decisions_15_bad_result_during_a_standstill_is_stalled)
{
	uint16_t dead;
	int holder = peer_closed_port("127.0.0.1", &dead);
	struct result r;

	bed_begin(8);
	bed_start(tcp_check("127.0.0.1", dead));
	standstill_sleeps(&bed.runs.standstill, clk_mono_ns(), 0);
	standstill_woke(&bed.runs.standstill, clk_mono_ns() + 300 * CLK_MS);
	r = bed_wait();
	cr_assert_eq(r.code, CODE_STALLED);
	cr_assert_eq(r.verdict, VERDICT_UNKNOWN);
	cr_assert_geq(r.detail, 299);
	cr_assert_geq(r.gap_ms, 299);
	bed_end();
	close(holder);
}

Test(run, decisions_15_good_result_during_a_standstill_counts)
{
	uint16_t port;
	int listener = peer_listen("127.0.0.1", &port);
	struct result r;

	bed_begin(8);
	bed_start(tcp_check("127.0.0.1", port));
	standstill_sleeps(&bed.runs.standstill, clk_mono_ns(), 0);
	standstill_woke(&bed.runs.standstill, clk_mono_ns() + 300 * CLK_MS);
	r = bed_wait();
	cr_assert_eq(r.code, CODE_OK);
	cr_assert_geq(r.gap_ms, 299);
	bed_end();
	close(listener);
}

Test(run, standstill_before_its_start_is_not_the_checks)
{
	uint16_t dead;
	int holder = peer_closed_port("127.0.0.1", &dead);
	struct result r;

	bed_begin(8);
	standstill_sleeps(&bed.runs.standstill, clk_mono_ns() - 400 * CLK_MS, 0);
	standstill_woke(&bed.runs.standstill, clk_mono_ns() - 100 * CLK_MS);
	bed.runs.standstill.woke_ns = clk_mono_ns();
	r = bed_check(tcp_check("127.0.0.1", dead));
	cr_assert_eq(r.code, CODE_REFUSED);
	bed_end();
	close(holder);
}

Test(run, cancel_ends_everything_in_flight_once)
{
	struct peer_deaf deaf = peer_deaf_start();
	struct result r;
	struct done d;
	uint32_t seen = 0;

	bed_begin(20);
	for (int i = 0; i < 20; i++)
		bed_start(tcp_check("127.0.0.1", deaf.port));
	run_cancel_all(&bed.runs);
	while (bed_take(&r, &d)) {
		cr_assert_eq(r.code, CODE_CANCELLED);
		cr_assert_eq(r.verdict, VERDICT_UNKNOWN);
		seen |= 1U << r.check;
	}
	cr_assert_eq(seen, (1U << 20) - 1);
	expect_clean();
	bed_deadline(10000);
	bed_expect_none();
	bed_end();
	peer_deaf_stop(&deaf);
}

Test(run, rows_are_reused)
{
	uint16_t port;
	int listener = peer_listen("127.0.0.1", &port);

	bed_begin(8);
	uint32_t check = tcp_check("127.0.0.1", port);

	for (int i = 0; i < 200; i++)
		cr_assert_eq(bed_check(check).code, CODE_OK);
	cr_assert_eq(bed.runs.n_rows, 1);
	cr_assert_eq(bed.runs.pool.n_slots, 1);
	bed_end();
	close(listener);
}

Test(run, mark_that_we_may_not_set_is_our_fault)
{
	uint16_t port;
	int listener = peer_listen("127.0.0.1", &port);
	struct result r;

	bed_begin(8);
	uint32_t marked = tcp_check("127.0.0.1", port);

	profile(marked)->fwmark = 5;
	if (seteuid(65534) < 0)
		cr_skip_test("needs root to give it up");
	r = bed_check(marked);
	cr_assert_eq(r.code, CODE_SOCKET_OPTION);
	cr_assert_eq(r.detail, EPERM);
	cr_assert_eq(r.verdict, VERDICT_UNKNOWN);
	cr_assert_eq(bed.runs.pool.n_discarded, 1);
	bed_end();
	close(listener);
}
