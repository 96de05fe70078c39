#include "net/h1_parse.h"

#include <criterion/criterion.h>

enum { MAX_HEAD = 2000, MAX_BODY = 4000 };

/* What a response came to, however it was cut. */
struct outcome {
	enum h1_parse_event end; /* MORE, DONE or BAD */
	unsigned reason, status;
	bool has_head, is_encoded, by_close;
	size_t used;    /* input bytes up to DONE or BAD */
	size_t head_at; /* input bytes up to HEAD */
	size_t body_len;
	char wanted[H1_PARSE_VALUE_BYTES + 1];
	unsigned char body[MAX_BODY + 1];
};

struct run {
	struct h1_parse parse;
	struct outcome out;
};

static void run_begin(struct run *r)
{
	memset(r, 0, sizeof(*r));
	h1_parse_init(&r->parse, MAX_HEAD, MAX_BODY, "rs-weight");
}

static bool run_piece(struct run *r, const char *text, size_t len)
{
	/* an exact-size copy: a sanitizer sees one byte over */
	unsigned char *copy = malloc(len ? len : 1);
	struct h1_parse_slice in = {copy, len}, body;

	memcpy(copy, text, len);
	do {
		size_t before = in.len;

		r->out.end = h1_parse_step(&r->parse, &in, &body);
		r->out.used += before - in.len;
		if (r->out.end == H1_PARSE_HEAD)
			r->out.head_at = r->out.used;
		if (r->out.end != H1_PARSE_BODY)
			continue;
		cr_assert(body.len > 0 && r->out.body_len + body.len <= MAX_BODY);
		memcpy(r->out.body + r->out.body_len, body.at, body.len);
		r->out.body_len += body.len;
	} while (r->out.end == H1_PARSE_HEAD || r->out.end == H1_PARSE_BODY);
	free(copy);
	return r->out.end == H1_PARSE_MORE;
}

static struct outcome *run_end(struct run *r)
{
	const struct h1_parse *p = &r->parse;

	r->out.reason = p->reason;
	r->out.has_head = p->has_head;
	r->out.by_close = h1_parse_ends_by_close(p);
	if (p->has_head) {
		r->out.status = p->status;
		r->out.is_encoded = p->is_encoded;
		memcpy(r->out.wanted, p->wanted, p->wanted_len);
		cr_assert_eq(p->body_bytes, r->out.body_len);
	}
	return &r->out;
}

/* cuts: ascending offsets. */
static struct outcome *parse_cut(struct run *r, const char *text, size_t len, const size_t *cuts,
				 size_t n_cuts)
{
	size_t at = 0;

	run_begin(r);
	for (size_t i = 0; i <= n_cuts; i++) {
		size_t to = i < n_cuts ? cuts[i] : len;

		if (!run_piece(r, text + at, to - at))
			break;
		at = to;
	}
	return run_end(r);
}

static struct run whole_run;

static const struct outcome *parse(const char *text)
{
	return parse_cut(&whole_run, text, strlen(text), NULL, 0);
}

static void expect_bad(const char *text, enum h1_parse_reason reason)
{
	const struct outcome *o = parse(text);

	cr_expect_eq(o->end, H1_PARSE_BAD, "accepted: %s", text);
	cr_expect_eq(o->reason, (unsigned)reason, "%s: %s, not %s", text,
		     h1_parse_reason_text(o->reason), h1_parse_reason_text(reason));
}

static void expect_body(const char *text, unsigned status, const char *body)
{
	const struct outcome *o = parse(text);

	cr_expect_eq(o->end, H1_PARSE_DONE, "%s: %s", text, h1_parse_reason_text(o->reason));
	cr_expect_eq(o->status, status, "%s", text);
	cr_expect_eq(o->body_len, strlen(body), "%s", text);
	cr_expect(!memcmp(o->body, body, o->body_len), "%s", text);
}

