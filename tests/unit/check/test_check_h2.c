/* The HTTP/2 driver against libnghttp2's server side, whose frames are what real servers send, and
 * against frames by hand. What responses mean is tested in test_check_judge.c; here that HTTP/2
 * brings the same to judgement. */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "check/check_h2.h"

#include <errno.h>

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <pcre2.h>

#include "check/check_expect.h"
#include "check/check_judge.h"
#include "lib/h2_server.h"
#include "lib/talk_fixture.h"
#include "net/h2.h"

static struct talk_fixture fixture;
static struct check_talk talk;
static struct check_expect expect;
static struct check_extras *extras;
static struct check_url url;
static struct buf out, in;

static void begin(void)
{
	talk_fixture_init(&fixture, CHECK_HTTP);
	extras = talk_fixture_extras(&fixture);
	extras->http_protocol = HTTP_PROTOCOL_2;
	url = (struct check_url){.path = "/p", .virtualhost = "h", .expect_body_text = ""};
	url.status = (struct status_set){.at = {{200, 200}}, .n = 1};
	extras->urls = &url;
	extras->n_urls = 1;
	talk.expect = &expect;
	out = BUF_INIT(1 << 20);
	in = BUF_INIT(1 << 20);
}

static void end(void)
{
	cr_expect_eq(expect.held_bytes, 0);
	check_talk_free(&talk);
	check_expect_free(&expect);
	buf_deinit(&out);
	buf_deinit(&in);
	pcre2_code_free((pcre2_code *)(uintptr_t)url.expect_body);
}

