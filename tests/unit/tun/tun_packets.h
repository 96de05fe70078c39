/* Packets for tests of tun/, made the slow and obvious way. */
#pragma once

#include <criterion/criterion.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/gen_fixture.h"
#include "model/tunnel_option.h"

enum { PACKET_BYTES = 2048 };

struct made {
	unsigned char at[PACKET_BYTES];
	size_t len;
};

static inline void made_put(struct made *m, const void *data, size_t n)
{
	memcpy(m->at + m->len, data, n);
	m->len += n;
}

static inline void made_u16(unsigned char *p, size_t v)
{
	p[0] = (unsigned char)(v >> 8);
	p[1] = (unsigned char)v;
}

static inline uint16_t made_sum(const unsigned char *p, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i += 2)
		sum += (uint32_t)p[i] << 8 | (i + 1 < n ? p[i + 1] : 0);
	return (uint16_t)(sum % 0xffff);
}

/* Right lengths and header checksum for what was put together. */
static inline void made_finish(struct made *m)
{
	size_t header = (m->at[0] & 15U) * 4;
	uint16_t sum;

	if (m->at[0] >> 4 == 6) {
		made_u16(m->at + 4, m->len - 40);
		return;
	}
	made_u16(m->at + 2, m->len);
	made_u16(m->at + 10, 0);
	sum = (uint16_t)~made_sum(m->at, header);
	made_u16(m->at + 10, sum);
}

/* A TCP segment from port 0x1234 to 80 with n bytes of data. */
static inline void made_tcp(struct made *m, size_t n)
{
	unsigned char tcp[20] = {0x12, 0x34, 0, 80, [12] = 0x50, [13] = 0x02};

	made_put(m, tcp, sizeof(tcp));
	memset(m->at + m->len, 0x5a, n);
	m->len += n;
	made_finish(m);
}

/* IPv4 from 192.0.2.1 to 198.51.100.1, TTL 2, TOS 0x28, id 0xbeef, don't fragment; options of n
 * bytes, padded as the kernel does. */
static inline struct made made_v4(const void *options, size_t n)
{
	unsigned char head[20] = {0x45, 0x28, 0,   0, 0xbe, 0xef, 0x40, 0,  2,   6,
				  0,    0,    192, 0, 2,    1,    198,  51, 100, 1};
	unsigned char padded[40] = {0};
	struct made m = {.len = 0};
	size_t padded_len = (n + 3) / 4 * 4;

	head[0] = (unsigned char)(0x40 | (5 + padded_len / 4));
	made_put(&m, head, sizeof(head));
	if (n)
		memcpy(padded, options, n);
	made_put(&m, padded, padded_len);
	return m;
}

/* IPv6 from 2001:db8::1 to 2001:db8:1::1, hop limit 2, class 0x28, flow label 0xabcde. */
static inline struct made made_v6(uint8_t next)
{
	struct addr from = gen_fixture_addr("2001:db8::1"), to = gen_fixture_addr("2001:db8:1::1");
	unsigned char head[8] = {0x62, 0x8a, 0xbc, 0xde, 0, 0, next, 2};
	struct made m = {.len = 0};

	made_put(&m, head, sizeof(head));
	made_put(&m, from.b, 16);
	made_put(&m, to.b, 16);
	return m;
}

/* As a check of this real sends it, with n bytes of data. */
static inline struct made made_marked(bool vip_is_v4, const char *real, enum tunnel_method method,
				      size_t n)
{
	unsigned char option[TUNNEL_OPTION_BYTES];
	struct addr a = gen_fixture_addr(real);
	size_t len = tunnel_option_build(vip_is_v4, &a, method, option);
	struct made m;

	if (vip_is_v4) {
		m = made_v4(option, len);
	} else {
		m = made_v6(IPPROTO_DSTOPTS);
		option[0] = IPPROTO_TCP;
		made_put(&m, option, len);
	}
	made_tcp(&m, n);
	return m;
}

/* The same packet as it shall reach the real. */
static inline struct made made_bare(bool vip_is_v4, size_t n)
{
	struct made m = vip_is_v4 ? made_v4(NULL, 0) : made_v6(IPPROTO_TCP);

	made_tcp(&m, n);
	return m;
}