static const char *const typical[] = {
	"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Length: 5\r\nRS-Weight:  42 \r\n\r\nhellotail",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	"5;a=\"b\"\r\nhello\r\n00A \r\n0123456789\r\n0\r\nX: y\r\nZ:\r\n\r\nnext",
	"HTTP/1.0 404\nA : b\n c\n\td\nContent-Encoding: gzip, identity\n\nuntil the end",
	"HTTP/1.1 103 Early\r\nRS-Weight: 1\r\nLink: x\r\n\r\nHTTP/1.1 100\r\n\r\n"
	"HTTP/1.1 503 Busy\r\nContent-Length: 3, 3\r\nContent-Length: 003\r\n\r\nabcd",
	"HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
	"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\nmuch",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello!",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nfa1\r\n",
	"HTTP/1.1 200 OK\rX\n\n",
	"SSH-2.0-OpenSSH_9.2\r\n",
};

static void expect_same(const struct outcome *a, const struct outcome *b, const char *text)
{
	cr_assert_eq(a->end, b->end, "%s", text);
	cr_assert_eq(a->reason, b->reason, "%s", text);
	cr_assert_eq(a->status, b->status, "%s", text);
	cr_assert_eq(a->has_head, b->has_head, "%s", text);
	cr_assert_eq(a->is_encoded, b->is_encoded, "%s", text);
	cr_assert_eq(a->by_close, b->by_close, "%s", text);
	cr_assert_eq(a->used, b->used, "%s", text);
	cr_assert_eq(a->head_at, b->head_at, "%s", text);
	cr_assert_str_eq(a->wanted, b->wanted, "%s", text);
	cr_assert_eq(a->body_len, b->body_len, "%s", text);
	cr_assert(!memcmp(a->body, b->body, a->body_len), "%s", text);
}

Test(h1_parse, every_cut_in_two_gives_the_same)
{
	static struct run whole, cut;

	for (size_t i = 0; i < ARRAY_LEN(typical); i++) {
		size_t len = strlen(typical[i]);

		parse_cut(&whole, typical[i], len, NULL, 0);
		for (size_t at = 0; at <= len; at++)
			expect_same(&whole.out, parse_cut(&cut, typical[i], len, &at, 1),
				    typical[i]);
	}
}

Test(h1_parse, byte_by_byte_gives_the_same)
{
	static struct run whole, cut;
	static size_t cuts[512];

	for (size_t i = 0; i < ARRAY_LEN(cuts); i++)
		cuts[i] = i;
	for (size_t i = 0; i < ARRAY_LEN(typical); i++) {
		size_t len = strlen(typical[i]);

		parse_cut(&whole, typical[i], len, NULL, 0);
		expect_same(&whole.out, parse_cut(&cut, typical[i], len, cuts, len), typical[i]);
	}
}

static uint64_t xorshift(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	return *s ^= *s << 17;
}

/* Also on damaged responses: where it is refused, and why, must not depend on the cut. */
Test(h1_parse, random_damage_and_random_cuts_give_the_same)
{
	static struct run whole, cut;
	uint64_t s = 88172645463325252u;
	char text[512];

	for (unsigned round = 0; round < 20000; round++) {
		const char *from = typical[xorshift(&s) % ARRAY_LEN(typical)];
		size_t len = strlen(from), cuts[6] = {0};

		memcpy(text, from, len);
		if (round % 3)
			text[xorshift(&s) % len] = "\r\n :;,0\0g1"[xorshift(&s) % 10];
		parse_cut(&whole, text, len, NULL, 0);
		for (unsigned i = 0; i < ARRAY_LEN(cuts); i++)
			cuts[i] = i ? cuts[i - 1] + xorshift(&s) % (len - cuts[i - 1] + 1)
				    : xorshift(&s) % (len / 4 + 1);
		expect_same(&whole.out, parse_cut(&cut, text, len, cuts, ARRAY_LEN(cuts)), from);
	}
}

Test(h1_parse, content_length_ends_the_body_without_close)
{
	const struct outcome *o = parse(typical[0]);

	cr_assert_eq(o->end, H1_PARSE_DONE);
	cr_assert_eq(o->status, 200);
	cr_assert_eq(o->used, strlen(typical[0]) - strlen("tail"));
	cr_assert_eq(o->body_len, 5);
	cr_assert_str_eq(o->wanted, "42");
	cr_assert(!o->is_encoded);
}

