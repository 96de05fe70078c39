#include "check/check_grpc.h"

#include <errno.h>

#include <criterion/criterion.h>

#include "check/check.h"
#include "check/grpc_health.h"
#include "lib/h2_server.h"
#include "lib/talk_fixture.h"
#include "net/h2.h"

#define SERVING_BODY "\0\0\0\0\2\x08\1"
#define OK_HEAD                                    \
	{":status", "200"},                        \
	{                                          \
		"content-type", "application/grpc" \
	}

static struct talk_fixture f;
static struct check_talk talk;
static struct buf out, in;

static void set_up(void)
{
	talk_fixture_init(&f, CHECK_GRPC);
	out = BUF_INIT(1 << 20);
	in = BUF_INIT(1 << 20);
	f.profile.virtualhost = talk_fixture_text(&f, "my.Service");
	f.job.weight = 7;
}

static void tear_down(void)
{
	check_talk_free(&talk);
	buf_deinit(&out);
	buf_deinit(&in);
}

TestSuite(check_grpc, .init = set_up, .fini = tear_down);

static void open_talk(void)
{
	buf_consume(&out, buf_len(&out));
	cr_assert_eq(check_talk_begin(&talk, &f.job), 0);
	cr_assert_eq(check_talk_open(&talk, &out), CHECK_WAIT);
	cr_assert_gt(buf_len(&out), 24);
}

/* What libnghttp2's server says to our request; *s has the request. */
static void serve(struct h2_server *s, const struct h2_server_answer *answer)
{
	open_talk();
	h2_server_init(s, answer);
	h2_server_take(s, buf_head(&out), buf_len(&out));
	buf_consume(&in, buf_len(&in));
	h2_server_give(s, &in);
	h2_server_deinit(s);
	check_talk_close(&talk);
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

/* in at every cut: the outcome must be the same, and come with the last byte at the latest. */
static void ends(enum check_code code, uint32_t detail, int32_t weight)
{
	size_t len = buf_len(&in);

	for (size_t cut = 1; cut <= len; cut++) {
		open_talk();
		if (give(buf_head(&in), cut) == CHECK_WAIT && cut < len)
			cr_assert_eq(give(buf_head(&in) + cut, len - cut), CHECK_DONE);
		cr_assert_eq(talk.outcome.code, code, "cut at %zu: %s", cut,
			     check_code_text((enum check_code)talk.outcome.code));
		cr_assert_eq(talk.outcome.detail, detail, "detail %u", talk.outcome.detail);
		cr_assert_eq(talk.outcome.weight, weight, "weight %d", talk.outcome.weight);
		check_talk_close(&talk);
	}
}

static void answers(const struct h2_server_answer *answer, enum check_code code, uint32_t detail)
{
	struct h2_server s;

	serve(&s, answer);
	ends(code, detail, -1);
}

static void body_answers(const void *body, size_t len, enum check_code code, uint32_t detail)
{
	const struct h2_server_answer a = {
		.head = {OK_HEAD},
		.trailers = {{"grpc-status", "0"}},
		.body = body,
		.body_len = len,
	};

	answers(&a, code, detail);
}

static void head_only(const char *name, const char *value, enum check_code code, uint32_t detail)
{
	const struct h2_server_answer a = {
		.head = {OK_HEAD, {name, value}},
		.ends_with_head = true,
	};

	answers(&a, code, detail);
}

static const struct h2_server_answer serving = {
	.head = {OK_HEAD},
	.trailers = {{"grpc-status", "0"}},
	.body = SERVING_BODY,
	.body_len = 7,
};

/* --- request ---------------------------------------------------------------------------------- */

static const char request_head[] = ":method: POST\n"
				   ":scheme: https\n"
				   ":path: /grpc.health.v1.Health/Check\n"
				   ":authority: 192.0.2.1:80\n"
				   "content-type: application/grpc\n"
				   "user-agent: monalive grpc-c/alived\n"
				   "te: trailers\n";

static void request_ends_with(const char *text)
{
	struct h2_server s;

	serve(&s, &serving);
	cr_assert_eq(strncmp(s.fields, request_head, sizeof(request_head) - 1), 0, "%s", s.fields);
	cr_assert_str_eq(s.fields + sizeof(request_head) - 1, text);
	cr_assert_eq(s.body_len, 17);
	cr_assert_arr_eq(s.body, "\0\0\0\0\x0c\x0a\x0amy.Service", 17);
}

Test(check_grpc, request_is_the_references)
{
	request_ends_with("x-rs-alive: 0\n");
	f.job.flags = JOB_CHECK_WAS_UP;
	request_ends_with("x-rs-alive: 1\n");
	f.profile.flags = PROFILE_DYNAMIC_WEIGHT;
	request_ends_with("x-rs-alive: 1\nx-rs-weight: 7\n");
	f.job.weight = UINT16_MAX;
	request_ends_with("x-rs-alive: 1\nx-rs-weight: 65535\n");
}

Test(check_grpc, request_in_the_clear_says_so)
{
	struct h2_server s;

	f.profile.flags = PROFILE_TLS_OFF;
	serve(&s, &serving);
	cr_assert_not_null(strstr(s.fields, ":scheme: http\n"));
}

Test(check_grpc, request_without_virtualhost_asks_for_the_whole_server)
{
	struct h2_server s;

	f.profile.virtualhost = GEN_STR_UNSET;
	f.spec.connect_ip.b[15] = 9;
	serve(&s, &serving);
	cr_assert_eq(s.body_len, 5);
	cr_assert_arr_eq(s.body, "\0\0\0\0\0", 5);
	cr_assert_not_null(strstr(s.fields, ":authority: 192.0.2.9:80\n"));
}

/* --- good ------------------------------------------------------------------------------------- */

Test(check_grpc, serving_is_good)
{
	answers(&serving, CODE_OK, 0);
}

Test(check_grpc, types_of_grpc_are_known)
{
	static const struct {
		const char *type;
		enum check_code code;
	} types[] = {
		{"application/grpc", CODE_OK},
		{"application/grpc+proto", CODE_OK},
		{"application/grpc;charset=x", CODE_OK},
		{"Application/GRPC", CODE_OK},
		{"application/grpc-web", CODE_GRPC_CONTENT_TYPE},
		{"application/grp", CODE_GRPC_CONTENT_TYPE},
		{"text/html", CODE_GRPC_CONTENT_TYPE},
		{"", CODE_GRPC_CONTENT_TYPE},
	};

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		struct h2_server_answer a = serving;

		a.head[1].value = types[i].type;
		answers(&a, types[i].code, 0);
	}
}

