/* Checks over TLS against a server in memory behind a real socket: names, trust, sessions. */
#include "workers/run_secure.h"

#include <errno.h>
#include <sys/socket.h>

#include "lib/tls_server.h"
#include "unit/workers/bed.h"

static const char ok_answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

static struct tls_server server;
static struct check_extras extras;
static struct tls_setting setting;
static struct tls_file ca;
static int listener, conn = -1;
static uint16_t port;
static struct buf pending; /* what the socket did not take at once */

/* Extras of a check: nothing but what a test sets. */
static uint32_t begin(const struct tls_server_options *o)
{
	uint32_t check;

	pending = BUF_INIT(1 << 20);
	tls_server_init(&server, o);
	SSL_CTX_set_session_cache_mode(server.ctx, SSL_SESS_CACHE_SERVER);
	listener = peer_listen("127.0.0.1", &port);
	bed_begin(4);
	check = gen_fixture_check(&bed.gen, CHECK_HTTPS, "127.0.0.1", port);
	ca = (struct tls_file){
		.path = "ca", .pem = server.trust, .n_bytes = strlen(server.trust), .hash = 9};
	setting = (struct tls_setting){.min_version = 0x0303, .max_version = 0x0304, .hash = 100};
	extras = (struct check_extras){.method = "",
				       .headers = "",
				       .verify_name = "",
				       .max_body_bytes = EXTRAS_MAX_BODY_BYTES,
				       .tls = &setting};
	bed.gen.gen.extras = &extras;
	bed.gen.gen.n_extras = 1;
	bed.gen.profiles[check].extras = 1;
	return check;
}

static void end(void)
{
	bed_end();
	close(listener);
	buf_deinit(&pending);
	tls_server_deinit(&server);
}

static void send_some(void)
{
	ssize_t n;

	tls_server_give(&server, &pending);
	if (!buf_len(&pending))
		return;
	n = send(conn, buf_head(&pending), buf_len(&pending), MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n > 0)
		buf_consume(&pending, (size_t)n);
}

static void serve(const char *text)
{
	char in[16384];
	ssize_t n;

	if (conn < 0)
		conn = peer_accept(listener, 0);
	if (conn < 0)
		return;
	send_some();
	n = recv(conn, in, sizeof(in), MSG_DONTWAIT);
	if (n <= 0)
		return;
	tls_server_take(&server, in, (size_t)n);
	n = SSL_is_init_finished(server.ssl) ? SSL_read(server.ssl, in, sizeof(in)) : 0;
	if (n > 0)
		SSL_write(server.ssl, text, (int)strlen(text));
	send_some();
}

static struct result ask(uint32_t check, const char *text)
{
	uint64_t limit = clk_mono_ns() + BED_WAIT_MS * CLK_MS;
	struct result r = {0};
	struct done d;

	tls_server_again(&server);
	bed_start(check);
	while (!bed_take(&r, &d)) {
		cr_assert_lt(clk_mono_ns(), limit);
		bed_turn(5);
		serve(text);
	}
	if (conn >= 0)
		close(conn);
	conn = -1;
	buf_reset(&pending);
	return r;
}

static void expect(uint32_t check, enum check_code code, uint32_t detail)
{
	struct result r = ask(check, ok_answer);

	cr_expect_eq(r.code, code, "%s, detail %u", check_code_text((enum check_code)r.code),
		     r.detail);
	cr_expect_eq(r.detail, detail, "%u", r.detail);
}

/* --- verification ----------------------------------------------------------------------------- */

static uint32_t begin_verified(const struct tls_server_options *o)
{
	uint32_t check = begin(o);

	setting.verify = true;
	setting.ca = &ca;
	return check;
}

Test(run_secure, name_to_verify_is_the_address_without_any_other)
{
	uint32_t check =
		begin_verified(&(struct tls_server_options){.has_ca = true, .ip = "127.0.0.1"});

	expect(check, CODE_OK, 0);
	extras.verify_name = "127.0.0.2";
	expect(check, CODE_TLS_VERIFY, X509_V_ERR_IP_ADDRESS_MISMATCH);
	end();
}