Test(h1_parse, chunks_are_joined_and_the_trailer_is_passed_over)
{
	const struct outcome *o = parse(typical[1]);

	cr_assert_eq(o->end, H1_PARSE_DONE);
	cr_assert_eq(o->body_len, 15);
	cr_assert(!memcmp(o->body, "hello0123456789", 15));
	cr_assert_eq(o->used, strlen(typical[1]) - strlen("next"));
}

Test(h1_parse, body_without_length_ends_by_close)
{
	const struct outcome *o = parse(typical[2]);

	cr_assert_eq(o->end, H1_PARSE_MORE);
	cr_assert(o->by_close && o->has_head && o->is_encoded);
	cr_assert_eq(o->status, 404);
	cr_assert_eq(o->body_len, strlen("until the end"));
	cr_assert(!parse(typical[6])->by_close, "a known length does not end by close");
	cr_assert(!parse("HTTP/1.1 200 OK\r\n")->by_close);
}

Test(h1_parse, interim_responses_are_skipped_with_their_fields)
{
	const struct outcome *o = parse(typical[3]);

	cr_assert_eq(o->end, H1_PARSE_DONE);
	cr_assert_eq(o->status, 503);
	cr_assert_str_eq(o->wanted, "");
	cr_assert_eq(o->body_len, 3);
}

Test(h1_parse, fields_of_an_interim_response_are_forgotten)
{
	const struct outcome *o =
		parse("HTTP/1.1 103 Early\r\nRS-Weight: 1\r\nContent-Encoding: gzip\r\n"
		      "Content-Length: 9\r\n\r\n"
		      "HTTP/1.1 200 OK\r\nRS-Weight: 2\r\nContent-Length: 1\r\n\r\nx");

	cr_assert_eq(o->end, H1_PARSE_DONE);
	cr_assert_str_eq(o->wanted, "2");
	cr_assert(!o->is_encoded);
	cr_assert_eq(o->body_len, 1);
}

Test(h1_parse, sixth_interim_response_is_refused)
{
#define INTERIM "HTTP/1.1 100 Continue\r\n\r\n"
	expect_body(INTERIM INTERIM INTERIM INTERIM INTERIM "HTTP/1.1 204\r\n\r\n", 204, "");
	expect_bad(INTERIM INTERIM INTERIM INTERIM INTERIM INTERIM, H1_PARSE_BAD_INTERIM);
	expect_bad("HTTP/1.1 101 Switching\r\n\r\n", H1_PARSE_BAD_UPGRADE);
}

Test(h1_parse, statuses_without_body_ignore_the_framing)
{
	expect_body("HTTP/1.1 204\r\nContent-Length: 5\r\n\r\nhello", 204, "");
	expect_body("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", 304, "");
	expect_body("HTTP/1.1 304 x\r\nContent-Length: a\r\n\r\n", 304, "");
}

