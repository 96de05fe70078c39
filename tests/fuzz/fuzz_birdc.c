/* BIRD's control stream from anywhere: the first byte says in what pieces it comes. In pieces or
 * whole, the same lines must come out, none longer than the buffer, and every call makes progress.
 */
#include "announce/birdc_reply.h"
#include "base/hash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Returns a digest of all events up to the first bad one. */
static uint64_t read_all(const char *stream, size_t len, size_t step)
{
	struct birdc_reply r = {0};
	uint64_t digest = 0, n;
	unsigned major, minor;
	size_t at = 0;

	while (at < len) {
		size_t piece = MIN(step, len - at), used = 0;
		char *copy = malloc(piece); /* of its exact size: ASan sees one byte over */
		enum birdc_reply_event event;

		ASSERT(copy);
		memcpy(copy, stream + at, piece);
		event = birdc_reply_feed(&r, copy, piece, &used);
		free(copy);
		ASSERT(used > 0 && used <= piece);
		at += used;
		if (event == BIRDC_REPLY_MORE)
			continue;
		digest = hash_u64((uint64_t)event, digest);
		if (event == BIRDC_REPLY_BAD)
			return digest;
		ASSERT(r.code <= 9999 && strlen(r.text) < BIRDC_REPLY_LINE_BYTES);
		digest = hash_bytes(r.text, strlen(r.text), digest ^ r.code);
		if (birdc_reply_count(r.text, &n))
			digest = hash_u64(n, digest);
		if (birdc_reply_version(r.text, &major, &minor))
			digest = hash_u64(major * 1000 + minor, digest);
	}
	return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t whole;

	if (size < 2)
		return 0;
	whole = read_all((const char *)data + 1, size - 1, size);
	ASSERT(read_all((const char *)data + 1, size - 1, 1) == whole);
	ASSERT(read_all((const char *)data + 1, size - 1, 1 + data[0] % 64) == whole);
	return 0;
}
