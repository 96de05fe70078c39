#include "net/h2.h"

#include <errno.h>

#include <criterion/criterion.h>

#include "lib/h2_server.h"

enum { STREAM = 1, END = NGHTTP2_FLAG_END_STREAM, END_HEADERS = NGHTTP2_FLAG_END_HEADERS };

static struct h2 *h;
static struct buf out, in;
static char heard[8192]; /* "name: value\n", trailers with a leading "T " */
static size_t heard_len;
static size_t heard_body;

static void on_field(void *arg, const struct h2_field *f, bool is_trailer)
{
	int n = snprintf(heard + heard_len, sizeof(heard) - heard_len, "%s%.*s: %.*s\n",
			 is_trailer ? "T " : "", (int)f->name_len, f->name, (int)f->value_len,
			 f->value);

	cr_assert_null(arg);
	heard_len = MIN(heard_len + (size_t)n, sizeof(heard) - 1);
}

static void on_body(void *arg, const uint8_t *data, size_t len)
{
	cr_assert_null(arg);
	cr_assert(data && len);
	heard_body += len;
}

static void open_with(const void *body, size_t len)
{
	static const struct h2_field fields[] = {
		H2_FIELD_TEXT(":method", "POST"),
		H2_FIELD_TEXT(":scheme", "http"),
		H2_FIELD_TEXT(":path", "/x"),
		H2_FIELD_TEXT(":authority", "a:1"),
	};
	const struct h2_request request = {fields, ARRAY_LEN(fields), body, len, 1000};
	const struct h2_sink sink = {on_field, on_body, NULL};

	heard_len = heard_body = 0;
	heard[0] = '\0';
	cr_assert_eq(h2_open(h, &request, &sink, &out), 0);
}

static void set_up(void)
{
	h = h2_new();
	out = BUF_INIT(1 << 20);
	in = BUF_INIT(4 << 20);
	cr_assert_not_null(h);
	open_with("hello", 5);
}

static void tear_down(void)
{
	h2_free(h);
	buf_deinit(&out);
	buf_deinit(&in);
}

TestSuite(h2, .init = set_up, .fini = tear_down);

static void frame(uint8_t type, unsigned flags, uint32_t stream, const void *payload, size_t len)
{
	h2_server_frame(&in, type, (uint8_t)flags, stream, payload, len);
}

static void settings(void)
{
	frame(NGHTTP2_SETTINGS, 0, 0, NULL, 0);
}

/* :status 200, from the static table */
static void head(unsigned flags)
{
	frame(NGHTTP2_HEADERS, END_HEADERS | flags, STREAM, "\x88", 1);
}

/* Gives all of in at once, from an exact-size copy. */
static enum h2_end feed(void)
{
	size_t len = buf_len(&in);
	unsigned char *copy = malloc(len);
	enum h2_end end;

	memcpy(copy, buf_head(&in), len);
	buf_consume(&in, len);
	end = h2_input(h, copy, len, &out);
	free(copy);
	return end;
}

static void ends(enum h2_end end, uint32_t detail)
{
	cr_assert_eq(feed(), end, "end %d, detail %u", (int)h2_input(h, "", 1, &out), h2_detail(h));
	cr_assert_eq(h2_detail(h), detail, "detail %u", h2_detail(h));
	cr_assert_eq(h2_input(h, "x", 1, &out), end, "an end is final");
}

static const struct h2_server_answer answer = {
	.head = {{":status", "200"}, {"content-type", "text/x"}, {"x-a", "1"}},
	.trailers = {{"x-b", "2"}},
	.body = "0123456789",
	.body_len = 10,
};

/* The server's bytes in answer to what the client has said. */
static void serve(struct h2_server *s)
{
	h2_server_init(s, &answer);
	h2_server_take(s, buf_head(&out), buf_len(&out));
	buf_consume(&out, buf_len(&out));
	h2_server_give(s, &in);
}

static void check_answer(void)
{
	cr_assert_eq(h2_status(h), 200);
	cr_assert_str_eq(heard, "content-type: text/x\nx-a: 1\nT x-b: 2\n");
	cr_assert_eq(heard_body, 10);
}

Test(h2, request_arrives_as_given)
{
	struct h2_server s;

	serve(&s);
	cr_assert_str_eq(s.fields, ":method: POST\n:scheme: http\n:path: /x\n:authority: a:1\n");
	cr_assert_eq(s.body_len, 5);
	cr_assert_arr_eq(s.body, "hello", 5);
	h2_server_deinit(&s);
}

