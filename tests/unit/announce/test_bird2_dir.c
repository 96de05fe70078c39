#include <dirent.h>
#include <unistd.h>

#include "announce/bird2_dir.h"
#include "announce/bird2_routes.h"
#include "unit/announce/announce_fixture.h"

static char dir[] = "/tmp/alived-dir-XXXXXX";
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

TestSuite(bird2_dir, .init = setup, .fini = teardown);

Test(bird2_dir, one_daemon_holds_the_directory)
{
	struct bird2_dir first, second;

	bird2_dir_init(&first, &app, &kind);
	bird2_dir_init(&second, &app, &kind);
	cr_assert(bird2_dir_lock(&first));
	cr_assert(bird2_dir_lock(&first), "again");
	cr_assert(!bird2_dir_lock(&second));
	cr_assert(second.is_told);
	bird2_dir_deinit(&first);
	cr_assert(bird2_dir_lock(&second));
	bird2_dir_deinit(&second);
}

static bool two_paths(const struct app_config *a, unsigned i, char out[BIRD_FILE_PATH_BYTES])
{
	(void)a;
	snprintf(out, BIRD_FILE_PATH_BYTES, "%s/.lock%u", files, i);
	return i < 2;
}

Test(bird2_dir, all_of_a_kinds_locks_are_needed)
{
	struct bird2_kind pair = kind;
	struct bird2_dir first, second;

	pair.lock_path = two_paths;
	bird2_dir_init(&first, &app, &pair);
	bird2_dir_init(&second, &app, &pair);
	cr_assert(bird2_dir_lock(&second));
	close(second.lock_fds[0]);
	second.lock_fds[0] = -1; /* the other one alone is held now */
	cr_assert(!bird2_dir_lock(&first));
	cr_assert(first.lock_fds[0] >= 0 && !first.is_held);
	bird2_dir_deinit(&second);
	cr_assert(bird2_dir_lock(&first));
	cr_assert(first.is_held);
	bird2_dir_deinit(&first);
}

Test(bird2_dir, directory_that_cannot_be_made_is_tried_again)
{
	struct bird2_dir d;
	char nowhere[] = "/proc/no/such";

	app.bird2.dir = nowhere;
	bird2_dir_init(&d, &app, &kind);
	cr_assert(!bird2_dir_lock(&d));
	app.bird2.dir = files;
	cr_assert(bird2_dir_lock(&d));
	bird2_dir_deinit(&d);
}
