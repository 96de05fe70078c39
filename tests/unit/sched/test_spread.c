#include "sched/spread.h"

#include <criterion/criterion.h>

#include "base/cc.h"
#include "base/clk.h"

static uint32_t counts[10000];

/* Most phases in any 10 of n_ticks ticks (the interval, a circle), against the even share. */
static double worst_window(uint32_t from, uint32_t stride, uint32_t n, uint32_t n_ticks)
{
	uint32_t in_window = 0, most = 0;

	memset(counts, 0, sizeof(counts));
	for (uint32_t i = 0; i < n; i++)
		counts[spread_phase_ns(from + i * stride, n_ticks * CLK_MS) / CLK_MS]++;
	for (uint32_t i = 0; i < 10; i++)
		in_window += counts[i];
	for (uint32_t i = 0; i < n_ticks; i++) {
		most = MAX(most, in_window);
		in_window += counts[(i + 10) % n_ticks] - counts[i];
	}
	return most / (n * 10.0 / n_ticks);
}

Test(spread, phase_lies_within_the_interval)
{
	for (uint32_t slot = 0; slot < 100000; slot += 7) {
		cr_assert_lt(spread_phase_ns(slot, 10 * CLK_MS), 10 * CLK_MS);
		cr_assert_lt(spread_phase_ns(UINT32_MAX - slot, 1), 1);
	}
}

/* A phase that moves with a release would move every check of every fleet at its upgrade. */
Test(spread, d10_phase_is_a_fixed_function_of_the_slot)
{
	cr_assert_eq(spread_phase_ns(0, CLK_S), 0);
	cr_assert_eq(spread_phase_ns(1, CLK_S), 763759443);
	cr_assert_eq(spread_phase_ns(2, CLK_S), 527518886);
	cr_assert_eq(spread_phase_ns(3, 60 * CLK_S), 17476699770);
}

Test(spread, any_ten_ms_carry_their_even_share)
{
	static const uint32_t fleets[] = {1000, 5000, 19000, 100000};

	for (size_t i = 0; i < ARRAY_LEN(fleets); i++) {
		cr_assert_leq(worst_window(0, 1, fleets[i], 1000), 1.3);
		/* slots of one service somewhere in the middle */
		cr_assert_leq(worst_window(12345, 1, fleets[i], 1000), 1.3);
	}
}

Test(spread, every_kth_slot_is_even_too)
{
	for (uint32_t stride = 2; stride <= 32; stride++)
		for (uint32_t from = 0; from < stride; from += 3)
			cr_assert_leq(worst_window(from, stride, 5000, 1000), 1.3, "stride %u",
				      stride);
}

Test(spread, first_and_last_phase_reach_over_the_interval)
{
	uint64_t first = CLK_S, last = 0;

	for (uint32_t slot = 0; slot < 1000; slot++) {
		first = MIN(first, spread_phase_ns(slot, CLK_S));
		last = MAX(last, spread_phase_ns(slot, CLK_S));
	}
	cr_assert_leq(first, 20 * CLK_MS);
	cr_assert_geq(last, 980 * CLK_MS);
}

Test(spread, no_jitter_is_exactly_zero)
{
	for (uint32_t slot = 0; slot < 1000; slot++)
		cr_assert_eq(spread_jitter_ns(slot, slot * CLK_S, 0), 0);
}

Test(spread, jitter_is_uniform_within_its_bounds)
{
	uint32_t buckets[10] = {0};
	uint64_t seen_max = 0;

	for (uint32_t slot = 0; slot < 100; slot++) {
		for (uint64_t k = 0; k < 1000; k++) {
			uint64_t j = spread_jitter_ns(slot, k * CLK_S + slot, 999);

			cr_assert_leq(j, 999);
			seen_max = MAX(seen_max, j);
			buckets[j / 100]++;
		}
	}
	cr_assert_eq(seen_max, 999);
	for (int i = 0; i < 10; i++)
		cr_assert(buckets[i] > 9500 && buckets[i] < 10500, "%u", buckets[i]);
}

Test(spread, jitter_of_neighbours_and_of_following_points_is_not_correlated)
{
	int same_side = 0;

	for (uint64_t k = 1; k < 10000; k++) {
		bool a = spread_jitter_ns(5, k * CLK_S, 1000) > 500;
		bool b = spread_jitter_ns(5, (k + 1) * CLK_S, 1000) > 500;
		bool c = spread_jitter_ns(6, k * CLK_S, 1000) > 500;

		same_side += (a == b) + (a == c);
	}
	cr_assert(same_side > 9600 && same_side < 10400, "%d", same_side);
}
