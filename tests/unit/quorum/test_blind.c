#include "quorum/blind.h"

#include <criterion/criterion.h>

#define S UINT64_C(1000000000)

static struct blind b;
static uint64_t now;

static void setup(void)
{
	const struct blind_config config = {60 * S, 10 * S, 20, 80};

	cr_assert_eq(blind_init(&b, &config), 0);
	now = 100 * S;
}
static void teardown(void)
{
	blind_deinit(&b);
}

static enum blind_event note(uint32_t host, char kind)
{
	const struct blind_sample s = {
		.host = host,
		.is_bad = kind != 'g',
		.is_answer = kind == 'a',
		.until_ns = now + 15 * S,
		.span_ns = 15 * S,
	};

	return blind_note(&b, &s, now);
}

static enum blind_event note_range(uint32_t from, uint32_t to, char kind)
{
	enum blind_event last = BLIND_SAME;

	for (uint32_t h = from; h < to; h++) {
		enum blind_event e = note(h, kind);

		last = e != BLIND_SAME ? e : last;
	}
	return last;
}

Test(blind, d31_begins_at_80_percent_of_20, .init = setup, .fini = teardown)
{
	note_range(0, 20, 'g');
	cr_assert_eq(note_range(0, 15, 'b'), BLIND_SAME);
	cr_assert_eq(note(15, 'b'), BLIND_BEGINS);
	cr_assert_eq(b.counts.n, 20);
	cr_assert_eq(b.counts.n_bad, 16);
}

Test(blind, d31_nineteen_hosts_are_too_few, .init = setup, .fini = teardown)
{
	cr_assert_eq(note_range(0, 19, 'b'), BLIND_SAME);
	cr_assert_eq(note(19, 'b'), BLIND_BEGINS);
}

Test(blind, d31_window_is_the_newest_100_hosts, .init = setup, .fini = teardown)
{
	note_range(0, 1000, 'g');
	cr_assert_eq(b.counts.n, 100);
	cr_assert_eq(note_range(0, 79, 'b'), BLIND_SAME);
	cr_assert_eq(note(79, 'b'), BLIND_BEGINS, "after 80 results, not after 800");
}

Test(blind, d31_a_host_counts_once_by_its_newest_result, .init = setup, .fini = teardown)
{
	note_range(0, 20, 'g');
	for (int i = 0; i < 100; i++)
		cr_assert_eq(note(3, 'b'), BLIND_SAME);
	cr_assert_eq(b.counts.n_bad, 1);
	note(3, 'g');
	cr_assert_eq(b.counts.n_bad, 0);
}

Test(blind, d31_outdated_results_do_not_count, .init = setup, .fini = teardown)
{
	note_range(0, 15, 'b');
	now += 16 * S;
	cr_assert_eq(note_range(100, 119, 'b'), BLIND_SAME);
	cr_assert_eq(note(119, 'b'), BLIND_BEGINS);
	cr_assert_eq(b.counts.n, 20);
}

/* An outdated good one does not hide that the rest is bad. */
Test(blind, d31_outdated_good_results_do_not_count, .init = setup, .fini = teardown)
{
	note_range(0, 50, 'g');
	now += 16 * S;
	cr_assert_eq(note_range(100, 119, 'b'), BLIND_SAME);
	cr_assert_eq(note(119, 'b'), BLIND_BEGINS);
}

Test(blind, d32_ends_below_half, .init = setup, .fini = teardown)
{
	cr_assert_eq(note_range(0, 20, 'b'), BLIND_BEGINS);
	cr_assert_eq(note_range(0, 10, 'g'), BLIND_SAME, "half is not below half");
	cr_assert_eq(note(10, 'g'), BLIND_ENDS);
	cr_assert_eq(b.next_ns, UINT64_MAX);
}

Test(blind, d32_ends_after_max_hold, .init = setup, .fini = teardown)
{
	uint64_t begun = now;

	cr_assert_eq(note_range(0, 20, 'b'), BLIND_BEGINS);
	for (; now < begun + 60 * S - 1; now += S) {
		cr_assert_eq(note_range(0, 20, 'b'), BLIND_SAME);
		cr_assert_eq(blind_tick(&b, now), BLIND_SAME);
	}
	now = begun + 60 * S;
	cr_assert_eq(blind_tick(&b, now), BLIND_ENDS);
}

