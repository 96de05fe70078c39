#include "ctl/ctl_table.h"

#include "unit/ctl/ctl_test.h"

static const char *const headers[] = {"NAME", ">N", "STATE"};

static void prints(struct ctl_table *t, bool is_coloured, const char *expected)
{
	char text[1024] = "";
	FILE *to = fmemopen(text, sizeof(text), "w");

	ctl_table_print(t, to, is_coloured);
	fclose(to);
	cr_assert_str_eq(text, expected);
	ctl_table_free(t);
}

static struct ctl_table *sample(void)
{
	struct ctl_table *t = ctl_table_new(headers, 3);

	ctl_table_cell(t, CTL_TABLE_PLAIN, "a");
	ctl_table_cell(t, CTL_TABLE_PLAIN, "%d", 7);
	ctl_table_cell(t, CTL_TABLE_GREEN, "up");
	ctl_table_cell(t, CTL_TABLE_PLAIN, "longer");
	ctl_table_cell(t, CTL_TABLE_PLAIN, "%d", 1000);
	ctl_table_cell(t, CTL_TABLE_RED, "down");
	return t;
}

Test(ctl_table, columns_are_aligned_without_blanks_at_the_end)
{
	prints(sample(), false, "NAME       N  STATE\na          7  up\nlonger  1000  down\n");
}

Test(ctl_table, colours_do_not_change_the_width)
{
	prints(sample(), true,
	       "NAME       N  STATE\na          7  \033[32mup\033[0m\n"
	       "longer  1000  \033[31mdown\033[0m\n");
}

Test(ctl_table, control_characters_are_disarmed)
{
	struct ctl_table *t = ctl_table_new(headers, 1);

	ctl_table_cell(t, CTL_TABLE_PLAIN, "x\033[2Jy\n");
	prints(t, true, "NAME\nx?[2Jy?\n");
}

Test(ctl_table, many_rows_are_kept)
{
	struct ctl_table *t = ctl_table_new(headers, 1);
	char *text = NULL;
	size_t len = 0;
	FILE *to;

	for (int i = 0; i < 10000; i++)
		ctl_table_cell(t, CTL_TABLE_PLAIN, "%d", i);
	to = open_memstream(&text, &len);
	ctl_table_print(t, to, false);
	fclose(to);
	cr_assert_not_null(strstr(text, "\n9999\n"));
	free(text);
	ctl_table_free(t);
}

Test(ctl_table, states_have_colours)
{
	cr_assert_eq(ctl_table_colour_of("up"), CTL_TABLE_GREEN);
	cr_assert_eq(ctl_table_colour_of("withdrawn"), CTL_TABLE_RED);
	cr_assert_eq(ctl_table_colour_of("undecided"), CTL_TABLE_YELLOW);
	cr_assert_eq(ctl_table_colour_of("x"), CTL_TABLE_PLAIN);
}
