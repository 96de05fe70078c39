#include <criterion/criterion.h>

#include <string.h>

#include "config/utf8.h"

static const struct {
	const char *text;
	size_t len;
} cases[] = {
	{"a", 1},
	{" ", 1},
	{"\x7f", 0},
	{"\x1f", 0},
	{"\t", 0},
	{"\x80", 0},
	{"\xc0\x80", 0},
	{"\xc1\xbf", 0},
	{"\xc2\x9f", 0},
	{"\xc2\xa0", 2},
	{"\xdf\xbf", 2},
	{"\xdf", 0},
	{"\xdf\xc0", 0},
	{"\xe0\x9f\xbf", 0},
	{"\xe0\xa0\x80", 3},
	{"\xe2\x82\xac", 3},
	{"\xe2\x82", 0},
	{"\xed\x9f\xbf", 3},
	{"\xed\xa0\x80", 0},
	{"\xf0\x8f\xbf\xbf", 0},
	{"\xf0\x90\x80\x80", 4},
	{"\xf3\xbf\xbf\xbf", 4},
	{"\xf4\x8f\xbf\xbf", 4},
	{"\xf4\x90\x80\x80", 0},
	{"\xf5\x80\x80\x80", 0},
	{"\xf8\x88\x80\x80\x80", 0},
	{"\xff", 0},
};

Test(utf8, only_whole_printable_characters_have_a_length)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_assert_eq(utf8_len(cases[i].text, strlen(cases[i].text)), cases[i].len,
			     "case %zu", i);
}

Test(utf8, a_cut_character_is_none)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (cases[i].len > 1)
			cr_assert_eq(utf8_len(cases[i].text, cases[i].len - 1), 0, "case %zu", i);
}

Test(utf8, text_is_printable_throughout)
{
	cr_assert(utf8_is_text("", 0));
	cr_assert(utf8_is_text("a\tb \xe2\x82\xac", 7));
	cr_assert_not(utf8_is_text("a\nb", 3));
	cr_assert_not(utf8_is_text("a\xe2\x82", 3));
	cr_assert_not(utf8_is_text("a\0b", 3));
}
