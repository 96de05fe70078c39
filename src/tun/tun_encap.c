#include "tun/tun_encap.h"

#include <netinet/in.h>
#include <string.h>

enum {
	V4_BYTES = 20,
	V6_BYTES = 40,
	GRE_BYTES = 4,
	OUTER_TTL = 64,
	ETHER_V4 = 0x0800,
	ETHER_V6 = 0x86dd,
	DONT_FRAGMENT = 0x40, /* in the high byte of the fragment field */
};

size_t tun_encap_overhead(enum tunnel_method method, bool outer_is_v4)
{
	size_t ip = outer_is_v4 ? V4_BYTES : V6_BYTES;

	switch (method) {
	case TUNNEL_IPIP:
		return ip;
	case TUNNEL_GRE:
		return ip + GRE_BYTES;
	default:
		return 0;
	}
}

uint16_t tun_encap_checksum(const unsigned char *data, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)(data[i] << 8 | data[i + 1]);
	if (n % 2)
		sum += (uint32_t)data[n - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void put16(unsigned char *p, size_t v)
{
	p[0] = (unsigned char)(v >> 8);
	p[1] = (unsigned char)v;
}

static bool is_v4(const unsigned char *packet)
{
	return packet[0] >> 4 == 4;
}

static uint8_t traffic_class(const unsigned char *inner)
{
	if (is_v4(inner))
		return inner[1];
	return (uint8_t)(inner[0] << 4 | inner[1] >> 4);
}

/* What follows the outer IP header. */
static uint8_t next_of(const unsigned char *inner, enum tunnel_method method)
{
	if (method == TUNNEL_GRE)
		return IPPROTO_GRE;
	return is_v4(inner) ? IPPROTO_IPIP : IPPROTO_IPV6;
}

static void put_v4(unsigned char *out, const unsigned char *inner, size_t total, uint8_t next)
{
	memset(out, 0, V4_BYTES);
	out[0] = 0x45;
	out[1] = traffic_class(inner);
	put16(out + 2, total);
	if (is_v4(inner)) {
		memcpy(out + 4, inner + 4, 2);
		out[6] = inner[6] & DONT_FRAGMENT;
	} else {
		out[5] = 1; /* as YANET; the kernel would fill in 0 */
	}
	out[8] = OUTER_TTL;
	out[9] = next;
}

static void put_v6(unsigned char *out, const unsigned char *inner, size_t payload, uint8_t next)
{
	uint8_t class = traffic_class(inner);

	out[0] = (unsigned char)(0x60 | class >> 4);
	out[1] = (unsigned char)(class << 4);
	out[2] = out[3] = 0;
	if (!is_v4(inner)) { /* the flow label */
		out[1] |= inner[1] & 0xf;
		memcpy(out + 2, inner + 2, 2);
	}
	put16(out + 4, payload);
	out[6] = next;
	out[7] = OUTER_TTL;
}

static void put_gre(unsigned char *out, const unsigned char *inner)
{
	put16(out, 0);
	put16(out + 2, is_v4(inner) ? ETHER_V4 : ETHER_V6);
}

size_t tun_encap(const unsigned char *inner, size_t inner_len, enum tunnel_method method,
		 const struct addr *source, const struct addr *destination,
		 unsigned char out[TUN_ENCAP_BYTES])
{
	bool outer_is_v4 = addr_is_v4(destination);
	size_t head = tun_encap_overhead(method, outer_is_v4), total = head + inner_len;
	uint8_t next = next_of(inner, method);

	if (total > UINT16_MAX)
		return 0;
	if (outer_is_v4) {
		put_v4(out, inner, total, next);
		memcpy(out + 12, source->b + 12, 4);
		memcpy(out + 16, destination->b + 12, 4);
		put16(out + 10, tun_encap_checksum(out, V4_BYTES));
	} else {
		put_v6(out, inner, total - V6_BYTES, next);
		memcpy(out + 8, source->b, 16);
		memcpy(out + 24, destination->b, 16);
	}
	if (method == TUNNEL_GRE)
		put_gre(out + head - GRE_BYTES, inner);
	return head;
}
