#include "check/check_http.h"

#include <errno.h>

#include <criterion/criterion.h>
#include <openssl/evp.h>

#include "check/check.h"
#include "lib/talk_fixture.h"
#include "net/h1_parse.h"

#define OK_LINE "HTTP/1.1 200 OK\r\n"

static struct talk_fixture fixture;
static struct check_talk talk;
static struct buf out;

static void begin(uint16_t status, unsigned flags)
{
	talk_fixture_init(&fixture, CHECK_HTTP);
	fixture.profile.status_code = status;
	fixture.profile.flags = (uint8_t)flags;
	out = BUF_INIT(1 << 16);
}

static void digest_of(const char *body)
{
	cr_assert(EVP_Digest(body, strlen(body), fixture.profile.digest, NULL, EVP_md5(), NULL));
	fixture.profile.flags |= PROFILE_HAS_DIGEST;
}

static void open_talk(void)
{
	cr_assert_eq(check_talk_begin(&talk, &fixture.job), 0);
	cr_assert_eq(check_talk_open(&talk, &out), CHECK_WAIT);
}

static enum check_step say(const char *text)
{
	return check_talk_input(&talk, text, strlen(text), &out);
}

static void end(void)
{
	check_talk_close(&talk);
	check_talk_free(&talk);
	buf_deinit(&out);
	memset(&talk, 0, sizeof(talk));
}

static void expect_outcome(enum check_code code, uint32_t detail, const char *what)
{
	cr_expect_eq(talk.outcome.code, code, "%s: %s, not %s", what,
		     check_code_text(talk.outcome.code), check_code_text(code));
	cr_expect_eq(talk.outcome.detail, detail, "%s: detail %u, not %u", what,
		     talk.outcome.detail, detail);
	if (code != CODE_OK)
		cr_expect_eq(talk.outcome.weight, -1, "%s", what);
}

/* The response at once, and byte by byte: the outcome is there, and the same. */
static void expect(const char *text, enum check_code code, uint32_t detail)
{
	open_talk();
	cr_expect_eq(say(text), CHECK_DONE, "%s", text);
	expect_outcome(code, detail, text);
	check_talk_close(&talk);
	open_talk();
	for (size_t i = 0; text[i]; i++)
		if (check_talk_input(&talk, text + i, 1, &out) == CHECK_DONE)
			break;
	expect_outcome(code, detail, text);
	check_talk_close(&talk);
}

static void expect_weight(const char *text, int32_t weight)
{
	expect(text, CODE_OK, 0);
	cr_expect_eq(talk.outcome.weight, weight, "%s: %d", text, talk.outcome.weight);
}

static void expect_interrupted(const char *text, enum check_interrupt why, uint32_t given,
			       enum check_code code, uint32_t detail)
{
	open_talk();
	if (text[0])
		cr_expect_eq(say(text), CHECK_WAIT, "%s", text);
	check_talk_interrupted(&talk, why, given);
	expect_outcome(code, detail, text);
	check_talk_close(&talk);
}

Test(check_http, request_is_made_of_spec_profile_and_job)
{
	const char *bytes = "GET /p HTTP/1.1\r\nHost: v\r\nUser-Agent: monalive\r\n"
			    "Connection: close\r\nX-Rs-Alive: 1\r\nX-Rs-Weight: 77\r\n\r\n";

	begin(200, PROFILE_DYNAMIC_WEIGHT);
	fixture.profile.path = talk_fixture_text(&fixture, "/p");
	fixture.profile.virtualhost = talk_fixture_text(&fixture, "v");
	fixture.job.weight = 77;
	fixture.job.flags = JOB_CHECK_WAS_UP;
	open_talk();
	cr_assert_eq(buf_len(&out), strlen(bytes));
	cr_assert(!memcmp(buf_head(&out), bytes, strlen(bytes)));
	end();
}

