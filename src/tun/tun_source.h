/* Source address of the outer header, as YANET chooses it for user traffic: pure.
 *
 * With ipv4_outer_source_network the address part of the prefix as it is written, host bits and
 * all. With ipv6_outer_source_network the address part, then, from the first whole byte behind the
 * prefix on, up to four bytes made of the inner source (its IPv4 address, or the exclusive or of
 * the last two words of its IPv6 address), so that a real's network card spreads the packets over
 * its queues; for prefixes up to /80 the last two bytes are those of our own address (base).
 * Without either: base, that is check_tun.ipv4_bind or ipv6_bind, or what the kernel chooses for
 * the route to the real.
 */
#pragma once

#include "base/addr.h"

/* One pair of source networks; services with equal ones share it. */
struct tun_source {
	bool has_v4, has_v6;
	uint8_t v6_bits;
	struct addr v4, v6;
};

/* Reads "192.0.2.0/24" or "2001:db8::/32" (a bare address is a full-length prefix); "" leaves the
 * family out. Returns false for other text. */
MUST_CHECK bool tun_source_read(const char *v4, const char *v6, struct tun_source *ret);

/* s may be NULL: neither network is set. inner_source is the checking socket's address. */
struct addr tun_source_pick(const struct tun_source *s, bool outer_is_v4,
			    const struct addr *inner_source, const struct addr *base);
