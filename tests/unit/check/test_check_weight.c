#include "check/check_weight.h"

#include <criterion/criterion.h>

static int32_t body(const char *text)
{
	struct check_weight w;
	int32_t whole, pieces;

	check_weight_begin(&w);
	check_weight_feed(&w, text, strlen(text));
	whole = check_weight_end(&w);
	check_weight_begin(&w);
	for (size_t i = 0; text[i]; i++)
		check_weight_feed(&w, text + i, 1);
	pieces = check_weight_end(&w);
	cr_assert_eq(whole, pieces, "%s", text);
	return whole;
}

static int32_t header(const char *text)
{
	return check_weight_of_text(text, strlen(text));
}

Test(check_weight, first_line_of_the_body_is_read)
{
	cr_expect_eq(body("rs_weight=10\n"), 10);
	cr_expect_eq(body("rs_weight=10\r\n"), 10);
	cr_expect_eq(body("rs_weight=10"), 10);
	cr_expect_eq(body("rs_weight= \t10 \v\f\r\nrs_weight=20\n"), 10);
	cr_expect_eq(body("rs_weight=10\nanything"), 10);
	cr_expect_eq(body("rs_weight=0\n"), 0);
}

Test(check_weight, anything_before_the_key_is_no_weight)
{
	cr_expect_eq(body(""), CHECK_WEIGHT_NONE);
	cr_expect_eq(body("\nrs_weight=10\n"), CHECK_WEIGHT_NONE);
	cr_expect_eq(body(" rs_weight=10\n"), CHECK_WEIGHT_NONE);
	cr_expect_eq(body("RS_WEIGHT=10\n"), CHECK_WEIGHT_NONE);
	cr_expect_eq(body("rs_weight =10\n"), CHECK_WEIGHT_NONE);
	cr_expect_eq(body("rs_weigh\n"), CHECK_WEIGHT_NONE);
	cr_expect_eq(body("rs_weight="), CHECK_WEIGHT_NONE);
	cr_expect_eq(body("rs_weight=\n10"), CHECK_WEIGHT_NONE);
	cr_expect_eq(body("rs_weight= \n"), CHECK_WEIGHT_NONE);
}

Test(check_weight, what_is_no_integer_is_no_weight)
{
	static const char *const texts[] = {"",
					    "x",
					    "1x",
					    "0x10",
					    "1 2",
					    "1.5",
					    "1_0",
					    "+",
					    "-",
					    "+-1",
					    "--1",
					    "1+",
					    "1e2",
					    "\xc2\xa0"
					    "1"};

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		cr_expect_eq(header(texts[i]), CHECK_WEIGHT_NONE, "%s", texts[i]);
	cr_expect_eq(body("rs_weight=5;\n"), CHECK_WEIGHT_NONE);
	cr_expect_eq(body("rs_weight=5 6\n"), CHECK_WEIGHT_NONE);
}

/* The reference takes any integer and drops the negative ones. */
Test(check_weight, a19_bad_and_negative_text_never_becomes_a_weight)
{
	cr_expect_eq(header("-1"), CHECK_WEIGHT_NONE);
	cr_expect_eq(header("-65535"), CHECK_WEIGHT_NONE);
	cr_expect_eq(header("-9223372036854775809"), CHECK_WEIGHT_NONE);
	cr_expect_eq(header("-0"), 0);
	cr_expect_eq(header("+7"), 7);
	cr_expect_eq(body("rs_weight=+7\n"), 7);
	cr_expect_eq(body("rs_weight=-7\n"), CHECK_WEIGHT_NONE);
}

Test(check_weight, d23_weight_above_65535_is_cut)
{
	cr_expect_eq(header("65535"), 65535);
	cr_expect_eq(header("65536"), 65535);
	cr_expect_eq(header("4294967297"), 65535);
	cr_expect_eq(header("9223372036854775807"), 65535);
	cr_expect_eq(header("9223372036854775808"), CHECK_WEIGHT_NONE);
	cr_expect_eq(header("18446744073709551617"), CHECK_WEIGHT_NONE);
	cr_expect_eq(header("000000000000000000000000000000000012"), 12);
	cr_expect_eq(body("rs_weight=65536\n"), 65535);
}

Test(check_weight, long_first_line_needs_no_memory)
{
	struct check_weight w;

	check_weight_begin(&w);
	check_weight_feed(&w, "rs_weight=", 10);
	for (int i = 0; i < 100000; i++)
		check_weight_feed(&w, " ", 1);
	check_weight_feed(&w, "3", 1);
	for (int i = 0; i < 100000; i++)
		check_weight_feed(&w, " ", 1);
	cr_assert_eq(check_weight_end(&w), 3);
	check_weight_feed(&w, "x", 1);
	cr_assert_eq(check_weight_end(&w), CHECK_WEIGHT_NONE);
}
