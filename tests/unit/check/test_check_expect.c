#define PCRE2_CODE_UNIT_WIDTH 8

#include "check/check_expect.h"

#include <criterion/criterion.h>
#include <pcre2.h>

#include "base/clk.h"

static struct check_expect expect;
static enum check_expect_limit limit;

/* As the configuration compiles it. */
static pcre2_code *compile(const char *pattern, uint32_t options, bool with_machine_code)
{
	int error;
	PCRE2_SIZE at;
	pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
					 options | PCRE2_USE_OFFSET_LIMIT, &error, &at, NULL);

	cr_assert(code, "%s", pattern);
	if (with_machine_code)
		pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
	return code;
}

static enum check_expect_end search_as(const char *pattern, uint32_t options, bool is_fast,
				       const void *body, size_t len)
{
	pcre2_code *code = compile(pattern, options, is_fast);
	/* of its exact size, so that a read behind it shows */
	unsigned char *copy = malloc(MAX(len, 1u));
	enum check_expect_end end;

	if (len)
		memcpy(copy, body, len);
	limit = 0;
	end = check_expect_search(&expect, code, len ? copy : NULL, len, &limit);
	free(copy);
	pcre2_code_free(code);
	return end;
}

/* Interpreted and as machine code: the same. */
static enum check_expect_end search_n(const char *pattern, uint32_t options, const void *body,
				      size_t len)
{
	enum check_expect_end slow = search_as(pattern, options, false, body, len);

	cr_expect_eq(search_as(pattern, options, true, body, len), slow, "%s", pattern);
	return slow;
}

static enum check_expect_end search(const char *pattern, const char *body)
{
	return search_n(pattern, 0, body, strlen(body));
}

static char *many(const char *text, size_t len)
{
	size_t step = strlen(text);
	char *body = malloc(len + 1);

	for (size_t i = 0; i < len; i++)
		body[i] = text[i % step];
	body[len] = 0;
	return body;
}

TestSuite(check_expect, .timeout = 60);

Test(check_expect, text_is_found_wherever_it_stands)
{
	char *body = many("-", 1100);

	cr_expect_eq(search("ok", "all is ok here"), CHECK_EXPECT_MATCH);
	cr_expect_eq(search("ok", "all is well"), CHECK_EXPECT_NO_MATCH);
	cr_expect_eq(search("^ok$", "ok"), CHECK_EXPECT_MATCH);
	cr_expect_eq(search("^ok$", "not\nok\n"), CHECK_EXPECT_NO_MATCH);
	cr_expect_eq(search("(?m)^ok$", "not\nok\n"), CHECK_EXPECT_MATCH);
	cr_expect_eq(search("(?i)STATUS: *UP", "status:  up"), CHECK_EXPECT_MATCH);
	cr_expect_eq(search("", ""), CHECK_EXPECT_MATCH);
	cr_expect_eq(search("^$", ""), CHECK_EXPECT_MATCH);
	cr_expect_eq(search("x", ""), CHECK_EXPECT_NO_MATCH);
	for (size_t at = 0; at + 4 <= 1100; at++) {
		memcpy(body + at, "a=ok", 4);
		cr_expect_eq(search("a=(ok|fine)", body), CHECK_EXPECT_MATCH, "at %zu", at);
		cr_expect_eq(search("(?<=a=)ok", body), CHECK_EXPECT_MATCH, "at %zu", at);
		memcpy(body + at, "----", 4);
	}
	cr_expect_eq(search("a=(ok|fine)", body), CHECK_EXPECT_NO_MATCH);
	cr_expect_eq(search("-$", body), CHECK_EXPECT_MATCH, "at the very end");
	cr_expect_eq(search("-\\z", body), CHECK_EXPECT_MATCH);
	cr_expect_eq(search("\\z", body), CHECK_EXPECT_MATCH, "the end is a place too");
	free(body);
	check_expect_free(&expect);
}

Test(check_expect, patterns_that_begin_a_line_work_across_long_lines)
{
	char *body = many("x", 300 * 1000);

	cr_expect_eq(search(".*ok", body), CHECK_EXPECT_NO_MATCH, "one try per line, not per byte");
	memcpy(body + 200 * 1000, "\nyok", 4);
	cr_expect_eq(search(".*ok", body), CHECK_EXPECT_MATCH);
	cr_expect_eq(search("(?m)^yok", body), CHECK_EXPECT_MATCH);
	cr_expect_eq(search("(?s).*yok", body), CHECK_EXPECT_MATCH);
	cr_expect_eq(search("(?s).*no", body), CHECK_EXPECT_NO_MATCH);
	free(body);
	check_expect_free(&expect);
}

Test(check_expect, binary_bodies_are_just_bytes)
{
	static const char body[] = "\0\xff\xfe\0ok\0\x80";

	cr_expect_eq(search_n("ok", 0, body, sizeof(body)), CHECK_EXPECT_MATCH);
	cr_expect_eq(search_n("\\x{00}ok\\x{00}\\x80", 0, body, sizeof(body)), CHECK_EXPECT_MATCH);
	cr_expect_eq(search_n("no", 0, body, sizeof(body)), CHECK_EXPECT_NO_MATCH);
	check_expect_free(&expect);
}