Test(check_http, request_without_strings_asks_for_the_address)
{
	const char *bytes = "GET / HTTP/1.1\r\nHost: 192.0.2.1:80\r\nUser-Agent: monalive\r\n"
			    "Connection: close\r\n\r\n";

	begin(200, 0);
	open_talk();
	cr_assert_eq(buf_len(&out), strlen(bytes));
	cr_assert(!memcmp(buf_head(&out), bytes, strlen(bytes)));
	end();
}

Test(check_http, no_room_for_the_request_is_unknown)
{
	begin(200, 0);
	out.max_bytes = 10;
	cr_assert_eq(check_talk_begin(&talk, &fixture.job), 0);
	cr_assert_eq(check_talk_open(&talk, &out), CHECK_DONE);
	cr_assert_eq(check_code_verdict(talk.outcome.code), VERDICT_UNKNOWN);
	end();
}

Test(check_http, status_must_be_the_configured_one)
{
	begin(200, 0);
	expect(OK_LINE "Content-Length: 0\r\n\r\n", CODE_OK, 0);
	expect("HTTP/1.1 204 No Content\r\n\r\n", CODE_HTTP_STATUS, 204);
	expect("HTTP/1.1 503 x\r\nContent-Length: 0\r\n\r\n", CODE_HTTP_STATUS, 503);
	expect("HTTP/1.1 100 x\r\n\r\nHTTP/1.1 302 x\r\nLocation: ::\r\n\r\n", CODE_HTTP_STATUS,
	       302);
	fixture.profile.status_code = 302;
	expect("HTTP/1.1 302 x\r\nLocation: ::\r\nContent-Length: 0\r\n\r\n", CODE_OK, 0);
	end();
}

Test(check_http, status_0_takes_any)
{
	begin(0, 0);
	expect("HTTP/1.1 204\r\n\r\n", CODE_OK, 0);
	expect("HTTP/1.0 599 x\r\nContent-Length: 0\r\n\r\n", CODE_OK, 0);
	end();
}

Test(check_http, wrong_status_does_not_wait_for_its_body)
{
	begin(200, 0);
	expect("HTTP/1.1 500 x\r\nContent-Length: 1000\r\n\r\n", CODE_HTTP_STATUS, 500);
	expect("HTTP/1.1 500 x\r\n\r\n", CODE_HTTP_STATUS, 500);
	end();
}

Test(check_http, body_is_read_to_its_end_although_nobody_needs_it)
{
	begin(200, 0);
	open_talk();
	cr_expect_eq(say(OK_LINE "Content-Length: 3\r\n\r\nab"), CHECK_WAIT);
	cr_expect_eq(say("c"), CHECK_DONE);
	expect_outcome(CODE_OK, 0, "length");
	cr_expect_eq(talk.outcome.bytes_read, strlen(OK_LINE "Content-Length: 3\r\n\r\nabc"));
	check_talk_close(&talk);
	open_talk();
	cr_expect_eq(say(OK_LINE "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n"),
		     CHECK_WAIT);
	cr_expect_eq(say("\r\n"), CHECK_DONE);
	expect_outcome(CODE_OK, 0, "chunks");
	end();
}

/* keepalived waits for the close and calls a reset behind the body a failure. */
Test(check_http, complete_response_needs_no_close)
{
	begin(200, 0);
	open_talk();
	cr_assert_eq(say(OK_LINE "Content-Length: 2\r\n\r\nokHTTP/1.1 500 more\r\n"), CHECK_DONE);
	check_talk_interrupted(&talk, CHECK_BROKEN, ECONNRESET);
	expect_outcome(CODE_OK, 0, "reset behind the body");
	end();
}

