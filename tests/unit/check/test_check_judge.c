/* What makes a response good or bad, over HTTP/1.1; test_check_h2.c holds that HTTP/2 says the
 * same. */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "check/check_judge.h"

#include <errno.h>

#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <pcre2.h>

#include "check/check_expect.h"
#include "lib/talk_fixture.h"

#define OK_LINE "HTTP/1.1 200 OK\r\n"

static struct talk_fixture fixture;
static struct check_talk talk;
static struct check_expect expect;
static struct check_extras *extras;
static struct check_url url;
static struct buf out;

static void begin(void)
{
	talk_fixture_init(&fixture, CHECK_HTTP);
	extras = talk_fixture_extras(&fixture);
	url = (struct check_url){.path = "/", .virtualhost = "h", .expect_body_text = ""};
	extras->urls = &url;
	extras->n_urls = 1;
	talk.expect = &expect;
	out = BUF_INIT(1 << 16);
}

static void expect_of(const char *pattern)
{
	int error;
	PCRE2_SIZE at;

	url.expect_body = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
					PCRE2_USE_OFFSET_LIMIT, &error, &at, NULL);
	cr_assert(url.expect_body, "%s", pattern);
}

static void end(void)
{
	cr_expect_eq(expect.held_bytes, 0, "every body was given back");
	check_talk_free(&talk);
	check_expect_free(&expect);
	buf_deinit(&out);
	pcre2_code_free((pcre2_code *)(uintptr_t)url.expect_body);
}

static void open_talk(void)
{
	cr_assert_eq(check_talk_begin(&talk, &fixture.job), 0);
	cr_assert_eq(check_talk_open(&talk, &out), CHECK_WAIT);
	buf_consume(&out, buf_len(&out));
}

static struct check_outcome hear(const char *text, size_t len, size_t piece)
{
	struct check_outcome o;

	open_talk();
	for (size_t at = 0; at < len; at += piece)
		if (check_talk_input(&talk, text + at, MIN(piece, len - at), &out) == CHECK_DONE)
			break;
	check_talk_interrupted(&talk, CHECK_EOF, 0);
	o = talk.outcome;
	check_talk_close(&talk);
	return o;
}

/* At once and byte by byte: the same. */
static void says_n(const char *text, size_t len, enum check_code code, uint32_t detail)
{
	struct check_outcome whole = hear(text, len, len), cut = hear(text, len, 1);

	cr_expect_eq(whole.code, code, "%s: %s, not %s", text, check_code_text(whole.code),
		     check_code_text(code));
	cr_expect_eq(whole.detail, detail, "%s: %u, not %u", text, whole.detail, detail);
	cr_expect_eq(whole.code, cut.code, "%s", text);
	cr_expect_eq(whole.detail, cut.detail, "%s", text);
	cr_expect_eq(whole.weight, cut.weight, "%s", text);
	cr_expect_eq(whole.is_drained, cut.is_drained, "%s", text);
	cr_expect(code == CODE_OK || !whole.is_drained);
}

static void says(const char *text, enum check_code code, uint32_t detail)
{
	says_n(text, strlen(text), code, detail);
}

Test(check_judge, status_may_be_a_list_of_ranges)
{
	begin();
	url.status = (struct status_set){.at = {{200, 299}, {301, 301}}, .n = 2};
	says("HTTP/1.1 200 x\r\nContent-Length: 0\r\n\r\n", CODE_OK, 0);
	says("HTTP/1.1 299 x\r\nContent-Length: 0\r\n\r\n", CODE_OK, 0);
	says("HTTP/1.1 301 x\r\nContent-Length: 0\r\n\r\n", CODE_OK, 0);
	says("HTTP/1.1 300 x\r\nContent-Length: 0\r\n\r\n", CODE_HTTP_STATUS, 300);
	says("HTTP/1.1 302 x\r\nContent-Length: 0\r\n\r\n", CODE_HTTP_STATUS, 302);
	url.status.n = 0;
	says("HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n", CODE_OK, 0);
	end();
}

Test(check_judge, extras_without_urls_leave_the_profile_in_force)
{
	begin();
	extras->n_urls = 0;
	fixture.profile.status_code = 204;
	says("HTTP/1.1 204 x\r\n\r\n", CODE_OK, 0);
	says("HTTP/1.1 200 x\r\nContent-Length: 0\r\n\r\n", CODE_HTTP_STATUS, 200);
	end();
}

