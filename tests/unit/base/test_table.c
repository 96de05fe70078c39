#include "base/table.h"

#include <criterion/criterion.h>
#include <signal.h>

Test(table, rows_are_zero_apart_and_stay_where_they_are)
{
	struct table t;

	cr_assert_eq(table_init(&t, 24, 1 << 20), 0);
	char *first = table_row(&t, 0), *last = table_row(&t, (1 << 20) - 1);

	cr_assert_eq(last - first, 24 * ((1 << 20) - 1));
	for (int i = 0; i < 24; i++)
		cr_assert(first[i] == 0 && last[i] == 0);
	memset(last, 7, 24);
	cr_assert_eq(table_row(&t, 0), first);
	table_deinit(&t);
	table_deinit(&t);
}

Test(table, untouched_rows_cost_no_memory)
{
	struct table t[64];

	for (int i = 0; i < 64; i++) {
		cr_assert_eq(table_init(&t[i], 1 << 10, 1 << 20), 0);
		*(char *)table_row(&t[i], 12345) = 1;
	}
	for (int i = 0; i < 64; i++)
		table_deinit(&t[i]);
}

Test(table, row_beyond_the_end_stops_the_program, .signal = SIGABRT)
{
	struct table t;

	cr_assert_eq(table_init(&t, 24, 10), 0);
	table_row(&t, 10);
}

Test(table, impossible_size_is_an_error)
{
	struct table t;

	cr_assert_lt(table_init(&t, UINT32_MAX, UINT32_MAX), 0);
}
