#include "workers/heap_watch.h"

#include "base/clk.h"

static bool is_quiet(const struct heap_watch *h, uint32_t n)
{
	return h->peak >= HEAP_WATCH_MIN_FALL && n <= h->peak - HEAP_WATCH_MIN_FALL &&
	       n <= h->peak / 2;
}

bool heap_watch_look(struct heap_watch *h, uint32_t n, uint64_t now_ns)
{
	h->peak = MAX(h->peak, n);
	if (!is_quiet(h, n)) {
		h->quiet_ns = 0;
		return false;
	}
	if (!h->quiet_ns)
		h->quiet_ns = now_ns;
	if (now_ns - h->quiet_ns < HEAP_WATCH_QUIET_S * CLK_S)
		return false;
	h->peak = n;
	h->quiet_ns = 0;
	return true;
}
