/* A packet's way through the thread: queue → parse → which real → outer header → raw socket → drop
 * in the kernel. Tun thread only.
 */
#pragma once

#include "model/counter.h"
#include "model/tunnel.h"
#include "tun/tun_link.h"
#include "tun/tun_map.h"
#include "tun/tun_packet.h"
#include "tun/tun_proof.h"
#include "tun/tun_queue.h"
#include "tun/tun_raw.h"

struct tun_relay {
	struct tunnel *tunnel;
	struct counters *counters;
	struct tun_queue queue;
	struct tun_raw raw;
	struct tun_proof proof;
	struct tun_link link;
	struct tun_map *map;  /* NULL: nothing adopted yet */
	struct addr binds[2]; /* of outer IPv4, IPv6; ADDR_UNSET: the kernel chooses */
	uint64_t now_ns;      /* of the batch at hand */
	uint64_t told_lost;   /* of the queue's, already counted */
	uint32_t n_sent;      /* in the batch at hand */
};

enum { TUN_RELAY_MORE = 1 };
/* One batch. Returns 0 if nothing waits any more, TUN_RELAY_MORE, or a negative errno: the queue
 * is broken. */
MUST_CHECK int tun_relay_batch(struct tun_relay *r);

/* Looks up route and source of a host and publishes its reals' segment sizes. */
void tun_relay_look_up(struct tun_relay *r, uint32_t host);

/* Sends what was put; for tun_link. */
void tun_relay_flush(struct tun_relay *r);
/* What tun_raw keeps with a packet, for the outcome: host and method. */
uint32_t tun_relay_tag(uint32_t host, enum tunnel_way way);
/* A packet of the host was dealt with, or refused by our own kernel. */
void tun_relay_note_sent(struct tun_relay *r, uint32_t host);
void tun_relay_note_fault(struct tun_relay *r, uint32_t host, int error);

/* Handles one packet; what is to be sent waits for the flush. For the fuzz target: with raw sockets
 * closed nothing leaves. */
void tun_relay_packet(struct tun_relay *r, uint32_t mark, unsigned char *data, size_t len);