Test(check_grpc, type_is_the_heads_and_of_this_answer)
{
	struct h2_server_answer a = serving;

	answers(&serving, CODE_OK, 0);
	a.head[1] = (struct h2_server_field){0};
	answers(&a, CODE_GRPC_CONTENT_TYPE, 0);
	a.trailers[1] = (struct h2_server_field){"content-type", "application/grpc"};
	answers(&a, CODE_GRPC_CONTENT_TYPE, 0);
}

static void weighs(const char *first, const char *second, int32_t weight)
{
	struct h2_server_answer a = serving;
	struct h2_server s;

	a.head[2] = (struct h2_server_field){first ? "x-rs-weight" : NULL, first};
	a.head[3] = (struct h2_server_field){second ? "x-rs-weight" : NULL, second};
	serve(&s, &a);
	ends(CODE_OK, 0, weight);
}

Test(check_grpc, weight_is_the_one_header)
{
	f.profile.flags = PROFILE_DYNAMIC_WEIGHT;
	weighs(NULL, NULL, -1);
	weighs("40", NULL, 40);
	weighs("0", NULL, 0);
	weighs("+3", NULL, 3);
	weighs("-3", NULL, -1);
	weighs("x", NULL, -1);
	weighs("", NULL, -1);
	weighs("70000", NULL, 65535);
	weighs("40", "50", -1);
	weighs("40", "40", -1);
	f.profile.flags = 0;
	weighs("40", NULL, -1);
}

Test(check_grpc, weight_in_the_trailers_is_none)
{
	struct h2_server_answer a = serving;

	f.profile.flags = PROFILE_DYNAMIC_WEIGHT | PROFILE_WEIGHT_IN_HEADER;
	a.trailers[1] = (struct h2_server_field){"x-rs-weight", "40"};
	answers(&a, CODE_OK, 0);
}

/* --- bad -------------------------------------------------------------------------------------- */

Test(check_grpc, each_serving_status_has_its_code)
{
	body_answers("\0\0\0\0\0", 5, CODE_GRPC_UNKNOWN, 0);
	body_answers("\0\0\0\0\2\x08\2", 7, CODE_GRPC_NOT_SERVING, 2);
	body_answers("\0\0\0\0\2\x08\3", 7, CODE_GRPC_SERVICE_UNKNOWN, 3);
	body_answers("\0\0\0\0\2\x08\4", 7, CODE_GRPC_HEALTH, 4);
}

Test(check_grpc, bad_answer_gives_no_weight)
{
	struct h2_server_answer a = serving;

	f.profile.flags = PROFILE_DYNAMIC_WEIGHT;
	a.head[2] = (struct h2_server_field){"x-rs-weight", "40"};
	a.body = "\0\0\0\0\2\x08\2";
	answers(&a, CODE_GRPC_NOT_SERVING, 2);
}

