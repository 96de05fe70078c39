/* The generated file: its text, its way to the disk, and what is read back. */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "announce/bird_file.h"
#include "unit/announce/announce_fixture.h"

static char dir[] = "/tmp/alived-file-XXXXXX";

static const char golden[] = "# alived: generated, group edge-1, 3 up; changes are overwritten\n"
			     "protocol static 'hc_edge-1_4' {\n"
			     "\tipv4;\n"
			     "\troute 192.0.2.9/32 blackhole;\n"
			     "\troute 192.0.2.10/32 blackhole;\n"
			     "}\n"
			     "protocol static 'hc_edge-1_6' {\n"
			     "\tipv6;\n"
			     "\troute 2001:db8::10/128 blackhole;\n"
			     "}\n";
static const char golden_empty[] =
	"# alived: generated, group default, 0 up; changes are overwritten\n"
	"protocol static 'hc_default_4' {\n\tipv4;\n}\n"
	"protocol static 'hc_default_6' {\n\tipv6;\n}\n";

static void add(struct vip_set *s, const char *text)
{
	struct addr a;

	cr_assert_eq(addr_parse(text, strlen(text), &a), ADDR_OK);
	cr_assert_eq(vip_set_add(s, &a), 0);
}

static struct vip_set three(void)
{
	struct vip_set s = {0};

	add(&s, "2001:db8::10");
	add(&s, "192.0.2.10");
	add(&s, "192.0.2.9");
	return s;
}

static void has_text(const struct buf *b, const char *want)
{
	cr_assert_eq(buf_len(b), strlen(want));
	cr_assert_eq(memcmp(buf_head(b), want, strlen(want)), 0, "%.*s", (int)buf_len(b),
		     (const char *)buf_head(b));
}

static void setup(void)
{
	cr_assert(mkdtemp(dir));
}

static void teardown(void)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d)))
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	rmdir(dir);
}

Test(bird_file, text_is_golden)
{
	struct buf b = BUF_INIT(BIRD_FILE_MAX_BYTES);
	struct vip_set s = three(), empty = {0};

	cr_assert_eq(bird_file_format("edge-1", &s, &b), 0);
	has_text(&b, golden);
	cr_assert_eq(bird_file_format("default", &empty, &b), 0);
	has_text(&b, golden_empty);
	buf_deinit(&b);
	vip_set_deinit(&s);
}

Test(bird_file, protocol_names_fit_bird)
{
	char longest[33], name[BIRD_FILE_NAME_BYTES];

	memset(longest, 'g', 32);
	longest[32] = 0;
	bird_file_protocol(longest, false, name);
	cr_assert_eq(strlen(name), 37, "BIRD takes 64");
	cr_assert_eq(name[36], '6');
}

Test(bird_file, our_own_text_is_read_back)
{
	struct vip_set s = three(), got = {0};

	cr_assert_eq(bird_file_parse(golden, strlen(golden), &got), 0);
	cr_assert(vip_set_eq(&s, &got));
	cr_assert_eq(bird_file_parse(golden_empty, strlen(golden_empty), &got), 0);
	cr_assert(vip_set_eq(&s, &got), "it adds");
	vip_set_deinit(&s);
	vip_set_deinit(&got);
}

/* Anything cut or changed may be anybody's: not one address of it is believed. */
Test(bird_file, decision_28_only_our_own_text_is_read)
{
	struct vip_set got = {0};
	char text[sizeof(golden) + 8];

	for (size_t len = 0; len < strlen(golden); len++)
		cr_assert_eq(bird_file_parse(golden, len, &got), BIRD_FILE_FOREIGN, "cut at %zu",
			     len);
	snprintf(text, sizeof(text), "%s#\n", golden);
	cr_assert_eq(bird_file_parse(text, strlen(text), &got), BIRD_FILE_FOREIGN);
	memcpy(text, golden, sizeof(golden));
	memcpy(strstr(text, "/32"), "/24", 3);
	cr_assert_eq(bird_file_parse(text, strlen(text), &got), BIRD_FILE_FOREIGN);
	memcpy(text, golden, sizeof(golden));
	memcpy(strstr(text, "blackhole"), "blackHole", 9);
	cr_assert_eq(bird_file_parse(text, strlen(text), &got), BIRD_FILE_FOREIGN);
	memcpy(text, golden, sizeof(golden));
	*strstr(text, "192") = '9';
	cr_assert_eq(bird_file_parse(text, strlen(text), &got), BIRD_FILE_FOREIGN);
	cr_assert_eq(got.n, 0);
}

