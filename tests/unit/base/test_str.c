#include "base/str.h"

#include <criterion/criterion.h>

Test(str, pieces_are_joined_and_terminated)
{
	char text[32];
	struct str s = STR_OVER(text, sizeof(text));

	str_puts(&s, "a");
	str_putc(&s, '=');
	str_putf(&s, "%d/%s", 42, "x");
	str_putn(&s, "yzzz", 1);
	cr_assert_str_eq(text, "a=42/xy");
	cr_assert_eq(s.len, 7);
	cr_assert_not(s.is_cut);
}

Test(str, exact_fit_is_not_cut)
{
	char text[6];
	struct str s = STR_OVER(text, sizeof(text));

	str_puts(&s, "12345");
	cr_assert_not(s.is_cut);
	cr_assert_str_eq(text, "12345");
	str_puts(&s, "");
	cr_assert_not(s.is_cut);
	str_putc(&s, '6');
	cr_assert(s.is_cut);
	cr_assert_str_eq(text, "12345");
}

Test(str, format_that_does_not_fit_is_cut_and_remembered)
{
	char text[8];
	struct str s = STR_OVER(text, sizeof(text));

	str_putf(&s, "%s", "1234567");
	cr_assert_not(s.is_cut);
	str_putf(&s, "%d", 8);
	cr_assert(s.is_cut);
	cr_assert_str_eq(text, "1234567");
	cr_assert_eq(s.len, 7);
}

Test(str, every_size_stays_in_bounds)
{
	char text[40];

	for (size_t size = 0; size < 16; size++) {
		struct str s = STR_OVER(text, size);

		memset(text, '#', sizeof(text));
		str_putf(&s, "%d", 123456);
		str_puts(&s, "abcdef");
		str_putc(&s, 'x');
		str_putf(&s, "%s", "yz");
		for (size_t i = size; i < sizeof(text); i++)
			cr_assert_eq(text[i], '#', "size %zu wrote at %zu", size, i);
		cr_assert_eq(s.is_cut, size < 16);
		if (size)
			cr_assert_eq(text[s.len], 0);
	}
}

static bool number(const char *text, uint64_t max, uint64_t *v)
{
	return str_to_u64(text, strlen(text), max, v);
}

Test(str, numbers_within_their_limit_are_read)
{
	uint64_t v;

	cr_assert(number("0", 0, &v) && v == 0);
	cr_assert(number("65535", 65535, &v) && v == 65535);
	cr_assert(number("007", 9, &v) && v == 7);
	cr_assert(number("18446744073709551615", UINT64_MAX, &v) && v == UINT64_MAX);
	cr_assert(str_to_u64("123", 2, 99, &v) && v == 12);
}

Test(str, anything_else_is_no_number_and_changes_nothing)
{
	static const char *const bad[] = {"",
					  "-1",
					  "+1",
					  " 1",
					  "1 ",
					  "1a",
					  "0x1",
					  "1.0",
					  "/",
					  ":",
					  "18446744073709551616",
					  "99999999999999999999999"};
	uint64_t v = 77;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		cr_assert_not(number(bad[i], UINT64_MAX, &v), "%s", bad[i]);
	cr_assert_not(number("65536", 65535, &v));
	cr_assert_eq(v, 77);
}

Test(str, words_are_compared_by_length_and_bytes)
{
	cr_assert(str_is("abcd", 3, "abc"));
	cr_assert_not(str_is("ab", 2, "abc"));
	cr_assert_not(str_is("abx", 3, "abc"));
	cr_assert(str_is("", 0, ""));
}

static unsigned distance(const char *a, const char *b)
{
	return str_distance(a, strlen(a), b, strlen(b));
}

Test(str, distance_counts_edits_and_swaps)
{
	cr_assert_eq(distance("", ""), 0);
	cr_assert_eq(distance("quorum", "quorum"), 0);
	cr_assert_eq(distance("quorm", "quorum"), 1);
	cr_assert_eq(distance("qourum", "quorum"), 1);
	cr_assert_eq(distance("kitten", "sitting"), 3);
	cr_assert_eq(distance("", "abc"), 3);
	cr_assert_eq(distance("abc", ""), 3);
	cr_assert_eq(distance("ca", "abc"), 3);
}

Test(str, distance_is_symmetric)
{
	static const char *const words[] = {"delay_loop", "delayloop", "dealy_lop", "x", ""};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		for (size_t j = 0; j < ARRAY_LEN(words); j++)
			cr_assert_eq(distance(words[i], words[j]), distance(words[j], words[i]));
}

Test(str, longest_words_are_compared_longer_ones_are_far)
{
	char a[65], b[65];

	memset(a, 'a', sizeof(a));
	memset(b, 'b', sizeof(b));
	cr_assert_eq(str_distance(a, 63, b, 63), 63);
	cr_assert_eq(str_distance(a, 63, a, 63), 0);
	cr_assert_eq(str_distance(a, 64, a, 64), 64);
	cr_assert_eq(str_distance(a, 64, "", 0), 64);
}
