/* The kernel's neighbour and routing tables over rtnetlink: which link a direct-routed real is on,
 * and its hardware address. Resolution (ARP, neighbour discovery, probing of what got old) is the
 * kernel's own; we only say that an entry is in use, since packets that leave by a packet socket
 * do not. Nothing is ever installed for a VIP. Tun thread only.
 */
#pragma once

#include "base/addr.h"

enum { TUN_NEIGH_MAC_BYTES = 6 };

enum tun_neigh_state {
	TUN_NEIGH_UNKNOWN, /* nothing was asked yet, or the entry is gone */
	TUN_NEIGH_PENDING, /* the kernel is asking */
	TUN_NEIGH_READY,
	TUN_NEIGH_FAILED, /* nobody answered */
};

struct tun_neigh_entry {
	struct addr ip;
	uint32_t ifindex;
	enum tun_neigh_state state;
	uint8_t mac[TUN_NEIGH_MAC_BYTES]; /* with TUN_NEIGH_READY */
};

struct tun_neigh {
	int query_fd, event_fd; /* -1: closed */
	uint32_t sequence;
	bool has_overrun; /* events were lost: every entry may have changed; the reader clears it */
	/* events at hand */
	const unsigned char *at;
	size_t left;
	alignas(8) unsigned char buffer[16 << 10];
};

/* Returns 0 or a negative errno. */
MUST_CHECK int tun_neigh_open(struct tun_neigh *n);
void tun_neigh_close(struct tun_neigh *n);

/* The link that ip is reached by. Returns 0, EXDEV if that is through a router, or another
 * (positive) errno of the look-up. */
int tun_neigh_route(struct tun_neigh *n, const struct addr *ip, uint32_t *ret_ifindex);
/* Says that the entry is in use: the kernel resolves it, or probes it if it is old. Returns 0 or a
 * (positive) errno. */
int tun_neigh_use(struct tun_neigh *n, const struct addr *ip, uint32_t ifindex);
/* The entry as it stands; TUN_NEIGH_UNKNOWN if there is none. */
struct tun_neigh_entry tun_neigh_get(struct tun_neigh *n, const struct addr *ip, uint32_t ifindex);
/* Next change of any entry, without waiting; false: none. */
MUST_CHECK bool tun_neigh_next(struct tun_neigh *n, struct tun_neigh_entry *ret);