Test(run_secure, name_to_verify_is_the_one_sent_or_told)
{
	uint32_t check = begin_verified(
		&(struct tls_server_options){.has_ca = true, .dns = "www.example.org"});

	expect(check, CODE_TLS_VERIFY, X509_V_ERR_IP_ADDRESS_MISMATCH);
	bed.gen.profiles[check].virtualhost = gen_fixture_text(&bed.gen, "www.example.org:8443");
	expect(check, CODE_OK, 0);
	cr_assert_str_eq(server.name, "", "no flag, no SNI");
	extras.sni = "";
	expect(check, CODE_OK, 0);
	extras.sni = "other.example.org";
	expect(check, CODE_TLS_VERIFY, X509_V_ERR_HOSTNAME_MISMATCH);
	cr_assert_str_eq(server.name, "other.example.org");
	extras.verify_name = "www.example.org";
	expect(check, CODE_OK, 0);
	end();
}

Test(run_secure, sni_may_be_other_or_off)
{
	uint32_t check = begin(&(struct tls_server_options){0});

	bed.gen.profiles[check].virtualhost = gen_fixture_text(&bed.gen, "www.example.org");
	bed.gen.profiles[check].flags |= PROFILE_SNI;
	expect(check, CODE_OK, 0);
	cr_assert_str_eq(server.name, "www.example.org");
	extras.sni = "sni.example.org";
	expect(check, CODE_OK, 0);
	cr_assert_str_eq(server.name, "sni.example.org");
	extras.sni = "";
	expect(check, CODE_OK, 0);
	cr_assert_str_eq(server.name, "");
	end();
}

Test(run_secure, failed_verification_is_bad_and_of_the_tls_layer)
{
	uint32_t check = begin_verified(&(struct tls_server_options){.has_ca = true});
	struct result r = ask(check, ok_answer);

	cr_assert_eq(r.verdict, VERDICT_BAD);
	cr_assert_eq(r.layer, LAYER_TLS);
	cr_assert_eq(r.tls_version, 0);
	end();
}

Test(run_secure, unusable_setting_is_our_own_fault)
{
	uint32_t check = begin_verified(&(struct tls_server_options){.has_ca = true});

	ca.pem = "junk";
	ca.n_bytes = 4;
	expect(check, CODE_TLS_SETUP, EINVAL);
	cr_assert_eq(check_code_verdict(CODE_TLS_SETUP), VERDICT_UNKNOWN);
	end();
}

/* --- sessions --------------------------------------------------------------------------------- */

static bool resumes(uint32_t check)
{
	struct result r = ask(check, ok_answer);
	bool resumed = SSL_session_reused(server.ssl);

	cr_expect_eq(r.code, CODE_OK, "%s", check_code_text((enum check_code)r.code));
	cr_expect_eq((r.flags & RESULT_TLS_RESUMED) != 0, resumed);
	cr_expect_neq(r.cert_expiry_s, 0);
	return resumed;
}

static void resumes_for_real(const struct tls_server_options *o)
{
	uint32_t check = begin(o);

	cr_assert(!resumes(check));
	cr_assert(!resumes(check), "off");
	extras.session_reuse = SESSION_REUSE_ON;
	cr_assert(!resumes(check));
	for (int i = 0; i < 12; i++)
		cr_assert(resumes(check), "%d", i);
	extras.session_reuse = SESSION_REUSE_AUTO;
	for (int i = 0; i < 22; i++)
		resumes(check);
	cr_assert_eq(bed.runs.sessions.n_kept, 1);
	cr_assert_geq(counter_get(&bed.counters, CTR_TLS_RESUMED), 12 + 18);
	cr_assert_lt(counter_get(&bed.counters, CTR_TLS_HANDSHAKES), 8);
	end();
}

Test(run_secure, sessions_are_resumed_1_3)
{
	resumes_for_real(&(struct tls_server_options){0});
}

Test(run_secure, sessions_are_resumed_1_2)
{
	resumes_for_real(&(struct tls_server_options){.max_version = TLS1_2_VERSION});
}

