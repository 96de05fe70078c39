/* Raw sockets that packets leave by, and what the kernel knows of the routes to the reals.
 *
 * The whole IP header is ours (header included); the sockets are bound to check_tun.ipv4_bind and
 * ipv6_bind, if set, for the sake of routing. They never receive: a filter drops whatever the
 * kernel would copy to them. Packets are collected and sent a batch at a time. Tun thread only; no
 * allocation.
 */
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/addr.h"
#include "tun/tun_encap.h"

enum { TUN_RAW_BATCH = 64 };

/* Called for each packet of a flush: 0, or the errno of what kept it from leaving. */
typedef void (*tun_raw_fn)(void *ctx, uint32_t tag, int error);

struct tun_raw_lane {
	int fd, route_fd; /* -1: closed */
	unsigned n;
	struct mmsghdr messages[TUN_RAW_BATCH];
	struct iovec parts[TUN_RAW_BATCH][2];
	struct sockaddr_storage to[TUN_RAW_BATCH];
	unsigned char outer[TUN_RAW_BATCH][TUN_ENCAP_BYTES];
	uint32_t tags[TUN_RAW_BATCH];
};

struct tun_raw {
	struct tun_raw_lane lanes[3]; /* IPv4, IPv6, hardware addresses */
};

/* bind4, bind6: ADDR_UNSET for none. IPv6 switched off on this machine is no failure. Returns 0 or
 * a negative errno: -EPERM without CAP_NET_RAW, -EADDRNOTAVAIL if a bind address is not ours. */
MUST_CHECK int tun_raw_open(struct tun_raw *r, const struct addr *bind4, const struct addr *bind6);
void tun_raw_close(struct tun_raw *r);

/* True if a put would not fit: flush first. */
bool tun_raw_is_full(const struct tun_raw *r, bool is_v4);
/* Takes a packet: a copy of the outer header, the inner packet by address: it stays until the
 * flush. tag comes back with the outcome. */
void tun_raw_put(struct tun_raw *r, const struct addr *destination, const unsigned char *outer,
		 size_t outer_len, unsigned char *inner, size_t inner_len, uint32_t tag);
/* The same for direct routing: the packet as it is, to a hardware address of 6 bytes on a link. */
bool tun_raw_link_is_full(const struct tun_raw *r);
void tun_raw_put_link(struct tun_raw *r, uint32_t ifindex, const uint8_t *mac, bool is_v4,
		      unsigned char *packet, size_t len, uint32_t tag);
void tun_raw_flush(struct tun_raw *r, tun_raw_fn fn, void *ctx);

/* MTU of the route to ip and the source address the kernel would choose. Returns 0 or the errno
 * (positive) that connecting gave, which is no failure of ours. */
int tun_raw_look_up(const struct tun_raw *r, const struct addr *ip, uint32_t *ret_mtu,
		    struct addr *ret_source);
