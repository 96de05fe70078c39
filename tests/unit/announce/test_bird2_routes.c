#include <dirent.h>
#include <unistd.h>

#include "announce/bird2_routes.h"
#include "unit/announce/announce_fixture.h"

static char dir[] = "/tmp/alived-routes-XXXXXX";
static char files[64];
static struct app_config app;
static struct bird2_kind kind;

static void setup(void)
{
	cr_assert(mkdtemp(dir));
	snprintf(files, sizeof(files), "%s/a", dir);
	app.bird2.dir = files;
	kind = bird2_routes_kind(&app);
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

TestSuite(bird2_routes, .init = setup, .fini = teardown);

static void put(const char *group, uint32_t vip)
{
	struct buf text = BUF_INIT(BIRD_FILE_MAX_BYTES);
	char path[BIRD_FILE_PATH_BYTES];
	struct bird_file_mark mark;
	struct vip_set s = {0};
	struct addr a = fixture_vip(vip);

	cr_assert_eq(vip_set_add(&s, &a), 0);
	bird_file_path(files, group, path);
	cr_assert_eq(bird_file_format(group, &s, &text), 0);
	cr_assert_eq(bird_file_write(path, &text, false, &mark), 0);
	vip_set_deinit(&s);
	buf_deinit(&text);
}

Test(bird2_routes, commands_name_the_groups_own_protocols)
{
	struct bird2_subject s = {.app = &app, .group = "a-b"};
	char text[BIRD2_COMMAND_BYTES], path[BIRD_FILE_PATH_BYTES];

	kind.look(&s, BIRD2_LOOK_COUNT_4, text);
	cr_assert_str_eq(text, "show route protocol 'hc_a-b_4' count");
	kind.look(&s, BIRD2_LOOK_COUNT_6, text);
	cr_assert_str_eq(text, "show route protocol 'hc_a-b_6' count");
	cr_assert(!kind.lever(&s, text), "on_config_error: alarm");
	app.bird2.disables_group = true;
	cr_assert(kind.lever(&s, text));
	cr_assert_str_eq(text, "disable \"hc_a-b_?\"", "not of a group a-b_c");
	kind.path(&s, 0, path);
	cr_assert_str_eq(strrchr(path, '/'), "/a-b.conf");
}

Test(bird2_routes, old_files_of_every_group_are_read_and_only_unconfigured_ones_removed)
{
	struct vip_set old = {0};
	char path[128];
	FILE *f;

	cr_assert_eq(bird_file_make_dir(files), 0);
	put("default", 1);
	put("edge", 2);
	put("gone", 3);
	snprintf(path, sizeof(path), "%s/hand.conf", files);
	f = fopen(path, "w");
	fputs("# alived: generated, group hand, by hand\nprotocol static x { }\n", f);
	fclose(f);
	kind.read_old(&app, &old);
	cr_assert_eq(old.n, 3, "a file that is not wholly ours says nothing");
	unlink(path);
	cr_assert_eq(kind.purge(&app, NULL, &old), 1);
	snprintf(path, sizeof(path), "%s/gone.conf", files);
	cr_assert_neq(access(path, F_OK), 0);
	snprintf(path, sizeof(path), "%s/edge.conf", files);
	cr_assert_eq(access(path, F_OK), 0);
	cr_assert_eq(kind.purge(&app, NULL, &old), 0);
	vip_set_deinit(&old);
}