Test(h2, request_without_body_is_complete)
{
	struct h2_server s;

	h2_close(h);
	buf_consume(&out, buf_len(&out));
	open_with(NULL, 0);
	serve(&s);
	cr_assert_eq(feed(), H2_COMPLETE);
	check_answer();
	h2_server_deinit(&s);
}

Test(h2, response_is_read_at_every_cut)
{
	struct h2_server s;
	size_t len;

	serve(&s);
	len = buf_len(&in);
	for (size_t cut = 1; cut < len; cut++) {
		h2_close(h);
		open_with("hello", 5);
		cr_assert_eq(h2_input(h, buf_head(&in), cut, &out), H2_GOES_ON);
		cr_assert_eq(h2_input(h, buf_head(&in) + cut, len - cut, &out), H2_COMPLETE);
		check_answer();
	}
	h2_server_deinit(&s);
}

Test(h2, response_is_read_byte_by_byte)
{
	struct h2_server s;
	size_t len;

	serve(&s);
	len = buf_len(&in);
	for (size_t i = 0; i < len; i++)
		cr_assert_eq(h2_input(h, buf_head(&in) + i, 1, &out),
			     i + 1 < len ? H2_GOES_ON : H2_COMPLETE);
	check_answer();
	h2_server_deinit(&s);
}

Test(h2, settings_and_pings_are_acknowledged)
{
	static const uint8_t ack[] = {0, 0, 0, 4, 1, 0, 0, 0, 0};

	buf_consume(&out, buf_len(&out));
	settings();
	cr_assert_eq(feed(), H2_GOES_ON);
	cr_assert_eq(buf_len(&out), 9);
	cr_assert_arr_eq(buf_head(&out), ack, 9);
	buf_consume(&out, 9);
	frame(NGHTTP2_PING, 0, 0, "12345678", 8);
	cr_assert_eq(feed(), H2_GOES_ON);
	cr_assert_eq(buf_len(&out), 17);
	cr_assert_arr_eq(buf_head(&out) + 9, "12345678", 8);
}

Test(h2, interim_responses_are_left_out)
{
	settings();
	/* literal without indexing: ":status" (static name 8) "103", "x" "1" */
	frame(NGHTTP2_HEADERS, END_HEADERS, STREAM,
	      "\x08\x03"
	      "103"
	      "\x00\x01x\x01"
	      "1",
	      10);
	cr_assert_eq(feed(), H2_GOES_ON);
	cr_assert_eq(h2_status(h), 0);
	frame(NGHTTP2_HEADERS, END_HEADERS | END, STREAM,
	      "\x8d\x00\x01y\x01"
	      "2",
	      6);
	cr_assert_eq(feed(), H2_COMPLETE);
	cr_assert_eq(h2_status(h), 404);
	cr_assert_str_eq(heard, "y: 2\n");
}

Test(h2, reset_by_the_peer_tells_its_code)
{
	settings();
	frame(NGHTTP2_RST_STREAM, 0, STREAM, "\0\0\0\x0b", 4);
	ends(H2_RESET, NGHTTP2_ENHANCE_YOUR_CALM);
}

/* RFC 9113 §8.1: the answer is complete, and what follows it is of no interest. */
Test(h2, reset_behind_a_complete_response_is_ignored)
{
	settings();
	head(END);
	frame(NGHTTP2_RST_STREAM, 0, STREAM, "\0\0\0\0", 4);
	ends(H2_COMPLETE, 0);
}

/* The server has answered before our request could leave through its window, and says so. */
Test(h2, answer_to_a_request_that_is_held_up_is_complete)
{
	static const char body[H2_MAX_REQUEST_BYTES];

	h2_close(h);
	buf_consume(&out, buf_len(&out));
	open_with(body, sizeof(body)); /* one byte more than the first window */
	settings();
	head(0);
	frame(NGHTTP2_DATA, END, STREAM, "ok", 2);
	frame(NGHTTP2_RST_STREAM, 0, STREAM, "\0\0\0\0", 4);
	ends(H2_COMPLETE, 0);
	cr_assert_eq(heard_body, 2);
}

Test(h2, reset_in_the_midst_of_a_response_is_none)
{
	settings();
	head(0);
	cr_assert_eq(feed(), H2_GOES_ON);
	cr_assert(h2_has_head(h));
	frame(NGHTTP2_DATA, 0, STREAM, "ok", 2);
	cr_assert_eq(feed(), H2_GOES_ON);
	cr_assert_eq(h2_body_bytes(h), 2);
	frame(NGHTTP2_RST_STREAM, 0, STREAM, "\0\0\0\0", 4);
	ends(H2_RESET, 0);
}

