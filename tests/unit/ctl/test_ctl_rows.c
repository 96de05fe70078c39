#include "ctl/ctl_rows.h"

#include "unit/ctl/ctl_test.h"

Test(ctl_rows, times_are_read)
{
	cr_assert_eq(ctl_rows_time("2025-12-04T12:31:54Z"), 1764851514);
	cr_assert_eq(ctl_rows_time("2025-12-04T12:31:54.123Z"), 1764851514);
	cr_assert_eq(ctl_rows_time("2025-12-04"), -1);
	cr_assert_eq(ctl_rows_time("2025-12-04T12:31:54+01:00"), -1);
	cr_assert_eq(ctl_rows_time(""), -1);
	cr_assert_eq(ctl_rows_time(NULL), -1);
}

Test(ctl_rows, ages_have_two_units_at_most)
{
	static const struct {
		int64_t s;
		const char *text;
	} rows[] = {{-1, "never"},     {0, "now"},       {59, "59s"},
		    {60, "1m00s"},     {3599, "59m59s"}, {3600, "1h00m"},
		    {86399, "23h59m"}, {86400, "1d00h"}, {1000000, "11d13h"}};
	char text[CTL_ROWS_AGE_BYTES];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ctl_rows_age(rows[i].s, text);
		cr_assert_str_eq(text, rows[i].text);
	}
}

static long long sum;
static int64_t seen_now;

static void add(void *ctx, const json_t *row, int64_t now_s)
{
	(*(int *)ctx)++;
	sum += ctl_rows_int(row, "n");
	seen_now = now_s;
}

static bool each(const char *text, int *ret_n)
{
	*ret_n = 0;
	sum = 0;
	return ctl_rows_each(text, strlen(text), "list", add, ret_n);
}

#define HEAD "{\"generation\":1,\"now\":\"2025-12-04T12:31:54.5Z\",\"list\":["

Test(ctl_rows, each_row_is_given_once)
{
	int n;

	cr_assert(each(HEAD "{\"n\":1},{\"n\":2,\"list\":[{\"n\":50}]},{\"n\":4}]}", &n));
	cr_assert_eq(n, 3);
	cr_assert_eq(sum, 7);
	cr_assert_eq(seen_now, 1764851514);
	cr_assert(each(HEAD "]}", &n));
	cr_assert_eq(n, 0);
}

Test(ctl_rows, other_documents_are_refused)
{
	static const char *const texts[] = {
		"",
		"{}",
		"[]",
		HEAD,
		HEAD "{\"n\":1}",
		HEAD "{\"n\":1},",
		HEAD "{\"n\":",
		HEAD "1]}",
		"{\"list\":[]}",
		"{\"now\":5,\"list\":[]}",
		"{\"now\":\"2025-12-04T12:31:54Z\",\"list\":{}}",
	};
	int n;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		cr_assert_not(each(texts[i], &n), "%s", texts[i]);
}

Test(ctl_rows, missing_fields_are_harmless)
{
	char age[CTL_ROWS_AGE_BYTES];
	json_t *row = json_pack("{s:n,s:s}", "since", "at", "2025-12-04T12:31:54Z");

	cr_assert_str_eq(ctl_rows_str(row, "x"), "");
	cr_assert_eq(ctl_rows_int(row, "x"), 0);
	cr_assert_not(ctl_rows_bool(row, "x"));
	cr_assert_str_eq(ctl_rows_str(NULL, "x"), "");
	ctl_rows_age_of(row, "since", 1764851514, age);
	cr_assert_str_eq(age, "never");
	ctl_rows_age_of(row, "at", 1764851524, age);
	cr_assert_str_eq(age, "10s");
	/* younger than the answer's moment */
	ctl_rows_age_of(row, "at", 1764851513, age);
	cr_assert_str_eq(age, "now");
	json_decref(row);
}
