/* Single-producer single-consumer ring, elements by value, batched publication.
 *
 * Indices are free-running uint32_t, compared by difference only.
 *
 * field            writer    readers            order
 * tail             producer  consumer           release by ring_publish, acquire by ring_peek
 * staged           producer  producer           private: slots written but not yet published
 * head_seen        producer  producer           private copy of head
 * head             consumer  producer           release by ring_release, acquire by ring_room
 * tail_seen        consumer  consumer           private copy of tail
 *
 * Exclusion: one producer thread calls ring_room/ring_put/ring_publish, one consumer thread calls
 * ring_peek/ring_release; the two never exclude each other. Linearization: a batch is in at the
 * release store of tail in ring_publish; a slot is free at the release store of head.
 */
#pragma once

#include <stdatomic.h>

#include "base/cc.h"

struct ring {
	/* producer's line */
	alignas(CACHELINE) _Atomic uint32_t tail;
	uint32_t staged;
	uint32_t head_seen;
	/* consumer's line */
	alignas(CACHELINE) _Atomic uint32_t head;
	uint32_t tail_seen;
	/* read-only after ring_init */
	alignas(CACHELINE) uint32_t mask;
	uint32_t elem_bytes;
	unsigned char *slots;
};

/* Makes a ring of at least min_slots elements (rounded up to a power of two, at most 2^31).
 * Before its threads start. Returns 0 or -ENOMEM. The caller frees it with ring_deinit. */
MUST_CHECK int ring_init(struct ring *r, uint32_t min_slots, uint32_t elem_bytes);
void ring_deinit(struct ring *r);

/* Slots that may still be put before the consumer frees more: exact if half of them or fewer are
 * left, else at least so many. Producer only. */
uint32_t ring_room(struct ring *r);
/* True if want more may be put. Unlike ring_room(), which looks at the consumer's index only when
 * its copy says full, it looks whenever the copy says less than want. Producer only. */
bool ring_has_room(struct ring *r, uint32_t want);
/* The slot to fill for the next element; ring_room() must have said > 0. Producer only. */
void *ring_put(struct ring *r);
/* Makes everything put so far visible to the consumer. Producer only. */
void ring_publish(struct ring *r);
/* Elements put but not yet published. Producer only. */
uint32_t ring_staged(const struct ring *r);

/* Oldest published element that was not released, or NULL. Valid until ring_release.
 * Consumer only. */
void *ring_peek(struct ring *r);
/* Frees the element ring_peek returned. Consumer only. */
void ring_release(struct ring *r);
/* Elements that wait. Exact for the consumer, a lower bound for nobody else. Consumer only. */
uint32_t ring_pending(struct ring *r);