Test(check_grpc, grpc_status_is_told_with_its_number)
{
	head_only("grpc-status", "12", CODE_GRPC_STATUS, 12);
	head_only("grpc-status", "14", CODE_GRPC_STATUS, 14);
	head_only("grpc-status", "65535", CODE_GRPC_STATUS, 65535);
}

Test(check_grpc, failed_call_is_bad_although_its_message_says_serving)
{
	struct h2_server_answer a = serving;

	a.trailers[0].value = "13";
	answers(&a, CODE_GRPC_STATUS, 13);
}

Test(check_grpc, status_that_is_none_is_malformed)
{
	head_only("grpc-status", "x", CODE_GRPC_MALFORMED, CHECK_GRPC_BAD_STATUS);
	head_only("grpc-status", "", CODE_GRPC_MALFORMED, CHECK_GRPC_BAD_STATUS);
	head_only("grpc-status", "-1", CODE_GRPC_MALFORMED, CHECK_GRPC_BAD_STATUS);
	head_only("grpc-status", "65536", CODE_GRPC_MALFORMED, CHECK_GRPC_BAD_STATUS);
	head_only("grpc-status", "0", CODE_GRPC_MALFORMED, GRPC_HEALTH_NO_MESSAGE);
}

Test(check_grpc, two_statuses_are_malformed)
{
	struct h2_server_answer a = serving;

	a.trailers[1] = (struct h2_server_field){"grpc-status", "0"};
	answers(&a, CODE_GRPC_MALFORMED, CHECK_GRPC_TWO_STATUSES);
}

Test(check_grpc, no_status_at_all_is_bad)
{
	struct h2_server_answer a = serving;

	a.trailers[0] = (struct h2_server_field){"x", "y"};
	answers(&a, CODE_GRPC_NO_STATUS, 0);
	a.trailers[0] = (struct h2_server_field){0};
	answers(&a, CODE_GRPC_NO_STATUS, 0);
}

Test(check_grpc, http_status_comes_first)
{
	struct h2_server_answer a = serving;

	a.head[0].value = "503";
	answers(&a, CODE_HTTP_STATUS, 503);
	a.head[0].value = "302";
	a.head[1] = (struct h2_server_field){"location", "/"};
	answers(&a, CODE_HTTP_STATUS, 302);
	a.head[0].value = "204";
	answers(&a, CODE_HTTP_STATUS, 204);
}

/* The library lets any three digits pass. */
Test(check_grpc, http_status_that_is_none_is_bad)
{
	struct h2_server_answer a = serving;
	static const char *const none[] = {"000", "099"};

	a.trailers[1] = (struct h2_server_field){"content-type", "application/grpc"};
	for (size_t i = 0; i < ARRAY_LEN(none); i++) {
		a.head[0].value = none[i];
		answers(&a, CODE_HTTP_STATUS, i ? 99 : 0);
	}
}

Test(check_grpc, message_that_is_none_is_malformed)
{
	body_answers("", 0, CODE_GRPC_MALFORMED, GRPC_HEALTH_NO_MESSAGE);
	body_answers("\0\0\0\0\2\x08", 6, CODE_GRPC_MALFORMED, GRPC_HEALTH_CUT);
	body_answers("\1\0\0\0\2\x08\1", 7, CODE_GRPC_MALFORMED, GRPC_HEALTH_COMPRESSED);
	body_answers("\0\0\0\0\2\x08\1\0", 8, CODE_GRPC_MALFORMED, GRPC_HEALTH_SECOND);
	body_answers("\0\0\0\0\1\x08", 6, CODE_GRPC_MALFORMED, GRPC_HEALTH_PROTOBUF);
}

/* --- HTTP/2 ----------------------------------------------------------------------------------- */

static void frames_begin(void)
{
	buf_consume(&in, buf_len(&in));
	h2_server_frame(&in, NGHTTP2_SETTINGS, 0, 0, NULL, 0);
}

Test(check_grpc, reset_stream_tells_its_code)
{
	frames_begin();
	h2_server_frame(&in, NGHTTP2_RST_STREAM, 0, 1, "\0\0\0\x07", 4);
	ends(CODE_H2_RESET, 7, -1);
}

Test(check_grpc, goaway_tells_its_code)
{
	frames_begin();
	h2_server_frame(&in, NGHTTP2_GOAWAY, 0, 0, "\0\0\0\0\0\0\0\x0b", 8);
	ends(CODE_H2_GOAWAY, 11, -1);
}

