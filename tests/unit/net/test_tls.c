#include "net/tls.h"

#include <errno.h>

#include <criterion/criterion.h>
#include <openssl/err.h>

#include "lib/tls_server.h"
#include "model/check_code.h"
#include "net/tls_memory.h"

enum { WHOLE = 1 << 20 };

/* A client and a server that talk through memory. */
struct pair {
	struct tls_server server;
	struct tls_ctx *ctx;
	struct tls *client;
	struct buf to_server, to_client;
	enum tls_step step; /* the client's last one */
};

static struct tls_ctx *new_ctx(const struct tls_options *o)
{
	struct tls_ctx *c = NULL;

	cr_assert_eq(tls_ctx_new(o, &c), 0);
	return c;
}

static void pair_init(struct pair *p, uint16_t min_version, const struct tls_server_options *o)
{
	tls_server_init(&p->server, o);
	p->ctx = new_ctx(&(struct tls_options){.min_version = min_version, .max_version = 0x0304});
	p->client = NULL;
	p->to_server = BUF_INIT(1 << 20);
	p->to_client = BUF_INIT(1 << 20);
}

static void pair_connect_to(struct pair *p, const struct tls_target *target)
{
	tls_free(p->client);
	tls_server_again(&p->server);
	buf_reset(&p->to_server);
	buf_reset(&p->to_client);
	p->client = tls_new(p->ctx, target);
	cr_assert_not_null(p->client);
	p->step = tls_handshake(p->client);
	cr_assert_eq(p->step, TLS_MORE);
}

static void pair_connect(struct pair *p, const char *server_name)
{
	pair_connect_to(p, &(struct tls_target){.server_name = server_name});
}

static void pair_deinit(struct pair *p)
{
	tls_free(p->client);
	tls_ctx_free(p->ctx);
	tls_server_deinit(&p->server);
	buf_deinit(&p->to_server);
	buf_deinit(&p->to_client);
	cr_assert_eq(ERR_peek_error(), 0, "an error is left in the thread's queue");
}

static void client_to_server(struct pair *p)
{
	cr_assert_eq(tls_drain(p->client, &p->to_server), 0);
	tls_server_take(&p->server, buf_head(&p->to_server), buf_len(&p->to_server));
	buf_consume(&p->to_server, buf_len(&p->to_server));
	tls_server_give(&p->server, &p->to_client);
}

/* Feeds the client from an exact-size copy that is gone afterwards. */
static void feed(struct pair *p, size_t len)
{
	unsigned char *copy = malloc(len);

	memcpy(copy, buf_head(&p->to_client), len);
	buf_consume(&p->to_client, len);
	cr_assert_eq(tls_feed(p->client, copy, len), 0);
	free(copy);
	p->step = tls_handshake(p->client);
}

/* Runs the handshake, at most piece bytes at a time, to the client's end. */
static enum tls_step shake(struct pair *p, size_t piece)
{
	while (p->step == TLS_MORE) {
		client_to_server(p);
		if (!buf_len(&p->to_client))
			break;
		while (p->step == TLS_MORE && buf_len(&p->to_client))
			feed(p, MIN(piece, buf_len(&p->to_client)));
	}
	/* its last flight, or its alert */
	client_to_server(p);
	return p->step;
}

static void expect_up(uint16_t min_version, const struct tls_server_options *o, uint16_t version)
{
	struct pair p;

	pair_init(&p, min_version, o);
	pair_connect(&p, NULL);
	cr_expect_eq(shake(&p, WHOLE), TLS_UP, "error %u/%u", tls_error(p.client).code,
		     tls_error(p.client).detail);
	cr_expect(SSL_is_init_finished(p.server.ssl));
	cr_expect_eq(tls_version(p.client), version, "%04x", tls_version(p.client));
	cr_expect_neq(tls_cipher(p.client), 0);
	pair_deinit(&p);
}

static void expect_refused(uint16_t min_version, const struct tls_server_options *o,
			   enum check_code code, uint32_t detail)
{
	struct pair p;

