#include "tun/tun_map.h"

#include <errno.h>

#include "base/err.h"
#include "tun/tun_encap.h"

enum {
	DEFAULT_MTU = 1500,
	TCP_BYTES = 20,
	V4_BYTES = 20,
	V6_BYTES = 40,
	MAX_SOURCES = UINT16_MAX - 1,
};
#define SEED UINT64_C(0x74756e6d6170)

static uint32_t table_slots(uint32_t n)
{
	uint32_t slots = 16;

	while (slots < 2 * n)
		slots *= 2;
	return slots;
}

/* --- hosts ------------------------------------------------------------------------------------ */

static uint32_t *host_entry(const struct tun_map *m, const struct addr *ip)
{
	uint32_t i = (uint32_t)addr_hash(ip, SEED) & m->host_mask;

	while (m->host_index[i] && !addr_eq(&m->hosts[m->host_index[i] - 1].ip, ip))
		i = (i + 1) & m->host_mask;
	return &m->host_index[i];
}

uint32_t tun_map_find(const struct tun_map *m, const struct addr *ip)
{
	return *host_entry(m, ip) - 1;
}

const struct tun_map_real *tun_map_real(const struct tun_map *m, uint32_t slot)
{
	return slot < m->n_reals && m->reals[slot].host != TUN_MAP_NONE ? &m->reals[slot] : NULL;
}

static uint32_t add_host(struct tun_map *m, const struct addr *ip)
{
	uint32_t *entry = host_entry(m, ip);

	if (!*entry) {
		m->hosts[m->n_hosts] = (struct tun_host){.ip = *ip, .first = TUN_MAP_NONE};
		*entry = ++m->n_hosts;
	}
	return *entry - 1;
}

/* --- sources ---------------------------------------------------------------------------------- */

static bool same_source(const struct tun_source *a, const struct tun_source *b)
{
	return a->has_v4 == b->has_v4 && a->has_v6 == b->has_v6 && a->v6_bits == b->v6_bits &&
	       addr_eq(&a->v4, &b->v4) && addr_eq(&a->v6, &b->v6);
}

/* Index + 1. Operators have a handful of networks: looked for from the newest on. */
static uint16_t intern_source(struct tun_map *m, const struct tun_source *s)
{
	for (uint32_t i = m->n_sources; i-- > 0;)
		if (same_source(&m->sources[i], s))
			return (uint16_t)(i + 1);
	if (m->n_sources == MAX_SOURCES)
		return 0;
	m->sources[m->n_sources] = *s;
	return (uint16_t)++m->n_sources;
}

static uint16_t source_of_service(struct tun_map *m, const struct generation *g, uint32_t service)
{
	const struct service_names *names = &g->service_names[g->services[service].names];
	struct tun_source s;

	if (names->ipv4_outer_source_network == GEN_STR_UNSET &&
	    names->ipv6_outer_source_network == GEN_STR_UNSET)
		return 0;
	/* the parser of the services file refuses what is no prefix */
	if (!tun_source_read(gen_str(g, names->ipv4_outer_source_network),
			     gen_str(g, names->ipv6_outer_source_network), &s))
		return 0;
	return intern_source(m, &s);
}

static struct tun_map_vip *vip_entry(const struct tun_map *m, const struct addr *ip, uint16_t port)
{
	uint32_t i = (uint32_t)addr_hash(ip, SEED + port) & m->vip_mask;

	while (m->vips[i].source && (m->vips[i].port != port || !addr_eq(&m->vips[i].ip, ip)))
		i = (i + 1) & m->vip_mask;
	return &m->vips[i];
}

const struct tun_source *tun_map_source_of(const struct tun_map *m, const struct addr *ip,
					   uint16_t port)
{
	return m->vips ? tun_map_source(m, vip_entry(m, ip, port)->source) : NULL;
}

/* Targets of the checks whose service has source networks. */
static int index_vips(struct tun_map *m, const struct generation *g)
{
	uint32_t n = 0;

	if (!m->n_sources)
		return 0;
	for (uint32_t i = 0; i < g->end_checks; i++)
		n += gen_check_in_use(g, i) && m->reals[g->checks[i].real].source;
	m->vip_mask = table_slots(n) - 1;
	m->vips = calloc(m->vip_mask + 1, sizeof(*m->vips));
	if (!m->vips)
		return err_origin(-ENOMEM);
	for (uint32_t i = 0; i < g->end_checks; i++) {
		const struct check_spec *c = &g->checks[i];
		struct tun_map_vip *v;

		if (!gen_check_in_use(g, i) || !m->reals[c->real].source)
			continue;
		v = vip_entry(m, &c->connect_ip, c->connect_port);
		if (v->source)
			continue;
		*v = (struct tun_map_vip){c->connect_ip, c->connect_port, m->reals[c->real].source};
		m->n_vips++;
	}
	return 0;
}

/* --- reals ------------------------------------------------------------------------------------ */

static bool method_of(uint8_t lvs_method, uint8_t *ret)
{
	switch ((enum lvs_method)lvs_method) {
	case LVS_TUN:
		*ret = TUNNEL_IPIP;
		return true;
	case LVS_GRE:
		*ret = TUNNEL_GRE;
		return true;
	case LVS_DR:
		*ret = TUNNEL_DR;
		return true;
	default:
		return false;
	}
}

