#include "announce/bird2_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"

void bird2_dir_init(struct bird2_dir *d, const struct app_config *app)
{
	*d = (struct bird2_dir){.app = app, .lock_fd = -1};
}

void bird2_dir_deinit(struct bird2_dir *d)
{
	if (d->lock_fd >= 0)
		close(d->lock_fd);
	d->lock_fd = -1;
}

/* Returns the descriptor or a negative errno. */
static int open_lock(const char *dir)
{
	char path[BIRD_FILE_PATH_BYTES];
	int r = bird_file_make_dir(dir), fd;

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%s/.lock", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

bool bird2_dir_lock(struct bird2_dir *d)
{
	int fd;

	if (d->lock_fd >= 0)
		return true;
	fd = open_lock(d->app->bird2.dir);
	if (fd < 0) {
		if (!d->is_told)
			LOG(LOG_ERROR, "announce", "bird_dir_not_usable",
			    LF_STR("dir", d->app->bird2.dir),
			    LF_STR("error", strerrorname_np(-fd)));
		d->is_told = true;
		return false;
	}
	d->lock_fd = fd;
	return true;
}

static bool add_file(void *ctx, const char *group, const char *text, size_t len)
{
	if (bird_file_parse(text, len, ctx) != 0)
		LOG(LOG_WARN, "announce", "bird_file_not_readable", LF_STR("group", group));
	return false;
}

void bird2_dir_read(const struct bird2_dir *d, struct vip_set *vips)
{
	(void)bird_file_each(d->app->bird2.dir, add_file, vips);
}

static bool is_left_over(void *ctx, const char *group, const char *text, size_t len)
{
	const struct app_config *app = ctx;

	(void)text;
	(void)len;
	for (uint32_t i = 0; i < app->announcer.n_groups; i++) {
		if (strcmp(app->announcer.groups[i], group) == 0)
			return false;
	}
	LOG(LOG_INFO, "announce", "bird_file_of_no_group_removed", LF_STR("group", group));
	return true;
}

uint32_t bird2_dir_purge(const struct bird2_dir *d)
{
	return bird_file_each(d->app->bird2.dir, is_left_over, (void *)(uintptr_t)d->app);
}