Test(run_secure, session_ids_are_resumed_without_tickets)
{
	uint32_t check = begin(&(struct tls_server_options){.max_version = TLS1_2_VERSION});

	SSL_CTX_set_options(server.ctx, SSL_OP_NO_TICKET);
	extras.session_reuse = SESSION_REUSE_ON;
	cr_assert(!resumes(check));
	cr_assert(resumes(check));
	cr_assert(resumes(check));
	end();
}

/* A server that gives no new ticket with a resumed handshake: the old one is used again. */
Test(run_secure, ticket_may_serve_more_than_once)
{
	uint32_t check = begin(&(struct tls_server_options){0});

	extras.session_reuse = SESSION_REUSE_ON;
	cr_assert(!resumes(check));
	SSL_CTX_set_num_tickets(server.ctx, 0);
	for (int i = 0; i < 3; i++)
		cr_assert(resumes(check));
	end();
}

Test(run_secure, full_handshake_follows_a_failure)
{
	uint32_t check = begin(&(struct tls_server_options){0});
	struct result r;

	extras.session_reuse = SESSION_REUSE_AUTO;
	cr_assert(!resumes(check));
	cr_assert(resumes(check));
	r = ask(check, "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
	cr_assert_eq(r.code, CODE_HTTP_STATUS);
	cr_assert(r.flags & RESULT_TLS_RESUMED);
	cr_assert(!resumes(check));
	cr_assert(resumes(check));
	/* a connection that never came about counts, too */
	bed.gen.checks[check].connect_port = 1;
	r = bed_check(check);
	cr_assert_eq(r.code, CODE_REFUSED);
	bed.gen.checks[check].connect_port = port;
	cr_assert(!resumes(check));
	end();
}

/* What a session was verified with is what it stands for. */
Test(run_secure, other_setting_or_name_makes_a_full_handshake)
{
	uint32_t check = begin_verified(&(struct tls_server_options){
		.has_ca = true, .dns = "*.example.org", .ip = "127.0.0.1"});

	extras.session_reuse = SESSION_REUSE_ON;
	cr_assert(!resumes(check));
	cr_assert(resumes(check));
	extras.verify_name = "a.example.org";
	cr_assert(!resumes(check));
	cr_assert(resumes(check));
	extras.sni = "b.example.org";
	cr_assert(!resumes(check));
	setting.hash = 101;
	cr_assert(!resumes(check));
	cr_assert(resumes(check));
	extras.verify_name = "a.example.com";
	expect(check, CODE_TLS_VERIFY, X509_V_ERR_HOSTNAME_MISMATCH);
	end();
}

Test(run_secure, session_made_without_verification_is_not_resumed_with_it)
{
	uint32_t check = begin(&(struct tls_server_options){.has_ca = true});

	extras.session_reuse = SESSION_REUSE_ON;
	cr_assert(!resumes(check));
	cr_assert(resumes(check));
	setting.verify = true;
	setting.ca = &ca;
	setting.hash = 101;
	expect(check, CODE_TLS_VERIFY, X509_V_ERR_IP_ADDRESS_MISMATCH);
	end();
}

Test(run_secure, session_goes_with_its_check)
{
	uint32_t check = begin(&(struct tls_server_options){0});

	extras.session_reuse = SESSION_REUSE_ON;
	cr_assert(!resumes(check));
	cr_assert_eq(bed.runs.sessions.n_kept, 1);
	bed.gen.sequences[check]++;
	cr_assert(!resumes(check));
	cr_assert_eq(bed.runs.sessions.n_kept, 1);
	cr_assert(resumes(check));
	end();
}

/* --- size ------------------------------------------------------------------------------------- */

Test(run_secure, flight_of_60_kb_is_taken)
{
	uint32_t check =
		begin(&(struct tls_server_options){.n_padding = 80, .key = TLS_SERVER_RSA});

	expect(check, CODE_OK, 0);
	end();
}

Test(run_secure, chain_without_end_is_refused)
{
	uint32_t check =
		begin(&(struct tls_server_options){.n_padding = 400, .key = TLS_SERVER_RSA});

	expect(check, CODE_TLS_PROTOCOL, SSL_R_EXCESSIVE_MESSAGE_SIZE);
	end();
}