static void put_real(struct tun_map *m, uint32_t slot, const struct addr *ip,
		     struct tun_map_real real)
{
	real.host = add_host(m, ip);
	real.next = TUN_MAP_NONE;
	m->reals[slot] = real;
}

static void put_configured(struct tun_map *m, const struct generation *g, uint32_t slot)
{
	const struct real_spec *s = &g->reals[slot];
	struct tun_map_real real = {.is_inner_v4 = addr_is_v4(&g->services[s->service].vip)};

	if (!method_of(s->lvs_method, &real.method))
		return;
	real.source = source_of_service(m, g, s->service);
	m->n_inner[real.is_inner_v4 ? TUNNEL_V4 : TUNNEL_V6]++;
	put_real(m, slot, &s->ip, real);
}

static void put_gone(struct tun_map *m, const struct tun_map *before, uint32_t slot)
{
	const struct tun_map_real *old = tun_map_real(before, slot);
	struct tun_map_real real;

	if (!old)
		return;
	real = *old;
	real.source = old->source ? intern_source(m, &before->sources[old->source - 1]) : 0;
	put_real(m, slot, &before->hosts[old->host].ip, real);
}

/* Chains the reals of each host, lowest slot first. */
static void link_reals(struct tun_map *m)
{
	for (uint32_t i = m->n_reals; i-- > 0;) {
		struct tun_map_real *r = &m->reals[i];

		if (r->host == TUN_MAP_NONE)
			continue;
		r->next = m->hosts[r->host].first;
		m->hosts[r->host].wants_link |= r->method == TUNNEL_DR;
		m->n_direct += r->method == TUNNEL_DR;
		m->hosts[r->host].first = i;
	}
}

/* --- making ----------------------------------------------------------------------------------- */

static int reserve(struct tun_map *m, uint32_t n_sources)
{
	uint32_t n = m->n_reals;

	m->host_mask = table_slots(n) - 1;
	m->host_index = calloc(m->host_mask + 1, sizeof(*m->host_index));
	m->hosts = calloc(MAX(n, 1), sizeof(*m->hosts));
	m->reals = calloc(MAX(n, 1), sizeof(*m->reals));
	m->sources = calloc(MAX(n_sources, 1), sizeof(*m->sources));
	if (!m->host_index || !m->hosts || !m->reals || !m->sources)
		return err_origin(-ENOMEM);
	for (uint32_t i = 0; i < n; i++)
		m->reals[i].host = TUN_MAP_NONE;
	return 0;
}

static int fill(struct tun_map *m, const struct generation *g, const struct tun_map *before)
{
	m->n_reals = MAX(g->end_reals, before ? before->n_reals : 0);
	TRY(reserve(m, MIN(g->n_services + (before ? before->n_sources : 0), MAX_SOURCES)));
	for (uint32_t i = 0; i < m->n_reals; i++) {
		if (gen_real_in_use(g, i))
			put_configured(m, g, i);
		else if (before)
			put_gone(m, before, i);
	}
	link_reals(m);
	return err_trace(index_vips(m, g));
}

int tun_map_new(const struct generation *g, const struct tun_map *before, struct tun_map **ret)
{
	struct tun_map *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return err_origin(-ENOMEM);
	r = fill(m, g, before);
	if (r < 0) {
		tun_map_free(m);
		return err_trace(r);
	}
	*ret = m;
	return 0;
}

void tun_map_free(struct tun_map *m)
{
	if (!m)
		return;
	free(m->hosts);
	free(m->reals);
	free(m->sources);
	free(m->host_index);
	free(m->vips);
	free(m);
}

/* --- the thread's side ------------------------------------------------------------------------ */

void tun_map_inherit(struct tun_map *m, const struct tun_map *before)
{
	for (uint32_t i = 0; i < m->n_hosts; i++) {
		struct tun_host *h = &m->hosts[i];
		uint32_t old = tun_map_find(before, &h->ip);
		struct tun_host was;

		if (old == TUN_MAP_NONE)
			continue;
		was = before->hosts[old];
		was.first = h->first;
		was.wants_link = h->wants_link;
		*h = was;
	}
}

uint32_t tun_map_mss(const struct tun_map_real *r, const struct tun_host *h)
{
	uint32_t mtu = h->mtu ? h->mtu : DEFAULT_MTU;
	uint32_t used =
		(uint32_t)tun_encap_overhead((enum tunnel_method)r->method, addr_is_v4(&h->ip)) +
		(r->is_inner_v4 ? V4_BYTES : V6_BYTES) + TCP_BYTES;

	return mtu > used ? mtu - used : 0;
}

void tun_map_publish_host(const struct tun_map *m, uint32_t host, struct tunnel *t)
{
	const struct tun_host *h = &m->hosts[host];

	for (uint32_t i = h->first; i != TUN_MAP_NONE; i = m->reals[i].next) {
		tunnel_set32(&tunnel_real(t, i)->host, h->first + 1);
		tunnel_set_mss(tunnel_real(t, i), tun_map_mss(&m->reals[i], h));
	}
}

void tun_map_publish(const struct tun_map *m, struct tunnel *t)
{
	for (uint32_t i = 0; i < m->n_hosts; i++)
		tun_map_publish_host(m, i, t);
	for (int f = 0; f < TUNNEL_FAMILY__N; f++)
		tunnel_set32(&t->needs[f], m->n_inner[f]);
}
