/* The proof that marked packets reach the queue (decisions 39): a test datagram per family, sent to
 * ourselves over loopback with the steering mark. In the queue: the way is proven. In our own
 * socket: no rule leads it into the queue. Nowhere: it was dropped on the way.
 *
 * The datagram carries random bytes of this process, so no other program's packet passes for it.
 * Tun thread only.
 */
#pragma once

#include "model/tunnel.h"
#include "tun/tun_packet.h"

enum { TUN_PROOF_SECRET_BYTES = 16 };

struct tun_proof {
	int fds[TUNNEL_FAMILY__N]; /* -1: the family is off */
	uint16_t ports[TUNNEL_FAMILY__N];
	uint64_t sent_ns[TUNNEL_FAMILY__N]; /* last one; 0: none yet */
	bool is_open[TUNNEL_FAMILY__N];     /* last one: nothing came of it yet */
	unsigned char secret[TUN_PROOF_SECRET_BYTES];
};

/* Returns 0 or a negative errno (-EPERM: the mark needs CAP_NET_ADMIN). A machine without IPv6 has
 * that family off. */
MUST_CHECK int tun_proof_open(struct tun_proof *p, uint32_t mark);
void tun_proof_close(struct tun_proof *p);

/* Sends one. What the last one came to must have been read before. */
void tun_proof_send(struct tun_proof *p, enum tunnel_family f, uint64_t now_ns);
/* Is this packet one of ours? Then *ret_sent_ns says when it was sent. */
MUST_CHECK bool tun_proof_match(const struct tun_proof *p, const struct tun_packet *packet,
				enum tunnel_family *ret_family, uint64_t *ret_sent_ns);
/* True if a datagram of ours arrived at its own socket: it passed the queue by. */
MUST_CHECK bool tun_proof_came_back(struct tun_proof *p, enum tunnel_family f);
