#include "config/gen_index.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"

enum { SEED = 0x616c6976 };

int gen_index_init(struct gen_index_table *t, struct arena *a, uint32_t n)
{
	uint32_t n_cells = n + n / 2 + 2;
	uint32_t *cells = arena_alloc(a, n_cells * sizeof(*cells));

	if (!cells)
		return err_origin(-ENOMEM);
	*t = (struct gen_index_table){.cells = cells, .n_cells = n_cells};
	return 0;
}

void gen_index_put(struct gen_index_table *t, uint64_t hash, uint32_t slot)
{
	const uint32_t tag = (uint32_t)(hash >> 32) & ~GEN_INDEX_SLOT_MASK;
	uint32_t at = gen_index_start(t, hash);

	while (t->cells[at])
		at = at + 1 == t->n_cells ? 0 : at + 1;
	t->cells[at] = tag | (slot + 1);
}

static uint64_t hash_endpoint(const struct addr *ip, bool has_port, uint16_t port, uint64_t rest)
{
	uint64_t halves[2];

	memcpy(halves, ip->b, sizeof(halves));
	rest = rest << 17 | (uint64_t)has_port << 16 | port;
	return hash_u64(halves[1] ^ hash_u64(halves[0] ^ hash_u64(rest, SEED), SEED), SEED);
}

uint64_t gen_index_hash_service(const struct addr *vip, bool has_port, uint16_t port, uint8_t proto)
{
	return hash_endpoint(vip, has_port, has_port ? port : 0, proto);
}

uint64_t gen_index_hash_real(uint32_t service, const struct addr *ip, bool has_port, uint16_t port)
{
	return hash_endpoint(ip, has_port, has_port ? port : 0, service);
}

uint64_t gen_index_hash_check(const struct check_spec *c)
{
	uint64_t who = (uint64_t)c->profile << 32 | c->real;
	uint64_t how = (uint64_t)c->kind << 8 | c->flags;

	return hash_u64(who ^ hash_endpoint(&c->connect_ip, true, c->connect_port, how), SEED);
}

uint64_t gen_index_hash_prefix(const struct addr *vip)
{
	return hash_endpoint(vip, false, 0, 0);
}

uint32_t gen_index_find_service(const struct generation *g, const struct service_spec *key,
				uint64_t hash)
{
	const struct gen_index_table *t = &g->index->services;
	uint32_t at = gen_index_start(t, hash), slot;

	while ((slot = gen_index_next(t, hash, &at)) != SLOT_NONE) {
		const struct service_spec *s = &g->services[slot];

		if (addr_eq(&s->vip, &key->vip) && s->port == key->port && s->proto == key->proto &&
		    ((s->flags ^ key->flags) & SERVICE_HAS_PORT) == 0)
			break;
	}
	return slot;
}

uint32_t gen_index_find_real(const struct generation *g, const struct real_spec *key, uint64_t hash)
{
	const struct gen_index_table *t = &g->index->reals;
	uint32_t at = gen_index_start(t, hash), slot;

	while ((slot = gen_index_next(t, hash, &at)) != SLOT_NONE) {
		const struct real_spec *r = &g->reals[slot];

		if (r->service == key->service && addr_eq(&r->ip, &key->ip) &&
		    r->port == key->port && ((r->flags ^ key->flags) & REAL_HAS_PORT) == 0)
			break;
	}
	return slot;
}

uint32_t gen_index_find_check(const struct generation *g, const struct check_spec *key,
			      uint64_t hash)
{
	const struct gen_index_table *t = &g->index->checks;
	uint32_t at = gen_index_start(t, hash), slot;

	while ((slot = gen_index_next(t, hash, &at)) != SLOT_NONE) {
		const struct check_spec *c = &g->checks[slot];

		if (c->real == key->real && c->profile == key->profile &&
		    addr_eq(&c->connect_ip, &key->connect_ip) &&
		    c->connect_port == key->connect_port && c->kind == key->kind &&
		    c->flags == key->flags)
			break;
	}
	return slot;
}

uint32_t gen_index_find_prefix(const struct generation *g, const struct addr *vip, uint64_t hash)
{
	const struct gen_index_table *t = &g->index->prefixes;
	uint32_t at = gen_index_start(t, hash), slot;

	while ((slot = gen_index_next(t, hash, &at)) != SLOT_NONE)
		if (addr_eq(&g->prefixes[slot].vip, vip))
			break;
	return slot;
}
