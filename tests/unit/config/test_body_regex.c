#include <criterion/criterion.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "config/body_regex.h"

static bool matches(const char *pattern, const char *body)
{
	struct pcre2_real_code_8 *code = NULL;
	struct body_regex_error error;
	pcre2_match_data *m = pcre2_match_data_create(1, NULL);
	int r[2];

	cr_assert_eq(body_regex_compile(pattern, strlen(pattern), &code, &error), 0, "%s", pattern);
	r[0] = pcre2_match(code, (PCRE2_SPTR)body, strlen(body), 0, 0, m, NULL);
	body_regex_speed_up(code);
	r[1] = pcre2_match(code, (PCRE2_SPTR)body, strlen(body), 0, 0, m, NULL);
	cr_assert_eq(r[0], r[1], "machine code agrees");
	cr_assert(r[0] >= 0 || r[0] == PCRE2_ERROR_NOMATCH, "%d", r[0]);
	pcre2_match_data_free(m);
	body_regex_free(code);
	return r[0] >= 0;
}

static void is_bad(const char *pattern, uint32_t offset, const char *text)
{
	struct pcre2_real_code_8 *code = NULL;
	struct body_regex_error error;

	cr_assert_eq(body_regex_compile(pattern, strlen(pattern), &code, &error), BODY_REGEX_BAD);
	cr_assert_null(code);
	cr_assert_eq(error.offset, offset, "%u", error.offset);
	cr_assert_not_null(strstr(error.text, text), "%s", error.text);
}

Test(body_regex, patterns_are_searched_for)
{
	cr_assert(matches("up", "it is up"));
	cr_assert(!matches("^up", "it is up"));
	cr_assert(matches("(?i)UP$", "it is up"));
	cr_assert(matches("a{2}", "baab"));
	cr_assert(matches("\\#\\!\"", "#!\""));
	cr_assert(matches("", ""));
}

Test(body_regex, any_bytes_may_be_a_body)
{
	cr_assert(matches("ok", "\xff\xfe ok"), "a body need not be UTF-8");
	cr_assert(matches("^.\xc3\xa4$", "x\xc3\xa4"));
	cr_assert(matches("\xc3\xa4", "\xff \xc3\xa4"), "nor for a pattern that is");
	cr_assert(matches("^.$", "\xe4"));
	cr_assert(!matches("^[\xc3\xa4]$", "\xc3"));
}

Test(body_regex, errors_say_where_and_what)
{
	is_bad("a(b", 3, "missing closing parenthesis");
	is_bad("*", 0, "quantifier does not follow a repeatable item");
	is_bad("\\C", 2, "\\C is disabled");
	is_bad("(*UTF)a", 6, "UTF is disabled");
	is_bad("\xff", 0, "UTF-8 error");
}

Test(body_regex, long_patterns_are_refused)
{
	static char pattern[BODY_REGEX_MAX_BYTES + 2];
	struct pcre2_real_code_8 *code = NULL;
	struct body_regex_error error;

	memset(pattern, 'a', sizeof(pattern) - 1);
	is_bad(pattern, BODY_REGEX_MAX_BYTES, "longer than the limit");
	cr_assert_eq(body_regex_compile(pattern, BODY_REGEX_MAX_BYTES, &code, &error), 0);
	body_regex_free(code);
	is_bad("((((a{9999}){9999}){9999}){9999})", 33, "too large");
}