	pair_init(&p, min_version, o);
	pair_connect(&p, NULL);
	cr_expect_eq(shake(&p, WHOLE), TLS_FAILED);
	cr_expect_eq(tls_error(p.client).code, code);
	cr_expect_eq(tls_error(p.client).detail, detail, "%u", tls_error(p.client).detail);
	pair_deinit(&p);
}

static const struct tls_server_options only_1_0 = {.min_version = TLS1_VERSION,
						   .max_version = TLS1_VERSION};
static const struct tls_server_options only_1_1 = {.min_version = TLS1_1_VERSION,
						   .max_version = TLS1_1_VERSION};
static const struct tls_server_options only_1_2 = {.min_version = TLS1_2_VERSION,
						   .max_version = TLS1_2_VERSION};

Test(tls, ec_and_rsa_certificates_are_accepted)
{
	for (enum tls_server_key key = TLS_SERVER_EC; key <= TLS_SERVER_RSA_1024; key++) {
		expect_up(0x0303, &(struct tls_server_options){.key = key}, 0x0304);
		expect_up(0x0303,
			  &(struct tls_server_options){.key = key, .max_version = TLS1_2_VERSION},
			  0x0303);
	}
}

Test(tls, a12_minimum_1_3_refuses_a_1_2_only_real)
{
	expect_refused(0x0304, &only_1_2, CODE_TLS_ALERT, SSL_AD_PROTOCOL_VERSION);
	expect_up(0x0304, &(struct tls_server_options){0}, 0x0304);
}

Test(tls, a12_minimum_1_0_speaks_with_a_1_0_only_real)
{
	expect_up(0x0301, &only_1_0, 0x0301);
	expect_up(0x0301, &only_1_1, 0x0302);
	expect_up(0x0302, &only_1_1, 0x0302);
	expect_up(0x0301, &(struct tls_server_options){0}, 0x0304);
}

Test(tls, a12_minimum_1_2_refuses_older_reals)
{
	expect_refused(0x0303, &only_1_0, CODE_TLS_ALERT, SSL_AD_PROTOCOL_VERSION);
	expect_refused(0x0303, &only_1_1, CODE_TLS_ALERT, SSL_AD_PROTOCOL_VERSION);
	expect_refused(0x0302, &only_1_0, CODE_TLS_ALERT, SSL_AD_PROTOCOL_VERSION);
}

/* A real that answers with an old version all the same, instead of an alert. */
Test(tls, a12_old_server_hello_is_refused_by_ourselves)
{
	struct pair p, old;

	pair_init(&old, 0x0301, &only_1_0);
	pair_connect(&old, NULL);
	client_to_server(&old);
	pair_init(&p, 0x0303, &only_1_0);
	pair_connect(&p, NULL);
	cr_assert_eq(tls_feed(p.client, buf_head(&old.to_client), buf_len(&old.to_client)), 0);
	cr_assert_eq(tls_handshake(p.client), TLS_FAILED);
	cr_assert_eq(tls_error(p.client).code, CODE_TLS_PROTOCOL);
	cr_assert_eq(tls_error(p.client).detail, SSL_R_UNSUPPORTED_PROTOCOL);
	cr_assert_eq(tls_drain(p.client, &p.to_server), 0);
	cr_assert_gt(buf_len(&p.to_server), 0, "our alert goes out");
	pair_deinit(&p);
	pair_deinit(&old);
}

Test(tls, versions_outside_the_range_are_refused)
{
	static const uint16_t bad[][2] = {
		{0x0300, 0x0304}, {0x0301, 0x0305}, {0x0304, 0x0303}, {0x0305, 0x0305}};
	struct tls_ctx *c;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		const struct tls_options o = {.min_version = bad[i][0], .max_version = bad[i][1]};

		cr_assert_eq(tls_ctx_new(&o, &c), -EINVAL);
	}
	tls_ctx_free(NULL);
	tls_free(NULL);
}

