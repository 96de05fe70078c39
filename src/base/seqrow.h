/* One-writer rows that any thread may read: a sequence lock per row.
 *
 * A row is a struct whose first member is `uint32_t seq` and whose size is a multiple of 4. The
 * writer changes a local copy and publishes it; it may read its own row plainly. Readers copy the
 * row out and retry while it changes; after SEQROW_TRIES they give up on that row.
 *
 * field   writer      readers   order
 * seq     row's owner all       odd (relaxed, then release fence) · words · even (release)
 * words   row's owner all       relaxed atomic stores and loads, so a torn copy is no data race
 *
 * Linearization: a publication is visible at its even store of seq.
 */
#pragma once

#include <stdatomic.h>

#include "base/cc.h"

enum { SEQROW_TRIES = 8 };

/* Replaces *row by *next (next->seq is ignored). Owner thread only. */
static inline void seqrow_publish(void *row, const void *next, size_t bytes)
{
	_Atomic uint32_t *to = row;
	const uint32_t *from = next;
	/* relaxed: the owner reads its own store */
	uint32_t seq = atomic_load_explicit(&to[0], memory_order_relaxed);

	/* relaxed: ordered before the words by the fence below */
	atomic_store_explicit(&to[0], seq + 1, memory_order_relaxed);
	/* release: the odd value is seen before any new word; pairs with the acquire fence of
	 * seqrow_read() */
	atomic_thread_fence(memory_order_release);
	for (size_t i = 1; i < bytes / 4; i++) {
		/* relaxed: guarded by seq */
		atomic_store_explicit(&to[i], from[i], memory_order_relaxed);
	}
	/* release: publishes the words; pairs with the acquire of seq in seqrow_read() */
	atomic_store_explicit(&to[0], seq + 2, memory_order_release);
}

/* Copies *row to *out. Any thread. Returns false after SEQROW_TRIES torn copies. */
MUST_CHECK static inline bool seqrow_read(const void *row, void *out, size_t bytes)
{
	const _Atomic uint32_t *from = row;
	uint32_t *to = out;

	for (int i_try = 0; i_try < SEQROW_TRIES; i_try++) {
		/* acquire: words after it are at least that new; pairs with the even store */
		uint32_t seq = atomic_load_explicit(&from[0], memory_order_acquire);

		if (seq & 1)
			continue;
		for (size_t i = 1; i < bytes / 4; i++) {
			/* relaxed: guarded by seq */
			to[i] = atomic_load_explicit(&from[i], memory_order_relaxed);
		}
		/* acquire: the words were read before seq is read again; pairs with the release
		 * fence of seqrow_publish() */
		atomic_thread_fence(memory_order_acquire);
		/* relaxed: ordered by the fence above */
		if (atomic_load_explicit(&from[0], memory_order_relaxed) == seq) {
			to[0] = seq;
			return true;
		}
	}
	return false;
}