Test(check_http, malformed_responses_tell_the_reason)
{
	begin(200, 0);
	expect("SSH-2.0-x\r\n", CODE_HTTP_MALFORMED, H1_PARSE_BAD_NOT_HTTP);
	expect("HTTP/1.1 101 x\r\n\r\n", CODE_HTTP_MALFORMED, H1_PARSE_BAD_UPGRADE);
	expect(OK_LINE "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", CODE_HTTP_MALFORMED,
	       H1_PARSE_BAD_LENGTH);
	expect(OK_LINE "Transfer-Encoding: chunked\r\n\r\nxyz", CODE_BODY_MALFORMED,
	       H1_PARSE_BAD_CHUNK_SIZE);
	end();
}

static void say_many(const char *text, size_t n, enum check_code code, uint32_t detail)
{
	enum check_step step = CHECK_WAIT;

	for (size_t i = 0; i < n && step == CHECK_WAIT; i++)
		step = say(text);
	cr_expect_eq(step, CHECK_DONE);
	expect_outcome(code, detail, text);
	check_talk_close(&talk);
}

Test(check_http, response_is_bounded)
{
	static char kib[1025];

	memset(kib, 'x', 1024);
	begin(200, 0);
	open_talk();
	say(OK_LINE "X: ");
	say_many(kib, 100, CODE_HTTP_HEADER_SIZE, CHECK_MAX_HEADER_BYTES);
	open_talk();
	say(OK_LINE "\r\n");
	say_many(kib, 70000, CODE_BODY_SIZE, CHECK_MAX_BODY_BYTES);
	open_talk();
	say(OK_LINE "Transfer-Encoding: chunked\r\n\r\n0\r\nX: ");
	say_many(kib, 100, CODE_BODY_MALFORMED, H1_PARSE_BAD_HEAD_SIZE);
	expect(OK_LINE "Content-Length: 67108865\r\n\r\n", CODE_BODY_SIZE, CHECK_MAX_BODY_BYTES);
	expect("HTTP/1.1 404 x\r\nContent-Length: 67108865\r\n\r\n", CODE_HTTP_STATUS, 404);
	end();
}

Test(check_http, digest_is_the_md5_of_the_body)
{
	begin(200, 0);
	digest_of("hello");
	expect(OK_LINE "Content-Length: 5\r\n\r\nhello", CODE_OK, 0);
	expect(OK_LINE "Content-Length: 5\r\n\r\nHello", CODE_BODY_DIGEST, 0);
	expect(OK_LINE "Content-Length: 0\r\n\r\n", CODE_BODY_DIGEST, 0);
	expect(OK_LINE "Transfer-Encoding: chunked\r\n\r\n1\r\nh\r\n4\r\nello\r\n0\r\n\r\n",
	       CODE_OK, 0);
	digest_of("");
	expect(OK_LINE "Content-Length: 0\r\n\r\n", CODE_OK, 0);
	expect(OK_LINE "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", CODE_OK, 0);
	end();
}

/* Only the known vector shows that it is MD5 of nothing else. */
Test(check_http, digest_of_a_known_body)
{
	static const uint8_t md5_abc[16] = {0x90, 0x01, 0x50, 0x98, 0x3c, 0xd2, 0x4f, 0xb0,
					    0xd6, 0x96, 0x3f, 0x7d, 0x28, 0xe1, 0x7f, 0x72};

	begin(200, PROFILE_HAS_DIGEST);
	memcpy(fixture.profile.digest, md5_abc, sizeof(md5_abc));
	expect(OK_LINE "Content-Length: 3\r\n\r\nabc", CODE_OK, 0);
	end();
}

Test(check_http, d18_encoded_body_fails_the_digest_with_its_own_code)
{
	begin(200, 0);
	digest_of("hello");
	expect(OK_LINE "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
	       CODE_BODY_ENCODED, 0);
	expect(OK_LINE "Content-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello", CODE_OK, 0);
	expect(OK_LINE "Transfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
	       CODE_BODY_ENCODED, 0);
	digest_of("");
	expect(OK_LINE "Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n", CODE_OK, 0);
	fixture.profile.flags = 0;
	expect(OK_LINE "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello", CODE_OK, 0);
	end();
}