static void cut_each_flight(uint16_t max_version)
{
	struct pair p;
	size_t longest = 1;

	pair_init(&p, 0x0303, &(struct tls_server_options){.max_version = max_version});
	for (size_t cut = 0; cut < longest; cut++) {
		pair_connect(&p, NULL);
		while (p.step == TLS_MORE) {
			client_to_server(&p);
			longest = MAX(longest, buf_len(&p.to_client));
			if (cut && cut < buf_len(&p.to_client))
				feed(&p, cut);
			cr_assert(buf_len(&p.to_client));
			feed(&p, buf_len(&p.to_client));
		}
		cr_assert_eq(p.step, TLS_UP, "cut at %zu", cut);
	}
	cr_assert_gt(longest, 500);
	pair_deinit(&p);
}

Test(tls, flights_may_be_cut_anywhere_1_3)
{
	cut_each_flight(TLS1_3_VERSION);
}

Test(tls, flights_may_be_cut_anywhere_1_2)
{
	cut_each_flight(TLS1_2_VERSION);
}

Test(tls, flights_may_come_byte_by_byte)
{
	struct pair p;

	pair_init(&p, 0x0301, &(struct tls_server_options){.key = TLS_SERVER_RSA});
	pair_connect(&p, NULL);
	cr_assert_eq(shake(&p, 1), TLS_UP);
	pair_deinit(&p);
}

/* Reads all there is, room bytes at a time; returns how much it was. */
static size_t read_all(struct pair *p, unsigned char *out, size_t room)
{
	size_t at = 0, got;

	while ((p->step = tls_read(p->client, out + at, room, &got)) == TLS_UP) {
		cr_assert(got > 0 && got <= room);
		at += got;
	}
	cr_assert_eq(got, 0);
	return at;
}

static void exchange(const struct tls_server_options *o)
{
	static unsigned char body[100000], seen[100000 + 4096];
	size_t done;
	struct pair p;

	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (unsigned char)(i * 31 >> 3);
	pair_init(&p, 0x0303, o);
	pair_connect(&p, NULL);
	cr_assert_eq(shake(&p, WHOLE), TLS_UP);
	cr_assert_eq(tls_write(p.client, body, 9000), 0);
	client_to_server(&p);
	for (size_t at = 0; at < 9000; at += done)
		cr_assert(SSL_read_ex(p.server.ssl, seen + at, sizeof(seen) - at, &done));
	cr_assert(!memcmp(seen, body, 9000));
	cr_assert(SSL_write_ex(p.server.ssl, body, sizeof(body), &done));
	tls_server_give(&p.server, &p.to_client);
	cr_assert_eq(tls_feed(p.client, buf_head(&p.to_client), buf_len(&p.to_client)), 0);
	cr_assert_eq(read_all(&p, seen, 1500), sizeof(body));
	cr_assert_eq(p.step, TLS_MORE);
	cr_assert(!memcmp(seen, body, sizeof(body)));
	pair_deinit(&p);
}

Test(tls, data_goes_both_ways)
{
	exchange(&(struct tls_server_options){0});
	exchange(&only_1_2);
}

Test(tls, data_behind_the_handshake_is_kept)
{
	unsigned char seen[64];
	struct pair p;
	size_t done;

	pair_init(&p, 0x0303, &only_1_2);
	pair_connect(&p, NULL);
	while (!SSL_is_init_finished(p.server.ssl)) {
		client_to_server(&p);
		if (SSL_is_init_finished(p.server.ssl))
			break;
		feed(&p, buf_len(&p.to_client));
	}
	cr_assert(SSL_write_ex(p.server.ssl, "early", 5, &done));
	tls_server_give(&p.server, &p.to_client);
	feed(&p, buf_len(&p.to_client));
	cr_assert_eq(p.step, TLS_UP);
	cr_assert_eq(read_all(&p, seen, sizeof(seen)), 5);
	cr_assert(!memcmp(seen, "early", 5));
	pair_deinit(&p);
}

Test(tls, alert_of_the_real_is_told_with_its_number)
{
	const struct tls_server_options no_common_cipher = {
		.ciphers = "AES128-SHA", .key = TLS_SERVER_EC, .max_version = TLS1_2_VERSION};

	expect_refused(0x0303, &no_common_cipher, CODE_TLS_ALERT, SSL_AD_HANDSHAKE_FAILURE);
}

