#include "announce/bird2_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"

void bird2_dir_init(struct bird2_dir *d, const struct app_config *app,
		    const struct bird2_kind *kind)
{
	*d = (struct bird2_dir){.app = app, .kind = kind};
	for (unsigned i = 0; i < BIRD2_MAX_FILES; i++)
		d->lock_fds[i] = -1;
}

void bird2_dir_deinit(struct bird2_dir *d)
{
	for (unsigned i = 0; i < BIRD2_MAX_FILES; i++) {
		if (d->lock_fds[i] >= 0)
			close(d->lock_fds[i]);
		d->lock_fds[i] = -1;
	}
	d->is_held = false;
}

/* Returns the descriptor or a negative errno. */
static int open_lock(const char *path)
{
	char dir[BIRD_FILE_PATH_BYTES];
	int r, fd;

	bird_file_dir(path, dir);
	r = bird_file_make_dir(dir);
	if (r < 0)
		return r;
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
	char path[BIRD_FILE_PATH_BYTES];

	for (unsigned i = 0; !d->is_held && d->kind->lock_path(d->app, i, path); i++) {
		int fd = d->lock_fds[i] >= 0 ? d->lock_fds[i] : open_lock(path);

		if (fd < 0) {
			if (!d->is_told)
				LOG(LOG_ERROR, "announce", "bird_dir_not_usable",
				    LF_STR("lock", path), LF_STR("error", strerrorname_np(-fd)));
			d->is_told = true;
			return false;
		}
		d->lock_fds[i] = fd;
	}
	d->is_held = true;
	return true;
}
