#include "workers/run_talk.h"

#include <errno.h>
#include <time.h>

#include "bed.h"
#include "lib/tls_server.h"

static const char ok_answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
static struct peer *peer;

static uint32_t check_of(enum check_kind kind, uint16_t port)
{
	return gen_fixture_check(&bed.gen, kind, "127.0.0.1", port);
}

static uint32_t begin(enum peer_kind peer_kind, enum check_kind kind)
{
	peer = peer_start(peer_kind, "127.0.0.1");
	cr_assert_not_null(peer);
	bed_begin(16);
	return check_of(kind, peer_port(peer));
}

static void end(void)
{
	cr_assert_eq(bed.runs.in_flight, 0);
	bed_end();
	peer_stop(peer);
}

static void expect(const struct result *r, enum check_code code)
{
	cr_assert_eq(r->code, code, "%s, detail %u", check_code_text((enum check_code)r->code),
		     r->detail);
}

/* --- plain ------------------------------------------------------------------------------------ */

Test(run_talk, answer_is_good)
{
	uint32_t check = begin(PEER_HTTP, CHECK_HTTP);

	for (int i = 0; i < 20; i++) {
		struct result r = bed_check(check);

		expect(&r, CODE_OK);
		cr_assert_gt(r.connect_us, 0);
		cr_assert_geq(r.total_us, r.connect_us);
		cr_assert_eq(r.tls_us, 0);
		cr_assert_eq(r.bytes_read, sizeof(ok_answer) - 1);
	}
	cr_assert_eq(bed.runs.pool.n_made, 1);
	cr_assert_eq(bed.runs.n_rows, 1);
	end();
}

Test(run_talk, many_at_once_are_kept_apart)
{
	uint32_t check = begin(PEER_HTTP, CHECK_HTTP);

	for (int i = 0; i < 16; i++)
		bed_start(check);
	for (int i = 0; i < 16; i++) {
		struct result r = bed_wait();

		expect(&r, CODE_OK);
	}
	end();
}

Test(run_talk, wrong_status_is_bad)
{
	uint32_t check = begin(PEER_HTTP, CHECK_HTTP);
	struct result r;

	bed.gen.profiles[check].status_code = 204;
	r = bed_check(check);
	expect(&r, CODE_HTTP_STATUS);
	cr_assert_eq(r.detail, 200);
	cr_assert_eq(r.verdict, VERDICT_BAD);
	cr_assert_eq(r.layer, LAYER_HTTP);
	end();
}

Test(run_talk, reset_in_mid_answer_is_bad)
{
	uint32_t check = begin(PEER_RESET, CHECK_HTTP);
	struct result r = bed_check(check);

	expect(&r, CODE_RESET);
	cr_assert_eq(r.detail, ECONNRESET);
	end();
}

Test(run_talk, close_before_any_answer_is_bad)
{
	uint32_t check = begin(PEER_CLOSER, CHECK_HTTP);

	for (int i = 0; i < 20; i++) {
		struct result r = bed_check(check);

		/* our request meets a closed socket or comes before its end */
		cr_assert(r.code == CODE_RESET || r.code == CODE_CLOSED_EARLY, "%s",
			  check_code_text((enum check_code)r.code));
		cr_assert_eq(r.verdict, VERDICT_BAD);
	}
	end();
}

/* It answers and closes without having read us, so its kernel resets: what came first counts. */
Test(run_talk, answer_before_a_reset_is_read)
{
	uint32_t check = begin(PEER_EAGER, CHECK_HTTP);

	for (int i = 0; i < 20; i++) {
		struct result r = bed_check(check);

		expect(&r, CODE_OK);
	}
	end();
}

Test(run_talk, silence_ends_at_the_deadline)
{
	uint32_t check = begin(PEER_SILENT, CHECK_HTTP);
	struct result r;

	bed_start(check);
	while (bed.runs.in_flight && !peer_accepted(peer))
		bed_turn(10);
	bed_deadline(900);
	bed_expect_none();
	bed_deadline(1100);
	r = bed_wait();
	expect(&r, CODE_RESPONSE_TIMEOUT);
	cr_assert_eq(r.verdict, VERDICT_BAD);
	end();
}

/* Byte after byte keeps no check alive: the deadline is of the whole (decisions 17). */
Test(run_talk, decisions_17_dripping_answer_ends_at_the_deadline)
{
	uint32_t check = begin(PEER_DRIP, CHECK_HTTP);
	struct result r;

	bed_start(check);
	for (int i = 0; i < 10; i++)
		bed_turn(50);
	bed_expect_none();
	bed_deadline(1100);
	r = bed_wait();
	expect(&r, CODE_RESPONSE_TIMEOUT);
	end();
}

