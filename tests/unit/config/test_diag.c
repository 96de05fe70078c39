#include <criterion/criterion.h>

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/diag.h"

struct fixture {
	struct source *source;
	struct diag *diag;
	const struct source_file *file;
};

static struct fixture fixture_new(const char *text)
{
	struct fixture f = {.source = source_new()};

	cr_assert_eq(source_add_text(f.source, "services.conf", text, strlen(text), &f.file), 0);
	f.diag = diag_new(f.source);
	cr_assert_not_null(f.diag);
	return f;
}

static void fixture_free(struct fixture *f)
{
	diag_free(f->diag);
	source_free(f->source);
}

static void prints(const struct fixture *f, const char *expected)
{
	char *text = diag_text(f->diag);

	cr_assert_str_eq(text, expected);
	free(text);
}

Test(diag, a_report_shows_place_line_caret_and_hint)
{
	struct fixture f = fixture_new("a\n\n  annonunce_group g-1\n");

	diag_report(f.diag, DIAG_ERROR, f.file->base + 5, 15, "did you mean 'announce_group'?",
		    "unknown keyword '%s'", "annonunce_group");
	prints(&f, "services.conf:3:3: error: unknown keyword 'annonunce_group'\n"
		   "    3 |   annonunce_group g-1\n"
		   "      |   ^~~~~~~~~~~~~~~\n"
		   "hint: did you mean 'announce_group'?\n");
	cr_assert_eq(diag_errors(f.diag), 1);
	cr_assert_eq(diag_warnings(f.diag), 0);
	fixture_free(&f);
}

Test(diag, the_caret_stands_under_tabs_and_wide_text)
{
	struct fixture f = fixture_new("\t\xc3\xa4 \xe2\x82\xac bad\r\n");

	diag_report(f.diag, DIAG_ERROR, f.file->base + 8, 3, NULL, "no");
	prints(&f, "services.conf:1:9: error: no\n"
		   "    1 | \t\xc3\xa4 \xe2\x82\xac bad\n"
		   "      | \t    ^~~\n");
	fixture_free(&f);
}

Test(diag, the_underline_ends_with_the_line)
{
	struct fixture f = fixture_new("ab\ncd\n");

	diag_report(f.diag, DIAG_WARNING, f.file->base + 1, 100, NULL, "long");
	diag_report(f.diag, DIAG_WARNING, f.file->base + 6, 0, NULL, "end");
	prints(&f, "services.conf:1:2: warning: long\n    1 | ab\n      |  ^\n"
		   "services.conf:3:1: warning: end\n    3 | \n      | ^\n");
	fixture_free(&f);
}

Test(diag, a_report_about_no_place_has_none)
{
	struct fixture f = fixture_new("x");

	diag_report(f.diag, DIAG_ERROR, SOURCE_NOWHERE, 0, NULL, "cannot read it");
	prints(&f, "error: cannot read it\n");
	fixture_free(&f);
}

Test(diag, notes_name_the_other_place)
{
	struct fixture f = fixture_new("one\ntwo\n");

	diag_report(f.diag, DIAG_ERROR, f.file->base + 4, 3, NULL, "again");
	diag_note(f.diag, f.file->base, "first defined");
	diag_note(f.diag, SOURCE_NOWHERE, "nowhere");
	prints(&f, "services.conf:2:1: error: again\n    2 | two\n      | ^~~\n"
		   "note: first defined at services.conf:1\nnote: nowhere\n");
	fixture_free(&f);
}

Test(diag, reports_are_printed_by_position)
{
	struct fixture f = fixture_new("a\nb\nc\n");

	diag_report(f.diag, DIAG_ERROR, SOURCE_NOWHERE, 0, NULL, "last");
	diag_report(f.diag, DIAG_ERROR, f.file->base + 4, 1, NULL, "third");
	diag_report(f.diag, DIAG_WARNING, f.file->base, 1, NULL, "first");
	diag_report(f.diag, DIAG_ERROR, f.file->base, 1, NULL, "second");
	prints(&f, "services.conf:1:1: warning: first\n    1 | a\n      | ^\n"
		   "services.conf:1:1: error: second\n    1 | a\n      | ^\n"
		   "services.conf:3:1: error: third\n    3 | c\n      | ^\n"
		   "error: last\n");
	fixture_free(&f);
}

Test(diag, more_than_twenty_are_counted)
{
	struct fixture f = fixture_new("x\n");
	char *text;

	for (unsigned i = 0; i < 23; i++)
		diag_report(f.diag, DIAG_ERROR, f.file->base, 1, NULL, "e%u", i);
	diag_note(f.diag, f.file->base, "of a report that is not shown");
	for (unsigned i = 0; i < 21; i++)
		diag_report(f.diag, DIAG_WARNING, f.file->base, 1, NULL, "w%u", i);
	cr_assert_eq(diag_errors(f.diag), 23);
	cr_assert_eq(diag_warnings(f.diag), 21);
	text = diag_text(f.diag);
	cr_assert_not_null(strstr(text, "error: e19\n"));
	cr_assert_null(strstr(text, "error: e20\n"));
	cr_assert_null(strstr(text, "note:"));
	cr_assert_not_null(strstr(text, "warning: w19\n"));
	cr_assert_not_null(strstr(text, "... and 3 more errors\n... and 1 more warning\n"));
	free(text);
	fixture_free(&f);
}