static void expect_after(const void *bytes, size_t len, enum tls_step step, enum check_code code,
			 uint32_t detail)
{
	struct pair p;

	pair_init(&p, 0x0303, &(struct tls_server_options){0});
	pair_connect(&p, NULL);
	cr_assert_eq(tls_feed(p.client, bytes, len), 0);
	cr_expect_eq(tls_handshake(p.client), step);
	cr_expect_eq(tls_error(p.client).code, code);
	cr_expect_eq(tls_error(p.client).detail, detail, "%u", tls_error(p.client).detail);
	pair_deinit(&p);
}

Test(tls, plain_text_answer_is_a_protocol_error)
{
	static const char text[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";

	expect_after(text, sizeof(text) - 1, TLS_FAILED, CODE_TLS_PROTOCOL,
		     SSL_R_WRONG_VERSION_NUMBER);
}

Test(tls, close_notify_ends_handshake_and_reading)
{
	static const unsigned char close_notify[] = {21, 3, 3, 0, 2, 1, 0};
	static const unsigned char unknown_ca[] = {21, 3, 3, 0, 2, 2, 48};
	unsigned char seen[16];
	struct pair p;

	expect_after(close_notify, sizeof(close_notify), TLS_CLOSED, CODE_NONE, 0);
	expect_after(unknown_ca, sizeof(unknown_ca), TLS_FAILED, CODE_TLS_ALERT, 48);
	pair_init(&p, 0x0303, &(struct tls_server_options){0});
	pair_connect(&p, NULL);
	cr_assert_eq(shake(&p, WHOLE), TLS_UP);
	SSL_shutdown(p.server.ssl);
	tls_server_give(&p.server, &p.to_client);
	cr_assert_eq(tls_feed(p.client, buf_head(&p.to_client), buf_len(&p.to_client)), 0);
	cr_assert_eq(read_all(&p, seen, sizeof(seen)), 0);
	cr_assert_eq(p.step, TLS_CLOSED);
	pair_deinit(&p);
}

/* Every cut within a record is seen, the places between two records are not taken for one. */
Test(tls, end_is_told_from_a_cut_record)
{
	unsigned char seen[64];
	struct pair p;
	size_t n;

	pair_init(&p, 0x0303, &(struct tls_server_options){0});
	pair_connect(&p, NULL);
	cr_assert_eq(shake(&p, WHOLE), TLS_UP);
	while (buf_len(&p.to_client))
		feed(&p, buf_len(&p.to_client));
	read_all(&p, seen, sizeof(seen));
	cr_assert_not(tls_is_mid_record(p.client));
	cr_assert(SSL_write_ex(p.server.ssl, "body", 4, &n));
	tls_server_give(&p.server, &p.to_client);
	n = buf_len(&p.to_client);
	for (size_t i = 1; i <= n; i++) {
		cr_assert_eq(tls_feed(p.client, buf_head(&p.to_client), 1), 0);
		buf_consume(&p.to_client, 1);
		cr_assert_eq(read_all(&p, seen, sizeof(seen)), i == n ? 4 : 0);
		cr_assert_eq(tls_is_mid_record(p.client), i < n, "after byte %zu of %zu", i, n);
	}
	pair_deinit(&p);
}

Test(tls, damaged_record_fails_the_connection)
{
	unsigned char seen[64];
	struct pair p;
	size_t done;

	pair_init(&p, 0x0303, &(struct tls_server_options){0});
	pair_connect(&p, NULL);
	cr_assert_eq(shake(&p, WHOLE), TLS_UP);
	cr_assert(SSL_write_ex(p.server.ssl, "hello", 5, &done));
	tls_server_give(&p.server, &p.to_client);
	buf_head(&p.to_client)[buf_len(&p.to_client) - 1] ^= 1;
	cr_assert_eq(tls_feed(p.client, buf_head(&p.to_client), buf_len(&p.to_client)), 0);
	read_all(&p, seen, sizeof(seen));
	cr_assert_eq(p.step, TLS_FAILED);
	cr_assert_eq(tls_error(p.client).code, CODE_TLS_PROTOCOL);
	cr_assert_neq(tls_error(p.client).detail, 0);
	cr_assert_lt(tls_write(p.client, "x", 1), 0);
	pair_deinit(&p);
}

/* The queue is the thread's: what another connection left there is not this one's failure. */
Test(tls, foreign_error_in_the_queue_does_no_harm)
{
	unsigned char seen[64];
	struct pair p;

	pair_init(&p, 0x0303, &(struct tls_server_options){0});
	pair_connect(&p, NULL);
	client_to_server(&p);
	ERR_raise(ERR_LIB_SSL, SSL_AD_REASON_OFFSET + 40);
	feed(&p, 20);
	cr_assert_eq(p.step, TLS_MORE);
	ERR_raise(ERR_LIB_SSL, SSL_AD_REASON_OFFSET + 40);
	feed(&p, buf_len(&p.to_client));
	cr_assert_eq(p.step, TLS_UP);
	ERR_raise(ERR_LIB_SSL, SSL_AD_REASON_OFFSET + 40);
	cr_assert_eq(read_all(&p, seen, sizeof(seen)), 0);
	cr_assert_eq(p.step, TLS_MORE);
	pair_deinit(&p);
}

static void expect_name(struct pair *p, const char *given, const char *sent)
{
	pair_connect(p, given);
	cr_assert_eq(shake(p, WHOLE), TLS_UP);
	cr_expect_str_eq(p->server.name, sent, "%s: %s", given, p->server.name);
}

Test(tls, server_name_is_a_name_without_port)
{
	char name[300];
	struct pair p;

	pair_init(&p, 0x0303, &(struct tls_server_options){0});
	expect_name(&p, NULL, "");
	expect_name(&p, "", "");
	expect_name(&p, "www.example.com", "www.example.com");
	expect_name(&p, "www.example.com:8443", "www.example.com");
	expect_name(&p, "www.example.com.", "www.example.com");
	expect_name(&p, "192.0.2.1", "");
	expect_name(&p, "192.0.2.1:443", "");
	expect_name(&p, "2001:db8::1", "");
	expect_name(&p, "[2001:db8::1]:443", "");
	memset(name, 'a', sizeof(name));
	name[255] = '\0';
	expect_name(&p, name, name);
	name[255] = 'a';
	name[256] = '\0';
	expect_name(&p, name, "");
	pair_deinit(&p);
}

Test(tls, no_session_is_resumed)
{
	struct pair p;

	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		pair_init(&p, 0x0303, &(struct tls_server_options){.max_version = version});
		for (int i = 0; i < 3; i++) {
			pair_connect(&p, NULL);
			cr_assert_eq(shake(&p, WHOLE), TLS_UP);
			cr_assert(!SSL_session_reused(p.server.ssl));
		}
		pair_deinit(&p);
	}
}

