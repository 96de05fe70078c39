#include <criterion/criterion.h>

#include "quorum/marks.h"

enum { MAX = 1 << 20 };

static struct marks m;

static void setup(void)
{
	cr_assert_eq(marks_init(&m, MAX), 0);
}
static void teardown(void)
{
	marks_deinit(&m);
}

Test(marks, empty_set_has_no_member, .init = setup, .fini = teardown)
{
	cr_assert_eq(marks_next(&m, 0), SLOT_NONE);
	cr_assert_eq(marks_take(&m), SLOT_NONE);
	cr_assert(!marks_has(&m, 0));
	marks_remove(&m, 5);
	cr_assert_eq(m.n, 0);
}

Test(marks, takes_the_smallest_first, .init = setup, .fini = teardown)
{
	static const uint32_t slots[] = {MAX - 1, 0, 63, 64, 4095, 4096, 262143, 262144, 700000};
	static const uint32_t sorted[] = {0, 63, 64, 4095, 4096, 262143, 262144, 700000, MAX - 1};

	for (size_t i = 0; i < ARRAY_LEN(slots); i++) {
		marks_add(&m, slots[i]);
		marks_add(&m, slots[i]);
	}
	cr_assert_eq(m.n, ARRAY_LEN(slots));
	for (size_t i = 0; i < ARRAY_LEN(sorted); i++)
		cr_assert_eq(marks_take(&m), sorted[i]);
	cr_assert_eq(marks_take(&m), SLOT_NONE);
}

Test(marks, next_skips_what_lies_before, .init = setup, .fini = teardown)
{
	marks_add(&m, 10);
	marks_add(&m, 300000);
	cr_assert_eq(marks_next(&m, 10), 10);
	cr_assert_eq(marks_next(&m, 11), 300000);
	cr_assert_eq(marks_next(&m, 300001), SLOT_NONE);
	cr_assert_eq(marks_next(&m, MAX), SLOT_NONE);
}

/* Every operation against a plain array of flags. */
Test(marks, agrees_with_a_plain_array, .init = setup, .fini = teardown)
{
	enum { N = 9000 };
	static bool has[N];
	uint64_t rng = 12345;

	for (int i = 0; i < 200000; i++) {
		uint32_t slot, expected;

		rng = rng * UINT64_C(6364136223846793005) + 1442695040888963407u;
		slot = (uint32_t)(rng >> 33) % N;
		if (rng >> 62 & 1)
			marks_add(&m, slot);
		else
			marks_remove(&m, slot);
		has[slot] = rng >> 62 & 1;
		if (i % 64)
			continue;
		for (expected = slot; expected < N && !has[expected]; expected++)
			;
		cr_assert_eq(marks_next(&m, slot), expected == N ? SLOT_NONE : expected);
		cr_assert_eq(marks_has(&m, slot), has[slot]);
	}
}
