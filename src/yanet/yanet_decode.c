#include "yanet/yanet_decode.h"

#include <errno.h>

#include "base/err.h"

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_LEN = 2, WIRE_32 = 5 };
enum { VARINT_BYTES_MAX = 10, IPV6_BYTES = 16 };

enum message { M_REPLY, M_MODULE, M_SERVICE, M_KEY, M_REAL, M_KEY_IP, M_REAL_IP };
enum phase { P_TAG, P_VALUE, P_LENGTH, P_SKIP, P_TAKE };

static uint8_t *message_at(struct yanet_decode *d)
{
	return &d->message[d->depth];
}

void yanet_decode_begin(struct yanet_decode *d, uint64_t body_bytes)
{
	*d = (struct yanet_decode){.phase = P_TAG};
	d->message[0] = M_REPLY;
	d->end[0] = body_bytes;
}

/* --- values ------------------------------------------------------------------------------ */

static void key_value(struct yanet_decode *d)
{
	if (d->field == 2) {
		d->key_proto = d->varint;
	} else if (d->field == 3) {
		d->key_port = (uint32_t)d->varint;
		d->key_has_port = true;
	}
}

static void real_value(struct yanet_decode *d)
{
	if (d->field == 2) {
		d->real_port = (uint32_t)d->varint;
		d->real.has_port = true;
	} else if (d->field == 3) {
		d->real.is_enabled = d->varint != 0;
	} else if (d->field == 4) {
		d->real.weight = (uint32_t)d->varint;
	}
}

/* A varint field of the open message is complete. */
static void take_value(struct yanet_decode *d)
{
	switch ((enum message) * message_at(d)) {
	case M_KEY:
		key_value(d);
		break;
	case M_REAL:
		real_value(d);
		break;
	case M_KEY_IP:
	case M_REAL_IP:
		if (d->field == 1)
			d->ip = (struct yanet_found_ip){addr_from_v4_u32((uint32_t)d->varint),
							true};
		break;
	default:
		break;
	}
}

/* Bytes that were collected are complete: the name of a module, or an IPv6 address. */
static void take_bytes(struct yanet_decode *d)
{
	if (*message_at(d) == M_MODULE) {
		d->module.is_usable =
			yanet_name_make((const char *)d->taken, d->n_taken, &d->module.name);
		return;
	}
	memcpy(d->ip.ip.b, d->taken, IPV6_BYTES);
	d->ip.is_usable = !addr_is_v4(&d->ip.ip) && !addr_is_unset(&d->ip.ip);
}

/* --- messages ---------------------------------------------------------------------------- */

static void open_message(struct yanet_decode *d, enum message m, uint64_t length)
{
	d->depth++;
	*message_at(d) = (uint8_t)m;
	d->end[d->depth] = d->at + length;
	d->phase = P_TAG;
	switch (m) {
	case M_MODULE:
		d->module.is_usable = false;
		d->is_module_told = false;
		break;
	case M_SERVICE:
		d->vip.is_usable = d->key_has_port = d->is_service_told = false;
		d->key_proto = d->key_port = 0;
		break;
	case M_REAL:
		d->rip.is_usable = false;
		d->real = (struct yanet_found_real){0};
		d->real_port = 0;
		break;
	case M_KEY_IP:
		d->ip = d->vip;
		break;
	case M_REAL_IP:
		d->ip = d->rip;
		break;
	default:
		break;
	}
}

static void seal_service(struct yanet_decode *d)
{
	d->service = (struct yanet_found_service){
		.is_usable = d->vip.is_usable && d->key_port <= UINT16_MAX &&
			     (d->key_proto == 1 || d->key_proto == 2),
		.proto = d->key_proto == 1 ? L4_TCP : L4_UDP,
		.has_port = d->key_has_port,
		.port = (uint16_t)d->key_port,
		.vip = d->vip.ip,
	};
	d->is_service_told = true;
}

static void seal_real(struct yanet_decode *d)
{
	d->real.is_usable = d->rip.is_usable && d->real_port <= UINT16_MAX;
	d->real.port = (uint16_t)d->real_port;
	d->real.ip = d->rip.ip;
}

/* The open message is at its end. Returns an event, or 0. A module or service without anything in
 * it is told first, and closed when we come here again. */
static int close_message(struct yanet_decode *d)
{
	enum message m = (enum message) * message_at(d);

	if (m == M_REPLY)
		return YANET_DECODE_END;
	if (m == M_MODULE && !d->is_module_told) {
		d->is_module_told = true;
		return YANET_DECODE_MODULE;
	}
	if (m == M_SERVICE && !d->is_service_told) {
		seal_service(d);
		return YANET_DECODE_SERVICE;
	}
	d->depth--;
	if (m == M_KEY_IP)
		d->vip = d->ip;
	else if (m == M_REAL_IP)
		d->rip = d->ip;
	else if (m == M_REAL)
		seal_real(d);
	return m == M_REAL ? YANET_DECODE_REAL : 0;
}

/* --- fields ------------------------------------------------------------------------------ */

static void skip(struct yanet_decode *d, uint64_t length)
{
	d->left = length;
	d->phase = length ? P_SKIP : P_TAG;
}

static void take(struct yanet_decode *d, uint64_t length)
{
	d->left = length;
	d->n_taken = 0;
	d->phase = P_TAKE;
}

static int module_name(struct yanet_decode *d, uint64_t length)
{
	if (d->is_module_told)
		return err_origin(-EPROTO);
	d->module.is_usable = false;
	if (length && length <= YANET_NAME_MAX)
		take(d, length);
	else
		skip(d, length);
	return 0;
}

