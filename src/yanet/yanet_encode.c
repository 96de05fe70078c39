#include "yanet/yanet_encode.h"

#include <errno.h>

#include "base/err.h"

enum { WIRE_VARINT = 0, WIRE_LEN = 2 };

static const char service_name[] = "BalancerService";
static const char *const method_names[] = {
	[YANET_REAL] = "Real",
	[YANET_FLUSH] = "RealFlush",
	[YANET_FIND] = "RealFind",
	[YANET_INSPECT] = "InspectLookup",
};

int yanet_encode_init(struct yanet_request *q)
{
	*q = (struct yanet_request){.mem = malloc(YANET_REQUEST_BYTES)};
	return q->mem ? 0 : err_origin(-ENOMEM);
}

void yanet_encode_deinit(struct yanet_request *q)
{
	free(q->mem);
	*q = (struct yanet_request){0};
}

static uint8_t *put_length(uint8_t *at, uint64_t length)
{
	for (unsigned i = 0; i < 8; i++)
		*at++ = (uint8_t)(length >> (8 * i));
	return at;
}

static uint8_t *put_varint(uint8_t *at, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*at++ = (uint8_t)(v | 0x80);
	*at++ = (uint8_t)v;
	return at;
}

static uint8_t *put_tag(uint8_t *at, unsigned field, unsigned wire)
{
	*at = (uint8_t)(field << 3 | wire);
	return at + 1;
}

static uint8_t *put_bytes(uint8_t *at, unsigned field, const void *data, size_t len)
{
	at = put_varint(put_tag(at, field, WIRE_LEN), len);
	memcpy(at, data, len);
	return at + len;
}

static uint8_t *put_uint(uint8_t *at, unsigned field, uint64_t v)
{
	return put_varint(put_tag(at, field, WIRE_VARINT), v);
}

/* An address message: member 1 is IPv4 as a number, member 2 the 16 bytes of IPv6. */
static uint8_t *put_addr(uint8_t *at, unsigned field, const struct addr *a)
{
	uint8_t inner[2 + sizeof(a->b)], *end;

	if (addr_is_v4(a))
		end = put_uint(inner, 1, addr_v4_u32(a));
	else
		end = put_bytes(inner, 2, a->b, sizeof(a->b));
	return put_bytes(at, field, inner, (size_t)(end - inner));
}

/* Fields 1 to 6, the same in an update and in a filter. */
static uint8_t *put_key(uint8_t *at, const struct yanet_name *module, const struct yanet_key *key)
{
	at = put_bytes(at, 1, module->text, module->len);
	at = put_addr(at, 2, &key->vip);
	at = put_uint(at, 3, key->proto == L4_TCP ? 1 : 2);
	if (key->has_vport)
		at = put_uint(at, 4, key->vport);
	at = put_addr(at, 5, &key->rip);
	if (key->has_rport)
		at = put_uint(at, 6, key->rport);
	return at;
}

void yanet_encode_begin(struct yanet_request *q, enum yanet_method method)
{
	uint8_t *header = q->mem + 8, *at = header;

	at = put_bytes(at, 1, service_name, sizeof(service_name) - 1);
	at = put_bytes(at, 2, method_names[method], strlen(method_names[method]));
	put_length(q->mem, (uint64_t)(at - header));
	q->body = q->at = at + 8;
	q->n_updates = 0;
}

void yanet_encode_update(struct yanet_request *q, const struct yanet_name *module,
			 const struct yanet_key *key, const struct yanet_update *u)
{
	uint8_t inner[YANET_UPDATE_BYTES_MAX], *end;

	ASSERT(q->n_updates < YANET_BATCH_MAX);
	end = put_key(inner, module, key);
	if (u->enable) {
		end = put_uint(end, 7, 1);
		if (u->has_weight)
			end = put_uint(end, 8, u->weight);
	}
	q->at = put_bytes(q->at, 1, inner, (size_t)(end - inner));
	q->n_updates++;
}

void yanet_encode_filter(struct yanet_request *q, const struct yanet_name *module,
			 const struct yanet_key *key)
{
	q->at = put_key(q->body, module, key);
}

void yanet_encode_inspect(struct yanet_request *q, const struct yanet_name *module,
			  const struct yanet_key *key)
{
	q->at = put_bytes(q->body, 1, module->text, module->len);
	q->at = put_addr(q->at, 2, &key->vip);
}

size_t yanet_encode_end(struct yanet_request *q)
{
	put_length(q->body - 8, (uint64_t)(q->at - q->body));
	return (size_t)(q->at - q->mem);
}