Test(check_http, status_is_judged_before_the_body)
{
	begin(200, 0);
	digest_of("hello");
	expect("HTTP/1.1 404 x\r\nContent-Encoding: br\r\nContent-Length: 5\r\n\r\nHello",
	       CODE_HTTP_STATUS, 404);
	end();
}

Test(check_http, weight_comes_from_the_header_if_so_configured)
{
	begin(200, PROFILE_DYNAMIC_WEIGHT | PROFILE_WEIGHT_IN_HEADER);
	expect_weight(OK_LINE "RS-Weight: 42\r\nContent-Length: 0\r\n\r\n", 42);
	expect_weight(OK_LINE "rs-weight:\t0 \r\nContent-Length: 0\r\n\r\n", 0);
	expect_weight(OK_LINE "RS-Weight: 5\r\nRS-Weight: 6\r\nContent-Length: 0\r\n\r\n", 5);
	expect_weight(OK_LINE "RS-Weight:\r\nRS-Weight: 6\r\nContent-Length: 0\r\n\r\n", -1);
	expect_weight(OK_LINE "RS-Weight: -6\r\nContent-Length: 0\r\n\r\n", -1);
	expect_weight(OK_LINE "X-RS-Weight: 6\r\nContent-Length: 13\r\n\r\nrs_weight=99\n", -1);
	expect_weight("HTTP/1.1 103 x\r\nRS-Weight: 1\r\n\r\n" OK_LINE "Content-Length: 0\r\n\r\n",
		      -1);
	end();
}

Test(check_http, weight_comes_from_the_body_otherwise)
{
	begin(200, PROFILE_DYNAMIC_WEIGHT);
	expect_weight(OK_LINE "RS-Weight: 42\r\nContent-Length: 13\r\n\r\nrs_weight=99\n", 99);
	expect_weight(OK_LINE "Content-Length: 12\r\n\r\nrs_weight=99", 99);
	expect_weight(OK_LINE "RS-Weight: 42\r\nContent-Length: 2\r\n\r\nok", -1);
	expect_weight(OK_LINE "Transfer-Encoding: chunked\r\n\r\n"
			      "4\r\nrs_w\r\n8\r\neight=70\r\n1\r\n0\r\n2\r\n\nx\r\n0\r\n\r\n",
		      700);
	end();
}

Test(check_http, weight_is_not_looked_for_unless_dynamic)
{
	begin(200, PROFILE_WEIGHT_IN_HEADER);
	expect_weight(OK_LINE "RS-Weight: 42\r\nContent-Length: 13\r\n\r\nrs_weight=99\n", -1);
	fixture.profile.flags = 0;
	expect_weight(OK_LINE "RS-Weight: 42\r\nContent-Length: 13\r\n\r\nrs_weight=99\n", -1);
	end();
}

Test(check_http, digest_and_weight_of_one_body)
{
	begin(200, PROFILE_DYNAMIC_WEIGHT);
	digest_of("rs_weight=7\n");
	expect_weight(OK_LINE "Content-Length: 12\r\n\r\nrs_weight=7\n", 7);
	expect(OK_LINE "Content-Length: 12\r\n\r\nrs_weight=8\n", CODE_BODY_DIGEST, 0);
	end();
}

Test(check_http, timeout_tells_how_far_it_came)
{
	begin(200, 0);
	expect_interrupted("", CHECK_TIMEOUT, 0, CODE_RESPONSE_TIMEOUT, 0);
	expect_interrupted(OK_LINE, CHECK_TIMEOUT, 0, CODE_RESPONSE_TIMEOUT, 0);
	expect_interrupted("HTTP/1.1 100 x\r\n\r\n", CHECK_TIMEOUT, 0, CODE_RESPONSE_TIMEOUT, 0);
	expect_interrupted(OK_LINE "Content-Length: 5\r\n\r\nhel", CHECK_TIMEOUT, 0,
			   CODE_BODY_TIMEOUT, 3);
	expect_interrupted(OK_LINE "\r\nhello", CHECK_TIMEOUT, 0, CODE_BODY_TIMEOUT, 5);
	end();
}