Test(h1_parse, status_line_is_read_liberally)
{
	expect_body("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, "");
	expect_body("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", 200, "");
	expect_body("HTTP/1.1 \t 200\tOK\nContent-Length: 0\n\n", 200, "");
	expect_body("HTTP/1.1 999 \x80\xff~\r\nContent-Length: 0\r\n\r\n", 999, "");
	expect_body("HTTP/1.5 200 OK\r\nContent-Length: 0\r\n\r\n", 200, "");
}

Test(h1_parse, what_is_no_status_line_is_refused)
{
	expect_bad("\r\nHTTP/1.1 200 OK\r\n\r\n", H1_PARSE_BAD_NOT_HTTP);
	expect_bad("http/1.1 200 OK\r\n\r\n", H1_PARSE_BAD_NOT_HTTP);
	expect_bad("HTTP/2.0 200 OK\r\n\r\n", H1_PARSE_BAD_NOT_HTTP);
	expect_bad("HTTP/1.x 200 OK\r\n\r\n", H1_PARSE_BAD_NOT_HTTP);
	expect_bad("HTTP/1.1200 OK\r\n\r\n", H1_PARSE_BAD_NOT_HTTP);
	expect_bad("HTTP/1.12 200 OK\r\n\r\n", H1_PARSE_BAD_NOT_HTTP);
	expect_bad("HTTP/1.1 20 OK\r\n\r\n", H1_PARSE_BAD_STATUS);
	expect_bad("HTTP/1.1 2000 OK\r\n\r\n", H1_PARSE_BAD_STATUS);
	expect_bad("HTTP/1.1 099 OK\r\n\r\n", H1_PARSE_BAD_STATUS);
	expect_bad("HTTP/1.1 -20 OK\r\n\r\n", H1_PARSE_BAD_STATUS);
	expect_bad("HTTP/1.1 200OK\r\n\r\n", H1_PARSE_BAD_STATUS);
	expect_bad("HTTP/1.1\r\n\r\n", H1_PARSE_BAD_NOT_HTTP);
	expect_bad("HTTP/1.1 \r\n\r\n", H1_PARSE_BAD_STATUS);
	expect_bad("HTTP/1.1 200 O\rK\r\n\r\n", H1_PARSE_BAD_BARE_CR);
}

#define OK_LINE "HTTP/1.1 200 OK\r\n"

Test(h1_parse, field_lines_are_checked)
{
	expect_bad(OK_LINE "no colon\r\n\r\n", H1_PARSE_BAD_FIELD);
	expect_bad(OK_LINE "nocolon\r\n\r\n", H1_PARSE_BAD_FIELD);
	expect_bad(OK_LINE ": value\r\n\r\n", H1_PARSE_BAD_FIELD);
	expect_bad(OK_LINE " X: value\r\n\r\n", H1_PARSE_BAD_FIELD);
	expect_bad(OK_LINE "A(b: value\r\n\r\n", H1_PARSE_BAD_FIELD);
	expect_bad(OK_LINE "\xc3\xa4: value\r\n\r\n", H1_PARSE_BAD_FIELD);
	expect_bad(OK_LINE "X: a\rb\r\n\r\n", H1_PARSE_BAD_BARE_CR);
	expect_bad(OK_LINE "Content-Length: 1\r0\r\n\r\n", H1_PARSE_BAD_BARE_CR);
	expect_body(OK_LINE "X:\r\nY: \r\nCONTENT-length\t:1\r\n\r\nx", 200, "x");
	expect_body(OK_LINE "!#$%&'*+-.^_`|~09: \x01\xff\r\nContent-Length:1\r\n\r\nx", 200, "x");
}

Test(h1_parse, nul_is_refused_in_the_header_only)
{
	static const char in_field[] = OK_LINE "X: a\0b\r\n\r\n";
	static const char in_length[] = OK_LINE "Content-Length: 1\0\r\n\r\n";
	static const char in_body[] = OK_LINE "Content-Length: 3\r\n\r\na\0b";
	struct outcome *o = parse_cut(&whole_run, in_field, sizeof(in_field) - 1, NULL, 0);

	cr_assert_eq(o->reason, (unsigned)H1_PARSE_BAD_NUL);
	o = parse_cut(&whole_run, in_length, sizeof(in_length) - 1, NULL, 0);
	cr_assert_eq(o->reason, (unsigned)H1_PARSE_BAD_NUL);
	o = parse_cut(&whole_run, in_body, sizeof(in_body) - 1, NULL, 0);
	cr_assert_eq(o->end, H1_PARSE_DONE);
	cr_assert_eq(o->body_len, 3);
}

Test(h1_parse, folded_lines_are_one_value)
{
	cr_assert_str_eq(parse(OK_LINE "RS-Weight: 1\r\n 2\r\n\t\r\n 3 \r\n\r\n")->wanted, "1 2 3");
	cr_assert_str_eq(parse(OK_LINE "RS-Weight:\r\n 7\r\n\r\n")->wanted, "7");
	expect_bad(OK_LINE "Content-Length: 1\r\n 0\r\n\r\n", H1_PARSE_BAD_LENGTH);
	expect_body(OK_LINE "X: y\r\n Content-Length: 9\r\nContent-Length: 1\r\n\r\nx", 200, "x");
}

Test(h1_parse, equal_lengths_are_one_and_others_are_refused)
{
	expect_body(OK_LINE "Content-Length: 1\r\nContent-Length: 01\r\n\r\nx", 200, "x");
	expect_body(OK_LINE "Content-Length: 1,1 , 1\r\n\r\nx", 200, "x");
	expect_bad(OK_LINE "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx", H1_PARSE_BAD_LENGTH);
	expect_bad(OK_LINE "Content-Length: 1, 2\r\n\r\nxx", H1_PARSE_BAD_LENGTH);
	expect_bad(OK_LINE "Content-Length:\r\n\r\n", H1_PARSE_BAD_LENGTH);
	expect_bad(OK_LINE "Content-Length: 1,\r\n\r\nx", H1_PARSE_BAD_LENGTH);
	expect_bad(OK_LINE "Content-Length: -1\r\n\r\n", H1_PARSE_BAD_LENGTH);
	expect_bad(OK_LINE "Content-Length: +1\r\n\r\nx", H1_PARSE_BAD_LENGTH);
	expect_bad(OK_LINE "Content-Length: 0x1\r\n\r\nx", H1_PARSE_BAD_LENGTH);
	expect_bad(OK_LINE "Content-Length: 1 1\r\n\r\nx", H1_PARSE_BAD_LENGTH);
	expect_bad(OK_LINE "Content-Length: a\r\nContent-Length: 1\r\n\r\nx", H1_PARSE_BAD_LENGTH);
}

Test(h1_parse, overflowing_length_is_refused)
{
	expect_bad(OK_LINE "Content-Length: 9223372036854775808\r\n\r\n", H1_PARSE_BAD_LENGTH);
	expect_bad(OK_LINE "Content-Length: 18446744073709551616\r\n\r\n", H1_PARSE_BAD_LENGTH);
	expect_bad(OK_LINE "Content-Length: 9223372036854775807\r\n\r\n", H1_PARSE_BAD_BODY_SIZE);
	expect_bad(OK_LINE "Content-Length: "
			   "00000000000000000000000000000000000000000000000000000000000000001"
			   "\r\n\r\nx",
		   H1_PARSE_BAD_LENGTH);
}

Test(h1_parse, transfer_encoding_rules_over_content_length)
{
	expect_body(OK_LINE
		    "Content-Length: 3\r\nTransfer-Encoding: Chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
		    200, "a");
	expect_body(OK_LINE "Transfer-Encoding: chunked\r\nContent-Length: x\r\n\r\n0\r\n\r\n", 200,
		    "");
	expect_body(OK_LINE "Transfer-Encoding: identity\r\nContent-Length: 1\r\n\r\nx", 200, "x");
}

Test(h1_parse, coding_that_is_not_chunked_lasts_until_close)
{
	const struct outcome *o =
		parse(OK_LINE "Transfer-Encoding: gzip\r\nContent-Length: 1\r\n\r\nxyz");

	cr_assert(o->by_close && o->is_encoded);
	cr_assert_eq(o->body_len, 3);
	o = parse(OK_LINE "Transfer-Encoding: chunked, gzip\r\n\r\nxyz");
	cr_assert(o->by_close && o->is_encoded);
}

Test(h1_parse, coding_before_chunked_is_encoded)
{
	const struct outcome *o =
		parse(OK_LINE "Transfer-Encoding: gzip\r\nTransfer-Encoding: , chunked\r\n\r\n"
			      "1\r\na\r\n0\r\n\r\n");

	cr_assert_eq(o->end, H1_PARSE_DONE);
	cr_assert(o->is_encoded);
	expect_bad(OK_LINE "Transfer-Encoding: chunked, chunked\r\n\r\n", H1_PARSE_BAD_TRANSFER);
	expect_bad(OK_LINE "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
		   H1_PARSE_BAD_TRANSFER);
	expect_bad(OK_LINE "Transfer-Encoding: "
			   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, chunked"
			   "\r\n\r\n",
		   H1_PARSE_BAD_TRANSFER);
}

Test(h1_parse, transfer_encoding_in_1_0_is_ignored)
{
	const char *text = "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
	const struct outcome *o = parse(text);

	cr_assert(o->by_close);
	cr_assert_eq(o->body_len, 5);
	expect_body("HTTP/1.0 200 OK\r\nTransfer-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx", 200,
		    "x");
}

Test(h1_parse, content_encoding_is_noticed)
{
	cr_assert(!parse(OK_LINE "Content-Encoding: identity\r\n\r\n")->is_encoded);
	cr_assert(!parse(OK_LINE "Content-Encoding:\r\n\r\n")->is_encoded);
	cr_assert(!parse(OK_LINE "X-Content-Encoding: br\r\n\r\n")->is_encoded);
	cr_assert(parse(OK_LINE "content-encoding: IDENTITY,br\r\n\r\n")->is_encoded);
	cr_assert(parse(OK_LINE "Content-Encoding: identity\r\nContent-Encoding: x\r\n\r\n")
			  ->is_encoded);
}

#define CHUNKED OK_LINE "Transfer-Encoding: chunked\r\n\r\n"

Test(h1_parse, chunk_sizes_are_checked)
{
	expect_body(CHUNKED "1\na\n0\n\n", 200, "a");
	expect_body(CHUNKED "0000000000000001\r\na\r\n0\r\n\r\n", 200, "a");
	expect_body(CHUNKED "aB\r\n" /* 171 */
			    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
			    "\r\n0\r\n\r\n",
		    200,
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	expect_bad(CHUNKED "\r\n", H1_PARSE_BAD_CHUNK_SIZE);
	expect_bad(CHUNKED ";a\r\n", H1_PARSE_BAD_CHUNK_SIZE);
	expect_bad(CHUNKED "g\r\n", H1_PARSE_BAD_CHUNK_SIZE);
	expect_bad(CHUNKED "-1\r\n", H1_PARSE_BAD_CHUNK_SIZE);
	expect_bad(CHUNKED "0x1\r\n", H1_PARSE_BAD_CHUNK_SIZE);
	expect_bad(CHUNKED "00000000000000001\r\n", H1_PARSE_BAD_CHUNK_SIZE);
	expect_bad(CHUNKED "1\r\nab\r\n", H1_PARSE_BAD_CHUNK_END);
	expect_bad(CHUNKED "1\r\na\rb", H1_PARSE_BAD_BARE_CR);
	expect_bad(CHUNKED "1\ra", H1_PARSE_BAD_BARE_CR);
	expect_bad(CHUNKED "ffffffffffffffff\r\n", H1_PARSE_BAD_BODY_SIZE);
}

/* One byte of head more than allowed, wherever it stands, is one too many. */
Test(h1_parse, head_is_bounded_to_the_byte)
{
	static char text[MAX_HEAD * 2];
	int n;

	for (unsigned pad = 0; pad < 2; pad++) {
		n = snprintf(
			text, sizeof(text), OK_LINE "Content-Length: 0\r\nX:%*s\r\n\r\n",
			(int)(MAX_HEAD - strlen(OK_LINE "Content-Length: 0\r\nX:\r\n\r\n") + pad),
			"");
		cr_assert_eq(n, MAX_HEAD + (int)pad);
		if (pad)
			expect_bad(text, H1_PARSE_BAD_HEAD_SIZE);
		else
			expect_body(text, 200, "");
	}
}

Test(h1_parse, interim_heads_extensions_and_trailers_share_the_bound)
{
	static char text[MAX_HEAD * 2];
	int half = MAX_HEAD / 2;

	snprintf(text, sizeof(text), "HTTP/1.1 100 %*s\r\n\r\nHTTP/1.1 200 %*s\r\n\r\n", half, "",
		 half, "");
	expect_bad(text, H1_PARSE_BAD_HEAD_SIZE);
	snprintf(text, sizeof(text), CHUNKED "1;%*s\r\na\r\n1;%*s", half, "", half, "");
	expect_bad(text, H1_PARSE_BAD_HEAD_SIZE);
	snprintf(text, sizeof(text), CHUNKED "0\r\nX: %*s\r\nY: %*s", half, "", half, "");
	expect_bad(text, H1_PARSE_BAD_HEAD_SIZE);
}

Test(h1_parse, body_is_bounded_to_the_byte)
{
	static char text[MAX_BODY + 200], body[MAX_BODY + 2];

	memset(body, 'x', MAX_BODY + 1);
	snprintf(text, sizeof(text), OK_LINE "Content-Length: %d\r\n\r\n%.*s", MAX_BODY, MAX_BODY,
		 body);
	cr_assert_eq(parse(text)->end, H1_PARSE_DONE);
	snprintf(text, sizeof(text), OK_LINE "Content-Length: %d\r\n\r\n", MAX_BODY + 1);
	expect_bad(text, H1_PARSE_BAD_BODY_SIZE);
	cr_assert_eq(parse(text)->status, 200, "the status is known before the limit");
	snprintf(text, sizeof(text), OK_LINE "\r\n%.*s", MAX_BODY, body);
	cr_assert_eq(parse(text)->end, H1_PARSE_MORE);
	snprintf(text, sizeof(text), OK_LINE "\r\n%s", body);
	expect_bad(text, H1_PARSE_BAD_BODY_SIZE);
	snprintf(text, sizeof(text), CHUNKED "%x\r\n%.*s\r\n1\r\n", MAX_BODY, MAX_BODY, body);
	expect_bad(text, H1_PARSE_BAD_BODY_SIZE);
}

Test(h1_parse, first_wanted_field_counts)
{
	char text[256], longest[H1_PARSE_VALUE_BYTES + 1];

	cr_assert_str_eq(parse(OK_LINE "rs-weight: 5\r\nRS-Weight: 6\r\n\r\n")->wanted, "5");
	cr_assert_str_eq(parse(OK_LINE "RS-Weight:\r\nRS-Weight: 6\r\n\r\n")->wanted, "");
	cr_assert_str_eq(parse(OK_LINE "X-RS-Weight: 6\r\n\r\n")->wanted, "");
	memset(longest, '0', sizeof(longest));
	longest[H1_PARSE_VALUE_BYTES] = '\0';
	snprintf(text, sizeof(text), OK_LINE "RS-Weight: %s   \r\n\r\n", longest);
	cr_assert_str_eq(parse(text)->wanted, longest);
	snprintf(text, sizeof(text), OK_LINE "RS-Weight: %s0\r\n\r\n", longest);
	cr_assert_str_eq(parse(text)->wanted, "");
	cr_assert(whole_run.parse.has_wanted);
}

Test(h1_parse, long_names_are_other_names)
{
	expect_body(OK_LINE
		    "Content-Length-and-much-more-than-that: 5\r\nContent-Length: 1\r\n\r\nx",
		    200, "x");
}

Test(h1_parse, done_and_bad_are_final)
{
	struct h1_parse_slice more = {(const unsigned char *)"HTTP", 4}, body;

	parse(typical[5]);
	cr_assert_eq(h1_parse_step(&whole_run.parse, &more, &body), H1_PARSE_DONE);
	parse("x");
	cr_assert_eq(h1_parse_step(&whole_run.parse, &more, &body), H1_PARSE_BAD);
	cr_assert_eq(more.len, 4);
}

Test(h1_parse, reasons_have_text)
{
	for (unsigned i = 0; i < H1_PARSE_BAD__N; i++)
		cr_assert_not_null(h1_parse_reason_text(i));
	cr_assert_str_eq(h1_parse_reason_text(H1_PARSE_BAD__N), "?");
}
