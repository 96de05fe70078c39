/* Protobuf's rules for readers (its language guide): fields in any order, unknown ones skipped by
 * their wire type, the last of a repeated one counts, numbers cut to their 32 bits, a field of ours
 * in another wire type is an unknown one. Groups, long dead, are not taken.
 */
#include "check/grpc_health.h"

#include "base/err.h"

enum { PREFIX_BYTES = 5, MAX_VARINT_BYTES = 10, MAX_TAG_BYTES = 5 };
enum { WIRE_VARINT, WIRE_64, WIRE_LEN, WIRE_GROUP, WIRE_END_GROUP, WIRE_32 };
enum { SERVICE_TAG = 1 << 3 | WIRE_LEN, STATUS_TAG = 1 << 3 | WIRE_VARINT };

enum state {
	ST_PREFIX,
	ST_TAG,
	ST_VALUE,  /* a number */
	ST_LENGTH, /* of a value to skip */
	ST_SKIP,
	ST_OVER, /* the message is complete */
};

static size_t varint_bytes(size_t value)
{
	size_t n = 1;

	for (; value >= 0x80; value >>= 7)
		n++;
	return n;
}

static unsigned char *put_varint(unsigned char *at, size_t value)
{
	for (; value >= 0x80; value >>= 7)
		*at++ = (unsigned char)(value | 0x80);
	*at++ = (unsigned char)value;
	return at;
}

int grpc_health_request(const char *service, struct buf *out)
{
	size_t len = strlen(service);
	size_t message = len ? 1 + varint_bytes(len) + len : 0;
	unsigned char prefix[PREFIX_BYTES + 1 + MAX_VARINT_BYTES] = {
		0,
		(unsigned char)(message >> 24),
		(unsigned char)(message >> 16),
		(unsigned char)(message >> 8),
		(unsigned char)message,
		SERVICE_TAG,
	};

	if (!len) {
		TRY(buf_append(out, prefix, PREFIX_BYTES));
		return 0;
	}
	TRY(buf_append(out, prefix, (size_t)(put_varint(prefix + PREFIX_BYTES + 1, len) - prefix)));
	TRY(buf_append(out, service, len));
	return 0;
}

/* --- reading ---------------------------------------------------------------------------------- */

void grpc_health_begin(struct grpc_health *g)
{
	*g = (struct grpc_health){.state = ST_PREFIX};
}

static void fail(struct grpc_health *g, enum grpc_health_fault fault)
{
	g->fault = (uint8_t)fault;
}

static void on_prefix(struct grpc_health *g, uint8_t c)
{
	if (g->n_prefix == 0 && c)
		fail(g, c == 1 ? GRPC_HEALTH_COMPRESSED : GRPC_HEALTH_PROTOBUF);
	else
		g->left = g->left << 8 | c;
	if (++g->n_prefix == PREFIX_BYTES)
		g->state = g->left ? ST_TAG : ST_OVER;
}

/* True once the number is complete; it is in g->varint then. The tenth byte has room for one bit.
 */
static bool reads_varint(struct grpc_health *g, uint8_t c, unsigned max_bytes)
{
	unsigned shift = 7u * g->n_varint;

	if (g->n_varint == 0)
		g->varint = 0;
	g->varint |= (uint64_t)(c & 0x7f) << shift;
	if (++g->n_varint == max_bytes && (c & 0x80))
		fail(g, GRPC_HEALTH_PROTOBUF);
	if (c & 0x80)
		return false;
	g->n_varint = 0;
	return true;
}

/* More than is left of the message shows at its end. */
static void skip(struct grpc_health *g, uint64_t bytes)
{
	g->skip = bytes;
	g->state = bytes ? ST_SKIP : ST_TAG;
}

static void on_tag(struct grpc_health *g, uint8_t c)
{
	if (!reads_varint(g, c, MAX_TAG_BYTES))
		return;
	if (g->varint > UINT32_MAX || g->varint >> 3 == 0) {
		fail(g, GRPC_HEALTH_PROTOBUF);
		return;
	}
	g->tag = (uint32_t)g->varint;
	switch (g->tag & 7) {
	case WIRE_VARINT:
		g->state = ST_VALUE;
		return;
	case WIRE_64:
		skip(g, 8);
		return;
	case WIRE_LEN:
		g->state = ST_LENGTH;
		return;
	case WIRE_32:
		skip(g, 4);
		return;
	default:
		fail(g, GRPC_HEALTH_PROTOBUF);
	}
}

static void on_value(struct grpc_health *g, uint8_t c)
{
	if (!reads_varint(g, c, MAX_VARINT_BYTES))
		return;
	if (g->tag == STATUS_TAG)
		g->status = (uint32_t)g->varint;
	g->state = ST_TAG;
}

static void on_message(struct grpc_health *g, uint8_t c)
{
	g->left--;
	switch ((enum state)g->state) {
	case ST_TAG:
		on_tag(g, c);
		break;
	case ST_VALUE:
		on_value(g, c);
		break;
	case ST_LENGTH:
		if (reads_varint(g, c, MAX_VARINT_BYTES))
			skip(g, g->varint);
		break;
	default:
		if (--g->skip == 0)
			g->state = ST_TAG;
	}
	if (g->fault || g->left)
		return;
	/* a value must not go on behind the message */
	if (g->state != ST_TAG || g->n_varint)
		fail(g, GRPC_HEALTH_PROTOBUF);
	g->state = ST_OVER;
}

void grpc_health_feed(struct grpc_health *g, const void *data, size_t len)
{
	const uint8_t *at = data, *end = at + len;

	for (; at < end && !g->fault; at++) {
		if (g->state == ST_PREFIX)
			on_prefix(g, *at);
		else if (g->state == ST_OVER)
			fail(g, GRPC_HEALTH_SECOND);
		else
			on_message(g, *at);
	}
}

enum grpc_health_fault grpc_health_end(const struct grpc_health *g, uint32_t *ret_status)
{
	if (g->fault)
		return (enum grpc_health_fault)g->fault;
	if (g->state != ST_OVER)
		return g->n_prefix ? GRPC_HEALTH_CUT : GRPC_HEALTH_NO_MESSAGE;
	*ret_status = g->status;
	return GRPC_HEALTH_FINE;
}