Test(check_judge, each_url_has_its_own_expectations)
{
	struct check_url urls[2];

	begin();
	urls[0] = urls[1] = url;
	urls[1].path = "/second";
	urls[1].virtualhost = "other";
	urls[1].status = (struct status_set){.at = {{404, 404}}, .n = 1};
	extras->urls = urls;
	extras->n_urls = 2;
	says("HTTP/1.1 200 x\r\nContent-Length: 0\r\n\r\n", CODE_OK, 0);
	talk.url = 1;
	says("HTTP/1.1 200 x\r\nContent-Length: 0\r\n\r\n", CODE_HTTP_STATUS, 200);
	says("HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n", CODE_OK, 0);
	cr_assert_eq(check_talk_begin(&talk, &fixture.job), 0);
	cr_assert_eq(check_talk_open(&talk, &out), CHECK_WAIT);
	cr_expect(!memcmp(buf_head(&out), "GET /second HTTP/1.1\r\nHost: other\r\n", 35));
	check_talk_close(&talk);
	end();
}

Test(check_judge, body_must_match_the_expression)
{
	begin();
	expect_of("^status: (ok|fine)$");
	says(OK_LINE "Content-Length: 10\r\n\r\nstatus: ok", CODE_OK, 0);
	says(OK_LINE "Content-Length: 11\r\n\r\nstatus: bad", CODE_BODY_EXPECT, 0);
	says(OK_LINE "Transfer-Encoding: chunked\r\n\r\n7\r\nstatus:\r\n5\r\n fine\r\n0\r\n\r\n",
	     CODE_OK, 0);
	says(OK_LINE "\r\nstatus: ok", CODE_OK, 0);
	says(OK_LINE "Content-Length: 0\r\n\r\n", CODE_BODY_EXPECT, 0);
	says(OK_LINE "Content-Length: 10\r\n\r\nstatus:", CODE_BODY_CLOSED, 7);
	end();
}

Test(check_judge, empty_body_may_be_what_is_expected)
{
	begin();
	expect_of("^$");
	says(OK_LINE "Content-Length: 0\r\n\r\n", CODE_OK, 0);
	says("HTTP/1.1 204 x\r\n\r\n", CODE_OK, 0);
	says(OK_LINE "Content-Length: 1\r\n\r\nx", CODE_BODY_EXPECT, 0);
	end();
}

Test(check_judge, binary_body_is_matched_as_bytes)
{
	static const char text[] = OK_LINE "Content-Length: 6\r\n\r\n\0\xff\xc3(ok";

	begin();
	expect_of("\\xffk?.\\(ok");
	says_n(text, sizeof(text) - 1, CODE_OK, 0);
	end();
}

Test(check_judge, encoded_body_cannot_be_matched)
{
	begin();
	expect_of("ok");
	says(OK_LINE "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok", CODE_BODY_ENCODED, 0);
	end();
}

Test(check_judge, body_over_max_body_size_is_bad)
{
	begin();
	extras->max_body_bytes = 4;
	says(OK_LINE "Content-Length: 4\r\n\r\nbody", CODE_OK, 0);
	says(OK_LINE "Content-Length: 5\r\n\r\nbody!", CODE_BODY_SIZE, 4);
	says(OK_LINE "Transfer-Encoding: chunked\r\n\r\n5\r\nbody!\r\n0\r\n\r\n", CODE_BODY_SIZE,
	     4);
	says(OK_LINE "\r\nbody", CODE_OK, 0);
	says(OK_LINE "\r\nbody!", CODE_BODY_SIZE, 4);
	expect_of("body");
	says(OK_LINE "\r\nbody", CODE_OK, 0);
	says(OK_LINE "\r\nbody!", CODE_BODY_SIZE, 4);
	end();
}

Test(check_judge, a_pattern_without_end_is_unknown)
{
	size_t len = sizeof(OK_LINE) + 1 + (1 << 20);
	char *text = malloc(len);

	begin();
	expect_of("(a+)+[bc]$");
	memset(text, 'a', len);
	memcpy(text, OK_LINE "\r\n", sizeof(OK_LINE) + 1);
	cr_expect_eq(hear(text, len, 60000).code, CODE_EXPECT_LIMIT);
	cr_expect_eq(check_code_verdict(CODE_EXPECT_LIMIT), VERDICT_UNKNOWN);
	free(text);
	end();
}

