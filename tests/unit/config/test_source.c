#include <criterion/criterion.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/source.h"

static const struct source_file *add(struct source *s, const char *path, const char *text)
{
	const struct source_file *f = NULL;

	cr_assert_eq(source_add_text(s, path, text, strlen(text), &f), 0);
	return f;
}

static void locates(const struct source *s, source_pos pos, const char *path, uint32_t line,
		    uint32_t column, const char *text)
{
	struct source_place p;

	cr_assert(source_locate(s, pos, &p));
	cr_assert_str_eq(p.path, path);
	cr_assert_eq(p.line, line, "line %u", p.line);
	cr_assert_eq(p.column, column, "column %u", p.column);
	cr_assert_eq(p.line_len, strlen(text), "length %zu", p.line_len);
	cr_assert_eq(memcmp(p.line_text, text, p.line_len), 0);
}

Test(source, every_byte_has_its_file_line_and_column)
{
	struct source *s = source_new();
	const struct source_file *a = add(s, "a", "one\ntwo\r\n\nlast"), *b = add(s, "b", "x\n");

	locates(s, a->base, "a", 1, 1, "one");
	locates(s, a->base + 2, "a", 1, 3, "one");
	locates(s, a->base + 3, "a", 1, 4, "one"); /* the line end itself */
	locates(s, a->base + 4, "a", 2, 1, "two");
	locates(s, a->base + 8, "a", 2, 5, "two"); /* after the carriage return */
	locates(s, a->base + 9, "a", 3, 1, "");
	locates(s, a->base + 10, "a", 4, 1, "last");
	locates(s, a->base + 14, "a", 4, 5, "last"); /* the end belongs to the file */
	cr_assert_eq(b->base, a->base + 15);
	locates(s, b->base, "b", 1, 1, "x");
	locates(s, b->base + 2, "b", 2, 1, "");
	source_free(s);
}

Test(source, a_position_of_no_file_is_nowhere)
{
	struct source *s = source_new();
	const struct source_file *f;
	struct source_place p;

	cr_assert_not(source_locate(s, 0, &p));
	f = add(s, "a", "abc");
	cr_assert(source_locate(s, f->base + 3, &p));
	cr_assert_not(source_locate(s, f->base + 4, &p));
	cr_assert_not(source_locate(s, SOURCE_NOWHERE, &p));
	source_free(s);
}

Test(source, many_files_are_told_apart)
{
	struct source *s = source_new();
	const struct source_file *f[100];
	char name[8];

	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		f[i] = add(s, name, i % 3 ? "ab\n" : "");
	}
	for (unsigned i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		locates(s, f[i]->base, name, 1, 1, i % 3 ? "ab" : "");
	}
	source_free(s);
}

Test(source, text_keeps_nul_bytes_and_is_terminated)
{
	struct source *s = source_new();
	const struct source_file *f;

	cr_assert_eq(source_add_text(s, "a", "a\0b", 3, &f), 0);
	cr_assert_eq(f->len, 3);
	cr_assert_eq(memcmp(f->text, "a\0b\0", 4), 0);
	cr_assert_eq(source_add_text(s, "b", NULL, 0, &f), 0);
	cr_assert_eq(f->len, 0);
	cr_assert_eq(f->text[0], 0);
	source_free(s);
}

static void write_file(const char *path, const char *text, size_t times)
{
	FILE *f = fopen(path, "w");

	cr_assert_not_null(f);
	for (size_t i = 0; i < times; i++)
		fputs(text, f);
	fclose(f);
}

Test(source, a_file_is_read_whole)
{
	char path[] = "/tmp/test_source_XXXXXX";
	struct source *s = source_new();
	const struct source_file *f;

	cr_assert(mkstemp(path) >= 0);
	write_file(path, "0123456789abcdef\n", 20000);
	cr_assert_eq(source_add_file(s, path, &f), 0);
	cr_assert_eq(f->len, 340000);
	cr_assert_str_eq(f->path, path);
	locates(s, f->base + 339999, path, 20000, 17, "0123456789abcdef");
	write_file(path, "", 0);
	cr_assert_eq(source_add_file(s, path, &f), 0);
	cr_assert_eq(f->len, 0);
	unlink(path);
	cr_assert_eq(source_add_file(s, path, &f), -ENOENT);
	source_free(s);
}

Test(source, a_file_of_unknown_size_is_read_whole)
{
	struct source *s = source_new();
	const struct source_file *f;

	cr_assert_eq(source_add_file(s, "/proc/self/status", &f), 0);
	cr_assert_gt(f->len, 100);
	cr_assert_eq(f->text[f->len - 1], '\n');
	cr_assert_eq(f->text[f->len], 0);
	source_free(s);
}

Test(source, directories_and_pipes_are_refused_without_waiting)
{
	char path[] = "/tmp/test_source_XXXXXX", pipe_path[64];
	struct source *s = source_new();
	const struct source_file *f;

	cr_assert_not_null(mkdtemp(path));
	cr_assert_eq(source_add_file(s, path, &f), -EISDIR);
	snprintf(pipe_path, sizeof(pipe_path), "%s/p", path);
	cr_assert_eq(mkfifo(pipe_path, 0600), 0);
	cr_assert_eq(source_add_file(s, pipe_path, &f), -ENOTSUP);
	unlink(pipe_path);
	rmdir(path);
	source_free(s);
}

Test(source, all_files_together_are_bounded)
{
	char path[] = "/tmp/test_source_XXXXXX";
	struct source *s = source_new();
	const struct source_file *f;
	int fd = mkstemp(path);

	cr_assert(fd >= 0);
	cr_assert_eq(ftruncate(fd, (off_t)1 << 30), 0); /* sparse: refused by its size alone */
	close(fd);
	cr_assert_eq(source_add_file(s, path, &f), -EFBIG);
	unlink(path);
	cr_assert_eq(source_add_text(s, "t", "", (size_t)1 << 30, &f), -EFBIG);
	f = add(s, "a", "still usable");
	locates(s, f->base, "a", 1, 1, "still usable");
	source_free(s);
}