Test(h2, reset_of_another_stream_is_not_ours)
{
	settings();
	frame(NGHTTP2_RST_STREAM, 0, 3, "\0\0\0\x01", 4);
	cr_assert_neq(feed(), H2_RESET);
	head(END);
	cr_assert_neq(feed(), H2_RESET);
}

Test(h2, goaway_that_refuses_us_is_the_end)
{
	settings();
	frame(NGHTTP2_GOAWAY, 0, 0, "\0\0\0\0\0\0\0\x02", 8);
	ends(H2_GOAWAY, NGHTTP2_INTERNAL_ERROR);
}

Test(h2, goaway_that_lets_us_finish_is_remembered)
{
	uint32_t code = 99;

	cr_assert(!h2_was_told_to_leave(h, &code));
	settings();
	frame(NGHTTP2_GOAWAY, 0, 0, "\0\0\0\x01\0\0\0\0", 8);
	cr_assert_eq(feed(), H2_GOES_ON);
	cr_assert(h2_was_told_to_leave(h, &code));
	cr_assert_eq(code, 0);
	head(END);
	ends(H2_COMPLETE, 0);
}

Test(h2, answer_of_another_protocol_is_malformed)
{
	static const char text[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";

	cr_assert_eq(h2_input(h, text, sizeof(text) - 1, &out), H2_MALFORMED);
	cr_assert_neq(h2_detail(h), 0);
}

Test(h2, first_frame_must_be_settings)
{
	frame(NGHTTP2_PING, 0, 0, "12345678", 8);
	ends(H2_MALFORMED, NGHTTP2_PROTOCOL_ERROR);
}

Test(h2, huge_frame_is_malformed_by_its_header)
{
	settings();
	h2_server_frame_header(&in, 0xffffff, NGHTTP2_DATA, 0, STREAM);
	ends(H2_MALFORMED, NGHTTP2_FRAME_SIZE_ERROR);
}

Test(h2, broken_frames_are_malformed)
{
	static const struct {
		uint8_t type, flags;
		uint32_t stream;
		const char *payload;
		size_t len;
	} broken[] = {
		{NGHTTP2_SETTINGS, 0, 0, "12345", 5},                    /* no multiple of 6 */
		{NGHTTP2_SETTINGS, 0, 1, NULL, 0},                       /* on a stream */
		{NGHTTP2_PING, 0, 0, "1234567", 7},                      /* short */
		{NGHTTP2_DATA, 0, 0, "x", 1},                            /* on no stream */
		{NGHTTP2_DATA, 0, 5, "x", 1},                            /* on an idle stream */
		{NGHTTP2_DATA, 0, STREAM, "x", 1},                       /* before the head */
		{NGHTTP2_HEADERS, 4, STREAM, "\xff\xff\xff\xff\xff", 5}, /* no HPACK */
		{NGHTTP2_HEADERS, 4, 2, "\x88", 1},                      /* a stream of its own */
		{NGHTTP2_CONTINUATION, 4, STREAM, "\x88", 1},            /* continues nothing */
		{NGHTTP2_WINDOW_UPDATE, 0, 0, "\0\0\0\0", 4},            /* by nothing */
		{NGHTTP2_HEADERS, 4, STREAM,
		 "\x00\x01y\x01"
		 "2",
		 5}, /* no :status */
	};

	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		h2_close(h);
		open_with("hello", 5);
		settings();
		frame(broken[i].type, broken[i].flags, broken[i].stream, broken[i].payload,
		      broken[i].len);
		cr_assert_eq(feed(), H2_MALFORMED, "row %zu", i);
		cr_assert_neq(h2_detail(h), 0, "row %zu", i);
	}
}

Test(h2, continued_head_is_read_byte_by_byte)
{
	size_t len;

	settings();
	frame(NGHTTP2_HEADERS, END, STREAM, "\x88", 1);
	for (int i = 0; i < 20; i++)
		frame(NGHTTP2_CONTINUATION, 0, STREAM,
		      "\x00\x01y\x01"
		      "2",
		      5);
	frame(NGHTTP2_CONTINUATION, END_HEADERS, STREAM, NULL, 0);
	len = buf_len(&in);
	for (size_t i = 0; i < len; i++)
		cr_assert_eq(h2_input(h, buf_head(&in) + i, 1, &out),
			     i + 1 < len ? H2_GOES_ON : H2_COMPLETE);
	cr_assert_eq(heard_len, 20 * 5);
}

