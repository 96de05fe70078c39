#include "base/ring.h"

#include <errno.h>

#include "base/err.h"

int ring_init(struct ring *r, uint32_t min_slots, uint32_t elem_bytes)
{
	uint32_t n = 1;

	ASSERT(min_slots > 0 && min_slots <= UINT32_C(1) << 31 && elem_bytes > 0);
	while (n < min_slots)
		n <<= 1;
	memset(r, 0, sizeof(*r));
	r->slots = aligned_alloc(CACHELINE, ((size_t)n * elem_bytes + CACHELINE - 1) &
						    ~(size_t)(CACHELINE - 1));
	if (!r->slots)
		return err_origin(-ENOMEM);
	r->mask = n - 1;
	r->elem_bytes = elem_bytes;
	return 0;
}

void ring_deinit(struct ring *r)
{
	free(r->slots);
	r->slots = NULL;
}

static void *slot(struct ring *r, uint32_t i)
{
	return r->slots + (size_t)(i & r->mask) * r->elem_bytes;
}

uint32_t ring_room(struct ring *r)
{
	uint32_t size = r->mask + 1;

	if (size - (r->staged - r->head_seen) <= size / 2) {
		/* acquire: the consumer's loads of freed slots ended; pairs with ring_release() */
		r->head_seen = atomic_load_explicit(&r->head, memory_order_acquire);
	}
	return size - (r->staged - r->head_seen);
}

bool ring_has_room(struct ring *r, uint32_t want)
{
	uint32_t size = r->mask + 1;

	if (size - (r->staged - r->head_seen) < want) {
		/* acquire: as in ring_room() */
		r->head_seen = atomic_load_explicit(&r->head, memory_order_acquire);
	}
	return size - (r->staged - r->head_seen) >= want;
}

void *ring_put(struct ring *r)
{
	ASSERT(r->staged - r->head_seen <= r->mask);
	return slot(r, r->staged++);
}

void ring_publish(struct ring *r)
{
	/* release: publishes the slots up to staged; pairs with acquire of tail in ring_peek() */
	atomic_store_explicit(&r->tail, r->staged, memory_order_release);
}

uint32_t ring_staged(const struct ring *r)
{
	/* relaxed: the producer reads its own store */
	return r->staged - atomic_load_explicit(&r->tail, memory_order_relaxed);
}

void *ring_peek(struct ring *r)
{
	/* relaxed: the consumer reads its own store */
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	if (head == r->tail_seen) {
		/* acquire: the slots' contents; pairs with release of tail in ring_publish() */
		r->tail_seen = atomic_load_explicit(&r->tail, memory_order_acquire);
		if (head == r->tail_seen)
			return NULL;
	}
	return slot(r, head);
}

void ring_release(struct ring *r)
{
	/* relaxed: the consumer reads its own store */
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);

	ASSERT(head != r->tail_seen);
	/* release: our loads of the slot end before the producer may overwrite it; pairs with
	 * acquire of head in ring_room() */
	atomic_store_explicit(&r->head, head + 1, memory_order_release);
}

uint32_t ring_pending(struct ring *r)
{
	/* acquire: as in ring_peek() */
	r->tail_seen = atomic_load_explicit(&r->tail, memory_order_acquire);
	/* relaxed: the consumer reads its own store */
	return r->tail_seen - atomic_load_explicit(&r->head, memory_order_relaxed);
}
