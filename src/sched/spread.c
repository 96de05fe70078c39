#include "sched/spread.h"

#include "base/hash.h"

/* A 64-bit fraction found by search: over runs of every k-th slot, k = 1..32, in windows of 1/30
 * to 1/1000 of the interval, no window held more than 7 checks above its even share. The golden
 * ratio reaches 16 there, since Fibonacci strides undo it: each 21st slot, for one, would come
 * 2.2 times too often in some windows. */
#define STEP UINT64_C(0xc385bd266d7250f5)

/* floor(fraction / 2^64 * range) */
static uint64_t scale(uint64_t fraction, uint64_t range)
{
	__extension__ unsigned __int128 product = (unsigned __int128)fraction * range;

	return (uint64_t)(product >> 64);
}

uint64_t spread_phase_ns(uint32_t slot, uint64_t interval_ns)
{
	return scale(slot * STEP, interval_ns);
}

uint64_t spread_jitter_ns(uint32_t slot, uint64_t grid_ns, uint64_t max_ns)
{
	if (max_ns == 0)
		return 0;
	return scale(hash_u64(grid_ns, hash_u64(slot, STEP)), max_ns + 1);
}
