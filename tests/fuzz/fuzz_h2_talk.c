/* The gRPC driver on anything a real may send, in any pieces and with any end. Input: byte 0 the
 * profile's flags, 1 the end, 2 the piece size, 3 the form, then the response as the form says:
 * bytes as they are, or frames of which the lengths are put right, so that the way inside is short.
 */
#include <errno.h>

#include "check/check.h"
#include "check/check_grpc.h"
#include "net/h2.h"

enum { OPTION_BYTES = 4, FRAME_HEAD = 9, MAX_REPLY = H2_MAX_CONTROL_BYTES };

static void check_outcome(const struct check_talk *t, size_t given)
{
	enum check_code code = t->outcome.code;

	ASSERT(code != CODE_NONE && code < CODE__N);
	/* nothing that a real sends is a fault of our own */
	ASSERT(check_code_verdict(code) != VERDICT_UNKNOWN || code == CODE_REFUSED_LOCALLY);
	ASSERT(t->outcome.weight >= -1 && t->outcome.weight <= UINT16_MAX);
	ASSERT(code == CODE_OK || t->outcome.weight == -1);
	ASSERT(t->outcome.bytes_read <= given);
	if (code == CODE_HTTP_STATUS)
		ASSERT(t->outcome.detail != 200);
	if (code == CODE_GRPC_STATUS)
		ASSERT(t->outcome.detail > 0 && t->outcome.detail <= UINT16_MAX);
}

static void speak(struct check_talk *t, const uint8_t *data, size_t size, size_t piece, uint8_t end)
{
	static const uint32_t errors[] = {ECONNRESET, EPIPE, EPROTO, EPERM};
	struct buf out = BUF_INIT(MAX_REPLY);
	enum check_step step = check_talk_open(t, &out);
	uint8_t *copy;

	ASSERT(step == CHECK_WAIT);
	ASSERT(buf_len(&out) > 24 && !memcmp(buf_head(&out), "PRI * HTTP/2.0\r\n", 16));
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

/* Each frame's length becomes the one that is there: the low bits of what it says, as far as the
 * input goes. */
static void mend_frames(uint8_t *data, size_t size)
{
	for (size_t at = 0; at + FRAME_HEAD <= size;) {
		size_t left = size - at - FRAME_HEAD;
		size_t len = MIN((size_t)(data[at + 1] << 8 | data[at + 2]) % 512u, left);

		data[at] = 0;
		data[at + 1] = (uint8_t)(len >> 8);
		data[at + 2] = (uint8_t)len;
		at += FRAME_HEAD + len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct check_spec spec = {.kind = CHECK_GRPC, .connect_port = 80};
	struct check_profile profile = {.kind = CHECK_GRPC, .virtualhost = 1};
	struct generation generation = {.checks = &spec, .profiles = &profile, .text = "\0svc"};
	struct job job = {.generation = &generation, .weight = 100};
	struct check_outcome whole, cut;
	uint8_t *copy;

	if (size <= OPTION_BYTES)
		return 0;
	profile.flags = data[0] & (PROFILE_DYNAMIC_WEIGHT | PROFILE_TLS_OFF);
	size -= OPTION_BYTES;
	copy = malloc(size);
	memcpy(copy, data + OPTION_BYTES, size);
	if (data[3] & 1)
		mend_frames(copy, size);
	whole = talk(&job, copy, size, size, data[1]);
	cut = talk(&job, copy, size, 1u + data[2] % 31u, data[1]);
	/* a fault of the peer's may be found before or after its next frame, never a good answer */
	ASSERT(check_code_verdict(whole.code) == check_code_verdict(cut.code));
	ASSERT(whole.weight == cut.weight);
	free(copy);
	return 0;
}