/* It may have been sent before our SETTINGS arrived, which forbid it. */
Test(h2, early_push_is_not_our_answer)
{
	settings();
	frame(NGHTTP2_PUSH_PROMISE, END_HEADERS, STREAM,
	      "\0\0\0\2\x82\x86\x84\x41\x01"
	      "a",
	      10);
	frame(NGHTTP2_HEADERS, END_HEADERS | END, 2, "\x8d", 1);
	cr_assert_eq(feed(), H2_GOES_ON);
	cr_assert_eq(h2_status(h), 0);
	head(END);
	ends(H2_COMPLETE, 0);
	cr_assert_eq(heard_len, 0);
}

Test(h2, unknown_frame_types_are_skipped)
{
	settings();
	frame(0xbb, 0xff, 0, "whatever", 8);
	head(END);
	ends(H2_COMPLETE, 0);
}

/* --- floods: each is over at a bound, whatever comes -------------------------------------------
 */

static uint32_t flood(uint8_t type, unsigned flags, uint32_t stream, const void *payload,
		      size_t len)
{
	uint32_t n = 0;

	do {
		frame(type, flags, stream, payload, len);
		cr_assert_lt(++n, 100000u);
		buf_consume(&out, buf_len(&out));
	} while (feed() == H2_GOES_ON);
	return n;
}

static void is_limit(enum h2_limit limit)
{
	cr_assert_eq(h2_input(h, "x", 1, &out), H2_LIMIT, "end %d %u",
		     (int)h2_input(h, "x", 1, &out), h2_detail(h));
	cr_assert_eq(h2_detail(h), limit, "limit %u", h2_detail(h));
}

Test(h2, settings_flood_ends)
{
	cr_assert_leq(flood(NGHTTP2_SETTINGS, 0, 0, NULL, 0), H2_MAX_FRAMES + 1);
	is_limit(H2_LIMIT_FRAMES);
}

Test(h2, ping_flood_ends)
{
	settings();
	cr_assert_leq(flood(NGHTTP2_PING, 0, 0, "12345678", 8), H2_MAX_FRAMES + 1);
	is_limit(H2_LIMIT_FRAMES);
}

Test(h2, flood_in_one_piece_ends_too)
{
	settings();
	for (int i = 0; i < 10000; i++)
		frame(NGHTTP2_PING, 0, 0, "12345678", 8);
	ends(H2_LIMIT, H2_LIMIT_FRAMES);
	cr_assert_leq(buf_len(&out), 17 * H2_MAX_FRAMES);
}

Test(h2, empty_data_flood_ends)
{
	settings();
	head(0);
	flood(NGHTTP2_DATA, 0, STREAM, NULL, 0);
	is_limit(H2_LIMIT_FRAMES);
}

Test(h2, unknown_frame_flood_ends)
{
	settings();
	flood(0xbb, 0, 0, NULL, 0);
	is_limit(H2_LIMIT_CONTROL_BYTES);
}

Test(h2, fat_unknown_frames_end_by_their_bytes)
{
	static const char fat[16000];

	settings();
	cr_assert_leq(flood(0xbb, 0, 0, fat, sizeof(fat)), 10);
	is_limit(H2_LIMIT_CONTROL_BYTES);
}

Test(h2, padding_is_not_body)
{
	static char padded[256] = {(char)254};

	settings();
	head(0);
	cr_assert_lt(flood(NGHTTP2_DATA, NGHTTP2_FLAG_PADDED, STREAM, padded, sizeof(padded)),
		     1001);
}

Test(h2, continuation_flood_ends)
{
	settings();
	frame(NGHTTP2_HEADERS, 0, STREAM, "\x88", 1);
	cr_assert_leq(flood(NGHTTP2_CONTINUATION, 0, STREAM, NULL, 0), H2_MAX_FRAMES);
	is_limit(H2_LIMIT_FRAMES);
}

Test(h2, endless_headers_end)
{
	static char field[5000] = "\x00\x01y\x7f\x81\x26"; /* a value of 4992 bytes */

	memset(field + 6, 'v', sizeof(field) - 6);
	settings();
	frame(NGHTTP2_HEADERS, 0, STREAM, "\x88", 1);
	cr_assert_leq(flood(NGHTTP2_CONTINUATION, 0, STREAM, field, 6 + 4992), 14);
	is_limit(H2_LIMIT_FIELD_BYTES);
}

