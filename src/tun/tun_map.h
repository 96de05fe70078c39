/* Which reals there are, what their packets need, and where these go: made by main from a
 * generation, used by the tun thread from adoption to the next adoption.
 *
 * A *host* is one address of one or more reals. What is known by address alone (MTU of the route,
 * source the kernel would choose, evidence of sent packets) stands in its row; in the published
 * table (model/tunnel.h) the row of the host's lowest real slot speaks for all of them.
 *
 * Rows of removed reals stay until their slot is given to another real, 60 s later at the least
 * (decisions 41): the last packets of their checks, the RSTs, still find them.
 */
#pragma once

#include "config/gen.h"
#include "model/tunnel.h"
#include "model/tunnel_option.h"
#include "tun/tun_source.h"

#define TUN_MAP_NONE UINT32_MAX

struct tun_host {
	/* main's, fixed */
	struct addr ip;
	uint32_t first;  /* real slot: lowest; its published row is the host's */
	bool wants_link; /* some real of it is direct-routed */
	/* tun's */
	struct addr source; /* base of the outer source; ADDR_UNSET: not known */
	uint32_t mtu;       /* of the route; 0: not looked up yet */
	int error;          /* errno of the last look-up */
	/* direct routing only: tun_link.h */
	uint32_t ifindex;
	uint8_t link;   /* enum tun_neigh_state */
	uint8_t mac[6]; /* with TUN_NEIGH_READY */
	int link_error; /* errno of its look-up */
	uint64_t asked_ns;
};

/* By real slot. */
struct tun_map_real {
	uint32_t host;   /* TUN_MAP_NONE: no tunnelled real */
	uint32_t next;   /* next slot with the same host; TUN_MAP_NONE */
	uint16_t source; /* index + 1 in sources; 0: none */
	uint8_t method;  /* enum tunnel_method */
	bool is_inner_v4;
};

/* What a check's packets are addressed to → its service's source networks. */
struct tun_map_vip {
	struct addr ip;
	uint16_t port;
	uint16_t source; /* index + 1; 0: free entry */
};

struct tun_map {
	uint32_t n_hosts, n_reals, n_sources, n_vips;
	uint32_t n_inner[TUNNEL_FAMILY__N]; /* reals by their VIP's family */
	uint32_t n_direct;                  /* reals that are direct-routed */
	struct tun_host *hosts;
	struct tun_map_real *reals;
	struct tun_source *sources;
	/* open addressing, at most half full; host number + 1 */
	uint32_t *host_index;
	uint32_t host_mask;
	struct tun_map_vip *vips; /* the same */
	uint32_t vip_mask;
};

/* The map of a generation; before (or NULL) is only read: rows of its reals that are gone are
 * taken over. Returns 0 or -ENOMEM. Main thread, while the tun thread uses before: it reads only
 * what that thread does not write. */
MUST_CHECK int tun_map_new(const struct generation *g, const struct tun_map *before,
			   struct tun_map **ret);
void tun_map_free(struct tun_map *m);
/* Takes over what was looked up about hosts. Tun thread. */
void tun_map_inherit(struct tun_map *m, const struct tun_map *before);

/* Number of the host, or TUN_MAP_NONE. */
uint32_t tun_map_find(const struct tun_map *m, const struct addr *ip);
/* The real in this slot, or NULL. */
const struct tun_map_real *tun_map_real(const struct tun_map *m, uint32_t slot);
/* Source networks of the service whose checks go to ip:port; NULL: none are set. Two services that
 * check the same address and port share the first one's. */
const struct tun_source *tun_map_source_of(const struct tun_map *m, const struct addr *ip,
					   uint16_t port);
/* Source networks by tun_map_real.source. */
static inline const struct tun_source *tun_map_source(const struct tun_map *m, uint16_t source)
{
	return source ? &m->sources[source - 1] : NULL;
}

/* Segment size that fits the route after encapsulation. */
uint32_t tun_map_mss(const struct tun_map_real *r, const struct tun_host *h);
/* Publishes host row numbers and segment sizes of all reals. Tun thread. */
void tun_map_publish(const struct tun_map *m, struct tunnel *t);
/* The same for the reals of one host, after its row changed. */
void tun_map_publish_host(const struct tun_map *m, uint32_t host, struct tunnel *t);
