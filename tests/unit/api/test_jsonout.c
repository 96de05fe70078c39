#include <criterion/criterion.h>

#include <string.h>

#include "api/jsonout.h"
#include "base/clk.h"

static struct buf out;
static struct jsonout j;

static void setup(void)
{
	out = BUF_INIT(4096);
	j = JSONOUT_TO(&out);
}

static void teardown(void)
{
	buf_deinit(&out);
}

TestSuite(jsonout, .init = setup, .fini = teardown);

static void wrote(const char *expected)
{
	cr_assert_eq(buf_append(&out, "", 1), 0);
	cr_assert_str_eq((char *)buf_head(&out), expected);
	buf_consume(&out, buf_len(&out));
	j.needs_comma = false;
}

Test(jsonout, duration_has_0_3_6_or_9_digits)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} rows[] = {
		{0, "\"0s\""},
		{10 * CLK_S, "\"10s\""},
		{1100 * CLK_MS, "\"1.100s\""},
		{CLK_MS, "\"0.001s\""},
		{CLK_US, "\"0.000001s\""},
		{1, "\"0.000000001s\""},
		{3600 * CLK_S + 500 * CLK_US, "\"3600.000500s\""},
		{2 * CLK_S + 100, "\"2.000000100s\""},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		jsonout_duration(&j, rows[i].ns);
		wrote(rows[i].text);
	}
}

Test(jsonout, time_is_rfc3339_utc)
{
	uint64_t s = UINT64_C(1764851514);

	jsonout_time(&j, s * CLK_S + 123456789);
	wrote("\"2025-12-04T12:31:54.123456789Z\"");
	jsonout_time(&j, s * CLK_S);
	wrote("\"2025-12-04T12:31:54Z\"");
	jsonout_time(&j, s * CLK_S + 7 * CLK_MS);
	wrote("\"2025-12-04T12:31:54.007Z\"");
	jsonout_time(&j, s * CLK_S + 1);
	wrote("\"2025-12-04T12:31:54.000000001Z\"");
}

Test(jsonout, never_is_the_first_day_of_year_1)
{
	jsonout_time(&j, 0);
	wrote("\"0001-01-01T00:00:00Z\"");
	jsonout_ktime(&j, "since", 0);
	wrote("\"since\":null");
}

Test(jsonout, commas_come_by_themselves)
{
	jsonout_open(&j, '{');
	jsonout_ku64(&j, "a", 1);
	jsonout_key(&j, "b");
	jsonout_open(&j, '[');
	jsonout_close(&j, ']');
	jsonout_key(&j, "c");
	jsonout_open(&j, '[');
	jsonout_open(&j, '{');
	jsonout_close(&j, '}');
	jsonout_open(&j, '{');
	jsonout_kbool(&j, "d", false);
	jsonout_key(&j, "e");
	jsonout_null(&j);
	jsonout_close(&j, '}');
	jsonout_close(&j, ']');
	jsonout_close(&j, '}');
	wrote("{\"a\":1,\"b\":[],\"c\":[{},{\"d\":false,\"e\":null}]}");
}

Test(jsonout, special_characters_are_escaped)
{
	jsonout_str(&j, "a\"b\\c\n\t\r\b\f\x01z", 12);
	wrote("\"a\\\"b\\\\c\\n\\t\\r\\b\\f\\u0001z\"");
	jsonout_str(&j, "\0x", 2);
	wrote("\"\\u0000x\"");
	jsonout_str(&j, "", 0);
	wrote("\"\"");
}

Test(jsonout, bytes_that_are_no_utf8_become_replacement_characters)
{
	jsonout_str(&j, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9);
	wrote("\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
	jsonout_str(&j,
		    "a\xff"
		    "b\xc3",
		    4);
	wrote("\"a\\ufffdb\\ufffd\"");
	/* overlong form, surrogate */
	jsonout_str(&j, "\xc0\xaf\xed\xa0\x80", 5);
	wrote("\"\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd\"");
}

Test(jsonout, largest_number_is_whole)
{
	jsonout_u64(&j, UINT64_MAX);
	wrote("18446744073709551615");
}

Test(jsonout, text_that_does_not_fit_is_noticed)
{
	buf_deinit(&out);
	out = BUF_INIT(8);
	jsonout_kstr(&j, "k", "0123456789");
	cr_assert(j.is_full);
	cr_assert_leq(buf_len(&out), 8);
}