Test(diag, a_long_line_is_cut_around_the_place)
{
	char line[1001], *text;
	struct fixture f;

	memset(line, 'x', 1000);
	line[1000] = 0;
	line[500] = 'Y';
	f = fixture_new(line);
	diag_report(f.diag, DIAG_ERROR, f.file->base + 500, 1, NULL, "here");
	text = diag_text(f.diag);
	cr_assert_lt(strlen(text), 400);
	cr_assert_not_null(strstr(text, "services.conf:1:501: error: here\n    1 | ...xxx"));
	/* the caret is exactly under the Y */
	cr_assert_eq(strchr(text, '^') - strstr(text, "      | "),
		     strchr(text, 'Y') - strstr(text, "    1 | "));
	free(text);
	fixture_free(&f);
}

Test(diag, foreign_bytes_cannot_reach_the_terminal)
{
	struct fixture f =
		fixture_new("\x1b[31m \xff \xc2\x9b \xed\xa0\x80 \xf4\x90\x80\x80 end\n");
	char *text, *json;
	json_t *j;

	diag_report(f.diag, DIAG_ERROR, f.file->base, 5, "\x1b hint", "bad '%s'", "\x1b[2J\xfe");
	text = diag_text(f.diag);
	for (const char *p = text; *p; p++)
		cr_assert(*p == '\n' || ((unsigned char)*p >= ' ' && (unsigned char)*p < 0x7f));
	cr_assert_not_null(strstr(text, "bad '?[2J?'"));
	json = diag_json(f.diag);
	j = json_loads(json, 0, NULL);
	cr_assert_not_null(j);
	json_decref(j);
	free(json);
	free(text);
	fixture_free(&f);
}

Test(diag, an_overlong_message_is_cut_between_characters)
{
	struct fixture f = fixture_new("x\n");
	char longer[900], *json;
	json_t *j;

	for (unsigned i = 0; i + 3 < sizeof(longer); i += 3)
		memcpy(longer + i, "\xe2\x82\xac", 4);
	diag_report(f.diag, DIAG_ERROR, f.file->base, 1, longer, "%s", longer);
	json = diag_json(f.diag);
	j = json_loads(json, 0, NULL);
	cr_assert_not_null(j);
	cr_assert_not_null(strstr(json, "\xe2\x82\xac...\""));
	json_decref(j);
	free(json);
	fixture_free(&f);
}

Test(diag, json_carries_the_same)
{
	struct fixture f = fixture_new("one\ntwo\n");
	char *json;

	diag_report(f.diag, DIAG_ERROR, f.file->base + 5, 1, "try \"x\"", "again");
	diag_note(f.diag, f.file->base, "first");
	diag_report(f.diag, DIAG_WARNING, SOURCE_NOWHERE, 1, NULL, "odd");
	json = diag_json(f.diag);
	cr_assert_str_eq(
		json,
		"[{\"severity\":\"error\",\"file\":\"services.conf\",\"line\":2,"
		"\"column\":2,\"message\":\"again\",\"hint\":\"try \\\"x\\\"\",\"notes\":["
		"{\"file\":\"services.conf\",\"line\":1,\"column\":1,\"message\":\"first\"}]},"
		"{\"severity\":\"warning\",\"file\":null,\"line\":null,\"column\":null,"
		"\"message\":\"odd\",\"hint\":null,\"notes\":[]}]");
	free(json);
	fixture_free(&f);
}

Test(diag, nothing_reported_prints_nothing)
{
	struct fixture f = fixture_new("");
	char *json = diag_json(f.diag);

	prints(&f, "");
	cr_assert_str_eq(json, "[]");
	free(json);
	fixture_free(&f);
}

Test(diag, print_writes_the_text)
{
	struct fixture f = fixture_new("x\n");
	char path[] = "/tmp/test_diag_XXXXXX", got[256] = "", *text;
	int fd = mkstemp(path);

	cr_assert(fd >= 0);
	unlink(path);
	diag_report(f.diag, DIAG_ERROR, f.file->base, 1, NULL, "no");
	diag_print(f.diag, fd);
	text = diag_text(f.diag);
	cr_assert_eq(pread(fd, got, sizeof(got) - 1, 0), (ssize_t)strlen(text));
	cr_assert_str_eq(got, text);
	free(text);
	close(fd);
	fixture_free(&f);
}