Test(bird_file, written_file_is_whole_readable_and_marked, .init = setup, .fini = teardown)
{
	struct buf b = BUF_INIT(BIRD_FILE_MAX_BYTES);
	struct vip_set s = three();
	struct bird_file_mark mark = {0};
	char path[BIRD_FILE_PATH_BYTES], text[1024];
	struct stat st;
	FILE *f;

	bird_file_path(dir, "edge-1", path);
	cr_assert(!bird_file_is_untouched(path, &mark));
	umask(077);
	cr_assert_eq(bird_file_format("edge-1", &s, &b), 0);
	for (int durable = 0; durable < 2; durable++)
		cr_assert_eq(bird_file_write(path, &b, durable, &mark), 0);
	bird_file_sync_dir(dir);
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0644, "BIRD reads it as another user");
	f = fopen(path, "r");
	cr_assert_eq(fread(text, 1, sizeof(text), f), strlen(golden));
	fclose(f);
	cr_assert_eq(memcmp(text, golden, strlen(golden)), 0);
	cr_assert(bird_file_is_untouched(path, &mark));
	f = fopen(path, "a");
	fputs("#\n", f);
	fclose(f);
	cr_assert(!bird_file_is_untouched(path, &mark));
	unlink(path);
	cr_assert(!bird_file_is_untouched(path, &mark));
	buf_deinit(&b);
	vip_set_deinit(&s);
}

Test(bird_file, failed_write_leaves_the_old_file_and_nothing_else, .init = setup, .fini = teardown)
{
	struct buf b = BUF_INIT(BIRD_FILE_MAX_BYTES);
	struct bird_file_mark mark = {0};
	char path[128];

	cr_assert_eq(buf_append(&b, "x\n", 2), 0);
	cr_assert_eq(bird_file_write("/proc/no/g.conf", &b, false, &mark), -ENOENT);
	cr_assert(!mark.is_set);
	snprintf(path, sizeof(path), "%s/g.conf", dir);
	cr_assert_eq(mkdir(path, 0755), 0);
	cr_assert_lt(bird_file_write(path, &b, false, &mark), 0, "a directory is in the way");
	cr_assert(!mark.is_set);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/.g.conf.tmp", dir);
	cr_assert_neq(access(path, F_OK), 0, "no temporary file is left");
	buf_deinit(&b);
}

Test(bird_file, whole_file_is_read_but_no_link_followed, .init = setup, .fini = teardown)
{
	struct buf b = BUF_INIT(BIRD_FILE_MAX_BYTES), again = BUF_INIT(BIRD_FILE_MAX_BYTES);
	char path[BIRD_FILE_PATH_BYTES], other[BIRD_FILE_PATH_BYTES], part[BIRD_FILE_PATH_BYTES];
	struct bird_file_mark mark;

	for (unsigned i = 0; i < 9000; i++)
		cr_assert_eq(buf_append(&b, "x", 1), 0);
	bird_file_path(dir, "long", path);
	cr_assert_eq(bird_file_write(path, &b, false, &mark), 0);
	cr_assert_eq(bird_file_read(path, &again), 0);
	cr_assert_eq(buf_len(&again), 9000);
	bird_file_path(dir, "link", other);
	cr_assert_eq(symlink(path, other), 0);
	cr_assert_eq(bird_file_read(other, &again), -ELOOP);
	cr_assert_eq(bird_file_read("/nonexistent", &again), -ENOENT);
	bird_file_dir(path, part);
	cr_assert_str_eq(part, dir);
	bird_file_dir("/x", part);
	cr_assert_str_eq(part, "/");
	buf_deinit(&b);
	buf_deinit(&again);
}

Test(bird_file, directories_above_are_made, .init = setup, .fini = teardown)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/a/b", dir);
	cr_assert_eq(bird_file_make_dir(path), 0);
	cr_assert_eq(bird_file_make_dir(path), 0, "again");
	cr_assert_eq(stat(path, &st), 0);
	cr_assert(S_ISDIR(st.st_mode));
	rmdir(path);
	snprintf(path, sizeof(path), "%s/a", dir);
	rmdir(path);
	cr_assert_eq(bird_file_make_dir("/proc/no/such"), -ENOENT);
}

static bool remove_old(void *ctx, const char *group, const char *text, size_t len)
{
	cr_assert(bird_file_is_ours(text, len));
	++*(unsigned *)ctx;
	return strcmp(group, "old") == 0;
}

static void put(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	fputs(text, f);
	fclose(f);
}

static bool is_there(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return access(path, F_OK) == 0;
}

Test(bird_file, only_files_with_our_first_line_are_touched, .init = setup, .fini = teardown)
{
	unsigned n = 0;

	put("old.conf", golden);
	put("edge-1.conf", golden);
	put("foreign.conf", "protocol static x { ipv4; }\n");
	put("empty.conf", "");
	put("notes.txt", golden);
	put(".gone.conf.tmp", "half");
	put(".lock", "");
	cr_assert_eq(bird_file_each(dir, remove_old, &n), 2);
	cr_assert_eq(n, 2);
	cr_assert(!is_there("old.conf") && !is_there(".gone.conf.tmp"));
	cr_assert(is_there("edge-1.conf") && is_there("foreign.conf") && is_there("empty.conf"));
	cr_assert(is_there("notes.txt") && is_there(".lock"));
	cr_assert_eq(bird_file_each("/nonexistent", remove_old, &n), 0);
}
