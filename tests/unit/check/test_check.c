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

Test(check, kinds_say_whether_they_talk)
{
	cr_expect(!check_has_talk(CHECK_TCP));
	cr_expect(check_has_talk(CHECK_HTTP));
	cr_expect(check_has_talk(CHECK_HTTPS));
	cr_expect(check_has_talk(CHECK_GRPC));
	cr_expect(!check_has_talk(CHECK_KIND__N));
}

static bool uses_tls(enum check_kind kind, unsigned flags)
{
	struct check_profile p = {.kind = (uint8_t)kind, .flags = (uint8_t)flags};

	return check_uses_tls(&p);
}

static const char *const *alpn(enum check_kind kind, unsigned flags)
{
	static const struct generation none;
	struct check_profile p = {.kind = (uint8_t)kind, .flags = (uint8_t)flags};

	return check_alpn(&none, &p);
}

Test(check, profiles_say_whether_they_encrypt)
{
	cr_expect(!uses_tls(CHECK_TCP, 0));
	cr_expect(!uses_tls(CHECK_HTTP, 0));
	cr_expect(uses_tls(CHECK_HTTPS, 0));
	cr_expect(uses_tls(CHECK_GRPC, 0));
	cr_expect(!uses_tls(CHECK_GRPC, PROFILE_TLS_OFF));
	cr_expect(!uses_tls(CHECK_KIND__N, 0));
}

Test(check, grpc_over_tls_needs_h2)
{
	cr_expect_str_eq(alpn(CHECK_GRPC, PROFILE_SNI)[0], "h2");
	cr_expect_null(alpn(CHECK_GRPC, PROFILE_SNI)[1]);
	cr_expect_null(alpn(CHECK_GRPC, PROFILE_TLS_OFF));
	cr_expect_null(alpn(CHECK_HTTPS, 0));
	cr_expect_null(alpn(CHECK_HTTP, 0));
}

Test(check, http_protocol_decides_what_is_offered_and_taken)
{
	struct check_extras extras = {.http_protocol = HTTP_PROTOCOL_1_1};
	struct generation with = {.extras = &extras, .n_extras = 1};
	struct check_profile https = {.kind = CHECK_HTTPS, .extras = 1};
	struct check_profile http = {.kind = CHECK_HTTP, .extras = 1};
	struct check_profile grpc = {.kind = CHECK_GRPC, .extras = 1};

	cr_expect_null(check_alpn(&with, &https));
	cr_expect(check_takes_alpn(&with, &https, ""));
	extras.http_protocol = HTTP_PROTOCOL_2;
	cr_expect_str_eq(check_alpn(&with, &https)[0], "h2");
	cr_expect_null(check_alpn(&with, &https)[1]);
	cr_expect(check_takes_alpn(&with, &https, "h2"));
	cr_expect(!check_takes_alpn(&with, &https, ""));
	cr_expect_null(check_alpn(&with, &http));
	extras.http_protocol = HTTP_PROTOCOL_AUTO;
	cr_expect_str_eq(check_alpn(&with, &https)[0], "h2");
	cr_expect_str_eq(check_alpn(&with, &https)[1], "http/1.1");
	cr_expect_null(check_alpn(&with, &https)[2]);
	cr_expect(check_takes_alpn(&with, &https, "h2"));
	cr_expect(check_takes_alpn(&with, &https, "http/1.1"));
	cr_expect(check_takes_alpn(&with, &https, ""), "a server without ALPN speaks HTTP/1.1");
	cr_expect_str_eq(check_alpn(&with, &grpc)[0], "h2");
	cr_expect_null(check_alpn(&with, &grpc)[1], "gRPC is HTTP/2");
	cr_expect(!check_takes_alpn(&with, &grpc, ""));
}

Test(check, urls_are_those_of_the_extras_or_the_profiles_one)
{
	static const struct check_url urls[] = {{.virtualhost = "a"}, {.virtualhost = "b"}};
	struct check_extras extras = {.n_urls = 2, .urls = urls};
	struct generation with = {.extras = &extras, .n_extras = 1, .text = "\0v"};
	struct check_profile p = {.kind = CHECK_HTTPS, .virtualhost = 1, .extras = 1};

	cr_expect_eq(check_n_urls(&with, &p), 2);
	cr_expect_str_eq(check_virtualhost(&with, &p, 0), "a");
	cr_expect_str_eq(check_virtualhost(&with, &p, 1), "b");
	extras.n_urls = 0;
	cr_expect_eq(check_n_urls(&with, &p), 1);
	cr_expect_str_eq(check_virtualhost(&with, &p, 0), "v");
	p.extras = 0;
	cr_expect_eq(check_n_urls(&with, &p), 1);
	cr_expect_str_eq(check_virtualhost(&with, &p, 0), "v");
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

static const uint8_t h2_settings[] = {0, 0, 0, 4, 0, 0, 0, 0, 0};

Test(check, one_talk_serves_jobs_of_all_kinds)
{
	static const enum check_kind kinds[] = {CHECK_GRPC, CHECK_HTTP, CHECK_GRPC, CHECK_HTTPS};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		begin(kinds[i]);
		cr_assert_eq(check_talk_open(&talk, &out), CHECK_WAIT);
		if (kinds[i] == CHECK_GRPC) {
			cr_assert_eq(check_talk_input(&talk, h2_settings, 9, &out), CHECK_WAIT);
			check_talk_interrupted(&talk, CHECK_TIMEOUT, 0);
			cr_assert_eq(talk.outcome.code, CODE_RESPONSE_TIMEOUT);
		} else {
			cr_assert_eq(
				check_talk_input(&talk, ok_response, sizeof(ok_response) - 1, &out),
				CHECK_DONE);
			cr_assert_eq(talk.outcome.code, CODE_OK);
		}
		check_talk_close(&talk);
		buf_deinit(&out);
	}
	check_talk_free(&talk);
}

Test(check, grpc_talk_may_be_closed_at_any_time)
{
	begin(CHECK_GRPC);
	check_talk_close(&talk);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(check_talk_begin(&talk, &f.job), 0);
		cr_assert_eq(check_talk_open(&talk, &out), CHECK_WAIT);
		if (i)
			cr_assert_eq(check_talk_input(&talk, h2_settings, 4, &out), CHECK_WAIT);
		check_talk_close(&talk);
	}
	end();
}
