#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "config/diag.h"
#include "config/services_lex.h"

/* A text as its statements: "a|b;" a line, "a{" and "}" braces, "!" a broken one, "." the end. */
static char *statements_of(const char *text, unsigned *ret_reports)
{
	struct source *source = source_new();
	struct diag *diag = diag_new(source);
	const struct source_file *file;
	struct services_lex_statement st;
	struct services_lex lex;
	static char out[4096];
	struct str s = STR_OVER(out, sizeof(out));
	static const char *const ends[] = {";", "{", "}", "."};

	out[0] = 0;
	cr_assert_eq(source_add_text(source, "t", text, strlen(text), &file), 0);
	services_lex_init(&lex, file, diag);
	do {
		services_lex_next(&lex, &st);
		for (uint32_t i = 0; i < MIN(st.n_words, (uint32_t)LEX_WORDS); i++) {
			char word[256];

			services_lex_unescape(&st.words[i], word);
			str_putf(&s, "%s%s", i ? "|" : "", word);
			cr_assert_eq(st.words[i].pos, file->base + (st.words[i].at - file->text));
		}
		str_putf(&s, "%s%s", st.is_broken ? "!" : "", ends[st.end]);
	} while (st.end != LEX_EOF);
	*ret_reports = diag_errors(diag) * 100 + diag_warnings(diag);
	diag_free(diag);
	source_free(source);
	return out;
}

static void reads(const char *text, const char *expected)
{
	unsigned n_reports;
	const char *got = statements_of(text, &n_reports);

	cr_assert_str_eq(got, expected, "'%s' gives '%s', not '%s'", text, got, expected);
	cr_assert_eq(n_reports, 0, "'%s'", text);
}

static void reads_with(const char *text, const char *expected, unsigned reports)
{
	unsigned n_reports;
	const char *got = statements_of(text, &n_reports);

	cr_assert_str_eq(got, expected, "'%s' gives '%s', not '%s'", text, got, expected);
	cr_assert_eq(n_reports, reports, "'%s': %u", text, n_reports);
}

Test(services_lex, a_statement_is_a_line)
{
	reads("", ".");
	reads("\n\n  \n", ".");
	reads("quorum 2", "quorum|2.");
	reads("quorum 2\n", "quorum|2;.");
	reads("a b\tc\n\td\n", "a|b|c;d;.");
	reads("a \f\v b\n", "a|b;.");
}

Test(services_lex, crlf_is_a_line_end)
{
	reads("a b\r\nc {\r\n}\r\n", "a|b;c{}.");
}

Test(services_lex, braces_may_stand_anywhere)
{
	reads("a {\n}\n", "a{}.");
	reads("a{b}", "a{b}.");
	reads("a { b { c 1 } }", "a{b{c|1}}.");
	reads("a 80{\nb\n}", "a|80{b;}.");
	reads("a\n{\nb\n}\n", "a;{b;}.");
	reads("} } }", "}}}.");
	reads("url { path / }", "url{path|/}.");
}

Test(services_lex, a29_comments_may_stand_behind_anything)
{
	reads("# a\n! b\n", ".");
	reads("a # b\n", "a;.");
	reads("a ! b\n", "a;.");
	reads("a#b\n", "a;.");
	reads("rr#x\n", "rr;.");
	reads("a { # b\nc\n} # d { \n", "a{c;}.");
	reads("quorum 2 # two\n", "quorum|2;.");
}

Test(services_lex, a29_a_lone_quote_in_a_comment_is_fine)
{
	reads("# \" a\nb # \" c\n", "b;.");
	reads("a \"b\" # \" c\nd\n", "a|b;d;.");
}

Test(services_lex, an_exclamation_mark_inside_a_word_is_warned_of)
{
	reads_with("path /a!b\n", "path|/a;.", 1);
	reads("path \"/a!b\"\n", "path|/a!b;.");
	reads("path /a\\!b\n", "path|/a!b;.");
}

Test(services_lex, escaped_comment_characters_are_text)
{
	reads("path /a\\#b\n", "path|/a#b;.");
	reads("path \\#b\n", "path|#b;.");
	reads("a \\b\\\n", "a|\\b\\;.");
	reads("a b\\ #c\n", "a|b\\;.");
}

Test(services_lex, quotes_keep_everything)
{
	reads("a \"b c\" d\n", "a|b c|d;.");
	reads("a \"{ # ! }\"\n", "a|{ # ! };.");
	reads("a \"\"\n", "a|;.");
	reads("a \"b\"c\n", "a|b|c;.");
	reads("\"a\" b\n", "a|b;.");
	reads("a \"b\"{", "a|b{.");
}

Test(services_lex, a_protected_quote_keeps_its_backslash)
{
	reads("a \"b\\\"c\" d\n", "a|b\\\"c|d;.");
	reads("a \"b\\#c\"\n", "a|b\\#c;.");
	reads("a \"b\\\\n\"\n", "a|b\\\\n;.");
}