/* Broken sequences at each distance from a window's border. */
Test(check_expect, invalid_utf8_matches_nothing_and_harms_nothing)
{
	const uint32_t utf = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF;
	static const char *const broken[] = {"\x80",         "\xc3", "\xe2\x82",
					     "\xf0\x9f\x98", "\xff", "\x80\x80\x80\x80\x80\x80"};

	for (size_t b = 0; b < ARRAY_LEN(broken); b++) {
		for (size_t at = 490; at < 520; at++) {
			char *body = many("\xc3\xa4", 800);

			memcpy(body + at, broken[b], strlen(broken[b]));
			memcpy(body + 700, "gr\xc3\xbc\xc3\x9f", 6);
			cr_expect_eq(search_n("gr\xc3\xbc\xc3\x9f", utf, body, 800),
				     CHECK_EXPECT_MATCH, "%zu %zu", b, at);
			cr_expect_eq(search_n("gr\xc3\xbc.x", utf, body, 800),
				     CHECK_EXPECT_NO_MATCH);
			free(body);
		}
	}
	check_expect_free(&expect);
}

Test(check_expect, utf8_without_leave_for_invalid_is_no_match)
{
	cr_expect_eq(search_n("x", PCRE2_UTF, "\xff", 1), CHECK_EXPECT_NO_MATCH);
	check_expect_free(&expect);
}

static void expect_bounded(const char *pattern, const char *body, bool is_fast)
{
	uint64_t begin_ns = clk_mono_ns(), took_ns;
	enum check_expect_end end = search_as(pattern, 0, is_fast, body, strlen(body));

	took_ns = clk_mono_ns() - begin_ns;
	cr_expect_eq(end, CHECK_EXPECT_LIMIT, "%s: %d", pattern, end);
	cr_expect(limit != 0 && limit != CHECK_EXPECT_LIMIT_LIBRARY, "%s: %d", pattern, limit);
	/* generous: sanitizers, a busy machine */
	cr_expect_lt(took_ns, 2 * CLK_S, "%s: %llu ms", pattern,
		     (unsigned long long)(took_ns / CLK_MS));
}

/* Without the bound each of these takes minutes or more. */
Test(check_expect, no_pattern_stalls_the_thread)
{
	char *as = many("a", 1 << 20), *xs = many("x1 ", 1 << 20);

	for (int fast = 0; fast <= 1; fast++) {
		expect_bounded("(a+)+[bc]$", as, fast);
		expect_bounded("a.*[bc]", as, fast);
		expect_bounded("(a|aa)+[bc]", as, fast);
		expect_bounded("(?:x.*1.*)*[bc]", xs, fast);
		expect_bounded("(\\w+\\s*)+[;:]", xs, fast);
	}
	free(as);
	free(xs);
	check_expect_free(&expect);
}

Test(check_expect, memory_of_a_search_is_bounded)
{
	char *as = many("ab", 1 << 20);
	enum check_expect_end end;

	end = search_as("(?:(a)(b))*+(?=c)|((?:a|b)(?3)?)c", 0, false, as, 1 << 20);
	cr_expect(end == CHECK_EXPECT_LIMIT || end == CHECK_EXPECT_NO_MATCH);
	free(as);
	check_expect_free(&expect);
}

static char *fat_body;

/* As machine code; interpreted it may be too slow on a slow machine, but not decide otherwise. */
static enum check_expect_end fat(const char *pattern)
{
	enum check_expect_end slow = search_as(pattern, 0, false, fat_body, 1 << 20);
	enum check_expect_end fast = search_as(pattern, 0, true, fat_body, 1 << 20);

	cr_expect(slow == fast || slow == CHECK_EXPECT_LIMIT, "%s", pattern);
	return fast;
}

Test(check_expect, honest_patterns_over_fat_bodies_are_decided)
{
	fat_body = many("{\"name\":\"x\",\"state\":\"up\"},", 1 << 20);

	cr_expect_eq(fat("\"state\":\"down\""), CHECK_EXPECT_NO_MATCH);
	cr_expect_eq(fat("\"status\"\\s*:\\s*\"(ok|green)\""), CHECK_EXPECT_NO_MATCH);
	memcpy(fat_body + (1 << 20) - 20, "\"status\": \"green\"", 17);
	cr_expect_eq(fat("\"status\"\\s*:\\s*\"(ok|green)\""), CHECK_EXPECT_MATCH);
	free(fat_body);
	check_expect_free(&expect);
}

/* Without the option that makes windows possible: one attempt, bounded by steps. */
Test(check_expect, code_without_windows_is_searched_at_once)
{
	int error;
	PCRE2_SIZE at;
	pcre2_code *code = pcre2_compile((PCRE2_SPTR) "b+c", 3, 0, &error, &at, NULL);
	char *body = many("b", 500);

	cr_expect_eq(check_expect_search(&expect, code, body, 500, &limit), CHECK_EXPECT_NO_MATCH);
	body[499] = 'c';
	cr_expect_eq(check_expect_search(&expect, code, body, 500, &limit), CHECK_EXPECT_MATCH);
	pcre2_code_free(code);
	free(body);
	check_expect_free(&expect);
}
