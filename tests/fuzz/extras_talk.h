/* An HTTP check with all its extras on anything a real may send, in any pieces and with any end;
 * the target that includes it says in which protocol. Input: byte 0 flags of the profile, 1 the
 * end, 2 the piece size, 3 what is expected, 4 the cap of the body, then the response.
 */
#define PCRE2_CODE_UNIT_WIDTH 8

#include <errno.h>

#include <pcre2.h>

#include "check/check.h"
#include "check/check_expect.h"
#include "net/h1_parse.h"
#include "net/h2.h"

enum { OPTION_BYTES = 5 };
enum { WANTS_DIGEST = 1, WANTS_DRAIN = 2, IS_HEAD = 4, ANY_STATUS = 8, PATTERN_SHIFT = 4 };

/* d41d8cd98f00b204e9800998ecf8427e: of the empty body, so that the digest can be met */
static const uint8_t md5_empty[16] = {0xd4, 0x1d, 0x8c, 0xd9, 0x8f, 0x00, 0xb2, 0x04,
				      0xe9, 0x80, 0x09, 0x98, 0xec, 0xf8, 0x42, 0x7e};

static const pcre2_code *pattern(unsigned i)
{
	static const struct {
		const char *text;
		uint32_t options;
	} rows[] = {
		{NULL, 0},
		{"ok", 0},
		{"^(?:a|b)*$", 0},
		{".*\n.*x", 0},
		{"(?<=\\xff)\\x00", 0},
		{"\xc3\xa4+", PCRE2_UTF | PCRE2_MATCH_INVALID_UTF},
	};
	static pcre2_code *codes[ARRAY_LEN(rows)];
	PCRE2_SIZE at;
	int error;

	i %= ARRAY_LEN(rows);
	if (rows[i].text && !codes[i]) {
		codes[i] =
			pcre2_compile((PCRE2_SPTR)rows[i].text, PCRE2_ZERO_TERMINATED,
				      rows[i].options | PCRE2_USE_OFFSET_LIMIT, &error, &at, NULL);
		ASSERT(codes[i]);
	}
	return codes[i];
}

static void check_outcome(const struct check_talk *t, size_t given)
{
	const struct check_outcome *o = &t->outcome;
	enum check_code code = (enum check_code)o->code;

	ASSERT(code != CODE_NONE && code < CODE__N);
	/* nothing that a real sends is a fault of our own */
	ASSERT(check_code_verdict(code) != VERDICT_UNKNOWN || code == CODE_REFUSED_LOCALLY ||
	       code == CODE_EXPECT_LIMIT);
	ASSERT(o->weight >= -1 && o->weight <= UINT16_MAX);
	ASSERT(code == CODE_OK || (o->weight == -1 && !o->is_drained));
	ASSERT(!o->is_drained || o->weight == -1);
	ASSERT(o->bytes_read <= given);
	ASSERT(code != CODE_HTTP_MALFORMED || o->detail < H1_PARSE_BAD__N);
	ASSERT(code != CODE_BODY_SIZE || o->detail == t->extras->max_body_bytes);
}

static void speak(struct check_talk *t, const uint8_t *data, size_t size, size_t piece, uint8_t end)
{
	static const uint32_t errors[] = {ECONNRESET, EPIPE, EPROTO, EPERM};
	struct buf out = BUF_INIT(H2_MAX_CONTROL_BYTES);
	enum check_step step = check_talk_open(t, &out);
	uint8_t *copy;

	ASSERT(step == CHECK_WAIT);
	ASSERT(buf_len(&out) > 24);
	for (size_t at = 0; at < size && step == CHECK_WAIT; at += piece) {
		size_t len = MIN(piece, size - at);

		copy = malloc(len);
		memcpy(copy, data + at, len);
		step = check_talk_input(t, copy, len, &out);
		free(copy);
	}
	if (step == CHECK_WAIT)
		check_talk_interrupted(t, end % 3, errors[end / 3 % ARRAY_LEN(errors)]);
	check_outcome(t, size);
	buf_deinit(&out);
}

static struct check_outcome talk(const struct job *job, const uint8_t *data, size_t size,
				 size_t piece, uint8_t end)
{
	/* kept from input to input, as a worker keeps them from check to check */
	static struct check_expect expect;
	static struct check_talk t;
	struct check_outcome outcome;

	t.expect = &expect;
	ASSERT(!check_talk_begin(&t, job));
	speak(&t, data, size, piece, end);
	outcome = t.outcome;
	check_talk_close(&t);
	ASSERT(expect.held_bytes == 0);
	return outcome;
}

/* Over HTTP/2 a fault of the peer's may be found before or after its next frame; it is never a good
 * answer. */
static void same(const struct check_outcome *a, const struct check_outcome *b, bool is_h2)
{
	ASSERT(check_code_verdict(a->code) == check_code_verdict(b->code));
	ASSERT(is_h2 || (a->code == b->code && a->detail == b->detail));
	ASSERT(a->weight == b->weight && a->is_drained == b->is_drained);
}

static void try_input(const uint8_t *data, size_t size, enum http_protocol protocol)
{
	struct check_url url = {.path = "/p", .virtualhost = "h", .expect_body_text = ""};
	struct check_extras extras = {.method = data[3] & IS_HEAD ? "HEAD" : "",
				      .headers = "X-Y: z\r\n",
				      .max_body_bytes = 1u + data[4] * 16u,
				      .http_protocol = (uint8_t)protocol,
				      .n_urls = 1,
				      .urls = &url};
	struct check_spec spec = {.kind = CHECK_HTTP, .connect_port = 80};
	struct check_profile profile = {.extras = 1};
	struct generation generation = {.checks = &spec,
					.profiles = &profile,
					.extras = &extras,
					.n_extras = 1,
					.text = ""};
	struct job job = {.generation = &generation, .weight = 100};
	size_t piece = 1u + data[2] % 31u;
	struct check_outcome whole, cut;
	uint8_t end = data[1];

	profile.flags = data[0] & (PROFILE_DYNAMIC_WEIGHT | PROFILE_WEIGHT_IN_HEADER);
	url.has_digest = data[3] & WANTS_DIGEST;
	memcpy(url.digest, md5_empty, sizeof(md5_empty));
	url.expect_body = pattern(data[3] >> PATTERN_SHIFT);
	if (!(data[3] & ANY_STATUS))
		url.status = (struct status_set){.at = {{200, 299}}, .n = 1};
	if (data[3] & WANTS_DRAIN)
		extras.drain_status = (struct status_set){.at = {{202, 203}, {503, 503}}, .n = 2};
	data += OPTION_BYTES;
	size -= OPTION_BYTES;
	whole = talk(&job, data, size, MAX(size, 1u), end);
	cut = talk(&job, data, size, piece, end);
	same(&whole, &cut, protocol == HTTP_PROTOCOL_2);
}