Test(services_lex, a_quote_inside_a_word_is_a_character)
{
	reads("a b\"c d\"e\n", "a|b\"c|d\"e;.");
}

Test(services_lex, a_missing_quote_ends_with_its_line)
{
	reads_with("a \"b c\nd\n", "a!;d;.", 100);
	reads_with("a \"b\\\"\nd\n", "a!;d;.", 100);
	reads_with("a \"", "a!.", 100);
	reads_with("\"\n", "!;.", 100);
	reads_with("a \"b {\nc\n}\n", "a!{c;}.", 100);
	reads_with("a \"b { \r\nc\n}\n", "a!{c;}.", 100);
}

Test(services_lex, unicode_blanks_may_begin_a_line)
{
	reads("\xc2\xa0 a\n\xe3\x80\x80\xe2\x80\x83"
	      "b\n",
	      "a;b;.");
	reads("\xc2\x85\xe1\x9a\x80\xe2\x80\xa8\xe2\x80\xaf\xe2\x81\x9f"
	      "a\n",
	      "a;.");
	reads("a\xc2\xa0"
	      "b\n",
	      "a\xc2\xa0"
	      "b;.");
	reads("\xe2\x80\x8b\n", "\xe2\x80\x8b;."); /* zero width space is none */
	reads("\xe2", "\xe2.");
	reads("\xe2\x80", "\xe2\x80.");
}

Test(services_lex, a_byte_order_mark_is_skipped)
{
	reads("\xef\xbb\xbf"
	      "a\n",
	      "a;.");
}

Test(services_lex, an_include_pattern_may_have_braces)
{
	reads("include {a,b}.conf\n", "include|{a,b}.conf;.");
	reads("include x/{a,b}\n", "include|x/{a,b};.");
	reads("c { include a{b,c} }\n", "c{include|a{b,c}}.");
	reads("c {include a}\n", "c{include|a}.");
	reads("includer {a}#x\n", "includer|{a};.");
	reads("include a\\#b\n", "include|a#b;.");
	reads("include \"a b\"\n", "include|a b;.");
	reads("included {a}\n", "included{a}.");
}

Test(services_lex, a29_a_line_may_be_longer_than_64_kib)
{
	static char text[300 << 10];
	unsigned n_reports;
	const char *got;

	memset(text, ' ', sizeof(text) - 1);
	memcpy(text, "a", 1);
	memcpy(text + (200 << 10), "b", 1);
	memcpy(text + sizeof(text) - 4, "\nc\n", 3);
	got = statements_of(text, &n_reports);
	cr_assert_str_eq(got, "a|b;c;.");
}

Test(services_lex, more_words_than_fit_are_counted)
{
	struct source *source = source_new();
	const struct source_file *file;
	struct services_lex_statement st;
	struct services_lex lex;

	cr_assert_eq(source_add_text(source, "t", "a 1 2 3 4 5 6 7 8 9 0 \"x\"\n", 26, &file), 0);
	services_lex_init(&lex, file, NULL);
	services_lex_next(&lex, &st);
	cr_assert_eq(st.n_words, 12);
	cr_assert_eq(st.words[LEX_WORDS - 2].at[0], '8');
	cr_assert_eq(st.words[LEX_WORDS - 1].at[0], 'x');
	source_free(source);
}

static struct services_lex lex_over(struct source *source, const char *text)
{
	const struct source_file *file;
	struct services_lex lex;

	cr_assert_eq(source_add_text(source, "t", text, strlen(text), &file), 0);
	services_lex_init(&lex, file, NULL);
	return lex;
}

Test(services_lex, a_brace_is_found_over_lines_and_comments)
{
	struct source *source = source_new();
	struct services_lex lex = lex_over(source, "\n # x {\n\n ! y\n{ a\n");
	struct services_lex_statement st;

	cr_assert(services_lex_take_brace(&lex));
	services_lex_next(&lex, &st);
	cr_assert_eq(st.words[0].at[0], 'a');
	lex = lex_over(source, "\n # x\n b {\n");
	cr_assert_not(services_lex_take_brace(&lex));
	services_lex_next(&lex, &st);
	cr_assert_eq(st.words[0].at[0], 'b'); /* nothing was taken */
	lex = lex_over(source, "");
	cr_assert_not(services_lex_take_brace(&lex));
	source_free(source);
}

Test(services_lex, a_block_is_skipped_with_all_inside)
{
	struct source *source = source_new();
	struct services_lex lex = lex_over(source, " a { b \"}\" } # }\n c { } }\nd\n");
	struct services_lex_statement st;

	cr_assert(services_lex_skip_block(&lex));
	services_lex_next(&lex, &st);
	cr_assert_eq(st.words[0].at[0], 'd');
	lex = lex_over(source, " a { } b");
	cr_assert_not(services_lex_skip_block(&lex));
	source_free(source);
}
