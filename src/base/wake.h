/* Coalesced doorbell: an eventfd that is written only when the consumer sleeps.
 *
 * Consumer:  wake_arm(); if nothing waits in its rings: epoll_wait on wake_fd(); wake_disarm().
 * Producer:  publish to the ring; wake_ring().
 *
 * `armed` is a Dekker flag: the consumer stores it and then reads the rings, the producer stores
 * into the ring and then reads it; a sequentially consistent fence between the two on either side
 * means that at least one of them sees the other. Spurious wakes are possible, lost ones are not.
 *
 * field  writers            readers            order
 * armed  consumer (1, 0),   producers          seq_cst fences as above; exchange by the producer,
 *        producers (1 → 0)                     so that one of several writes the eventfd
 */
#pragma once

#include <stdatomic.h>

#include "base/cc.h"

struct wake {
	alignas(CACHELINE) _Atomic uint32_t armed;
	int fd;
	/* consumer's own: it armed and did not disarm yet; writes of producers that took the flag
	 * and that were not read yet, for such a write may come after the disarm */
	bool is_armed;
	uint32_t n_owed;
};

/* Makes the eventfd (non-blocking, close-on-exec). Returns 0 or a negative errno. */
MUST_CHECK int wake_init(struct wake *w);
void wake_deinit(struct wake *w);
int wake_fd(const struct wake *w);

/* Consumer, before its last look at its rings. */
void wake_arm(struct wake *w);
/* Consumer, after it woke: no doorbell is needed while it works. Also empties the eventfd of what
 * producers rang. A producer that took the flag but wrote only after this costs one spurious wake;
 * the next disarm empties it. */
void wake_disarm(struct wake *w);
/* Producer, any thread, after its publication. Costs a fence; a system call only if the consumer
 * sleeps. Returns true if it made one. */
bool wake_ring(struct wake *w);
