#include "agg/snapshot.h"

#include "base/err.h"
#include "base/hash.h"
#include "model/state.h"

static const uint8_t magic[8] = {'A', 'L', 'V', 'S', 'T', 'A', 'T', 'E'};

enum { BYTE_ORDER_MARK = 0x01020304 };

#define SEED UINT64_C(0x416c697665645374)

/* --- identity of a check -----------------------------------------------------------------------
 */

static uint64_t hash_text(const struct generation *g, gen_strref text, uint64_t seed)
{
	const char *s = gen_str(g, text);

	return hash_bytes(s, strlen(s) + (text != GEN_STR_UNSET), seed);
}

uint64_t snapshot_check_identity(const struct generation *g, uint32_t check)
{
	const struct check_spec *c = &g->checks[check];
	struct check_profile p = g->profiles[c->profile];
	uint64_t h = hash_text(g, p.path, SEED);

	h = hash_text(g, p.virtualhost, h);
	h = hash_text(g, p.extras_text, h);
	/* where texts and extras stand differs from one generation to the next */
	p.path = p.virtualhost = p.extras_text = GEN_STR_UNSET;
	p.extras = 0;
	h = hash_bytes(&p, sizeof(p), h);
	h = hash_bytes(&c->connect_ip, sizeof(c->connect_ip), h);
	return hash_u64((uint64_t)c->connect_port << 16 | (uint64_t)c->kind << 8 | c->flags, h);
}

/* --- writing -----------------------------------------------------------------------------------
 */

/* 0: no such record */
static size_t record_bytes(uint8_t tag)
{
	switch (tag) {
	case SNAPSHOT_SERVICE:
		return sizeof(struct snapshot_service);
	case SNAPSHOT_REAL:
		return sizeof(struct snapshot_real);
	case SNAPSHOT_CHECK:
		return sizeof(struct snapshot_check);
	case SNAPSHOT_PREFIX:
		return sizeof(struct snapshot_prefix);
	default:
		return 0;
	}
}

void snapshot_begin(struct snapshot_out *o, enum snapshot_kind kind, bool is_withdrawn,
		    const struct snapshot_stamp *stamp)
{
	o->head = (struct snapshot_head){
		.byte_order = BYTE_ORDER_MARK,
		.version = SNAPSHOT_VERSION,
		.kind = (uint8_t)kind,
		.is_withdrawn = is_withdrawn,
		.stamp = *stamp,
		.checksum = SEED,
	};
	memcpy(o->head.magic, magic, sizeof(magic));
	o->error = 0;
	o->len = 0;
}

static void give_piece(struct snapshot_out *o)
{
	if (o->error == 0)
		o->error = o->sink(o->ctx, o->piece, o->len);
	o->head.checksum = hash_bytes(o->piece, o->len, o->head.checksum);
	o->head.payload_bytes += o->len;
	o->len = 0;
}

void snapshot_put(struct snapshot_out *o, const void *record)
{
	const uint8_t *from = record;
	size_t left = record_bytes(*from);

	ASSERT(left);
	while (left) {
		size_t n = MIN(left, sizeof(o->piece) - o->len);

		memcpy(o->piece + o->len, from, n);
		o->len += n;
		from += n;
		left -= n;
		if (o->len == sizeof(o->piece))
			give_piece(o);
	}
}

/* What the payload's checksum and the rest of the head make together. */
static uint64_t sealed(const struct snapshot_head *h, uint64_t of_payload)
{
	struct snapshot_head bare = *h;

	bare.checksum = 0;
	return hash_bytes(&bare, sizeof(bare), of_payload);
}

int snapshot_end(struct snapshot_out *o)
{
	if (o->len)
		give_piece(o);
	o->head.checksum = sealed(&o->head, o->head.checksum);
	return o->error < 0 ? err_trace(o->error) : 0;
}

static uint64_t sum_payload(const uint8_t *at, size_t len)
{
	uint64_t sum = SEED;

	while (len) {
		size_t n = MIN(len, (size_t)SNAPSHOT_PIECE_BYTES);

		sum = hash_bytes(at, n, sum);
		at += n;
		len -= n;
	}
	return sum;
}

void snapshot_seal(struct snapshot_head *head, const uint8_t *payload)
{
	head->checksum = sealed(head, sum_payload(payload, head->payload_bytes));
}

/* --- checking ----------------------------------------------------------------------------------
 */

const char *snapshot_verdict_text(enum snapshot_verdict v)
{
	static const char *const texts[SNAPSHOT__N] = {
		[SNAPSHOT_OK] = "ok",
		[SNAPSHOT_EMPTY] = "empty or never finished",
		[SNAPSHOT_FOREIGN] = "not a state file of this program on this kind of machine",
		[SNAPSHOT_FUTURE] = "written by a newer version",
		[SNAPSHOT_CORRUPT] = "damaged",
	};

	ASSERT(v < SNAPSHOT__N);
	return texts[v];
}

static bool is_zero(const struct snapshot_head *h)
{
	static const struct snapshot_head zero;

	return memcmp(h, &zero, sizeof(zero)) == 0;
}