Test(check_grpc, broken_frame_tells_what_is_wrong)
{
	frames_begin();
	h2_server_frame(&in, NGHTTP2_PING, 0, 0, "1234567", 7);
	ends(CODE_H2_MALFORMED, NGHTTP2_FRAME_SIZE_ERROR, -1);
}

Test(check_grpc, fat_body_ends_at_its_limit)
{
	static const char piece[16384];

	frames_begin();
	h2_server_frame(&in, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, "\x88", 1);
	for (int i = 0; i < 5; i++)
		h2_server_frame(&in, NGHTTP2_DATA, 0, 1, piece, sizeof(piece));
	open_talk();
	cr_assert_eq(give(buf_head(&in), buf_len(&in)), CHECK_DONE);
	cr_assert_eq(talk.outcome.code, CODE_H2_LIMIT);
	cr_assert_eq(talk.outcome.detail, H2_LIMIT_BODY);
	check_talk_close(&talk);
}

Test(check_grpc, peer_that_makes_us_speak_without_reading_is_bad)
{
	struct buf full = BUF_INIT(9);

	frames_begin();
	h2_server_frame(&in, NGHTTP2_PING, 0, 0, "12345678", 8);
	open_talk();
	cr_assert_eq(check_talk_input(&talk, buf_head(&in), buf_len(&in), &full), CHECK_DONE);
	cr_assert_eq(talk.outcome.code, CODE_H2_LIMIT);
	check_talk_close(&talk);
	buf_deinit(&full);
}

/* --- other ends ------------------------------------------------------------------------------- */

static void interrupted(enum check_interrupt why, uint32_t detail, enum check_code code,
			uint32_t seen)
{
	open_talk();
	if (buf_len(&in))
		cr_assert_eq(give(buf_head(&in), buf_len(&in)), CHECK_WAIT);
	check_talk_interrupted(&talk, why, detail);
	cr_assert_eq(talk.outcome.code, code, "%s",
		     check_code_text((enum check_code)talk.outcome.code));
	cr_assert_eq(talk.outcome.detail, seen);
	check_talk_close(&talk);
}

Test(check_grpc, silence_is_a_timeout)
{
	interrupted(CHECK_TIMEOUT, 0, CODE_RESPONSE_TIMEOUT, 0);
	frames_begin();
	interrupted(CHECK_TIMEOUT, 0, CODE_RESPONSE_TIMEOUT, 0);
}

Test(check_grpc, close_in_the_midst_is_early)
{
	frames_begin();
	interrupted(CHECK_EOF, 0, CODE_CLOSED_EARLY, 9);
	h2_server_frame(&in, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1, "\x88", 1);
	interrupted(CHECK_EOF, 0, CODE_CLOSED_EARLY, 19);
	interrupted(CHECK_BROKEN, ECONNRESET, CODE_RESET, ECONNRESET);
}

Test(check_grpc, close_after_goaway_is_goaway)
{
	frames_begin();
	h2_server_frame(&in, NGHTTP2_GOAWAY, 0, 0, "\0\0\0\1\0\0\0\0", 8);
	interrupted(CHECK_EOF, 0, CODE_H2_GOAWAY, 0);
	interrupted(CHECK_BROKEN, ECONNRESET, CODE_H2_GOAWAY, 0);
	interrupted(CHECK_BROKEN, EPERM, CODE_REFUSED_LOCALLY, EPERM);
	interrupted(CHECK_TIMEOUT, 0, CODE_RESPONSE_TIMEOUT, 0);
}

/* decisions 13 */
Test(check_grpc, decisions_13_what_our_kernel_refuses_is_unknown)
{
	interrupted(CHECK_BROKEN, EPERM, CODE_REFUSED_LOCALLY, EPERM);
	interrupted(CHECK_BROKEN, EMSGSIZE, CODE_REFUSED_LOCALLY, EMSGSIZE);
	interrupted(CHECK_BROKEN, ENOBUFS, CODE_NO_MEMORY, ENOBUFS);
}

Test(check_grpc, no_room_for_the_request_is_unknown)
{
	struct buf small = BUF_INIT(30);

	cr_assert_eq(check_talk_begin(&talk, &f.job), 0);
	cr_assert_eq(check_talk_open(&talk, &small), CHECK_DONE);
	cr_assert_eq(talk.outcome.code, CODE_NO_MEMORY);
	check_talk_close(&talk);
	buf_deinit(&small);
}

Test(check_grpc, every_code_of_this_kind_is_bad)
{
	for (int code = CODE_H2_MALFORMED; code <= CODE_GRPC_HEALTH; code++)
		cr_assert_eq(check_code_verdict((enum check_code)code), VERDICT_BAD);
}