Test(run_talk, decisions_17_deadline_of_the_whole_replaces_that_of_the_connect)
{
	uint32_t check = begin(PEER_SILENT, CHECK_HTTP);
	struct result r;

	bed.gen.profiles[check].check_timeout_ns = 30 * CLK_S;
	bed_start(check);
	while (bed.runs.in_flight && !peer_accepted(peer))
		bed_turn(10);
	bed_deadline(29000);
	bed_expect_none();
	bed_deadline(31000);
	r = bed_wait();
	expect(&r, CODE_RESPONSE_TIMEOUT);
	end();
}

Test(run_talk, answer_that_waits_unread_at_the_deadline_is_good)
{
	uint32_t check = begin(PEER_HTTP, CHECK_HTTP);
	struct result r;

	bed_start(check);
	cr_assert_eq(bed_turn(BED_WAIT_MS), 1, "connected, request sent");
	cr_assert(peer_wait(tcp_pool_at(&bed.runs.pool, 0)->fd, EPOLLIN, BED_WAIT_MS));
	bed_deadline(60000);
	r = bed_wait();
	expect(&r, CODE_OK);
	end();
}

/* 3 MiB in bites: no event may hold the loop, and no edge may be lost. */
Test(run_talk, big_body_is_read_in_bounded_bites)
{
	uint32_t check = begin(PEER_BIG, CHECK_HTTP), n_turns = 0;
	struct result r = {0};
	struct done d;

	bed_start(check);
	while (!bed_take(&r, &d)) {
		bed_turn(100);
		cr_assert_lt(++n_turns, 100000);
	}
	expect(&r, CODE_OK);
	cr_assert_gt(r.bytes_read, PEER_BIG_BYTES);
	cr_assert_gt(n_turns, PEER_BIG_BYTES / (4 * RUN_IN_BYTES));
	end();
}

Test(run_talk, socket_is_clean_after_an_unread_rest)
{
	uint32_t big = begin(PEER_BIG, CHECK_HTTP);
	struct peer *good = peer_start(PEER_HTTP, "127.0.0.1");
	uint32_t small = check_of(CHECK_HTTP, peer_port(good));

	bed.gen.profiles[big].status_code = 404;
	for (int i = 0; i < 10; i++) {
		struct result r = bed_check(big);

		expect(&r, CODE_HTTP_STATUS);
		r = bed_check(small);
		expect(&r, CODE_OK);
	}
	cr_assert_eq(bed.runs.pool.n_made, 1);
	end();
	peer_stop(good);
}

/* A server by hand, which gets our delayed ACK (200 ms) before we have looked at the socket. */
static int accept_before_we_look(int listening)
{
	int fd = peer_accept(listening, BED_WAIT_MS);

	cr_assert_geq(fd, 0);
	return fd;
}

Test(run_talk, answer_that_comes_with_the_handshakes_edge_is_read)
{
	uint16_t port;
	int by_hand = peer_listen("127.0.0.1", &port), fd;
	struct result r;

	bed_begin(4);
	bed_start(check_of(CHECK_HTTP, port));
	fd = accept_before_we_look(by_hand);
	cr_assert_eq(send(fd, ok_answer, sizeof(ok_answer) - 1, 0), sizeof(ok_answer) - 1);
	r = bed_wait();
	expect(&r, CODE_OK);
	close(fd);
	bed_end();
	close(by_hand);
}

/* The reset comes between the event and our first send: the send takes the error away, and the end
 * of the stream that is read after it must not pass for an orderly one. */
Test(run_talk, reset_that_our_send_met_is_a_reset)
{
	struct linger reset = {1, 0};
	uint16_t port;
	int by_hand = peer_listen("127.0.0.1", &port), fd;
	struct epoll_event e[4];
	struct result r;

	bed_begin(4);
	bed_start(check_of(CHECK_HTTP, port));
	fd = accept_before_we_look(by_hand);
	cr_assert_eq(epoll_wait(bed.epoll_fd, e, 4, BED_WAIT_MS), 1);
	cr_assert_eq(e[0].events, EPOLLOUT);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(fd);
	/* the loop did not stand still, the test did */
	bed.runs.standstill.woke_ns = clk_mono_ns();
	run_event(&bed.runs, (uint32_t)e[0].data.u64, e[0].events);
	r = bed_wait();
	expect(&r, CODE_RESET);
	cr_assert_eq(r.detail, ECONNRESET);
	bed_end();
	close(by_hand);
}

Test(run_talk, refused_check_has_no_talk)
{
	uint16_t dead;
	int holder = peer_closed_port("127.0.0.1", &dead);
	struct result r;

	bed_begin(4);
	r = bed_check(check_of(CHECK_HTTP, dead));
	expect(&r, CODE_REFUSED);
	cr_assert_eq(r.bytes_read, 0);
	cr_assert_eq(r.weight, -1);
	bed_end();
	close(holder);
}

/* --- TLS -------------------------------------------------------------------------------------- */