/* HPACK: one byte repeats a field of the table. */
Test(h2, header_bomb_ends_by_fields)
{
	char bomb[1000];

	settings();
	memset(bomb, 0x90, sizeof(bomb)); /* accept-encoding: gzip, deflate */
	bomb[0] = (char)0x88;
	frame(NGHTTP2_HEADERS, END_HEADERS, STREAM, bomb, sizeof(bomb));
	ends(H2_LIMIT, H2_LIMIT_FIELDS);
}

Test(h2, fat_header_bomb_ends_by_bytes)
{
	static char bomb[4000];

	settings();
	/* indexed: "y", a value of 3700 bytes; then that field again and again */
	bomb[0] = (char)0x88;
	memcpy(bomb + 1, "\x40\x01y\x7f\xf5\x1b", 6);
	memset(bomb + 7, 'v', 3700);
	memset(bomb + 3707, 0xbe, 100);
	frame(NGHTTP2_HEADERS, END_HEADERS, STREAM, bomb, 3807);
	ends(H2_LIMIT, H2_LIMIT_FIELD_BYTES);
}

Test(h2, body_ends_at_its_limit)
{
	static const char piece[600];

	settings();
	head(0);
	frame(NGHTTP2_DATA, 0, STREAM, piece, 600);
	cr_assert_eq(feed(), H2_GOES_ON);
	frame(NGHTTP2_DATA, END, STREAM, piece, 400);
	frame(NGHTTP2_PING, 0, 0, "12345678", 8);
	ends(H2_COMPLETE, 0);
	h2_close(h);
	open_with("hello", 5);
	settings();
	head(0);
	frame(NGHTTP2_DATA, 0, STREAM, piece, 600);
	frame(NGHTTP2_DATA, END, STREAM, piece, 401);
	ends(H2_LIMIT, H2_LIMIT_BODY);
	cr_assert_eq(heard_body, 600);
}

/* --- our own limits -----------------------------------------------------------------------------
 */

Test(h2, request_that_is_too_long_is_refused)
{
	static const char body[H2_MAX_REQUEST_BYTES + 1];
	static struct h2_field fields[H2_MAX_REQUEST_FIELDS + 1];
	const struct h2_sink sink = {on_field, on_body, NULL};
	struct h2_request request = {fields, 4, body, sizeof(body), 0};

	h2_close(h);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		fields[i] = H2_FIELD_TEXT("x", "y");
	cr_assert_eq(h2_open(h, &request, &sink, &out), -ENOBUFS);
	request = (struct h2_request){fields, ARRAY_LEN(fields), NULL, 0, 0};
	cr_assert_eq(h2_open(h, &request, &sink, &out), -ENOBUFS);
	open_with("hello", 5);
}

Test(h2, no_room_for_the_request_is_told)
{
	struct buf small = BUF_INIT(20);
	static const struct h2_field fields[] = {H2_FIELD_TEXT(":method", "GET")};
	const struct h2_sink sink = {on_field, on_body, NULL};
	const struct h2_request request = {fields, 1, NULL, 0, 0};

	h2_close(h);
	cr_assert_eq(h2_open(h, &request, &sink, &small), -ENOBUFS);
	buf_deinit(&small);
}

Test(h2, no_room_for_acknowledgements_is_the_end)
{
	struct buf small = BUF_INIT(20);

	settings();
	frame(NGHTTP2_PING, 0, 0, "12345678", 8);
	cr_assert_eq(h2_input(h, buf_head(&in), buf_len(&in), &small), H2_NO_ROOM);
	buf_deinit(&small);
}

Test(h2, peer_that_opens_no_window_makes_the_request_wait)
{
	static const uint8_t no_window[] = {0, 4, 0, 0, 0, 0};
	static char body[40000];
	static const uint8_t more[] = {0, 1, 0, 0};
	size_t sent;

	h2_close(h);
	buf_consume(&out, buf_len(&out));
	open_with(body, sizeof(body));
	sent = buf_len(&out);
	cr_assert_gt(sent, sizeof(body), "the first window holds it");
	h2_close(h);
	buf_consume(&out, sent);
	static char large[H2_MAX_REQUEST_BYTES];
	open_with(large, sizeof(large));
	sent = buf_len(&out);
	cr_assert_lt(sent, sizeof(large) + 200);
	frame(NGHTTP2_SETTINGS, 0, 0, no_window, sizeof(no_window));
	cr_assert_eq(feed(), H2_GOES_ON);
	frame(NGHTTP2_WINDOW_UPDATE, 0, 0, more, 4);
	frame(NGHTTP2_WINDOW_UPDATE, 0, STREAM, more, 4);
	cr_assert_eq(feed(), H2_GOES_ON);
	cr_assert_gt(buf_len(&out), sizeof(large));
}
