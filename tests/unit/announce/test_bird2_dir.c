#include <dirent.h>
#include <unistd.h>

#include "announce/bird2_dir.h"
#include "unit/announce/announce_fixture.h"

static char dir[] = "/tmp/alived-dir-XXXXXX";
static char files[64];
static struct app_config app;

static void setup(void)
{
	cr_assert(mkdtemp(dir));
	snprintf(files, sizeof(files), "%s/a", dir);
	app.bird2.dir = files;
	app.announcer.n_groups = 2;
	snprintf(app.announcer.groups[0], sizeof(app.announcer.groups[0]), "default");
	snprintf(app.announcer.groups[1], sizeof(app.announcer.groups[1]), "edge");
}

static void teardown(void)
{
	DIR *d = opendir(files);
	struct dirent *e;

	while (d && (e = readdir(d)))
		unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	rmdir(files);
	rmdir(dir);
}

TestSuite(bird2_dir, .init = setup, .fini = teardown);

static void put(const char *group, uint32_t vip)
{
	struct buf text = BUF_INIT(BIRD_FILE_MAX_BYTES);
	struct bird_file_mark mark;
	struct vip_set s = {0};
	struct addr a = fixture_vip(vip);

	cr_assert_eq(vip_set_add(&s, &a), 0);
	cr_assert_eq(bird_file_format(group, &s, &text), 0);
	cr_assert_eq(bird_file_write(files, group, &text, false, &mark), 0);
	vip_set_deinit(&s);
	buf_deinit(&text);
}

Test(bird2_dir, one_daemon_holds_the_directory)
{
	struct bird2_dir first, second;

	bird2_dir_init(&first, &app);
	bird2_dir_init(&second, &app);
	cr_assert(bird2_dir_lock(&first));
	cr_assert(bird2_dir_lock(&first), "again");
	cr_assert(!bird2_dir_lock(&second));
	cr_assert(second.is_told);
	bird2_dir_deinit(&first);
	cr_assert(bird2_dir_lock(&second));
	bird2_dir_deinit(&second);
}

Test(bird2_dir, directory_that_cannot_be_made_is_tried_again)
{
	struct bird2_dir d;
	char nowhere[] = "/proc/no/such";

	app.bird2.dir = nowhere;
	bird2_dir_init(&d, &app);
	cr_assert(!bird2_dir_lock(&d));
	app.bird2.dir = files;
	cr_assert(bird2_dir_lock(&d));
	bird2_dir_deinit(&d);
}

Test(bird2_dir, old_files_of_every_group_are_read_and_only_unconfigured_ones_removed)
{
	struct bird2_dir d;
	struct vip_set old = {0};
	char path[128];
	FILE *f;

	bird2_dir_init(&d, &app);
	cr_assert(bird2_dir_lock(&d));
	put("default", 1);
	put("edge", 2);
	put("gone", 3);
	snprintf(path, sizeof(path), "%s/hand.conf", files);
	f = fopen(path, "w");
	fputs("# alived: generated, group hand, by hand\nprotocol static x { }\n", f);
	fclose(f);
	bird2_dir_read(&d, &old);
	cr_assert_eq(old.n, 3, "a file that is not wholly ours says nothing");
	unlink(path);
	cr_assert_eq(bird2_dir_purge(&d), 1);
	snprintf(path, sizeof(path), "%s/gone.conf", files);
	cr_assert_neq(access(path, F_OK), 0);
	snprintf(path, sizeof(path), "%s/edge.conf", files);
	cr_assert_eq(access(path, F_OK), 0);
	cr_assert_eq(bird2_dir_purge(&d), 0);
	vip_set_deinit(&old);
	bird2_dir_deinit(&d);
}
