#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "announce/bird_file.h"
#include "announce/bird_list_history.h"

static char dir[] = "/tmp/alived-hist-XXXXXX";
static char path[64], history[64];

static void setup(void)
{
	cr_assert(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/list.conf", dir);
	snprintf(history, sizeof(history), "%s/history", dir);
}

static void empty(const char *name)
{
	DIR *d = opendir(name);
	struct dirent *e;

	while (d && (e = readdir(d)))
		unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	rmdir(name);
}

static void teardown(void)
{
	empty(history);
	empty(dir);
}

TestSuite(bird_list_history, .init = setup, .fini = teardown);

static void replace(const char *text)
{
	struct buf b = BUF_INIT(1024);
	struct bird_file_mark mark;

	cr_assert_eq(buf_append(&b, text, strlen(text)), 0);
	cr_assert_eq(bird_file_write(path, &b, false, &mark), 0);
	buf_deinit(&b);
}

static unsigned n_copies(void)
{
	DIR *d = opendir(history);
	struct dirent *e;
	unsigned n = 0;

	while (d && (e = readdir(d)))
		n += e->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

/* The text of the only copy. */
static char only_copy(void)
{
	DIR *d = opendir(history);
	struct dirent *e;
	char name[400], c = 0;
	FILE *f;

	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", history, e->d_name);
		f = fopen(name, "r");
		c = (char)fgetc(f);
		fclose(f);
	}
	closedir(d);
	return c;
}

Test(bird_list_history, no_file_is_nothing_to_keep)
{
	bird_list_history_keep(path, 3);
	cr_assert_eq(n_copies(), 0);
}

Test(bird_list_history, copy_keeps_the_old_bytes)
{
	replace("a");
	bird_list_history_keep(path, 3);
	replace("b");
	cr_assert_eq(n_copies(), 1);
	cr_assert_eq(only_copy(), 'a');
}

Test(bird_list_history, oldest_are_removed_and_others_files_are_not)
{
	char other[96];
	FILE *f;

	replace("a");
	bird_list_history_keep(path, 3);
	snprintf(other, sizeof(other), "%s/notes.txt", history);
	f = fopen(other, "w");
	fclose(f);
	for (char c = 'b'; c < 'g'; c++) {
		char text[] = {c, 0};

		replace(text);
		bird_list_history_keep(path, 3);
	}
	cr_assert_eq(n_copies(), 4, "three and the notes");
	unlink(other);
	bird_list_history_keep(path, 1);
	cr_assert_eq(n_copies(), 1);
	cr_assert_eq(only_copy(), 'f', "the newest one");
}

Test(bird_list_history, failing_is_no_harm)
{
	FILE *f = fopen(history, "w"); /* not a directory */

	fclose(f);
	replace("a");
	bird_list_history_keep(path, 3);
	unlink(history);
	bird_list_history_keep(path, 3);
	cr_assert_eq(n_copies(), 1);
}
