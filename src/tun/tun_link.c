#include "tun/tun_link.h"

#include <errno.h>

#include "base/clk.h"
#include "base/log.h"
#include "tun/tun_relay.h"

/* spec/lvs-dr §5: as long as a packet may wait for an answer */
#define PARK_NS CLK_S
/* a dead real's entry is asked for again at most so often by its packets */
#define ASK_NS CLK_S

/* --- states ----------------------------------------------------------------------------------- */

static void emit(struct tun_relay *r, uint32_t host, unsigned char *packet, size_t len, bool is_v4)
{
	const struct tun_host *h = &r->map->hosts[host];

	if (tun_raw_link_is_full(&r->raw))
		tun_relay_flush(r);
	tun_raw_put_link(&r->raw, h->ifindex, h->mac, is_v4, packet, len,
			 tun_relay_tag(host, TUNNEL_WAY_DR));
	counter_add(r->counters, CTR_TUN_SENT_DR, 1);
}

/* The network's silence, which the check is to see. */
static void give_up(struct tun_relay *r, uint32_t host)
{
	counter_add(r->counters, CTR_TUN_UNRESOLVED, 1);
	tunnel_count_packet(r->tunnel, TUNNEL_WAY_DR, TUNNEL_UNRESOLVED, 0);
	tun_relay_note_sent(r, host);
}

/* Our own doing, not the network's. */
static void refuse(struct tun_relay *r, uint32_t host, int error)
{
	tunnel_count_packet(r->tunnel, TUNNEL_WAY_DR, TUNNEL_REFUSED, error);
	tun_relay_note_fault(r, host, error);
}

static void tell_route(struct tun_host *h, int error)
{
	if (error == EXDEV && h->link_error != error)
		LOG(LOG_ERROR, "tun", "real_not_on_link", LF_ADDR("real", &h->ip, 0),
		    LF_STR("effect", "lvs_method DR cannot reach it through a router: its checks "
				     "are unknown; use TUN"));
}

/* Asks the kernel for the host's link and address. */
static void resolve(struct tun_relay *r, uint32_t host)
{
	struct tun_host *h = &r->map->hosts[host];
	struct tun_neigh *n = &r->link.neigh;
	struct tun_neigh_entry e;
	int error = tun_neigh_route(n, &h->ip, &h->ifindex);

	h->asked_ns = r->now_ns;
	if (!error)
		error = tun_neigh_use(n, &h->ip, h->ifindex);
	tell_route(h, error);
	h->link_error = error;
	h->link = TUN_NEIGH_UNKNOWN;
	if (error)
		return;
	e = tun_neigh_get(n, &h->ip, h->ifindex);
	h->link = (uint8_t)e.state;
	memcpy(h->mac, e.mac, sizeof(h->mac));
}

void tun_link_refresh(struct tun_relay *r, uint32_t host)
{
	if (r->map->hosts[host].wants_link)
		resolve(r, host);
}

/* --- packets ---------------------------------------------------------------------------------- */

static void park(struct tun_relay *r, uint32_t host, const struct tun_packet *p)
{
	struct tun_link *l = &r->link;

	for (unsigned i = 0; i < TUN_LINK_PARKED && p->len <= TUN_LINK_PACKET_BYTES; i++) {
		struct tun_link_parked *row = &l->parked[i];

		if (row->len)
			continue;
		row->ip = r->map->hosts[host].ip;
		row->since_ns = r->now_ns;
		row->is_v4 = p->is_v4;
		row->len = (uint16_t)p->len;
		memcpy(row->packet, p->at, p->len);
		l->n_parked++;
		return;
	}
	/* no room: the packet is lost by our own doing */
	counter_add(r->counters, CTR_TUN_UNRESOLVED, 1);
	refuse(r, host, ENOBUFS);
}

void tun_link_send(struct tun_relay *r, uint32_t host, const struct tun_packet *p)
{
	struct tun_host *h = &r->map->hosts[host];

	if (h->link == TUN_NEIGH_UNKNOWN ||
	    (h->link == TUN_NEIGH_FAILED && r->now_ns - h->asked_ns >= ASK_NS))
		resolve(r, host);
	if (h->link_error) {
		refuse(r, host, h->link_error);
		return;
	}
	switch ((enum tun_neigh_state)h->link) {
	case TUN_NEIGH_READY:
		emit(r, host, p->at, p->len, p->is_v4);
		return;
	case TUN_NEIGH_FAILED:
		give_up(r, host);
		return;
	default:
		park(r, host, p);
	}
}

/* --- what waits ------------------------------------------------------------------------------- */

/* Moves a parked packet on if it can be; true if its place is free again. */
static bool settle(struct tun_relay *r, struct tun_link_parked *row, uint64_t now_ns)
{
	uint32_t host = tun_map_find(r->map, &row->ip);
	bool is_late = now_ns - row->since_ns >= PARK_NS;

	if (host == TUN_MAP_NONE)
		return true;
	if (r->map->hosts[host].link == TUN_NEIGH_READY) {
		emit(r, host, row->packet, row->len, row->is_v4);
		return true;
	}
	if (!is_late && r->map->hosts[host].link != TUN_NEIGH_FAILED)
		return false;
	give_up(r, host);
	return true;
}

static void settle_all(struct tun_relay *r, uint64_t now_ns)
{
	bool is_freed[TUN_LINK_PARKED] = {false};

	for (unsigned i = 0; i < TUN_LINK_PARKED; i++)
		is_freed[i] = r->link.parked[i].len && settle(r, &r->link.parked[i], now_ns);
	/* the packets lie in the rows: sent before the rows are given away */
	tun_relay_flush(r);
	for (unsigned i = 0; i < TUN_LINK_PARKED; i++) {
		if (!is_freed[i])
			continue;
		r->link.parked[i].len = 0;
		r->link.n_parked--;
	}
}

static void take_change(struct tun_relay *r, const struct tun_neigh_entry *e)
{
	uint32_t host = tun_map_find(r->map, &e->ip);
	struct tun_host *h;

	if (host == TUN_MAP_NONE)
		return;
	h = &r->map->hosts[host];
	if (!h->wants_link || h->ifindex != e->ifindex)
		return;
	h->link = (uint8_t)e->state;
	memcpy(h->mac, e->mac, sizeof(h->mac));
}

/* Changes were missed: everybody is asked about anew, when needed. */
static void forget_all(struct tun_relay *r)
{
	for (uint32_t i = 0; i < r->map->n_hosts; i++)
		r->map->hosts[i].link = TUN_NEIGH_UNKNOWN;
	r->link.neigh.has_overrun = false;
}

bool tun_link_is_used(const struct tun_relay *r)
{
	return r->link.neigh.event_fd >= 0 && r->map && r->map->n_direct > 0;
}

void tun_link_turn(struct tun_relay *r, uint64_t now_ns)
{
	struct tun_neigh_entry e;

	if (!tun_link_is_used(r))
		return;
	r->now_ns = now_ns;
	while (tun_neigh_next(&r->link.neigh, &e))
		take_change(r, &e);
	if (r->link.neigh.has_overrun)
		forget_all(r);
	if (r->link.n_parked)
		settle_all(r, now_ns);
}
