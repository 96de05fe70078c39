#include "tun/tun_relay.h"

#include <errno.h>

#include "base/clk.h"
#include "base/err.h"
#include "base/log.h"
#include "tun/tun_encap.h"

/* --- outcomes --------------------------------------------------------------------------------- */

static void count(struct tun_relay *r, enum counter which)
{
	counter_add(r->counters, which, 1);
}

static struct tunnel_real *row_of(const struct tun_relay *r, uint32_t host)
{
	return tunnel_real(r->tunnel, r->map->hosts[host].first);
}

void tun_relay_note_sent(struct tun_relay *r, uint32_t host)
{
	tunnel_set64(&row_of(r, host)->sent_ns, r->now_ns);
}

void tun_relay_note_fault(struct tun_relay *r, uint32_t host, int error)
{
	tunnel_note_fault(row_of(r, host), error, r->now_ns);
}

enum { WAY_SHIFT = 30 };
static_assert(MAX_REALS < 1 << WAY_SHIFT && TUNNEL_WAY__N <= 4, "both fit into a tag");

uint32_t tun_relay_tag(uint32_t host, enum tunnel_way way)
{
	return host | (uint32_t)way << WAY_SHIFT;
}

/* A packet that our own machine did not let out says nothing about the real (decisions 13). */
static void on_sent(void *ctx, uint32_t tag, int error)
{
	struct tun_relay *r = ctx;
	uint32_t host = tag & ((1U << WAY_SHIFT) - 1);
	struct tun_host *h = &r->map->hosts[host];

	tunnel_count_packet(r->tunnel, (enum tunnel_way)(tag >> WAY_SHIFT),
			    error ? TUNNEL_REFUSED : TUNNEL_SENT, error);
	if (!error) {
		r->n_sent++;
		tun_relay_note_sent(r, host);
		return;
	}
	count(r, error == EMSGSIZE ? CTR_TUN_TOO_BIG : CTR_TUN_SEND_ERRORS);
	tun_relay_note_fault(r, host, error);
	/* whatever was known of the way there has changed: the next packet looks it up again */
	h->mtu = 0;
	h->error = 0;
	h->link = TUN_NEIGH_UNKNOWN;
}

void tun_relay_flush(struct tun_relay *r)
{
	tun_raw_flush(&r->raw, on_sent, r);
}

static void refuse(struct tun_relay *r, enum tun_refusal why)
{
	static const enum counter counters[TUN_REFUSAL__N] = {
		[TUN_TRUNCATED] = CTR_TUN_TRUNCATED,
		[TUN_MALFORMED] = CTR_TUN_MALFORMED,
		[TUN_FRAGMENT] = CTR_TUN_FRAGMENTS,
		[TUN_NO_OPTION] = CTR_TUN_NO_OPTION,
	};

	count(r, counters[why]);
}

/* --- one packet ------------------------------------------------------------------------------- */

/* Who it is for. */
struct route {
	uint32_t host;
	enum tunnel_method method;
	const struct tun_source *source;
};

static enum tunnel_way way_of(enum tunnel_method m)
{
	return m == TUNNEL_GRE ? TUNNEL_WAY_GRE : m == TUNNEL_DR ? TUNNEL_WAY_DR : TUNNEL_WAY_IPIP;
}

static void send_out(struct tun_relay *r, const struct tun_packet *p, const struct route *to)
{
	struct tun_host *h = &r->map->hosts[to->host];
	bool is_v4 = addr_is_v4(&h->ip);
	unsigned char outer[TUN_ENCAP_BYTES];
	struct addr source = tun_source_pick(to->source, is_v4, &p->source, &h->source);
	uint32_t tag = tun_relay_tag(to->host, way_of(to->method));
	size_t n = tun_encap(p->at, p->len, to->method, &source, &h->ip, outer);

	if (n == 0) {
		on_sent(r, tag, EMSGSIZE);
		return;
	}
	if (tun_raw_is_full(&r->raw, is_v4))
		tun_relay_flush(r);
	tun_raw_put(&r->raw, &h->ip, outer, n, p->at, p->len, tag);
	count(r, to->method == TUNNEL_GRE ? CTR_TUN_SENT_GRE : CTR_TUN_SENT_IPIP);
}

static void forward(struct tun_relay *r, const struct tun_packet *p, const struct route *to)
{
	struct tun_host *h = &r->map->hosts[to->host];

	/* The VIP is an address of this machine, and the kernel took it for the source: the real
	 * would answer itself. Our fault (decisions 13): bindto is missing. */
	if (addr_eq(&p->source, &p->destination)) {
		count(r, CTR_TUN_SEND_ERRORS);
		tunnel_count_packet(r->tunnel, way_of(to->method), TUNNEL_REFUSED, EADDRNOTAVAIL);
		tun_relay_note_fault(r, to->host, EADDRNOTAVAIL);
		return;
	}
	if (!h->mtu && !h->error)
		tun_relay_look_up(r, to->host);
	switch (to->method) {
	case TUNNEL_IPIP:
	case TUNNEL_GRE:
		send_out(r, p, to);
		return;
	case TUNNEL_DR:
		/* only for reals that are configured so: others were never asked about */
		if (h->wants_link) {
			tun_link_send(r, to->host, p);
			return;
		}
		count(r, CTR_TUN_UNKNOWN_METHOD);
		return;
	default:
		count(r, CTR_TUN_UNKNOWN_METHOD);
	}
}