static struct tls_server server;
static int listener, conn = -1;

enum tls_ending { CLOSE_NOTIFY, BARE_FIN, STAYS_OPEN };

static uint32_t begin_tls(const struct tls_server_options *o)
{
	uint16_t port;

	tls_server_init(&server, o);
	listener = peer_listen("127.0.0.1", &port);
	bed_begin(4);
	return check_of(CHECK_HTTPS, port);
}

static void end_tls(void)
{
	bed_end();
	if (conn >= 0)
		close(conn);
	close(listener);
	tls_server_deinit(&server);
}

static void send_all(void)
{
	struct buf b = BUF_INIT(1 << 20);

	tls_server_give(&server, &b);
	if (buf_len(&b))
		cr_assert_eq(send(conn, buf_head(&b), buf_len(&b), MSG_NOSIGNAL), buf_len(&b));
	buf_deinit(&b);
}

/* One step of the server: takes what came, answers a request with text. Returns true once. */
static bool serve(const char *text, enum tls_ending ending)
{
	char in[16384];
	ssize_t n;

	if (conn < 0)
		conn = peer_accept(listener, 0);
	n = conn < 0 ? -1 : recv(conn, in, sizeof(in), MSG_DONTWAIT);
	if (n <= 0)
		return false;
	tls_server_take(&server, in, (size_t)n);
	n = SSL_is_init_finished(server.ssl) ? SSL_read(server.ssl, in, sizeof(in)) : 0;
	if (n > 0) {
		SSL_write(server.ssl, text, (int)strlen(text));
		if (ending == CLOSE_NOTIFY)
			SSL_shutdown(server.ssl);
	}
	send_all();
	if (n > 0 && ending != STAYS_OPEN)
		shutdown(conn, SHUT_WR);
	return n > 0;
}

static struct result tls_check(uint32_t check, const char *text, enum tls_ending ending)
{
	uint64_t limit = clk_mono_ns() + BED_WAIT_MS * CLK_MS;
	struct result r = {0};
	struct done d;

	bed_start(check);
	while (!bed_take(&r, &d)) {
		cr_assert_lt(clk_mono_ns(), limit);
		bed_turn(5);
		serve(text, ending);
	}
	if (conn >= 0)
		close(conn);
	conn = -1;
	return r;
}

Test(run_talk, tls_answer_is_good_and_says_what_was_spoken)
{
	int64_t expiry = time(NULL) + 1000000;
	uint32_t check = begin_tls(&(struct tls_server_options){.not_after_s = expiry});

	for (int i = 0; i < 3; i++) {
		struct result r = tls_check(check, ok_answer, STAYS_OPEN);

		expect(&r, CODE_OK);
		cr_assert_eq(r.tls_version, 0x0304);
		cr_assert_eq(r.tls_cipher >> 8, 0x13);
		cr_assert_eq(r.cert_expiry_s, (uint32_t)expiry);
		cr_assert_gt(r.tls_us, 0);
		cr_assert_geq(r.total_us, r.connect_us + r.tls_us - 2);
		cr_assert_eq(server.name[0], 0, "no SNI unless it is asked for");
		tls_server_again(&server);
	}
	cr_assert_eq(bed.runs.pool.n_made, 1);
	end_tls();
}

Test(run_talk, tls_1_2_is_spoken)
{
	uint32_t check = begin_tls(&(struct tls_server_options){.max_version = TLS1_2_VERSION});
	struct result r = tls_check(check, ok_answer, STAYS_OPEN);

	expect(&r, CODE_OK);
	cr_assert_eq(r.tls_version, 0x0303);
	end_tls();
}

Test(run_talk, decisions_18_sni_is_the_virtualhost)
{
	uint32_t check = begin_tls(&(struct tls_server_options){0});
	struct check_profile *p = &bed.gen.profiles[check];
	struct result r;

	p->virtualhost = gen_fixture_text(&bed.gen, "www.example.org");
	r = tls_check(check, ok_answer, STAYS_OPEN);
	expect(&r, CODE_OK);
	cr_assert_str_empty(server.name);
	tls_server_again(&server);
	p->flags |= PROFILE_SNI;
	r = tls_check(check, ok_answer, STAYS_OPEN);
	expect(&r, CODE_OK);
	cr_assert_str_eq(server.name, "www.example.org");
	end_tls();
}

Test(run_talk, tls_minimum_version_is_the_profiles)
{
	uint32_t check = begin_tls(&(struct tls_server_options){.max_version = TLS1_2_VERSION});
	struct result r;

	bed.gen.profiles[check].tls_min_version = 3; /* 1.3 */
	r = tls_check(check, ok_answer, STAYS_OPEN);
	expect(&r, CODE_TLS_ALERT);
	cr_assert_eq(r.detail, 70, "protocol_version");
	cr_assert_eq(r.layer, LAYER_TLS);
	cr_assert_eq(r.tls_version, 0);
	end_tls();
}