Test(blind, d32_answers_end_it_after_ten_seconds, .init = setup, .fini = teardown)
{
	uint64_t begun = now;

	cr_assert_eq(note_range(0, 20, 'b'), BLIND_BEGINS);
	note_range(0, 11, 'a');
	cr_assert_eq(b.next_ns, begun + 10 * S);
	cr_assert_eq(blind_tick(&b, begun + 10 * S - 1), BLIND_SAME);
	cr_assert_eq(blind_tick(&b, begun + 10 * S), BLIND_ENDS);
}

Test(blind, d32_half_answers_are_not_most, .init = setup, .fini = teardown)
{
	cr_assert_eq(note_range(0, 20, 'b'), BLIND_BEGINS);
	note_range(0, 10, 'a');
	cr_assert_eq(blind_tick(&b, now + 10 * S), BLIND_SAME);
	cr_assert_gt(b.next_ns, now + 10 * S);
}

Test(blind, d32_begins_again_only_after_less_than_half, .init = setup, .fini = teardown)
{
	cr_assert_eq(note_range(0, 20, 'b'), BLIND_BEGINS);
	for (int i = 0; i < 6; i++) {
		now += 10 * S;
		note_range(0, 20, 'b');
	}
	cr_assert(!b.is_active);
	cr_assert_eq(note_range(0, 20, 'b'), BLIND_SAME);
	note_range(0, 11, 'g');
	cr_assert(b.is_armed);
	cr_assert_eq(note_range(0, 20, 'b'), BLIND_BEGINS);
}

Test(blind, d32_too_few_hosts_end_it_and_arm_it, .init = setup, .fini = teardown)
{
	cr_assert_eq(note_range(0, 20, 'b'), BLIND_BEGINS);
	cr_assert_eq(b.next_ns, now + 10 * S);
	now += 10 * S;
	cr_assert_eq(blind_tick(&b, now), BLIND_SAME);
	cr_assert_eq(b.next_ns, now + 5 * S, "the window runs empty");
	now += 5 * S;
	cr_assert_eq(blind_tick(&b, now), BLIND_ENDS);
	cr_assert_eq(note_range(0, 20, 'b'), BLIND_BEGINS);
}

/* The entries ran out while nobody looked. */
Test(blind, d32_an_empty_window_was_less_than_half, .init = setup, .fini = teardown)
{
	b.config.max_hold_ns = 2 * S;
	cr_assert_eq(note_range(0, 20, 'b'), BLIND_BEGINS);
	now += 2 * S;
	cr_assert_eq(blind_tick(&b, now), BLIND_ENDS);
	cr_assert(!b.is_armed);
	now += 20 * S;
	cr_assert_eq(note_range(0, 20, 'b'), BLIND_BEGINS);
}

Test(blind, max_hold_0_is_never_blind, .init = setup, .fini = teardown)
{
	b.config.max_hold_ns = 0;
	cr_assert_eq(note_range(0, 200, 'b'), BLIND_SAME);
}

Test(blind, answered_hold_0_believes_answers_at_once, .init = setup, .fini = teardown)
{
	b.config.max_hold_answered_ns = 0;
	cr_assert_eq(note_range(0, 50, 'a'), BLIND_SAME);
	cr_assert(!b.is_active);
}

Test(blind, d32_first_bad_is_the_begin_of_the_oldest_run, .init = setup, .fini = teardown)
{
	uint64_t first;

	note_range(0, 20, 'g');
	note(7, 'b');
	first = now;
	now += 2 * S;
	note_range(0, 5, 'b');
	note(7, 'b');
	cr_assert_eq(blind_first_bad_ns(&b, now), first);
	note(7, 'g');
	cr_assert_eq(blind_first_bad_ns(&b, now), now, "that run is over");
	now += 3 * S;
	note(8, 'b');
	cr_assert_eq(blind_first_bad_ns(&b, now), now - 3 * S);
}

Test(blind, d32_first_bad_is_not_older_than_the_window, .init = setup, .fini = teardown)
{
	for (int i = 0; i < 100; i++, now += S)
		note(7, 'b');
	cr_assert_eq(blind_first_bad_ns(&b, now), now - 15 * S);
}

Test(blind, forgotten_hosts_leave_the_window, .init = setup, .fini = teardown)
{
	note_range(0, 30, 'b');
	for (uint32_t h = 0; h < 30; h++)
		blind_forget(&b, h);
	cr_assert_eq(b.counts.n, 0);
	cr_assert_eq(b.counts.n_bad, 0);
	blind_forget(&b, 500);
	note_range(0, 100, 'g');
	cr_assert_eq(b.counts.n, 100);
}