/* A service begins: its module's name is complete. */
static int open_service(struct yanet_decode *d, uint64_t length)
{
	bool is_first = !d->is_module_told;

	d->is_module_told = true;
	open_message(d, M_SERVICE, length);
	return is_first ? YANET_DECODE_MODULE : 0;
}

/* A real begins: its service's key is complete. */
static int open_real(struct yanet_decode *d, uint64_t length)
{
	bool is_first = !d->is_service_told;

	if (is_first)
		seal_service(d);
	open_message(d, M_REAL, length);
	return is_first ? YANET_DECODE_SERVICE : 0;
}

static int open_key(struct yanet_decode *d, uint64_t length)
{
	if (d->is_service_told)
		return err_origin(-EPROTO);
	open_message(d, M_KEY, length);
	return 0;
}

static void ipv6(struct yanet_decode *d, uint64_t length)
{
	d->ip.is_usable = false;
	if (length == IPV6_BYTES)
		take(d, length);
	else
		skip(d, length);
}

/* A field with a length begins. Returns an event, 0, or -EPROTO. */
static int length_field(struct yanet_decode *d)
{
	uint64_t length = d->varint;

	if (length > d->end[d->depth] - d->at)
		return err_origin(-EPROTO);
	switch (*message_at(d) << 8 | (int)MIN(d->field, 255)) {
	case M_REPLY << 8 | 1:
		open_message(d, M_MODULE, length);
		return 0;
	case M_MODULE << 8 | 2:
		return module_name(d, length);
	case M_MODULE << 8 | 3:
		return open_service(d, length);
	case M_SERVICE << 8 | 1:
		return open_key(d, length);
	case M_SERVICE << 8 | 3:
		return open_real(d, length);
	case M_KEY << 8 | 1:
		open_message(d, M_KEY_IP, length);
		return 0;
	case M_REAL << 8 | 1:
		open_message(d, M_REAL_IP, length);
		return 0;
	case M_KEY_IP << 8 | 2:
	case M_REAL_IP << 8 | 2:
		ipv6(d, length);
		return 0;
	default:
		skip(d, length);
		return 0;
	}
}

static int fixed_field(struct yanet_decode *d, uint64_t length)
{
	if (length > d->end[d->depth] - d->at)
		return err_origin(-EPROTO);
	skip(d, length);
	return 0;
}

static int tag(struct yanet_decode *d)
{
	d->field = d->varint >> 3;
	d->wire = d->varint & 7;
	if (d->field == 0)
		return err_origin(-EPROTO);
	switch (d->wire) {
	case WIRE_VARINT:
		d->phase = P_VALUE;
		return 0;
	case WIRE_LEN:
		d->phase = P_LENGTH;
		return 0;
	case WIRE_64:
		return fixed_field(d, 8);
	case WIRE_32:
		return fixed_field(d, 4);
	default:
		return err_origin(-EPROTO);
	}
}

/* --- bytes ------------------------------------------------------------------------------- */

/* One complete varint, by what it was for. */
static int varint_done(struct yanet_decode *d)
{
	switch ((enum phase)d->phase) {
	case P_TAG:
		return tag(d);
	case P_LENGTH:
		return length_field(d);
	default:
		take_value(d);
		d->phase = P_TAG;
		return 0;
	}
}

/* Returns an event, 0 when one varint is complete, YANET_DECODE_MORE, or -EPROTO: it is too long,
 * or its message ends inside it. */
static int read_varint(struct yanet_decode *d, struct yanet_input *in)
{
	uint64_t left = d->end[d->depth] - d->at, value = d->varint;
	const uint8_t *at = in->at, *end = at + MIN(in->len, left);
	unsigned n = d->n_varint;
	bool is_done = false;
	int r;

	while (at != end && n < VARINT_BYTES_MAX && !is_done) {
		uint8_t byte = *at++;

		value |= (uint64_t)(byte & 0x7f) << (7 * n++);
		is_done = byte < 0x80;
	}
	d->at += (uint64_t)(at - in->at);
	in->len -= (size_t)(at - in->at);
	in->at = at;
	d->varint = value;
	d->n_varint = (uint8_t)n;
	if (!is_done)
		return n == VARINT_BYTES_MAX || d->at == d->end[d->depth] ? err_origin(-EPROTO)
									  : YANET_DECODE_MORE;
	r = varint_done(d);
	d->varint = 0;
	d->n_varint = 0;
	return r;
}

static int read_bytes(struct yanet_decode *d, struct yanet_input *in)
{
	size_t n = (size_t)MIN(d->left, in->len);

	if (!n)
		return YANET_DECODE_MORE;
	if (d->phase == P_TAKE) {
		memcpy(d->taken + d->n_taken, in->at, n);
		d->n_taken += (uint32_t)n;
	}
	in->at += n;
	in->len -= n;
	d->at += n;
	d->left -= n;
	if (d->left)
		return YANET_DECODE_MORE;
	if (d->phase == P_TAKE)
		take_bytes(d);
	d->phase = P_TAG;
	return 0;
}

int yanet_decode_next(struct yanet_decode *d, struct yanet_input *in)
{
	int r = 0;

	while (!r) {
		if (d->phase == P_SKIP || d->phase == P_TAKE)
			r = read_bytes(d, in);
		else if (d->phase == P_TAG && !d->n_varint && d->at == d->end[d->depth])
			r = close_message(d);
		else
			r = read_varint(d, in);
	}
	return r;
}