Test(check_judge, bodies_of_a_thread_have_one_bound)
{
	begin();
	expect_of("ok");
	expect.held_bytes = CHECK_EXPECT_MAX_HELD_BYTES - 3;
	cr_expect_eq(hear(OK_LINE "\r\nok", sizeof(OK_LINE) + 3, 100).code, CODE_NO_MEMORY);
	cr_expect_eq(expect.held_bytes, CHECK_EXPECT_MAX_HELD_BYTES - 3);
	expect.held_bytes = 0;
	end();
}

Test(check_judge, a_talk_closed_in_the_midst_gives_its_body_back)
{
	const char text[] = OK_LINE "Content-Length: 10\r\n\r\nabc";

	begin();
	expect_of("ok");
	open_talk();
	cr_assert_eq(check_talk_input(&talk, text, sizeof(text) - 1, &out), CHECK_WAIT);
	cr_expect_gt(expect.held_bytes, 2);
	check_talk_close(&talk);
	end();
}

Test(check_judge, digest_and_expression_must_both_hold)
{
	begin();
	expect_of("o");
	url.has_digest = true;
	cr_assert(EVP_Digest("ok", 2, url.digest, NULL, EVP_md5(), NULL));
	says(OK_LINE "\r\nok", CODE_OK, 0);
	says(OK_LINE "\r\noh", CODE_BODY_DIGEST, 0);
	cr_assert(EVP_Digest("no way", 6, url.digest, NULL, EVP_md5(), NULL));
	says(OK_LINE "\r\nno way", CODE_OK, 0);
	cr_assert(EVP_Digest("yes", 3, url.digest, NULL, EVP_md5(), NULL));
	says(OK_LINE "\r\nyes", CODE_BODY_EXPECT, 0);
	end();
}

Test(check_judge, answer_to_head_ends_with_its_head)
{
	begin();
	extras->method = "HEAD";
	says(OK_LINE "Content-Length: 1000\r\n\r\n", CODE_OK, 0);
	says(OK_LINE "Transfer-Encoding: chunked\r\n\r\n", CODE_OK, 0);
	says(OK_LINE "\r\n", CODE_OK, 0);
	extras->max_body_bytes = 10;
	says(OK_LINE "Content-Length: 1000\r\n\r\n", CODE_OK, 0);
	extras->method = "";
	says(OK_LINE "Content-Length: 10\r\n\r\n", CODE_BODY_CLOSED, 0);
	end();
}

Test(check_judge, drain_status_is_good_and_said)
{
	begin();
	url.status = (struct status_set){.at = {{200, 200}}, .n = 1};
	extras->drain_status = (struct status_set){.at = {{503, 503}}, .n = 1};
	expect_of("never");
	fixture.profile.flags = PROFILE_DYNAMIC_WEIGHT;
	says("HTTP/1.1 503 x\r\nContent-Length: 12\r\n\r\nrs_weight=50", CODE_OK, 503);
	cr_expect(talk.outcome.is_drained);
	cr_expect_eq(talk.outcome.weight, -1, "it says nothing about the weight");
	says("HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n", CODE_HTTP_STATUS, 500);
	says(OK_LINE "Content-Length: 5\r\n\r\nnever", CODE_OK, 0);
	cr_expect(!talk.outcome.is_drained);
	end();
}

Test(check_judge, status_in_both_lists_drains)
{
	begin();
	url.status = extras->drain_status = (struct status_set){.at = {{200, 299}}, .n = 1};
	says(OK_LINE "Content-Length: 0\r\n\r\n", CODE_OK, 200);
	cr_expect(talk.outcome.is_drained);
	end();
}

Test(check_judge, weight_is_read_as_without_extras)
{
	begin();
	fixture.profile.flags = PROFILE_DYNAMIC_WEIGHT | PROFILE_WEIGHT_IN_HEADER;
	says(OK_LINE "Rs-Weight: 12\r\nContent-Length: 0\r\n\r\n", CODE_OK, 0);
	cr_expect_eq(talk.outcome.weight, 12);
	fixture.profile.flags = PROFILE_DYNAMIC_WEIGHT;
	expect_of("rs_weight");
	says(OK_LINE "Content-Length: 12\r\n\r\nrs_weight=34", CODE_OK, 0);
	cr_expect_eq(talk.outcome.weight, 34);
	end();
}