static uint32_t begin_grpc(const char *alpn)
{
	uint32_t check = begin_tls(&(struct tls_server_options){.alpn = alpn});

	bed.gen.checks[check].kind = CHECK_GRPC;
	bed.gen.profiles[check].kind = CHECK_GRPC;
	return check;
}

Test(run_talk, grpc_without_h2_in_the_handshake_is_bad)
{
	static const char *const others[] = {NULL, "http/1.1"};

	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		uint32_t check = begin_grpc(others[i]);
		struct result r = tls_check(check, "", STAYS_OPEN);

		expect(&r, CODE_TLS_ALPN);
		cr_assert_eq(r.verdict, VERDICT_BAD);
		cr_assert_eq(r.layer, LAYER_TLS);
		cr_assert_eq(r.tls_version, 0x0304, "the handshake was fine");
		end_tls();
	}
}

Test(run_talk, grpc_with_h2_in_the_handshake_talks)
{
	uint32_t check = begin_grpc("h2");
	struct result r = tls_check(check, "HTTP/1.1 400 Bad Request\r\n\r\n", STAYS_OPEN);

	expect(&r, CODE_H2_MALFORMED);
	cr_assert_eq(r.layer, LAYER_HTTP);
	end_tls();
}

Test(run_talk, grpc_and_https_checks_do_not_share_a_protocol)
{
	uint32_t check = begin_grpc("h2");
	struct result r = tls_check(check, "x", BARE_FIN);

	expect(&r, CODE_CLOSED_EARLY);
	tls_server_again(&server);
	bed.gen.checks[check].kind = CHECK_HTTPS;
	bed.gen.profiles[check].kind = CHECK_HTTPS;
	r = tls_check(check, ok_answer, STAYS_OPEN);
	expect(&r, CODE_OK);
	end_tls();
}

Test(run_talk, tls_end_with_close_notify_ends_a_body)
{
	uint32_t check = begin_tls(&(struct tls_server_options){0});
	struct result r = tls_check(check, "HTTP/1.1 200 OK\r\n\r\nbody", CLOSE_NOTIFY);

	expect(&r, CODE_OK);
	end_tls();
}

/* Many servers close so, and the reference takes it for an end; tls_is_mid_record() tells a cut. */
Test(run_talk, tls_end_without_close_notify_between_records_ends_a_body)
{
	uint32_t check = begin_tls(&(struct tls_server_options){0});
	struct result r = tls_check(check, "HTTP/1.1 200 OK\r\n\r\nbody", BARE_FIN);

	expect(&r, CODE_OK);
	end_tls();
}

Test(run_talk, tls_end_without_close_notify_cuts_a_body_of_known_length)
{
	uint32_t check = begin_tls(&(struct tls_server_options){0});
	struct result r =
		tls_check(check, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbody", BARE_FIN);

	expect(&r, CODE_BODY_CLOSED);
	cr_assert_eq(r.verdict, VERDICT_BAD);
	end_tls();
}

Test(run_talk, tls_with_a_server_that_speaks_plain_http_is_bad)
{
	uint32_t check = begin(PEER_EAGER, CHECK_HTTPS);
	struct result r = bed_check(check);

	expect(&r, CODE_TLS_PROTOCOL);
	cr_assert_neq(r.detail, 0);
	cr_assert_gt(r.tls_us, 0);
	end();
}

Test(run_talk, tls_silence_is_tls_timeout)
{
	uint32_t check = begin(PEER_SILENT, CHECK_HTTPS);
	struct result r;

	bed_start(check);
	while (!peer_accepted(peer))
		bed_turn(10);
	bed_deadline(1100);
	r = bed_wait();
	expect(&r, CODE_TLS_TIMEOUT);
	cr_assert_eq(r.layer, LAYER_TLS);
	end();
}

Test(run_talk, tls_close_in_the_handshake_is_tls_closed)
{
	uint32_t check = begin(PEER_CLOSER, CHECK_HTTPS);
	struct result r = bed_check(check);

	expect(&r, CODE_TLS_CLOSED);
	cr_assert_eq(r.verdict, VERDICT_BAD);
	end();
}

Test(run_talk, cancelled_in_every_phase_frees_everything)
{
	uint32_t https = begin(PEER_SILENT, CHECK_HTTPS);
	uint32_t http = check_of(CHECK_HTTP, peer_port(peer));
	struct result r;

	bed_start(https);
	bed_start(http);
	while (peer_accepted(peer) < 2)
		bed_turn(10);
	bed_start(https);
	run_cancel_all(&bed.runs);
	for (int i = 0; i < 3; i++) {
		r = bed_wait();
		expect(&r, CODE_CANCELLED);
	}
	end();
}
