/* Identity → slot: open addressing with linear probing over 32-bit cells, at most two thirds full.
 *
 * A cell is 0 (empty) or slot + 1 with the top bits of the hash above it, so that a probe past a
 * stranger rarely has to look at the stranger's row. Built once per generation, then only read.
 */
#pragma once

#include "config/gen.h"

struct gen_index_table {
	uint32_t *cells;
	uint32_t n_cells;
};

struct gen_index {
	struct gen_index_table services, reals, checks, prefixes, profiles;
};

enum { GEN_INDEX_SLOT_BITS = 21 };
#define GEN_INDEX_SLOT_MASK ((UINT32_C(1) << GEN_INDEX_SLOT_BITS) - 1)
static_assert(MAX_CHECKS + 0u < GEN_INDEX_SLOT_MASK && MAX_REALS + 0u < GEN_INDEX_SLOT_MASK &&
		      MAX_SERVICES + 0u < GEN_INDEX_SLOT_MASK &&
		      MAX_PREFIXES + 0u < GEN_INDEX_SLOT_MASK,
	      "slot + 1 fits into a cell");

/* Room for n entries, in a's memory. Returns 0 or -ENOMEM. */
MUST_CHECK int gen_index_init(struct gen_index_table *t, struct arena *a, uint32_t n);
/* Adds slot. The caller knows that its key is not in the table, and made room for it. */
void gen_index_put(struct gen_index_table *t, uint64_t hash, uint32_t slot);

/* Walks the slots whose hash may be this one: *ret_at starts as gen_index_start(), and each call
 * gives the next candidate or SLOT_NONE. */
static inline uint32_t gen_index_start(const struct gen_index_table *t, uint64_t hash)
{
	return (uint32_t)((hash & UINT32_MAX) * t->n_cells >> 32);
}
static inline uint32_t gen_index_next(const struct gen_index_table *t, uint64_t hash, uint32_t *at)
{
	const uint32_t tag = (uint32_t)(hash >> 32) & ~GEN_INDEX_SLOT_MASK;

	while (t->n_cells) {
		uint32_t cell = t->cells[*at];

		if (cell == 0)
			break;
		*at = *at + 1 == t->n_cells ? 0 : *at + 1;
		if ((cell & ~GEN_INDEX_SLOT_MASK) == tag)
			return (cell & GEN_INDEX_SLOT_MASK) - 1;
	}
	return SLOT_NONE;
}

/* Hashes of identities. Profiles in a check's are those of the generation of the index. */
uint64_t gen_index_hash_service(const struct addr *vip, bool has_port, uint16_t port,
				uint8_t proto);
uint64_t gen_index_hash_real(uint32_t service, const struct addr *ip, bool has_port, uint16_t port);
uint64_t gen_index_hash_check(const struct check_spec *c);
uint64_t gen_index_hash_prefix(const struct addr *vip);

/* Slot of the check with this identity (all fields but next), or SLOT_NONE. */
uint32_t gen_index_find_check(const struct generation *g, const struct check_spec *key,
			      uint64_t hash);
/* The same four with the hash at hand. */
uint32_t gen_index_find_service(const struct generation *g, const struct service_spec *key,
				uint64_t hash);
uint32_t gen_index_find_real(const struct generation *g, const struct real_spec *key,
			     uint64_t hash);
uint32_t gen_index_find_prefix(const struct generation *g, const struct addr *vip, uint64_t hash);