/* It must fit one segment also inside a tunnel, so no post-quantum share. */
Test(tls, client_hello_is_small)
{
	struct pair p;

	for (uint16_t version = 0x0301; version <= 0x0304; version++) {
		pair_init(&p, version, &(struct tls_server_options){0});
		pair_connect(&p, "www.example.com");
		cr_assert_eq(tls_drain(p.client, &p.to_server), 0);
		cr_expect_lt(buf_len(&p.to_server), 500);
		pair_deinit(&p);
	}
}

Test(tls, x25519_is_offered_first)
{
	struct pair p;

	pair_init(&p, 0x0303, &(struct tls_server_options){0});
	pair_connect(&p, NULL);
	cr_assert_eq(shake(&p, WHOLE), TLS_UP);
	cr_assert_eq(SSL_get_negotiated_group(p.server.ssl), NID_X25519);
	pair_deinit(&p);
}

Test(tls, other_curves_are_spoken)
{
	static const char *const groups[] = {"P-256", "P-384", "P-521"};
	struct pair p;

	pair_init(&p, 0x0303, &(struct tls_server_options){0});
	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		cr_assert(SSL_CTX_set1_groups_list(p.server.ctx, groups[i]));
		pair_connect(&p, NULL);
		cr_expect_eq(shake(&p, WHOLE), TLS_UP, "%s", groups[i]);
	}
	pair_deinit(&p);
}

