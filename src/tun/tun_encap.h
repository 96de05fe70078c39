/* The outer header of a tunnelled packet: IPIP, IP6IP6, 4in6, 6in4, and GRE over all four family
 * pairs. Pure.
 *
 * Outer fields are those that YANET writes for user traffic, so a real sees no difference: traffic
 * class, IPv4 identification and "don't fragment" come from the inner header, the flow label too
 * if both are IPv6; GRE has no checksum, key or sequence. Only the outer TTL is the system's usual
 * 64 and not the inner one, which is 2 (spec/monalive §4.1): a check has to cross as many routers
 * as user traffic does.
 */
#pragma once

#include "base/addr.h"
#include "model/tunnel_option.h"

enum { TUN_ENCAP_BYTES = 44 }; /* IPv6 and GRE */

/* Bytes that the method adds; 0 for TUNNEL_DR. */
size_t tun_encap_overhead(enum tunnel_method method, bool outer_is_v4);

/* Writes the header that goes before the inner packet, which tun_packet_parse() accepted. source
 * may be ADDR_UNSET: the field stays zero, for IPv4 the kernel fills it in. The method is IPIP or
 * GRE; both addresses are of one family. Returns its length, 0 if the whole would exceed 65535
 * bytes. */
MUST_CHECK size_t tun_encap(const unsigned char *inner, size_t inner_len, enum tunnel_method method,
			    const struct addr *source, const struct addr *destination,
			    unsigned char out[TUN_ENCAP_BYTES]);

/* Internet checksum (RFC 1071) of n bytes, as a number. */
uint16_t tun_encap_checksum(const unsigned char *data, size_t n);
