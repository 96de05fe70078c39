/* Fails the n-th allocation of a request and its answer, for every n: each time it is our own fault
 * and nobody else's. The sources are compiled into this file so that their calls can be counted;
 * the same functions in the library stay unused. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static long calls_left = -1; /* until one fails; < 0: none does */

static int is_time(void)
{
	return calls_left >= 0 && calls_left-- == 0;
}

static void *failing_calloc(size_t n, size_t bytes)
{
	return is_time() ? NULL : calloc(n, bytes);
}

static void *failing_realloc(void *p, size_t bytes)
{
	return is_time() ? NULL : realloc(p, bytes);
}

#define calloc  failing_calloc
#define realloc failing_realloc
#include "../../../src/base/buf.c"
#include "../../../src/net/h2.c"
#include "../../../src/net/h2_memory.c"
#undef calloc
#undef realloc

#include <criterion/criterion.h>

#include "lib/h2_server.h"

enum { MAX_CALLS = 1000 };

static struct buf answer;

static void on_any_field(void *arg, const struct h2_field *f, bool is_trailer)
{
	(void)arg, (void)f, (void)is_trailer;
}

static void on_any_body(void *arg, const uint8_t *data, size_t len)
{
	(void)arg, (void)data, (void)len;
}

static void make_answer(void)
{
	answer = BUF_INIT(4096);
	h2_server_frame(&answer, NGHTTP2_SETTINGS, 0, 0, "\0\1\0\0\x20\0", 6);
	h2_server_frame(&answer, NGHTTP2_PING, 0, 0, "12345678", 8);
	/* an indexed field, which makes the table of HPACK grow */
	h2_server_frame(&answer, NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, 1,
			"\x88\x40\x01y\x05value", 10);
	h2_server_frame(&answer, NGHTTP2_DATA, 0, 1, "body", 4);
	h2_server_frame(&answer, NGHTTP2_HEADERS,
			NGHTTP2_FLAG_END_HEADERS | NGHTTP2_FLAG_END_STREAM, 1, "\x40\x01z\x05value",
			9);
}

/* True if nothing failed. */
static bool talk(struct h2 *h, struct buf *out)
{
	static const struct h2_field fields[] = {
		H2_FIELD_TEXT(":method", "POST"),
		H2_FIELD_TEXT(":scheme", "http"),
		H2_FIELD_TEXT(":path", "/"),
		H2_FIELD_TEXT(":authority", "a"),
	};
	const struct h2_request request = {fields, ARRAY_LEN(fields), "hello", 5, 100};
	const struct h2_sink sink = {on_any_field, on_any_body, NULL};
	int r = h2_open(h, &request, &sink, out);
	enum h2_end end;

	if (r < 0) {
		cr_assert_eq(r, -ENOMEM, "open: %d", r);
		return false;
	}
	end = h2_input(h, buf_head(&answer), buf_len(&answer), out);
	cr_assert(end == H2_COMPLETE || end == H2_NO_MEMORY, "end %d, detail %u", (int)end,
		  h2_detail(h));
	h2_close(h);
	return end == H2_COMPLETE;
}

Test(h2_oom, every_failed_allocation_is_our_own_fault)
{
	bool is_good = false;
	long n = 0;

	make_answer();
	for (; !is_good && n < MAX_CALLS; n++) {
		struct buf out = BUF_INIT(1 << 16);
		struct h2 *h;

		calls_left = n;
		h = h2_new();
		is_good = h && talk(h, &out);
		/* and the next connection is as good as any */
		calls_left = -1;
		if (h)
			cr_assert(talk(h, &out));
		h2_free(h);
		buf_deinit(&out);
	}
	cr_assert_gt(n, 10, "allocations were counted");
	cr_assert_lt(n, MAX_CALLS);
	buf_deinit(&answer);
}
