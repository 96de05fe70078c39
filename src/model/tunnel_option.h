/* What a tunnelled check's socket puts into its packets so that the tun thread knows the real:
 * an IPv4 option or an IPv6 destination option with the real's address and the method
 * (spec/monalive §4.2). Workers build it, tun finds and strips it. Pure.
 */
#pragma once

#include "base/addr.h"

enum tunnel_method {
	TUNNEL_IPIP = 0x02, /* the reference's codes */
	TUNNEL_GRE = 0x05,
	TUNNEL_DR = 0x0d, /* ours: same packet, the real's hardware address */
};

enum {
	TUNNEL_OPTION_TYPE = 0x1e, /* RFC 4727: experiments; the same number in both families */
	TUNNEL_OPTION_BYTES = 24,  /* longest */
};

/* The bytes for IP_OPTIONS (vip_is_v4) or IPV6_DSTOPTS; returns how many. */
size_t tunnel_option_build(bool vip_is_v4, const struct addr *real, enum tunnel_method method,
			   unsigned char out[TUNNEL_OPTION_BYTES]);

/* Reads the value behind type and length: address and method. Returns false if n_bytes is neither
 * of the two lengths. */
MUST_CHECK bool tunnel_option_read(const unsigned char *value, size_t n_bytes,
				   struct addr *ret_real, uint8_t *ret_method);