/* The test datagram has no option, and a mark of its own in mark steering. */
static bool is_proof(struct tun_relay *r, uint32_t mark, const struct tun_packet *p)
{
	enum tunnel_family f;
	uint64_t sent_ns;

	if (mark != tunnel_proof_mark(r->tunnel) || !tun_proof_match(&r->proof, p, &f, &sent_ns))
		return false;
	r->proof.is_open[f] = false;
	tunnel_set64(&r->tunnel->proven_ns[f], sent_ns);
	tunnel_set32(&r->tunnel->rules[f], TUNNEL_RULE_PROVEN);
	count(r, CTR_TUN_PROOFS_SEEN);
	return true;
}

static void by_option(struct tun_relay *r, uint32_t mark, unsigned char *data, size_t len)
{
	struct tun_packet p, whole;
	enum tun_refusal why = tun_packet_parse(data, len, true, &p);
	struct route to;

	if (why == TUN_NO_OPTION && tun_packet_parse(data, len, false, &whole) == TUN_FINE &&
	    is_proof(r, mark, &whole))
		return;
	if (why != TUN_FINE) {
		refuse(r, why);
		return;
	}
	if (mark != tunnel_proof_mark(r->tunnel)) {
		count(r, CTR_TUN_UNKNOWN_MARK);
		return;
	}
	to.host = r->map ? tun_map_find(r->map, &p.real) : TUN_MAP_NONE;
	if (to.host == TUN_MAP_NONE) {
		count(r, CTR_TUN_UNKNOWN_REAL);
		return;
	}
	to.method = (enum tunnel_method)p.method;
	to.source = tun_map_source_of(r->map, &p.destination, p.destination_port);
	forward(r, &p, &to);
}

static void by_mark(struct tun_relay *r, uint32_t mark, unsigned char *data, size_t len)
{
	uint32_t slot = tunnel_real_of(r->tunnel, mark);
	const struct tun_map_real *real;
	struct tun_packet p;
	enum tun_refusal why = tun_packet_parse(data, len, false, &p);
	struct route to;

	if (why != TUN_FINE) {
		refuse(r, why);
		return;
	}
	if (is_proof(r, mark, &p))
		return;
	real = slot != SLOT_NONE && r->map ? tun_map_real(r->map, slot) : NULL;
	if (!real) {
		count(r, CTR_TUN_UNKNOWN_MARK);
		return;
	}
	to = (struct route){real->host, (enum tunnel_method)real->method,
			    tun_map_source(r->map, real->source)};
	forward(r, &p, &to);
}

void tun_relay_packet(struct tun_relay *r, uint32_t mark, unsigned char *data, size_t len)
{
	if (r->tunnel->by_mark)
		by_mark(r, mark, data, len);
	else
		by_option(r, mark, data, len);
}

/* --- routes ----------------------------------------------------------------------------------- */

void tun_relay_look_up(struct tun_relay *r, uint32_t host)
{
	struct tun_host *h = &r->map->hosts[host];
	bool is_v4 = addr_is_v4(&h->ip);
	const struct addr *bind = &r->binds[is_v4 ? 0 : 1];
	struct addr source = ADDR_UNSET;
	uint32_t mtu = 0;

	h->error = tun_raw_look_up(&r->raw, &h->ip, &mtu, &source);
	if (!h->error) {
		h->mtu = mtu;
		h->source = addr_is_unset(bind) ? source : *bind;
	}
	tun_map_publish_host(r->map, host, r->tunnel);
	tun_link_refresh(r, host);
}

/* --- a batch ---------------------------------------------------------------------------------- */

static void note_losses(struct tun_relay *r)
{
	uint64_t lost = r->queue.n_lost + r->queue.n_cut;

	if (lost == r->told_lost)
		return;
	counter_add(r->counters, CTR_TUN_LOST, lost - r->told_lost);
	r->told_lost = lost;
	tunnel_set64(&r->tunnel->lost_ns, r->now_ns);
}

int tun_relay_batch(struct tun_relay *r)
{
	int n = tun_queue_receive(&r->queue);
	struct tun_queued packet;

	TRY(n);
	if (n == 0)
		return 0;
	/* read after the packets were there: it is no older than any of their checks */
	r->now_ns = clk_mono_ns();
	r->n_sent = 0;
	while (tun_queue_next(&r->queue, &packet)) {
		count(r, CTR_TUN_PACKETS);
		tun_relay_packet(r, packet.mark, packet.data, packet.len);
	}
	tun_relay_flush(r);
	tunnel_count_latency(r->tunnel, clk_mono_ns() - r->now_ns, r->n_sent);
	note_losses(r);
	if (tun_queue_drop(&r->queue) < 0)
		count(r, CTR_TUN_VERDICT_ERRORS);
	return n == TUN_QUEUE_BATCH ? TUN_RELAY_MORE : 0;
}