static bool is_record_sane(const union snapshot_record *r, uint8_t *belongs)
{
	if (r->service.state > STATE_DOWN)
		return false;
	switch (r->tag) {
	case SNAPSHOT_SERVICE:
		*belongs = SNAPSHOT_SERVICE;
		return r->service.proto <= L4_UDP;
	case SNAPSHOT_REAL:
		if (*belongs == 0)
			return false;
		*belongs = SNAPSHOT_REAL;
		return real_override_kind(r->real.override) <= OVERRIDE_PERCENT;
	case SNAPSHOT_CHECK:
		return *belongs == SNAPSHOT_REAL;
	default:
		*belongs = 0;
		return true;
	}
}

/* Copies the record at *at; false: none fits before end. */
static bool copy_record(const uint8_t *data, size_t *at, size_t end, union snapshot_record *ret)
{
	size_t n = *at < end ? record_bytes(data[*at]) : 0;

	if (n == 0 || n > end - *at)
		return false;
	*ret = (union snapshot_record){.tag = 0};
	memcpy(ret, data + *at, n);
	*at += n;
	return true;
}

static bool are_records_sane(const uint8_t *data, size_t len)
{
	union snapshot_record r;
	uint8_t belongs = 0; /* to what the next real or check may belong; 0: nothing */
	size_t at = 0;

	while (at < len) {
		if (!copy_record(data, &at, len, &r) || !is_record_sane(&r, &belongs))
			return false;
	}
	return true;
}

enum frame { FRAME_OK, FRAME_UNFINISHED, FRAME_FOREIGN, FRAME_FUTURE, FRAME_CORRUPT };

static enum frame check_frame(const uint8_t *data, size_t len, struct snapshot_head *ret_head)
{
	struct snapshot_head h;

	if (len < sizeof(h))
		return FRAME_UNFINISHED;
	memcpy(&h, data, sizeof(h));
	if (is_zero(&h))
		return FRAME_UNFINISHED;
	if (memcmp(h.magic, magic, sizeof(magic)) != 0 || h.byte_order != BYTE_ORDER_MARK)
		return FRAME_FOREIGN;
	if (h.version != SNAPSHOT_VERSION)
		return h.version > SNAPSHOT_VERSION ? FRAME_FUTURE : FRAME_FOREIGN;
	if (h.payload_bytes > len - sizeof(h))
		return FRAME_UNFINISHED;
	data += sizeof(h);
	if (sealed(&h, sum_payload(data, h.payload_bytes)) != h.checksum ||
	    (h.kind != SNAPSHOT_BASE && h.kind != SNAPSHOT_DELTA) || h.is_withdrawn > 1 ||
	    !are_records_sane(data, h.payload_bytes))
		return FRAME_CORRUPT;
	*ret_head = h;
	return FRAME_OK;
}

static int verdict_of(enum frame f, bool is_first)
{
	if (f == FRAME_UNFINISHED)
		return is_first ? SNAPSHOT_EMPTY : SNAPSHOT_OK;
	if (f == FRAME_FUTURE)
		return SNAPSHOT_FUTURE;
	return f == FRAME_FOREIGN && is_first ? SNAPSHOT_FOREIGN : SNAPSHOT_CORRUPT;
}

int snapshot_open(const uint8_t *data, size_t len, struct snapshot *ret)
{
	struct snapshot s = {.data = data};
	struct snapshot_head h = {.kind = 0};
	enum frame f = FRAME_UNFINISHED;

	while (s.len < len && (f = check_frame(data + s.len, len - s.len, &h)) == FRAME_OK) {
		/* one base, at the beginning */
		if ((h.kind == SNAPSHOT_BASE) != (s.len == 0))
			return SNAPSHOT_CORRUPT;
		s.len += sizeof(h) + h.payload_bytes;
		s.stamp = h.stamp;
		s.is_withdrawn = h.is_withdrawn;
	}
	if (f != FRAME_OK) {
		int verdict = verdict_of(f, s.len == 0);

		if (verdict != SNAPSHOT_OK)
			return verdict;
	}
	*ret = s;
	return SNAPSHOT_OK;
}

/* --- reading -----------------------------------------------------------------------------------
 */

bool snapshot_next(struct snapshot_cursor *c, union snapshot_record *ret)
{
	struct snapshot_head h;

	while (c->at == c->frame_end) {
		if (c->at == c->of->len)
			return false;
		memcpy(&h, c->of->data + c->at, sizeof(h));
		c->at += sizeof(h);
		c->frame_end = c->at + h.payload_bytes;
	}
	return copy_record(c->of->data, &c->at, c->frame_end, ret);
}

static bool is_boot_known(const struct snapshot_stamp *s)
{
	static const uint8_t unknown[sizeof(s->boot_id)];

	return memcmp(s->boot_id, unknown, sizeof(unknown)) != 0;
}

bool snapshot_age_ns(const struct snapshot_stamp *then, const struct snapshot_stamp *now,
		     uint64_t *ret_ns)
{
	bool is_same = is_boot_known(then) &&
		       memcmp(then->boot_id, now->boot_id, sizeof(now->boot_id)) == 0;
	uint64_t from = is_same ? then->boot_ns : then->wall_ns;
	uint64_t to = is_same ? now->boot_ns : now->wall_ns;

	if (to < from)
		return false;
	*ret_ns = to - from;
	return true;
}
