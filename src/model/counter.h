/* Counters: one block per thread, one writer, relaxed stores; readers add the blocks up. */
#pragma once

#include <stdatomic.h>

#include "base/cc.h"

enum counter {
#define X(name, metric, help) CTR_##name,
#include "model/counter.tbl"
#undef X
	CTR__N
};

struct counters {
	alignas(CACHELINE) _Atomic uint64_t values[CTR__N];
};

/* Owner thread only. */
static inline void counter_add(struct counters *c, enum counter which, uint64_t n)
{
	/* relaxed: one writer, readers need no order */
	uint64_t v = atomic_load_explicit(&c->values[which], memory_order_relaxed);

	/* relaxed: as above */
	atomic_store_explicit(&c->values[which], v + n, memory_order_relaxed);
}

/* Any thread. */
static inline uint64_t counter_get(const struct counters *c, enum counter which)
{
	/* relaxed: as above */
	return atomic_load_explicit(&c->values[which], memory_order_relaxed);
}

/* "jobs_issued" and its help line. */
const char *counter_metric(enum counter which);
const char *counter_help(enum counter which);
