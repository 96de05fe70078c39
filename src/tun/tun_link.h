/* Direct routing: the packet itself, with the VIP as its destination, goes to the real's hardware
 * address (spec/lvs-dr §5). What is missing of an address is asked for by the kernel; a packet
 * waits for the answer up to a second. Tun thread only; no allocation after open.
 *
 * A real whose address nobody answers for is dead, not our fault: its packets are dropped and
 * count as sent, so its checks time out. A real behind a router cannot be reached this way: that is
 * a fault of the configuration, unknown, and one line says so.
 */
#pragma once

#include "tun/tun_neigh.h"
#include "tun/tun_packet.h"

struct tun_relay;

enum { TUN_LINK_PARKED = 64, TUN_LINK_PACKET_BYTES = 2048 };

struct tun_link_parked {
	struct addr ip; /* of the real: host numbers change with the map */
	uint64_t since_ns;
	bool is_v4;
	uint16_t len; /* 0: free */
	unsigned char packet[TUN_LINK_PACKET_BYTES];
};

struct tun_link {
	struct tun_neigh neigh;
	uint32_t n_parked;
	struct tun_link_parked parked[TUN_LINK_PARKED];
};

/* Sends p to the host's hardware address, now or when it is known. */
void tun_link_send(struct tun_relay *r, uint32_t host, const struct tun_packet *p);
/* Says that the host's entry is in use and reads it: for the passes over all hosts. */
void tun_link_refresh(struct tun_relay *r, uint32_t host);
/* Is there anything to do with links at all? Else nobody reads their changes. */
bool tun_link_is_used(const struct tun_relay *r);
/* Takes the changes of the kernel's tables, sends what they set free, drops what waited too long.
 */
void tun_link_turn(struct tun_relay *r, uint64_t now_ns);
