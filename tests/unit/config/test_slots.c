#include <criterion/criterion.h>
#include <signal.h>

#include "base/clk.h"
#include "config/slots.h"

static uint32_t take(struct slots *s, uint64_t now_ns)
{
	uint32_t slot = SLOT_NONE;

	cr_assert_eq(slots_take(s, now_ns, &slot), 0);
	return slot;
}

Test(slots, fresh_books_give_ascending_numbers_from_zero)
{
	struct slots *s = slots_new(1000);

	for (uint32_t i = 0; i < 1000; i++)
		cr_assert_eq(take(s, 0), i);
	cr_assert_eq(slots_end(s), 1000);
	slots_free(s);
}

Test(slots, all_in_use_is_full_and_changes_nothing)
{
	struct slots *s = slots_new(2);
	uint32_t slot = 77;

	take(s, 0);
	take(s, 0);
	cr_assert_eq(slots_take(s, 0, &slot), SLOTS_FULL);
	cr_assert_eq(slot, 77);
	slots_free(s);
}

Test(slots, decision_5_freed_slot_rests_60_s)
{
	struct slots *s = slots_new(100);
	uint64_t freed = 5 * CLK_S;

	take(s, 0);
	take(s, 0);
	slots_give(s, 0, freed);
	cr_assert_eq(take(s, freed), 2);
	cr_assert_eq(take(s, freed + 60 * CLK_S - 1), 3);
	cr_assert_eq(take(s, freed + 60 * CLK_S), 0);
	cr_assert_eq(take(s, freed + 60 * CLK_S), 4, "it is given once");
	slots_free(s);
}

Test(slots, decision_5_sequence_grows_when_freed)
{
	struct slots *s = slots_new(10);

	take(s, 0);
	cr_assert_eq(slots_sequence(s, 0), 0);
	slots_give(s, 0, 0);
	cr_assert_eq(slots_sequence(s, 0), 1, "late results are stale at once");
	cr_assert_eq(take(s, 60 * CLK_S), 0);
	cr_assert_eq(slots_sequence(s, 0), 1);
	slots_free(s);
}

Test(slots, resting_slots_fill_the_books)
{
	struct slots *s = slots_new(1);
	uint32_t slot;

	slots_give(s, take(s, 0), 0);
	cr_assert_eq(slots_take(s, 59 * CLK_S, &slot), SLOTS_FULL);
	cr_assert_eq(take(s, 60 * CLK_S), 0);
	slots_free(s);
}

Test(slots, untaken_slot_comes_back_at_once_with_its_sequence)
{
	struct slots *s = slots_new(10);

	take(s, 0);
	take(s, 0);
	slots_untake(s, 0);
	cr_assert_eq(slots_sequence(s, 0), 0);
	cr_assert_eq(take(s, 0), 0);
	slots_free(s);
}

Test(slots, lowest_rested_slot_goes_first_over_all_levels_of_the_bitmap)
{
	enum { N = 300000 };
	static const uint32_t given[] = {299999, 262144, 4096, 4095, 64, 63, 0};
	struct slots *s = slots_new(N);

	for (uint32_t i = 0; i < N; i++)
		take(s, 0);
	for (unsigned i = 0; i < ARRAY_LEN(given); i++)
		slots_give(s, given[i], 0);
	for (unsigned i = ARRAY_LEN(given); i-- > 0;)
		cr_assert_eq(take(s, 100 * CLK_S), given[i]);
	slots_free(s);
}

Test(slots, giving_a_free_slot_is_a_programming_error, .signal = SIGABRT)
{
	struct slots *s = slots_new(10);

	take(s, 0);
	slots_give(s, 0, 0);
	slots_give(s, 0, 0);
}

/* Against a plain array of states. */
Test(slots, random_orders_agree_with_a_naive_model)
{
	enum { N = 200, STEPS = 100000 };
	uint64_t now = 0, free_at[N] = {0};
	uint32_t sequence[N] = {0};
	bool used[N] = {false};
	struct slots *s = slots_new(N);
	uint64_t seed = 42;

	for (int i = 0; i < STEPS; i++) {
		uint32_t expect = SLOT_NONE, slot = SLOT_NONE;

		seed = seed * 6364136223846793005u + 1442695040888963407u;
		slot = (uint32_t)(seed >> 33) % N;
		now += (seed >> 50) % 1000 * CLK_MS;
		if (used[slot] && seed >> 63) {
			slots_give(s, slot, now);
			used[slot] = false;
			free_at[slot] = now + 60 * CLK_S;
			cr_assert_eq(slots_sequence(s, slot), ++sequence[slot]);
			continue;
		}
		for (uint32_t k = N; k-- > 0;)
			if (!used[k] && free_at[k] <= now)
				expect = k;
		if (expect == SLOT_NONE) {
			cr_assert_eq(slots_take(s, now, &slot), SLOTS_FULL);
			continue;
		}
		cr_assert_eq(take(s, now), expect);
		used[expect] = true;
	}
	slots_free(s);
}
