/* A set of slots as bits, with two levels of summary bits above them: add, remove and take the
 * smallest are a few words each, whatever the set's size, and an empty set of a million slots costs
 * no memory but address space. One thread at a time.
 */
#pragma once

#include "base/table.h"
#include "model/ids.h"

enum { MARKS_LEVELS = 3 };

struct marks {
	struct table levels[MARKS_LEVELS]; /* of uint64_t; a set bit above says: word not zero */
	uint32_t n;                        /* members */
};

/* For slots below max. Returns 0 or -ENOMEM. */
MUST_CHECK int marks_init(struct marks *m, uint32_t max);
void marks_deinit(struct marks *m);

static inline uint64_t *marks_word(const struct marks *m, int level, uint32_t i)
{
	return table_row(&m->levels[level], i);
}
static inline bool marks_has(const struct marks *m, uint32_t slot)
{
	return m->n && (*marks_word(m, 0, slot / 64) >> slot % 64 & 1);
}

/* Adding a member, removing a stranger: nothing happens. */
void marks_add(struct marks *m, uint32_t slot);
void marks_remove(struct marks *m, uint32_t slot);
/* Smallest member >= from, or SLOT_NONE. */
uint32_t marks_next(const struct marks *m, uint32_t from);
/* Takes the smallest member out; SLOT_NONE: the set is empty. */
uint32_t marks_take(struct marks *m);
