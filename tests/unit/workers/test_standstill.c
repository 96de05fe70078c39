#include "workers/standstill.h"

#include <criterion/criterion.h>

#include "base/clk.h"

enum { GUARD_MS = 200 };

static struct standstill s;
static uint64_t now;

static void begin(void)
{
	now = 50 * CLK_S;
	standstill_init(&s, GUARD_MS * CLK_MS, now);
	standstill_expect(&s, 5 * CLK_S);
}

/* One turn: works for busy_ms, asks for asked_ms of sleep and gets slept_ms. */
static uint64_t turn(uint64_t busy_ms, uint64_t asked_ms, uint64_t slept_ms)
{
	now += busy_ms * CLK_MS;
	standstill_sleeps(&s, now, asked_ms * CLK_MS);
	now += slept_ms * CLK_MS;
	return standstill_woke(&s, now) / CLK_MS;
}

static uint64_t since(uint64_t then)
{
	return standstill_since(&s, then, now) / CLK_MS;
}

Test(standstill, sleep_that_was_asked_for_is_none)
{
	begin();
	cr_assert_eq(turn(0, 40, 40), 0);
	cr_assert_eq(turn(0, 40, 12), 0, "woken by an event");
	cr_assert_eq(turn(3, 40, 41), 4, "busy and a little late");
}

Test(standstill, work_and_late_wake_add_up)
{
	begin();
	cr_assert_eq(turn(30, 10, 25), 45);
}

Test(standstill, sleep_that_lasted_far_too_long_counts_as_a_whole)
{
	begin();
	cr_assert_eq(turn(0, 50, 260), 260);
}

/* Stopped for stop_ms at any point of any sleep that may be asked for, or of work: it must show as
 * more than the guard. */
Test(standstill, decisions_15_no_stop_longer_than_the_guard_can_hide)
{
	for (uint64_t asked = 0; asked * CLK_MS <= 50 * CLK_MS; asked++) {
		for (uint64_t before = 0; before <= asked; before++) {
			begin();
			cr_assert_leq(asked * CLK_MS, standstill_max_sleep_ns(&s));
			cr_assert_gt(turn(0, asked, before + GUARD_MS + 1), GUARD_MS,
				     "asked %lu, stopped after %lu", asked, before);
		}
	}
	begin();
	cr_assert_gt(turn(GUARD_MS + 1, 50, 50), GUARD_MS);
}

Test(standstill, normal_oversleep_is_no_stall)
{
	begin();
	cr_assert_leq(turn(20, 50, 99), GUARD_MS / 2);
}

Test(standstill, longest_sleep_follows_the_guard_within_bounds)
{
	standstill_init(&s, 0, 1);
	cr_assert_eq(standstill_max_sleep_ns(&s), CLK_MS);
	standstill_init(&s, 10 * CLK_MS, 1);
	cr_assert_eq(standstill_max_sleep_ns(&s), 2500 * CLK_US);
	standstill_init(&s, 60 * CLK_S, 1);
	cr_assert_eq(standstill_max_sleep_ns(&s), 250 * CLK_MS, "the heartbeat goes on");
}

Test(standstill, check_sees_those_that_ended_after_its_start)
{
	uint64_t first, second, third;

	begin();
	first = now;
	turn(90, 0, 0);
	second = now + 1;
	turn(0, 50, 50);
	turn(30, 0, 0);
	third = now + 1;
	turn(0, 50, 50);
	cr_assert_eq(since(first), 90);
	cr_assert_eq(since(second), 30);
	cr_assert_eq(since(third), 0);
}

Test(standstill, longer_one_covers_all_before_it)
{
	begin();
	uint64_t start = now;

	turn(10, 0, 0);
	turn(20, 0, 0);
	turn(70, 0, 0);
	turn(5, 0, 0);
	cr_assert_eq(since(start), 70);
	cr_assert_eq(s.n_rows, 2);
}

Test(standstill, running_turn_counts)
{
	begin();
	turn(0, 10, 10);
	cr_assert_eq(standstill_since(&s, now, now + 321 * CLK_MS) / CLK_MS, 321);
}

Test(standstill, table_is_bounded_and_errs_to_the_long_side)
{
	uint64_t starts[400], lengths[400];

	begin();
	for (unsigned i = 0; i < 400; i++) {
		starts[i] = now + 1;
		lengths[i] = 500 - i;
		turn(lengths[i], 0, 0);
		cr_assert_leq(s.n_rows, STANDSTILL_ROWS);
		now += 1;
	}
	for (unsigned i = 390; i < 400; i++)
		cr_assert_geq(since(starts[i]), lengths[i], "%u", i);
}

Test(standstill, old_ones_are_forgotten_when_no_check_can_ask_for_them)
{
	begin();
	turn(100, 0, 0);
	now += 60 * CLK_S;
	turn(2, 0, 0);
	cr_assert_eq(s.n_rows, 1, "only the new one");
}

Test(standstill, agrees_with_a_naive_list)
{
	struct {
		uint64_t end, ms;
	} all[600];
	unsigned n = 0;
	uint32_t x = 1;

	begin();
	for (unsigned i = 0; i < 600; i++) {
		x = x * 1664525 + 1013904223;
		uint64_t busy = (x >> 16) % 40;

		turn(busy, 3, 3);
		all[n].end = now;
		all[n++].ms = busy;
		uint64_t start = now - (x >> 8) % 1000 * CLK_MS, longest = 0;

		for (unsigned k = 0; k < n; k++)
			if (all[k].end >= start && all[k].ms > longest)
				longest = all[k].ms;
		cr_assert_eq(since(start), longest, "turn %u", i);
	}
}
