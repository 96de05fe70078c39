/* The state file on disk. */
#include "app/snapshot_file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/state.h"

static char dir[64], path[128];
static struct snapshot_file file;
static struct snapshot_out *out;

static void setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/alived-state-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/state", dir);
	cr_assert_eq(snapshot_file_init(&file, path), 0);
	out = calloc(1, sizeof(*out));
	out->sink = snapshot_file_piece;
	out->ctx = &file;
}

static void teardown(void)
{
	char temporary[160];

	snapshot_file_deinit(&file);
	free(out);
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	unlink(temporary);
	unlink(path);
	rmdir(dir);
}

TestSuite(snapshot_file, .init = setup, .fini = teardown);

static int write_frame(enum snapshot_kind kind, uint32_t n_records)
{
	const struct snapshot_prefix p = {.tag = SNAPSHOT_PREFIX};
	struct snapshot_stamp stamp = snapshot_file_stamp();
	int r = snapshot_file_begin(&file, kind);

	if (r < 0)
		return r;
	snapshot_begin(out, kind, false, &stamp);
	for (uint32_t i = 0; i < n_records; i++)
		snapshot_put(out, &p);
	r = snapshot_end(out);
	if (r < 0) {
		snapshot_file_abandon(&file);
		return r;
	}
	return snapshot_file_finish(&file, &out->head, kind == SNAPSHOT_DELTA);
}

/* Records of the file at path; -1: it does not open. */
static int records(void)
{
	struct snapshot_cursor c;
	union snapshot_record r;
	struct snapshot s;
	uint8_t *data;
	size_t len;
	int n = 0;

	if (snapshot_file_read(path, &data, &len) != 0)
		return -1;
	if (snapshot_open(data, len, &s) != SNAPSHOT_OK) {
		free(data);
		return -1;
	}
	c = SNAPSHOT_FIRST(&s);
	while (snapshot_next(&c, &r))
		n++;
	free(data);
	return n;
}

Test(snapshot_file, a_base_and_additions_are_read_back)
{
	struct stat st;

	cr_assert_not(snapshot_file_can_add(&file));
	cr_assert_eq(write_frame(SNAPSHOT_BASE, 10000), 0);
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0600);
	cr_assert_eq((uint64_t)st.st_size, file.size);
	cr_assert_eq(records(), 10000);
	for (int i = 1; i < 20; i++) {
		cr_assert(snapshot_file_can_add(&file));
		cr_assert_eq(write_frame(SNAPSHOT_DELTA, 1), 0);
		cr_assert_eq(records(), 10000 + i);
	}
}

Test(snapshot_file, the_old_file_stands_until_the_new_one_is_whole)
{
	cr_assert_eq(write_frame(SNAPSHOT_BASE, 3), 0);
	cr_assert_eq(snapshot_file_begin(&file, SNAPSHOT_BASE), 0);
	cr_assert_eq(records(), 3);
	snapshot_file_abandon(&file);
	cr_assert_eq(records(), 3);
	cr_assert_not(snapshot_file_can_add(&file));
	cr_assert_eq(write_frame(SNAPSHOT_BASE, 4), 0);
	cr_assert_eq(records(), 4);
}

Test(snapshot_file, a_temporary_file_of_a_crash_is_replaced)
{
	char temporary[160];
	struct stat st;

	snprintf(temporary, sizeof(temporary), "%s.new", path);
	cr_assert_eq(symlink("/etc/passwd", temporary), 0);
	cr_assert_eq(write_frame(SNAPSHOT_BASE, 1), 0);
	cr_assert_eq(records(), 1);
	cr_assert_eq(lstat(path, &st), 0);
	cr_assert(S_ISREG(st.st_mode));
}

Test(snapshot_file, a_file_that_somebody_took_is_not_added_to)
{
	cr_assert_eq(write_frame(SNAPSHOT_BASE, 1), 0);
	cr_assert_eq(unlink(path), 0);
	cr_assert_not(snapshot_file_can_add(&file));
	cr_assert_eq(write_frame(SNAPSHOT_BASE, 1), 0);
	cr_assert_eq(truncate(path, 10), 0);
	cr_assert_not(snapshot_file_can_add(&file));
}

Test(snapshot_file, additions_end_when_they_outweigh_the_base)
{
	cr_assert_eq(write_frame(SNAPSHOT_BASE, 1), 0);
	cr_assert_eq(write_frame(SNAPSHOT_DELTA, 20000), 0);
	cr_assert_not(snapshot_file_can_add(&file), "400 kB after nothing");
	cr_assert_eq(write_frame(SNAPSHOT_BASE, 20000), 0);
	cr_assert_eq(write_frame(SNAPSHOT_DELTA, 15000), 0);
	cr_assert(snapshot_file_can_add(&file));
}

Test(snapshot_file, a_missing_directory_is_an_error_and_no_more)
{
	unlink(path);
	cr_assert_eq(rmdir(dir), 0);
	cr_assert_eq(write_frame(SNAPSHOT_BASE, 1), -ENOENT);
	cr_assert_not(snapshot_file_can_add(&file));
	cr_assert_eq(mkdir(dir, 0700), 0);
	cr_assert_eq(write_frame(SNAPSHOT_BASE, 1), 0);
	cr_assert_eq(records(), 1);
}

static void limit_size(rlim_t bytes)
{
	struct rlimit l;

	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &l), 0);
	l.rlim_cur = bytes;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &l), 0);
}

Test(snapshot_file, a_full_disk_leaves_the_old_file)
{
	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(write_frame(SNAPSHOT_BASE, 10), 0);
	limit_size(100000);
	cr_assert_eq(write_frame(SNAPSHOT_BASE, 100000), -EFBIG);
	cr_assert_eq(records(), 10);
	cr_assert_eq(write_frame(SNAPSHOT_BASE, 20), 0);
	/* an addition that does not fit is taken back */
	cr_assert_eq(write_frame(SNAPSHOT_DELTA, 100000), -EFBIG);
	cr_assert_eq(records(), 20);
	limit_size(RLIM_INFINITY);
	cr_assert_eq(write_frame(SNAPSHOT_BASE, 30), 0);
	cr_assert_eq(records(), 30);
}

Test(snapshot_file, what_is_no_file_is_not_read)
{
	uint8_t *data;
	size_t len;

	cr_assert_eq(snapshot_file_read(path, &data, &len), SNAPSHOT_FILE_NONE);
	cr_assert_eq(mkfifo(path, 0600), 0);
	cr_assert_eq(snapshot_file_read(path, &data, &len), -EINVAL, "and nobody waits for it");
	unlink(path);
	cr_assert_eq(snapshot_file_read(dir, &data, &len), -EINVAL);
	cr_assert_eq(open(path, O_CREAT | O_WRONLY, 0600) < 0, 0);
	cr_assert_eq(snapshot_file_read(path, &data, &len), 0);
	cr_assert_eq(len, 0);
	free(data);
	cr_assert_eq(truncate(path, (off_t)1 << 40), 0);
	cr_assert_eq(snapshot_file_read(path, &data, &len), -EFBIG);
}

Test(snapshot_file, stamps_grow_within_one_boot)
{
	struct snapshot_stamp a = snapshot_file_stamp(), b = snapshot_file_stamp();
	static const uint8_t zero[16];
	uint64_t age;

	cr_assert_neq(memcmp(a.boot_id, zero, sizeof(zero)), 0);
	cr_assert(snapshot_age_ns(&a, &b, &age));
	cr_assert_lt(age, 1000000000u);
}
