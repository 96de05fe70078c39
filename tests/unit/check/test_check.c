#include "check/check.h"

#include <errno.h>

#include <criterion/criterion.h>

#include "lib/talk_fixture.h"

static struct talk_fixture f;
static struct check_talk talk;
static struct buf out;

static void begin(enum check_kind kind)
{
	talk_fixture_init(&f, kind);
	out = BUF_INIT(4096);
	cr_assert_eq(check_talk_begin(&talk, &f.job), 0);
}

static void end(void)
{
	check_talk_close(&talk);
	check_talk_free(&talk);
	buf_deinit(&out);
}

static const char ok_response[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

Test(check, kinds_say_whether_they_talk_and_encrypt)
{
	cr_expect(!check_has_talk(CHECK_TCP));
	cr_expect(check_has_talk(CHECK_HTTP));
	cr_expect(check_has_talk(CHECK_HTTPS));
	cr_expect(check_has_talk(CHECK_GRPC));
	cr_expect(!check_uses_tls(CHECK_TCP));
	cr_expect(!check_uses_tls(CHECK_HTTP));
	cr_expect(check_uses_tls(CHECK_HTTPS));
	cr_expect(check_uses_tls(CHECK_GRPC));
	cr_expect(!check_has_talk(CHECK_KIND__N));
	cr_expect(!check_uses_tls(CHECK_KIND__N));
}

Test(check, one_talk_serves_many_jobs)
{
	begin(CHECK_HTTP);
	check_talk_close(&talk);
	for (int i = 0; i < 3; i++) {
		struct check_http *kept = talk.http;

		cr_assert_eq(check_talk_begin(&talk, &f.job), 0);
		cr_assert(!kept || talk.http == kept, "what was made is used again");
		cr_assert_eq(talk.outcome.code, CODE_NONE);
		cr_assert_eq(talk.outcome.weight, -1);
		cr_assert_eq(talk.outcome.bytes_read, 0);
		cr_assert_eq(check_talk_open(&talk, &out), CHECK_WAIT);
		cr_assert_eq(check_talk_input(&talk, ok_response, 10, &out), CHECK_WAIT);
		cr_assert_eq(
			check_talk_input(&talk, ok_response + 10, sizeof(ok_response) - 11, &out),
			CHECK_DONE);
		cr_assert_eq(talk.outcome.code, CODE_OK);
		cr_assert_eq(talk.outcome.bytes_read, sizeof(ok_response) - 1);
		check_talk_close(&talk);
	}
	end();
}

Test(check, talk_may_be_closed_at_any_time)
{
	check_talk_free(&talk);
	begin(CHECK_HTTPS);
	check_talk_close(&talk);
	cr_assert_eq(check_talk_begin(&talk, &f.job), 0);
	cr_assert_eq(check_talk_open(&talk, &out), CHECK_WAIT);
	cr_assert_eq(check_talk_input(&talk, "HTTP/1.1 200 OK\r\nConte", 22, &out), CHECK_WAIT);
	check_talk_close(&talk);
	cr_assert_eq(check_talk_begin(&talk, &f.job), 0);
	cr_assert_eq(check_talk_input(&talk, ok_response, sizeof(ok_response) - 1, &out),
		     CHECK_DONE);
	cr_assert_eq(talk.outcome.code, CODE_OK, "nothing of the talk before is left");
	end();
}

Test(check, first_outcome_is_final)
{
	begin(CHECK_HTTP);
	cr_assert_eq(check_talk_input(&talk, ok_response, sizeof(ok_response) - 1, &out),
		     CHECK_DONE);
	cr_assert_eq(check_talk_input(&talk, "more", 4, &out), CHECK_DONE);
	check_talk_interrupted(&talk, CHECK_BROKEN, ECONNRESET);
	cr_assert_eq(talk.outcome.code, CODE_OK);
	cr_assert_eq(talk.outcome.bytes_read, sizeof(ok_response) - 1);
	end();
}

/* A kind without a driver must not judge. */
Test(check, grpc_is_unknown_and_says_nothing)
{
	begin(CHECK_GRPC);
	cr_assert_eq(check_talk_open(&talk, &out), CHECK_DONE);
	cr_assert_eq(talk.outcome.code, CODE_INTERNAL);
	cr_assert_eq(talk.outcome.detail, EOPNOTSUPP);
	cr_assert_eq(check_code_verdict(talk.outcome.code), VERDICT_UNKNOWN);
	cr_assert_eq(buf_len(&out), 0);
	check_talk_close(&talk);
	cr_assert_eq(check_talk_begin(&talk, &f.job), 0);
	check_talk_interrupted(&talk, CHECK_TIMEOUT, 0);
	cr_assert_eq(check_code_verdict(talk.outcome.code), VERDICT_UNKNOWN);
	cr_assert_eq(check_talk_begin(&talk, &f.job), 0);
	cr_assert_eq(check_talk_input(&talk, "x", 1, &out), CHECK_DONE);
	cr_assert_eq(check_code_verdict(talk.outcome.code), VERDICT_UNKNOWN);
	end();
}
