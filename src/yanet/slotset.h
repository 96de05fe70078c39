/* A set of slots as one bit each: what is to be sent, what is on its way, what a reply has shown.
 * 100,000 reals cost 12.5 KB per set, nothing is allocated per real, and sets of the same size are
 * joined a word at a time. One thread at a time.
 */
#pragma once

#include "base/cc.h"
#include "model/ids.h"

struct slotset {
	uint64_t *words;
	uint32_t n_words;
	uint32_t n; /* members */
};

/* Makes room for slots below end; members stay. Returns 0 or -ENOMEM (nothing changed). */
MUST_CHECK int slotset_reserve(struct slotset *s, uint32_t end);
void slotset_deinit(struct slotset *s);

/* A slot beyond the reserved room is in no set. */
static inline bool slotset_has(const struct slotset *s, uint32_t slot)
{
	return slot / 64 < s->n_words && (s->words[slot / 64] >> (slot % 64) & 1);
}

/* slot lies in the reserved room. Adding a member, removing a stranger: nothing happens. */
void slotset_add(struct slotset *s, uint32_t slot);
void slotset_remove(struct slotset *s, uint32_t slot);

/* Smallest member >= from, or SLOT_NONE. */
uint32_t slotset_next(const struct slotset *s, uint32_t from);
void slotset_clear(struct slotset *s);
/* All slots below end become members; end lies in the reserved room. */
void slotset_fill(struct slotset *s, uint32_t end);
/* Moves every member of from into to; from is empty then. to has at least from's room. */
void slotset_move(struct slotset *to, struct slotset *from);
/* Removes every member of other. */
void slotset_subtract(struct slotset *s, const struct slotset *other);
/* Members of at least one of the n sets. */
uint32_t slotset_count_any(const struct slotset *const *sets, unsigned n);