Test(tls, curves_we_do_not_offer_are_not_spoken)
{
	struct pair p;

	pair_init(&p, 0x0303, &(struct tls_server_options){0});
	cr_assert(SSL_CTX_set1_groups_list(p.server.ctx, "X448"));
	pair_connect(&p, NULL);
	cr_assert_eq(shake(&p, WHOLE), TLS_FAILED);
	cr_assert_eq(tls_error(p.client).detail, SSL_AD_HANDSHAKE_FAILURE);
	pair_deinit(&p);
}

static void add_u16(unsigned char *at, int add)
{
	int value = (at[0] << 8 | at[1]) + add;

	at[0] = (unsigned char)(value >> 8);
	at[1] = (unsigned char)value;
}

/* An old server knows no renegotiation_info (RFC 5746): its ServerHello is cut out of a new one's
 * flight, without that extension. */
Test(tls, server_without_rfc_5746_is_spoken_with)
{
	enum { RECORD_LEN = 3, MESSAGE_LEN = 7, SESSION_LEN = 43, EXTENSION = 5 };
	static const unsigned char info[EXTENSION] = {0xff, 1, 0, 1, 0};
	unsigned char *hello, *at;
	struct pair p;
	size_t len;

	pair_init(&p, 0x0303, &only_1_2);
	pair_connect(&p, NULL);
	client_to_server(&p);
	hello = buf_head(&p.to_client);
	len = 5 + (size_t)(hello[RECORD_LEN] << 8 | hello[RECORD_LEN + 1]);
	at = memmem(hello, len, info, EXTENSION);
	cr_assert_not_null(at);
	memmove(at, at + EXTENSION, (size_t)(hello + len - at) - EXTENSION);
	add_u16(hello + RECORD_LEN, -EXTENSION);
	add_u16(hello + MESSAGE_LEN, -EXTENSION);
	add_u16(hello + SESSION_LEN + 1 + hello[SESSION_LEN] + 3, -EXTENSION);
	cr_assert_eq(tls_feed(p.client, hello, len - EXTENSION), 0);
	cr_assert_eq(tls_handshake(p.client), TLS_MORE, "%u", tls_error(p.client).detail);
	pair_deinit(&p);
}

static void expect_expiry(int64_t not_after_s, uint32_t told)
{
	struct pair p;

	pair_init(&p, 0x0303, &(struct tls_server_options){.not_after_s = not_after_s});
	pair_connect(&p, NULL);
	cr_assert_eq(tls_cert_expiry_s(p.client), 0);
	cr_assert_eq(tls_cipher(p.client), 0);
	cr_assert_eq(shake(&p, WHOLE), TLS_UP);
	cr_expect_eq(tls_cert_expiry_s(p.client), told, "%u", tls_cert_expiry_s(p.client));
	pair_deinit(&p);
}

Test(tls, certificate_expiry_is_told_and_not_judged)
{
	expect_expiry(2000000000, 2000000000);
	expect_expiry(1000000000, 1000000000);
	expect_expiry(7258118400, UINT32_MAX);
	expect_expiry(-86400, 1);
}

Test(tls, request_to_renegotiate_is_declined)
{
	unsigned char seen[64];
	struct pair p;
	size_t done;

	pair_init(&p, 0x0303, &only_1_2);
	pair_connect(&p, NULL);
	cr_assert_eq(shake(&p, WHOLE), TLS_UP);
	while (p.step == TLS_UP && buf_len(&p.to_client))
		feed(&p, buf_len(&p.to_client));
	cr_assert(SSL_renegotiate(p.server.ssl) && SSL_do_handshake(p.server.ssl));
	tls_server_give(&p.server, &p.to_client);
	cr_assert_eq(tls_feed(p.client, buf_head(&p.to_client), buf_len(&p.to_client)), 0);
	cr_assert_eq(read_all(&p, seen, sizeof(seen)), 0);
	cr_assert_eq(p.step, TLS_MORE, "the connection goes on");
	cr_assert_eq(tls_write(p.client, "x", 1), 0);
	cr_assert_eq(tls_drain(p.client, &p.to_server), 0);
	done = buf_len(&p.to_server);
	cr_assert_gt(done, 30, "the refusal and our data");
	pair_deinit(&p);
}

