#include "workers/heap_watch.h"

#include <criterion/criterion.h>

#include "base/clk.h"

static struct heap_watch heap;
static uint64_t now_ns = 1000 * CLK_S;

/* The same number for so many seconds; returns how often a trim was asked for. */
static int hold(uint32_t n, uint64_t seconds)
{
	int trims = 0;

	for (uint64_t i = 0; i < seconds * 20; i++, now_ns += 50 * CLK_MS)
		trims += heap_watch_look(&heap, n, now_ns);
	return trims;
}

Test(heap_watch, few_in_flight_never_trim)
{
	cr_assert_eq(hold(0, 10), 0);
	cr_assert_eq(hold(HEAP_WATCH_MIN_FALL - 1, 1), 0);
	cr_assert_eq(hold(0, 60), 0);
}

Test(heap_watch, peak_is_trimmed_once_when_it_is_over)
{
	cr_assert_eq(hold(1000, 60), 0, "it lasts");
	cr_assert_eq(hold(0, 1), 0, "it may come back");
	cr_assert_eq(hold(900, 1), 0);
	cr_assert_eq(hold(10, HEAP_WATCH_QUIET_S - 1), 0);
	cr_assert_eq(hold(10, 60), 1);
	cr_assert_eq(heap.peak, 10);
}

Test(heap_watch, another_peak_is_trimmed_again)
{
	hold(1000, 1);
	cr_assert_eq(hold(300, 10), 1);
	cr_assert_eq(hold(200, 10), 0, "the rest is not worth it");
	cr_assert_eq(hold(100, 10), 1);
	hold(500, 1);
	cr_assert_eq(hold(0, 10), 1);
}
