/* One thread; several: tests/torture/torture_seqrow.c. */
#include "base/seqrow.h"

#include <criterion/criterion.h>

struct row {
	uint32_t seq;
	uint8_t bytes[8];
	uint32_t last;
};

Test(seqrow, published_row_is_read_whole)
{
	struct row row = {0}, out = {0};
	struct row next = {.seq = 99, .bytes = {1, 2, 3, 4, 5, 6, 7, 8}, .last = 9};

	for (uint32_t i = 1; i < 5; i++) {
		next.last = i;
		seqrow_publish(&row, &next, sizeof(row));
		cr_assert(seqrow_read(&row, &out, sizeof(row)));
		cr_assert_arr_eq(out.bytes, next.bytes, 8);
		cr_assert_eq(out.last, i);
		/* the writer's own seq counts, next->seq is ignored */
		cr_assert_eq(out.seq, 2 * i);
	}
}

Test(seqrow, sequence_wraps_and_stays_even)
{
	struct row row = {.seq = UINT32_MAX - 1}, next = {.last = 7}, out;

	seqrow_publish(&row, &next, sizeof(row));
	cr_assert(seqrow_read(&row, &out, sizeof(row)));
	cr_assert_eq(out.seq, 0);
	cr_assert_eq(out.last, 7);
}

Test(seqrow, row_that_keeps_changing_is_given_up)
{
	struct row row = {.seq = 1}, out;

	cr_assert_not(seqrow_read(&row, &out, sizeof(row)));
}

Test(seqrow, neighbours_are_not_touched)
{
	struct row rows[3] = {0}, next = {.last = UINT32_MAX};

	memset(next.bytes, 0xff, sizeof(next.bytes));
	seqrow_publish(&rows[1], &next, sizeof(next));
	for (size_t i = 0; i < sizeof(struct row); i++) {
		cr_assert_eq(((char *)&rows[0])[i], 0);
		cr_assert_eq(((char *)&rows[2])[i], 0);
	}
}
