/* The HTTP driver on anything a real may send, in any pieces and with any end. Input: byte 0 the
 * profile's flags, 1 the end, 2 and 3 the status, 4 the piece size, 5 the length of the path, then
 * the path, then the response. */
#include <errno.h>

#include "check/check.h"
#include "net/h1_parse.h"

enum { OPTION_BYTES = 6, MAX_PATH = 64 };

/* d41d8cd98f00b204e9800998ecf8427e: of the empty body, so that the digest can be met */
static const uint8_t md5_empty[16] = {0xd4, 0x1d, 0x8c, 0xd9, 0x8f, 0x00, 0xb2, 0x04,
				      0xe9, 0x80, 0x09, 0x98, 0xec, 0xf8, 0x42, 0x7e};

static void check_request(const struct buf *out)
{
	const char *text = (const char *)buf_head(out);
	const char *end = memchr(text, '\r', buf_len(out));

	ASSERT(buf_len(out) > 20 && !memcmp(text, "GET /", 5));
	ASSERT(end && end[1] == '\n' && !memcmp(end - 9, " HTTP/1.1", 9));
	ASSERT(!memchr(text + 4, ' ', (size_t)(end - 9 - text - 4)));
	ASSERT(!memcmp(text + buf_len(out) - 4, "\r\n\r\n", 4));
}

static void check_outcome(const struct check_talk *t, size_t given)
{
	enum check_code code = t->outcome.code;

	ASSERT(code != CODE_NONE && code < CODE__N);
	/* nothing that a real sends is a fault of our own */
	ASSERT(check_code_verdict(code) != VERDICT_UNKNOWN || code == CODE_REFUSED_LOCALLY);
	ASSERT(t->outcome.weight >= -1 && t->outcome.weight <= UINT16_MAX);
	ASSERT(code == CODE_OK || t->outcome.weight == -1);
	ASSERT(t->outcome.bytes_read <= given);
	ASSERT(code != CODE_HTTP_MALFORMED || t->outcome.detail < H1_PARSE_BAD__N);
	if (code == CODE_HTTP_STATUS)
		ASSERT(t->outcome.detail != t->profile->status_code);
}

static void speak(struct check_talk *t, const uint8_t *data, size_t size, size_t piece, uint8_t end)
{
	static const uint32_t errors[] = {ECONNRESET, EPIPE, EPROTO, EPERM};
	struct buf out = BUF_INIT(1 << 16);
	enum check_step step = check_talk_open(t, &out);
	uint8_t *copy;

	ASSERT(step == CHECK_WAIT);
	check_request(&out);
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
	/* kept from input to input, as a worker keeps it from check to check */
	static struct check_talk t;
	struct check_outcome outcome;

	ASSERT(!check_talk_begin(&t, job));
	speak(&t, data, size, piece, end);
	outcome = t.outcome;
	check_talk_close(&t);
	return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct check_spec spec = {.kind = CHECK_HTTP, .connect_port = 80};
	struct check_profile profile = {.path = 1};
	char text[MAX_PATH + 2] = {0};
	struct generation generation = {.checks = &spec, .profiles = &profile, .text = text};
	struct job job = {.generation = &generation, .weight = 100};
	struct check_outcome whole, cut;
	size_t path_len, piece;
	uint8_t end;

	if (size < OPTION_BYTES)
		return 0;
	path_len = MIN((size_t)(data[5] % MAX_PATH), size - OPTION_BYTES);
	memcpy(text + 1, data + OPTION_BYTES, path_len);
	profile.flags =
		data[0] & (PROFILE_DYNAMIC_WEIGHT | PROFILE_WEIGHT_IN_HEADER | PROFILE_HAS_DIGEST);
	memcpy(profile.digest, md5_empty, sizeof(md5_empty));
	profile.status_code = (uint16_t)((data[2] << 8 | data[3]) % 600);
	end = data[1];
	piece = 1u + data[4] % 31u;
	data += OPTION_BYTES + path_len;
	size -= OPTION_BYTES + path_len;
	whole = talk(&job, data, size, MAX(size, 1u), end);
	cut = talk(&job, data, size, piece, end);
	ASSERT(whole.code == cut.code && whole.detail == cut.detail);
	ASSERT(whole.weight == cut.weight);
	return 0;
}