static void open_talk(void)
{
	buf_consume(&out, buf_len(&out));
	cr_assert_eq(check_talk_begin(&talk, &fixture.job), 0);
	cr_assert_eq(check_talk_open(&talk, &out), CHECK_WAIT);
	cr_assert(!memcmp(buf_head(&out), "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24));
}

/* Gives len bytes from an exact-size copy. */
static enum check_step give(const void *data, size_t len)
{
	unsigned char *copy = malloc(len);
	enum check_step step;

	memcpy(copy, data, len);
	step = check_talk_input(&talk, copy, len, &out);
	free(copy);
	return step;
}

/* Talks with the server to the end, as if over a wire. fields: of the request it saw. */
static void converse(const struct h2_server_answer *answer, char *ret_fields)
{
	static struct h2_server s;
	enum check_step step = CHECK_WAIT;

	open_talk();
	h2_server_init(&s, answer);
	for (int i = 0; i < 10000 && step == CHECK_WAIT; i++) {
		h2_server_take(&s, buf_head(&out), buf_len(&out));
		buf_consume(&out, buf_len(&out));
		buf_consume(&in, buf_len(&in));
		h2_server_give(&s, &in);
		if (!buf_len(&in))
			break;
		step = give(buf_head(&in), buf_len(&in));
	}
	if (step == CHECK_WAIT)
		check_talk_interrupted(&talk, CHECK_TIMEOUT, 0);
	if (ret_fields)
		memcpy(ret_fields, s.fields, sizeof(s.fields));
	h2_server_deinit(&s);
}

static void is_outcome(enum check_code code, uint32_t detail, const char *what)
{
	cr_assert_eq(talk.outcome.code, code, "%s: %s, not %s", what,
		     check_code_text((enum check_code)talk.outcome.code), check_code_text(code));
	cr_assert_eq(talk.outcome.detail, detail, "%s: detail %u", what, talk.outcome.detail);
}

/* What is in `in`, cut everywhere, has this outcome. */
static void ends(enum check_code code, uint32_t detail)
{
	size_t len = buf_len(&in);

	for (size_t cut = 1; cut <= len; cut++) {
		open_talk();
		if (give(buf_head(&in), cut) == CHECK_WAIT && cut < len)
			give(buf_head(&in) + cut, len - cut);
		if (talk.outcome.code == CODE_NONE)
			check_talk_interrupted(&talk, CHECK_EOF, 0);
		is_outcome(code, detail, "cut");
		check_talk_close(&talk);
	}
}

/* The answer, once in conversation and once cut everywhere. */
static void answers(const struct h2_server_answer *a, enum check_code code, uint32_t detail)
{
	static struct h2_server s;

	converse(a, NULL);
	is_outcome(code, detail, "whole");
	check_talk_close(&talk);
	open_talk();
	h2_server_init(&s, a);
	h2_server_take(&s, buf_head(&out), buf_len(&out));
	buf_consume(&in, buf_len(&in));
	h2_server_give(&s, &in);
	h2_server_deinit(&s);
	check_talk_close(&talk);
	ends(code, detail);
}

static void status_answers(const char *status, enum check_code code, uint32_t detail)
{
	const struct h2_server_answer a = {.head = {{":status", status}}, .ends_with_head = true};

	answers(&a, code, detail);
}

static void body_answers(const char *body, enum check_code code, uint32_t detail)
{
	const struct h2_server_answer a = {
		.head = {{":status", "200"}}, .body = body, .body_len = strlen(body)};

	answers(&a, code, detail);
}

TestSuite(check_h2, .init = begin, .fini = end);

Test(check_h2, request_says_what_http1_says)
{
	const struct h2_server_answer a = {.head = {{":status", "200"}}, .ends_with_head = true};
	char fields[H2_SERVER_TEXT_BYTES];

	fixture.profile.flags = PROFILE_DYNAMIC_WEIGHT;
	fixture.job.weight = 7;
	fixture.job.flags = JOB_CHECK_WAS_UP;
	extras->method = "OPTIONS";
	extras->headers = "X-One: a b\r\nUser-Agent: me\r\n";
	converse(&a, fields);
	is_outcome(CODE_OK, 0, "answer");
	cr_expect_str_eq(fields, ":method: OPTIONS\n:scheme: http\n:path: /p\n:authority: h\n"
				 "x-rs-alive: 1\nx-rs-weight: 7\nx-one: a b\nuser-agent: me\n");
	check_talk_close(&talk);
}

Test(check_h2, scheme_is_https_over_tls)
{
	const struct h2_server_answer a = {.head = {{":status", "200"}}, .ends_with_head = true};
	char fields[H2_SERVER_TEXT_BYTES];

	fixture.profile.kind = fixture.spec.kind = CHECK_HTTPS;
	talk.speaks_h2 = true;
	converse(&a, fields);
	cr_expect(strstr(fields, ":scheme: https\n"));
	check_talk_close(&talk);
}

Test(check_h2, without_agreement_a_tls_talk_is_http1)
{
	fixture.profile.kind = fixture.spec.kind = CHECK_HTTPS;
	extras->http_protocol = HTTP_PROTOCOL_AUTO;
	cr_assert_eq(check_talk_begin(&talk, &fixture.job), 0);
	cr_assert_eq(check_talk_open(&talk, &out), CHECK_WAIT);
	cr_expect(!memcmp(buf_head(&out), "GET /p HTTP/1.1\r\n", 17));
	check_talk_close(&talk);
}

Test(check_h2, auto_in_the_clear_is_http1)
{
	extras->http_protocol = HTTP_PROTOCOL_AUTO;
	cr_assert_eq(check_talk_begin(&talk, &fixture.job), 0);
	cr_assert_eq(check_talk_open(&talk, &out), CHECK_WAIT);
	cr_expect(!memcmp(buf_head(&out), "GET /p HTTP/1.1\r\n", 17));
	check_talk_close(&talk);
}

Test(check_h2, status_is_judged)
{
	status_answers("200", CODE_OK, 0);
	status_answers("404", CODE_HTTP_STATUS, 404);
	url.status = (struct status_set){.at = {{204, 204}, {300, 399}}, .n = 2};
	status_answers("204", CODE_OK, 0);
	status_answers("304", CODE_OK, 0);
	status_answers("200", CODE_HTTP_STATUS, 200);
}

Test(check_h2, wrong_status_ends_the_talk_before_the_body)
{
	const struct h2_server_answer a = {
		.head = {{":status", "500"}}, .body = "long story", .body_len = 10};

	answers(&a, CODE_HTTP_STATUS, 500);
}

Test(check_h2, body_goes_through_digest_and_expression)
{
	int error;
	PCRE2_SIZE at;

	body_answers("anything", CODE_OK, 0);
	url.has_digest = true;
	cr_assert(EVP_Digest("body", 4, url.digest, NULL, EVP_md5(), NULL));
	body_answers("body", CODE_OK, 0);
	body_answers("ydob", CODE_BODY_DIGEST, 0);
	body_answers("", CODE_BODY_DIGEST, 0);
	url.expect_body =
		pcre2_compile((PCRE2_SPTR) "^b", 2, PCRE2_USE_OFFSET_LIMIT, &error, &at, NULL);
	body_answers("body", CODE_OK, 0);
	url.has_digest = false;
	body_answers("no body", CODE_BODY_EXPECT, 0);
}

Test(check_h2, encoded_body_cannot_be_looked_at)
{
	struct h2_server_answer a = {.head = {{":status", "200"}, {"content-encoding", "gzip"}},
				     .body = "x",
				     .body_len = 1};

	answers(&a, CODE_OK, 0);
	url.has_digest = true;
	answers(&a, CODE_BODY_ENCODED, 0);
	a.head[1].value = "identity";
	answers(&a, CODE_BODY_DIGEST, 0);
}

Test(check_h2, weight_comes_from_header_or_body)
{
	const struct h2_server_answer a = {
		.head = {{":status", "200"}, {"rs-weight", "41"}, {"rs-weight", "9"}},
		.trailers = {{"rs-weight", "5"}},
		.body = "rs_weight=17\n",
		.body_len = 13};

	converse(&a, NULL);
	cr_expect_eq(talk.outcome.weight, -1, "nobody asked");
	check_talk_close(&talk);
	fixture.profile.flags = PROFILE_DYNAMIC_WEIGHT;
	converse(&a, NULL);
	cr_expect_eq(talk.outcome.weight, 17);
	check_talk_close(&talk);
	fixture.profile.flags = PROFILE_DYNAMIC_WEIGHT | PROFILE_WEIGHT_IN_HEADER;
	converse(&a, NULL);
	cr_expect_eq(talk.outcome.weight, 41, "the first one, as over HTTP/1.1");
	check_talk_close(&talk);
}

Test(check_h2, too_long_a_weight_is_none)
{
	char text[CHECK_JUDGE_WEIGHT_BYTES + 2];
	const struct h2_server_answer a = {.head = {{":status", "200"}, {"rs-weight", text}},
					   .ends_with_head = true};

	memset(text, '0', sizeof(text));
	text[sizeof(text) - 2] = '1';
	text[sizeof(text) - 1] = 0;
	fixture.profile.flags = PROFILE_DYNAMIC_WEIGHT | PROFILE_WEIGHT_IN_HEADER;
	converse(&a, NULL);
	is_outcome(CODE_OK, 0, "weight");
	cr_expect_eq(talk.outcome.weight, -1);
	check_talk_close(&talk);
}

Test(check_h2, drain_status_is_good_and_said)
{
	const struct h2_server_answer a = {
		.head = {{":status", "503"}}, .body = "leaving", .body_len = 7};

	extras->drain_status = (struct status_set){.at = {{503, 503}}, .n = 1};
	converse(&a, NULL);
	is_outcome(CODE_OK, 503, "drain");
	cr_expect(talk.outcome.is_drained);
	check_talk_close(&talk);
	answers(&a, CODE_OK, 503);
}

/* More than any window: the client opens it again and again. */
Test(check_h2, fat_bodies_flow_up_to_the_cap)
{
	size_t len = 3 << 20;
	char *body = malloc(len);
	struct h2_server_answer a = {.head = {{":status", "200"}}, .body = body, .body_len = len};

	memset(body, 'x', len);
	url.has_digest = true;
	cr_assert(EVP_Digest(body, len, url.digest, NULL, EVP_md5(), NULL));
	extras->max_body_bytes = (uint32_t)len;
	in.max_bytes = 8 << 20;
	converse(&a, NULL);
	is_outcome(CODE_OK, 0, "at the cap");
	check_talk_close(&talk);
	extras->max_body_bytes = (uint32_t)len - 1;
	converse(&a, NULL);
	is_outcome(CODE_BODY_SIZE, (uint32_t)len - 1, "over it");
	check_talk_close(&talk);
	free(body);
}

/* 1000 bytes a frame: 3 % of what comes is no body. */
Test(check_h2, small_frames_are_no_flood)
{
	static const uint8_t head[] = {0x88}, piece[1000];
	enum check_step step = CHECK_WAIT;

	open_talk();
	h2_server_frame(&in, NGHTTP2_SETTINGS, 0, 0, NULL, 0);
	h2_server_frame(&in, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, head, 1);
	cr_assert_eq(give(buf_head(&in), buf_len(&in)), CHECK_WAIT);
	buf_consume(&in, buf_len(&in));
	h2_server_frame(&in, NGHTTP2_DATA, 0, 1, piece, sizeof(piece));
	for (int i = 0; i < 20000 && step == CHECK_WAIT; i++) {
		step = give(buf_head(&in), buf_len(&in));
		buf_consume(&out, buf_len(&out));
	}
	cr_expect_eq(step, CHECK_WAIT, "%s %u", check_code_text(talk.outcome.code),
		     talk.outcome.detail);
	check_talk_close(&talk);
}

Test(check_h2, answer_to_head_has_no_body)
{
	const struct h2_server_answer a = {.head = {{":status", "200"}, {"content-length", "1000"}},
					   .ends_with_head = true};

	extras->method = "HEAD";
	answers(&a, CODE_OK, 0);
	extras->method = "";
	answers(&a, CODE_H2_MALFORMED, NGHTTP2_PROTOCOL_ERROR);
}

Test(check_h2, trailers_are_read_and_say_nothing)
{
	const struct h2_server_answer a = {.head = {{":status", "200"}},
					   .trailers = {{"content-encoding", "gzip"}},
					   .body = "body",
					   .body_len = 4};

	url.has_digest = true;
	cr_assert(EVP_Digest("body", 4, url.digest, NULL, EVP_md5(), NULL));
	answers(&a, CODE_OK, 0);
}

/* --- frames by hand --------------------------------------------------------------------------- */

static const uint8_t status_200[] = {0x88};
static const uint8_t status_100[] = {0x48, 0x82, 0x08, 0x01}; /* literal, Huffman "100" */

static void settings(void)
{
	buf_consume(&in, buf_len(&in));
	h2_server_frame(&in, NGHTTP2_SETTINGS, 0, 0, NULL, 0);
}

static void headers(uint8_t flags, const uint8_t *block, size_t len)
{
	h2_server_frame(&in, NGHTTP2_HEADERS, flags, 1, block, len);
}

Test(check_h2, interim_responses_are_passed_over)
{
	settings();
	headers(NGHTTP2_FLAG_END_HEADERS, status_100, sizeof(status_100));
	headers(NGHTTP2_FLAG_END_HEADERS, status_100, sizeof(status_100));
	headers(NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, status_200, 1);
	ends(CODE_OK, 0);
}

Test(check_h2, continuation_is_part_of_the_head)
{
	settings();
	headers(NGHTTP2_FLAG_END_STREAM, status_200, 1);
	h2_server_frame(&in, NGHTTP2_CONTINUATION, NGHTTP2_FLAG_END_HEADERS, 1, NULL, 0);
	ends(CODE_OK, 0);
}

Test(check_h2, what_follows_a_complete_response_is_of_no_interest)
{
	static const uint8_t no_error[4];

	settings();
	headers(NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, status_200, 1);
	h2_server_frame(&in, NGHTTP2_RST_STREAM, 0, 1, no_error, 4);
	ends(CODE_OK, 0);
}

Test(check_h2, reset_before_the_end_is_told_with_its_number)
{
	static const uint8_t refused[4] = {0, 0, 0, NGHTTP2_REFUSED_STREAM}, no_error[4];

	settings();
	h2_server_frame(&in, NGHTTP2_RST_STREAM, 0, 1, refused, 4);
	ends(CODE_H2_RESET, NGHTTP2_REFUSED_STREAM);
	settings();
	headers(NGHTTP2_FLAG_END_HEADERS, status_200, 1);
	h2_server_frame(&in, NGHTTP2_RST_STREAM, 0, 1, no_error, 4);
	ends(CODE_H2_RESET, 0);
}

Test(check_h2, goaway_is_told_with_its_number)
{
	static const uint8_t refusing[8] = {0, 0, 0, 0, 0, 0, 0, 11};
	static const uint8_t leaving[8] = {0, 0, 0, 1, 0, 0, 0, 2};

	settings();
	h2_server_frame(&in, NGHTTP2_GOAWAY, 0, 0, refusing, 8);
	ends(CODE_H2_GOAWAY, 11);
	settings();
	h2_server_frame(&in, NGHTTP2_GOAWAY, 0, 0, leaving, 8);
	ends(CODE_H2_GOAWAY, 2);
	h2_server_frame(&in, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 1,
			status_200, 1);
	ends(CODE_OK, 0);
}

Test(check_h2, ping_and_settings_are_acknowledged)
{
	static const uint8_t eight[8] = "12345678";

	settings();
	h2_server_frame(&in, NGHTTP2_PING, 0, 0, eight, 8);
	open_talk();
	buf_consume(&out, buf_len(&out));
	cr_assert_eq(give(buf_head(&in), buf_len(&in)), CHECK_WAIT);
	cr_assert_eq(buf_len(&out), 9 + 9 + 8);
	cr_expect(!memcmp(buf_head(&out), "\0\0\0\4\1\0\0\0\0", 9), "SETTINGS with ACK");
	cr_expect(!memcmp(buf_head(&out) + 9,
			  "\0\0\10\6\1\0\0\0\0"
			  "12345678",
			  17));
	check_talk_close(&talk);
}

Test(check_h2, pushed_streams_are_refused)
{
	static const uint8_t promise[] = {0, 0, 0, 2, 0x82, 0x84, 0x86, 0x41, 1, 'h'};

	settings();
	h2_server_frame(&in, NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, NULL, 0);
	h2_server_frame(&in, NGHTTP2_PUSH_PROMISE, NGHTTP2_FLAG_END_HEADERS, 1, promise,
			sizeof(promise));
	ends(CODE_H2_MALFORMED, NGHTTP2_PROTOCOL_ERROR);
}

Test(check_h2, interruptions_tell_how_far_it_came)
{
	static const struct {
		enum check_interrupt why;
		uint32_t detail;
		enum check_code early, late;
	} rows[] = {
		{CHECK_TIMEOUT, 0, CODE_RESPONSE_TIMEOUT, CODE_BODY_TIMEOUT},
		{CHECK_EOF, 0, CODE_CLOSED_EARLY, CODE_BODY_CLOSED},
		{CHECK_BROKEN, ECONNRESET, CODE_RESET, CODE_BODY_CLOSED},
		{CHECK_BROKEN, ENOMEM, CODE_NO_MEMORY, CODE_NO_MEMORY},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		open_talk();
		check_talk_interrupted(&talk, rows[i].why, rows[i].detail);
		cr_expect_eq(talk.outcome.code, rows[i].early, "%zu: %s", i,
			     check_code_text(talk.outcome.code));
		check_talk_close(&talk);
		open_talk();
		settings();
		headers(NGHTTP2_FLAG_END_HEADERS, status_200, 1);
		h2_server_frame(&in, NGHTTP2_DATA, 0, 1, "abc", 3);
		cr_assert_eq(give(buf_head(&in), buf_len(&in)), CHECK_WAIT);
		check_talk_interrupted(&talk, rows[i].why, rows[i].detail);
		cr_expect_eq(talk.outcome.code, rows[i].late, "%zu: %s", i,
			     check_code_text(talk.outcome.code));
		cr_expect(rows[i].detail == ENOMEM || talk.outcome.detail == 3);
		check_talk_close(&talk);
	}
}

/* Headers of the size that the configuration allows leave in CONTINUATIONs. */
Test(check_h2, long_configured_headers_are_sent)
{
	char *headers_text = malloc(EXTRAS_MAX_HEADERS_BYTES + 1), *at = headers_text;

	for (int i = 0; i < 30; i++) {
		at += snprintf(at, 16, "x-%d: ", i);
		memset(at, 'v', 4000);
		memcpy(at + 4000, "\r\n", 3);
		at += 4002;
	}
	cr_assert_leq(strlen(headers_text), EXTRAS_MAX_HEADERS_BYTES);
	extras->headers = headers_text;
	open_talk();
	cr_expect_gt(buf_len(&out), 16384);
	check_talk_close(&talk);
	free(headers_text);
}
