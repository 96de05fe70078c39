/* The response parser on anything: whole and in pieces it must come to the same, stay within its
 * bounds and hand out only bytes of its input. Input: byte 0 and 1 seed the cuts, byte 2 chooses
 * the limits, the rest is the response. */
#include "net/h1_parse.h"

struct summary {
	enum h1_parse_event end;
	uint8_t reason;
	uint16_t status;
	bool has_head, is_encoded, by_close;
	size_t used, head_at;
	uint64_t body_bytes, body_hash;
	uint8_t wanted_len;
	char wanted[H1_PARSE_VALUE_BYTES];
};

struct limits {
	uint32_t head;
	uint64_t body;
};

static void add_body(struct summary *s, struct h1_parse_slice body)
{
	s->body_bytes += body.len;
	for (size_t i = 0; i < body.len; i++)
		s->body_hash = (s->body_hash ^ body.at[i]) * 0x100000001b3u;
}

static void run_piece(struct h1_parse *p, struct summary *s, const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct h1_parse_slice in = {copy, len}, body;

	memcpy(copy, data, len);
	do {
		size_t before = in.len;

		s->end = h1_parse_step(p, &in, &body);
		ASSERT(in.len <= before && in.at + in.len == copy + len);
		s->used += before - in.len;
		if (s->end == H1_PARSE_HEAD)
			s->head_at = s->used;
		if (s->end != H1_PARSE_BODY)
			continue;
		ASSERT(body.len && body.at >= copy && body.at + body.len <= in.at);
		add_body(s, body);
	} while (s->end == H1_PARSE_HEAD || s->end == H1_PARSE_BODY);
	free(copy);
}

static struct summary run(const uint8_t *data, size_t size, struct limits limits, uint32_t seed)
{
	struct summary s;
	struct h1_parse p;
	size_t at = 0;

	memset(&s, 0, sizeof(s));
	h1_parse_init(&p, limits.head, limits.body, "rs-weight");
	do {
		size_t len = size - at;

		/* seed 0: all at once */
		if (seed) {
			seed = seed * 1664525 + 1013904223;
			len = MIN(len, (size_t)(seed >> 24) % 19);
		}
		run_piece(&p, &s, data + at, len);
		at += len;
	} while (at < size && s.end == H1_PARSE_MORE);
	s.reason = p.reason;
	s.has_head = p.has_head;
	s.by_close = h1_parse_ends_by_close(&p);
	if (p.has_head) {
		s.status = p.status;
		s.is_encoded = p.is_encoded;
		s.wanted_len = p.wanted_len;
		memcpy(s.wanted, p.wanted, p.wanted_len);
		ASSERT(p.body_bytes == s.body_bytes);
	}
	return s;
}

static void check_whole(const struct summary *s, struct limits limits, size_t size)
{
	ASSERT(s->end == H1_PARSE_MORE || s->end == H1_PARSE_DONE || s->end == H1_PARSE_BAD);
	ASSERT((s->end == H1_PARSE_BAD) == (s->reason != H1_PARSE_BAD_NONE));
	ASSERT(s->reason < H1_PARSE_BAD__N);
	ASSERT(s->end != H1_PARSE_MORE || s->used == size);
	ASSERT(s->body_bytes <= limits.body);
	ASSERT(!s->body_bytes || s->has_head);
	ASSERT(s->end != H1_PARSE_DONE || s->has_head);
	ASSERT(!s->has_head || (s->status >= 200 && s->status <= 999));
	ASSERT(s->head_at <= limits.head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct limits limits;
	struct summary whole, cut;
	uint32_t seed;

	if (size < 3)
		return 0;
	seed = (uint32_t)(data[0] << 8 | data[1]);
	limits.head = data[2] & 1 ? 40u + data[2] : 65536;
	limits.body = data[2] & 2 ? data[2] : 1 << 20;
	whole = run(data + 3, size - 3, limits, 0);
	check_whole(&whole, limits, size - 3);
	cut = run(data + 3, size - 3, limits, seed + 1);
	ASSERT(!memcmp(&whole, &cut, sizeof(whole)));
	return 0;
}
