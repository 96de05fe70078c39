/* Whose state an update sets: (VIP, protocol, VIP port, real IP, real port). Only yanet_key_make()
 * makes one, from validated specs, so a frame without an address, with an address of a wrong length
 * or with a protocol that the balancer would take for another cannot be built: each of these kills
 * the balancer's control plane or hits the wrong real (spec/yanet §6). */
#pragma once

#include "config/gen.h"

struct yanet_key {
	/* sealed: filled by yanet_key_make() only */
	struct addr vip, rip;
	uint16_t vport, rport;
	uint8_t proto; /* enum l4_proto */
	bool has_vport, has_rport;
};

/* False: an address is unset or the protocol is neither TCP nor UDP. */
MUST_CHECK bool yanet_key_make(const struct service_spec *service, const struct real_spec *real,
			       struct yanet_key *ret);