Test(tls, input_beyond_the_bound_is_refused)
{
	static unsigned char much[(1 << 20) + 1];
	struct pair p;

	pair_init(&p, 0x0303, &(struct tls_server_options){0});
	pair_connect(&p, NULL);
	cr_assert_eq(tls_feed(p.client, much, 0), 0);
	cr_assert_lt(tls_feed(p.client, much, sizeof(much)), 0);
	pair_deinit(&p);
}

Test(tls, drain_into_a_full_buffer_loses_nothing)
{
	struct buf tiny = BUF_INIT(4);
	struct pair p;

	pair_init(&p, 0x0303, &(struct tls_server_options){0});
	pair_connect(&p, NULL);
	cr_assert_lt(tls_drain(p.client, &tiny), 0);
	cr_assert_eq(shake(&p, WHOLE), TLS_UP);
	buf_deinit(&tiny);
	pair_deinit(&p);
}

Test(tls, watch_over_memory_in_use_is_refused)
{
	OPENSSL_free(OPENSSL_malloc(10));
	cr_assert_eq(tls_memory_watch(realloc), -EBUSY);
	cr_assert(!tls_memory_failed());
	expect_up(0x0303, &(struct tls_server_options){0}, 0x0304);
}

static const char *alpn_chosen(const char *const *offered, const char *taken)
{
	const struct tls_options o = {
		.min_version = TLS1_2_VERSION, .max_version = 0x0304, .alpn = offered};
	const char *chosen;
	struct pair p;

	pair_init(&p, TLS1_2_VERSION, &(struct tls_server_options){.alpn = taken});
	tls_ctx_free(p.ctx);
	p.ctx = new_ctx(&o);
	pair_connect(&p, NULL);
	cr_assert_eq(shake(&p, WHOLE), TLS_UP);
	chosen = tls_alpn(p.client);
	cr_assert_eq(tls_has_alpn(p.client, "h2"), !strcmp(chosen, "h2"));
	cr_assert(!tls_has_alpn(p.client, "h"));
	cr_assert(!tls_has_alpn(p.client, "h22"));
	pair_deinit(&p);
	return chosen;
}

Test(tls, alpn_is_what_both_agree_on)
{
	static const char *const h2[] = {"h2", NULL};
	static const char *const h1[] = {"http/1.1", NULL};
	static const char *const both[] = {"h2", "http/1.1", NULL};
	static const char *const none[] = {NULL};

	cr_assert_str_eq(alpn_chosen(h2, "h2"), "h2");
	cr_assert_str_eq(alpn_chosen(h2, NULL), "");
	cr_assert_str_eq(alpn_chosen(h2, "http/1.1"), "");
	cr_assert_str_eq(alpn_chosen(NULL, "h2"), "");
	cr_assert_str_eq(alpn_chosen(none, "h2"), "");
	cr_assert_str_eq(alpn_chosen(h1, "h2"), "");
	cr_assert_str_eq(alpn_chosen(both, "h2"), "h2");
	cr_assert_str_eq(alpn_chosen(both, "http/1.1"), "http/1.1");
	cr_assert_str_eq(alpn_chosen(both, NULL), "");
}

Test(tls, alpn_that_is_too_long_is_refused)
{
	static char name[300];
	static const char *const names[] = {"h2", name, NULL};
	static const char *const empty[] = {"", NULL};
	struct tls_options o = {.min_version = 0x0303, .max_version = 0x0304, .alpn = names};
	struct tls_ctx *c;

	memset(name, 'a', sizeof(name) - 1);
	cr_assert_eq(tls_ctx_new(&o, &c), -EINVAL);
	o.alpn = empty;
	cr_assert_eq(tls_ctx_new(&o, &c), -EINVAL);
}
