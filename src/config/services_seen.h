/* A set of things already met: open addressing over hashes, emptied without touching its memory. */
#pragma once

#include "base/cc.h"

typedef bool (*services_seen_eq_fn)(const void *a, const void *b);

struct services_seen {
	struct services_seen_slot *slots;
	uint32_t n, room; /* room: a power of two, or 0 */
	uint32_t round;   /* a slot of another round is free */
};

void services_seen_deinit(struct services_seen *s);
void services_seen_clear(struct services_seen *s);
/* Finds an item that equals this one, else adds it (borrowed until clear). Returns 0 with the
 * found item or NULL, or -ENOMEM. */
MUST_CHECK int services_seen_add(struct services_seen *s, uint64_t hash, const void *item,
				 services_seen_eq_fn eq, const void **ret_found);