Test(check_http, end_of_stream_completes_only_a_body_without_length)
{
	begin(200, 0);
	expect_interrupted("", CHECK_EOF, 0, CODE_CLOSED_EARLY, 0);
	expect_interrupted(OK_LINE, CHECK_EOF, 0, CODE_CLOSED_EARLY, strlen(OK_LINE));
	expect_interrupted(OK_LINE "\r\n", CHECK_EOF, 0, CODE_OK, 0);
	expect_interrupted(OK_LINE "\r\nhello", CHECK_EOF, 0, CODE_OK, 0);
	expect_interrupted("HTTP/1.0 200\n\nhello", CHECK_EOF, 0, CODE_OK, 0);
	expect_interrupted(OK_LINE "Content-Length: 5\r\n\r\nhell", CHECK_EOF, 0, CODE_BODY_CLOSED,
			   4);
	expect_interrupted(OK_LINE "Transfer-Encoding: chunked\r\n\r\n4\r\nhell\r\n0\r\n",
			   CHECK_EOF, 0, CODE_BODY_CLOSED, 4);
	end();
}

Test(check_http, digest_and_weight_of_a_body_that_ends_by_close)
{
	begin(200, PROFILE_DYNAMIC_WEIGHT);
	digest_of("rs_weight=7\n");
	expect_interrupted(OK_LINE "\r\nrs_weight=7\n", CHECK_EOF, 0, CODE_OK, 0);
	cr_expect_eq(talk.outcome.weight, 7);
	expect_interrupted(OK_LINE "\r\nrs_weight=7", CHECK_EOF, 0, CODE_BODY_DIGEST, 0);
	end();
}

Test(check_http, reset_is_a_failure_wherever_the_response_is_incomplete)
{
	begin(200, 0);
	expect_interrupted("", CHECK_BROKEN, ECONNRESET, CODE_RESET, ECONNRESET);
	expect_interrupted(OK_LINE, CHECK_BROKEN, EPIPE, CODE_RESET, EPIPE);
	expect_interrupted(OK_LINE "\r\nhello", CHECK_BROKEN, ECONNRESET, CODE_BODY_CLOSED, 5);
	expect_interrupted(OK_LINE "Content-Length: 5\r\n\r\nhell", CHECK_BROKEN, EPROTO,
			   CODE_BODY_CLOSED, 4);
	end();
}

Test(check_http, d13_fault_of_our_own_kernel_is_unknown)
{
	static const uint32_t faults[] = {ENOMEM, ENOBUFS, EPERM, EINVAL, EMSGSIZE};

	begin(200, 0);
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		open_talk();
		say(OK_LINE);
		check_talk_interrupted(&talk, CHECK_BROKEN, faults[i]);
		cr_expect_eq(check_code_verdict(talk.outcome.code), VERDICT_UNKNOWN, "%u",
			     faults[i]);
		cr_expect_eq(talk.outcome.detail, faults[i]);
		check_talk_close(&talk);
	}
	end();
}

Test(check_http, flags_of_one_job_do_not_reach_the_next)
{
	begin(200, PROFILE_DYNAMIC_WEIGHT | PROFILE_WEIGHT_IN_HEADER);
	digest_of("hello");
	expect_weight(OK_LINE "RS-Weight: 42\r\nContent-Length: 5\r\n\r\nhello", 42);
	fixture.profile.flags = PROFILE_DYNAMIC_WEIGHT;
	expect_weight(OK_LINE "RS-Weight: 42\r\nContent-Length: 2\r\n\r\nhi", -1);
	end();
}
