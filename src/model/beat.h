/* A thread's sign of life: it stores the time once per loop turn, at least every second. /healthz
 * and the watchdog read it. One writer each, relaxed. */
#pragma once

#include <stdatomic.h>

#include "base/cc.h"

struct beat {
	alignas(CACHELINE) _Atomic uint64_t last_ns;
};

static inline void beat_mark(struct beat *b, uint64_t now_ns)
{
	/* relaxed: a time stamp of its own */
	atomic_store_explicit(&b->last_ns, now_ns, memory_order_relaxed);
}
static inline uint64_t beat_last(const struct beat *b)
{
	/* relaxed: a time stamp of its own */
	return atomic_load_explicit(&b->last_ns, memory_order_relaxed);
}
