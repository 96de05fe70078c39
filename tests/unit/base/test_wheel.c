#include "base/wheel.h"

#include <criterion/criterion.h>

#include "base/clk.h"

/* A row as the scheduler has it: the node is not alone. */
struct row {
	struct wheel_node node;
	uint64_t other;
};

static struct wheel w;
static struct row rows[4096];

/* splitmix64: one seed, one sequence */
static uint64_t rng_state;
static uint64_t rng(void)
{
	uint64_t z = (rng_state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static void start(uint64_t tick_ns, uint64_t now_ns)
{
	memset(rows, 0, sizeof(rows));
	wheel_init(&w, rows, sizeof(rows[0]), tick_ns, now_ns);
}

/* Fires everything up to now_ns; returns how many came. */
static unsigned drain(uint64_t now_ns)
{
	unsigned n = 0;

	wheel_advance(&w, now_ns);
	while (wheel_pop(&w) != WHEEL_NONE)
		n++;
	cr_assert(wheel_validate(&w));
	return n;
}

Test(wheel, empty_never_fires)
{
	start(CLK_MS, 5 * CLK_S);
	cr_assert_eq(wheel_next_ns(&w), UINT64_MAX);
	cr_assert_eq(drain(UINT64_MAX / 2), 0);
	cr_assert_eq(wheel_next_ns(&w), UINT64_MAX);
}

Test(wheel, zero_row_is_not_armed_and_disarms_to_nothing)
{
	start(CLK_MS, 0);
	cr_assert_not(wheel_is_armed(&w, 0));
	wheel_disarm(&w, 0);
	cr_assert_eq(w.n_timers, 0);
	cr_assert(wheel_validate(&w));
}

Test(wheel, fires_in_the_tick_at_or_after_due_never_before)
{
	start(CLK_MS, 0);
	wheel_arm(&w, 7, 5 * CLK_MS + 1);
	cr_assert_eq(wheel_next_ns(&w), 6 * CLK_MS);
	cr_assert_eq(drain(6 * CLK_MS - 1), 0);
	wheel_advance(&w, 6 * CLK_MS);
	cr_assert_eq(wheel_pop(&w), 7);
	cr_assert_eq(wheel_pop(&w), WHEEL_NONE);
	cr_assert_not(wheel_is_armed(&w, 7));
	cr_assert_eq(rows[7].node.due_ns, 5 * CLK_MS + 1);
}

/* Every pair (offset of now inside a slot turn, distance) over the seams of level 0 and 1, and
 * around each power of the slot count: fired at its tick, not one earlier. */
Test(wheel, every_slot_fires_exactly_in_its_tick)
{
	for (uint64_t from = 65536 - 300; from < 65536 + 300; from += 7) {
		for (uint64_t distance = 0; distance < 70000; distance += distance < 600 ? 1 : 97) {
			start(1, from);
			wheel_arm(&w, 3, from + distance);
			cr_assert_leq(wheel_next_ns(&w), from + distance);
			if (distance) {
				wheel_advance(&w, from + distance - 1);
				cr_assert_eq(wheel_pop(&w), WHEEL_NONE, "%lu+%lu early", from,
					     distance);
			}
			wheel_advance(&w, from + distance);
			cr_assert_eq(wheel_pop(&w), 3, "%lu+%lu lost", from, distance);
		}
	}
}

Test(wheel, seams_of_every_level_fire_exactly)
{
	for (unsigned bit = 7; bit < 60; bit++) {
		for (int64_t a = -2; a <= 2; a++) {
			for (int64_t b = -2; b <= 2; b++) {
				uint64_t from = (UINT64_C(1) << bit) * 3 + (uint64_t)a;
				uint64_t due = from + (UINT64_C(1) << bit) + (uint64_t)b;

				start(1, from);
				wheel_arm(&w, 1, due);
				cr_assert_eq(drain(due - 1), 0);
				cr_assert_eq(drain(due), 1);
			}
		}
	}
}

Test(wheel, timer_beyond_the_span_waits_and_fires_in_its_tick)
{
	uint64_t span = UINT64_C(1) << (WHEEL_BITS * WHEEL_LEVELS);

	start(1, 12345);
	for (uint32_t i = 0; i < 64; i++)
		wheel_arm(&w, i, 12345 + span * i + i * 1001);
	for (uint32_t i = 0; i < 64; i++) {
		uint64_t due = 12345 + span * i + i * 1001;

		cr_assert_leq(wheel_next_ns(&w), due);
		cr_assert_eq(drain(due - (i > 0)), i == 0);
		cr_assert_eq(drain(due), i > 0);
	}
	cr_assert_eq(w.n_timers, 0);
}

Test(wheel, farthest_time_is_held_without_overflow)
{
	start(CLK_MS, CLK_S);
	wheel_arm(&w, 0, UINT64_MAX);
	wheel_arm(&w, 1, UINT64_MAX - CLK_MS);
	cr_assert(wheel_validate(&w));
	cr_assert_eq(drain(UINT64_C(400) * 86400 * CLK_S), 0);
	cr_assert(wheel_is_armed(&w, 0));
}

Test(wheel, past_time_fires_with_the_next_advance)
{
	start(CLK_MS, 100 * CLK_MS);
	cr_assert_eq(drain(100 * CLK_MS), 0);
	wheel_arm(&w, 4, 3 * CLK_MS);
	cr_assert_eq(wheel_next_ns(&w), 0);
	cr_assert_eq(drain(100 * CLK_MS), 1);
}

Test(wheel, arming_the_past_again_and_again_ends_the_loop)
{
	unsigned n = 0;
	uint32_t id;

	start(CLK_MS, 0);
	for (uint32_t i = 0; i < 10; i++)
		wheel_arm(&w, i, i * CLK_MS);
	wheel_advance(&w, 9 * CLK_MS);
	while ((id = wheel_pop(&w)) != WHEEL_NONE) {
		wheel_arm(&w, id, 0);
		cr_assert_lt(++n, 11);
	}
	cr_assert_eq(n, 10);
	cr_assert(wheel_validate(&w));
	cr_assert_eq(drain(9 * CLK_MS), 10);
}

Test(wheel, time_that_goes_back_changes_nothing)
{
	start(CLK_MS, CLK_S);
	wheel_arm(&w, 0, CLK_S + 5 * CLK_MS);
	drain(CLK_S + 3 * CLK_MS);
	cr_assert_eq(drain(0), 0);
	cr_assert_eq(drain(CLK_S + 5 * CLK_MS), 1);
}

Test(wheel, moved_timer_fires_once_at_the_new_time)
{
	start(CLK_MS, 0);
	wheel_arm(&w, 2, 10 * CLK_MS);
	wheel_arm(&w, 2, 700 * CLK_MS);
	cr_assert_eq(w.n_timers, 1);
	cr_assert_eq(drain(699 * CLK_MS), 0);
	cr_assert_eq(drain(700 * CLK_MS), 1);
}

Test(wheel, disarmed_out_of_a_batch_does_not_come)
{
	start(CLK_MS, 0);
	for (uint32_t i = 0; i < 5; i++)
		wheel_arm(&w, i, CLK_MS);
	wheel_advance(&w, CLK_MS);
	uint32_t first = wheel_pop(&w), seen = 1;

	for (uint32_t i = 0; i < 5; i++)
		if (i != first && i != (first + 1) % 5)
			wheel_disarm(&w, i);
	cr_assert(wheel_validate(&w));
	while (wheel_pop(&w) != WHEEL_NONE)
		seen++;
	cr_assert_eq(seen, 2);
	cr_assert_eq(w.n_timers, 0);
}

Test(wheel, days_of_silence_fire_everything_once)
{
	start(CLK_MS, CLK_S);
	for (uint32_t i = 0; i < 4096; i++)
		wheel_arm(&w, i, CLK_S + i * UINT64_C(977) * CLK_S / 7);
	cr_assert_eq(drain(CLK_S + 30 * UINT64_C(86400) * CLK_S), 4096);
	/* and the wheel goes on after it */
	wheel_arm(&w, 9, CLK_S + 30 * UINT64_C(86400) * CLK_S + CLK_MS);
	cr_assert_eq(drain(CLK_S + 30 * UINT64_C(86400) * CLK_S + CLK_MS), 1);
}

Test(wheel, next_time_never_passes_the_earliest_timer)
{
	start(CLK_MS, 0);
	rng_state = 11;
	for (int turn = 0; turn < 20000; turn++) {
		uint64_t now = w.end_tick * CLK_MS, next;

		wheel_arm(&w, (uint32_t)(rng() % 50), now + (rng() % 60000) * CLK_US * 100);
		next = wheel_next_ns(&w);
		for (uint32_t i = 0; i < 50; i++)
			if (wheel_is_armed(&w, i))
				cr_assert_leq(next, rows[i].node.due_ns + CLK_MS - 1);
		/* sleeping until then and advancing is enough to make progress */
		drain(MAX(next, now));
	}
}

/* Naive oracle: an array of due times, scanned. */
static uint64_t oracle_due[4096];

static void check_batch(uint64_t now)
{
	uint32_t id;

	wheel_advance(&w, now);
	while ((id = wheel_pop(&w)) != WHEEL_NONE) {
		cr_assert_neq(oracle_due[id], 0, "%u was not armed", id);
		cr_assert_leq(oracle_due[id], now, "%u early", id);
		oracle_due[id] = 0;
	}
	for (uint32_t i = 0; i < 4096; i++)
		cr_assert(oracle_due[i] == 0 || oracle_due[i] > now, "%u lost", i);
}

static uint64_t random_span(void)
{
	return rng() & ((UINT64_C(1) << rng() % 46) - 1);
}

static void random_run(uint64_t seed)
{
	uint64_t now = rng_state = seed;

	start(1, now);
	memset(oracle_due, 0, sizeof(oracle_due));
	for (int turn = 0; turn < 400; turn++) {
		for (unsigned n = (unsigned)(rng() % 64); n > 0; n--) {
			uint32_t id = (uint32_t)(rng() % 4096);

			if (rng() % 4 == 0) {
				wheel_disarm(&w, id);
				oracle_due[id] = 0;
			} else {
				oracle_due[id] = now + 1 + random_span();
				wheel_arm(&w, id, oracle_due[id]);
			}
			cr_assert_eq(wheel_is_armed(&w, id), oracle_due[id] != 0);
		}
		now += random_span() >> (rng() % 2 ? 20 : 3);
		check_batch(now);
		cr_assert(wheel_validate(&w), "seed %lu turn %d", seed, turn);
	}
}

Test(wheel, random_operations_agree_with_a_naive_list)
{
	for (uint64_t seed = 1; seed <= 40; seed++)
		random_run(seed * 7919 << seed % 30);
}

Test(wheel, million_timers_all_fire_in_their_tick)
{
	enum { N = 1000000 };
	struct row *many = calloc(N, sizeof(*many));
	uint32_t n = 0, id;

	cr_assert_not_null(many);
	wheel_init(&w, many, sizeof(*many), CLK_MS, 0);
	rng_state = 5;
	for (uint32_t i = 0; i < N; i++)
		wheel_arm(&w, i, rng() % (600 * CLK_S));
	cr_assert(wheel_validate(&w));
	for (uint64_t now = 0; now <= 600 * CLK_S; now += 250 * CLK_MS) {
		wheel_advance(&w, now);
		for (; (id = wheel_pop(&w)) != WHEEL_NONE; n++)
			cr_assert(many[id].node.due_ns <= now &&
				  many[id].node.due_ns + 250 * CLK_MS > now);
	}
	cr_assert_eq(n, N);
	free(many);
}

Test(wheel, validate_sees_a_broken_link_bit_or_count)
{
	start(CLK_MS, 0);
	for (uint32_t i = 0; i < 3; i++)
		wheel_arm(&w, i, 5 * CLK_MS);
	cr_assert(wheel_validate(&w));
	w.n_timers++;
	cr_assert_not(wheel_validate(&w));
	w.n_timers--;
	w.occupied[0][0] ^= 1 << 5;
	cr_assert_not(wheel_validate(&w));
	w.occupied[0][0] ^= 1 << 5;
	wheel_arm(&w, 3, CLK_MS << 35);
	cr_assert(wheel_validate(&w));
	rows[3].node.due_ns = 9 * CLK_MS; /* lies too far away for it */
	cr_assert_not(wheel_validate(&w));
	wheel_disarm(&w, 3);
	cr_assert(wheel_validate(&w));
	rows[1].node.prev = 1;
	cr_assert_not(wheel_validate(&w));
}
