/* A RealFind reply from anywhere: the first byte says in what pieces it comes, the rest is the
 * body. In pieces or whole, the same must come out, and never more than its length allows. */
#include "base/cc.h"
#include "base/hash.h"
#include "yanet/yanet_decode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
	int event;
	uint64_t digest; /* of all events */
	size_t n_events;
};

static void note(struct outcome *o, const struct yanet_decode *d, int event)
{
	o->n_events++;
	o->digest = hash_u64((uint64_t)event, o->digest);
	if (event == YANET_DECODE_MODULE && d->module.is_usable)
		o->digest = hash_bytes(d->module.name.text, d->module.name.len, o->digest);
	else if (event == YANET_DECODE_SERVICE && d->service.is_usable)
		o->digest = hash_bytes(&d->service.vip, sizeof(d->service.vip),
				       o->digest ^ d->service.port);
	else if (event == YANET_DECODE_REAL)
		o->digest = hash_bytes(&d->real.ip, sizeof(d->real.ip),
				       o->digest ^ d->real.port ^ (uint64_t)d->real.weight << 32);
	if (event == YANET_DECODE_REAL && d->real.is_usable)
		ASSERT(!addr_is_unset(&d->real.ip));
	if (event == YANET_DECODE_SERVICE && d->service.is_usable)
		ASSERT(!addr_is_unset(&d->service.vip));
}

/* Each piece is a heap block of its exact size: ASan sees one byte over. */
static struct outcome decode(const uint8_t *body, size_t len, size_t step)
{
	struct outcome o = {.event = YANET_DECODE_MORE};
	struct yanet_decode d;

	yanet_decode_begin(&d, len);
	for (size_t at = 0; at <= len && o.event == YANET_DECODE_MORE; at += step) {
		size_t n = MIN(step, len - at);
		uint8_t *piece = malloc(n ? n : 1);
		struct yanet_input in = {.at = piece, .len = n};

		ASSERT(piece);
		memcpy(piece, body + at, n);
		while ((o.event = yanet_decode_next(&d, &in)) > YANET_DECODE_MORE &&
		       o.event != YANET_DECODE_END)
			note(&o, &d, o.event);
		free(piece);
	}
	return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome whole, pieces;
	size_t step;

	if (size < 1)
		return 0;
	step = data[0] % 64u + 1;
	whole = decode(data + 1, size - 1, size);
	pieces = decode(data + 1, size - 1, step);
	ASSERT(whole.event == pieces.event && whole.digest == pieces.digest);
	/* every event but the last costs at least one byte */
	ASSERT(whole.n_events <= size);
	/* the whole body was there: it is complete or malformed */
	ASSERT(whole.event != YANET_DECODE_MORE);
	return 0;
}
