#include "app/snapshot_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/err.h"

enum {
	MAX_BYTES = 256 << 20, /* of a file that is read: several times the largest fleet's */
	LEAST_ADDED = 256 << 10,
};

int snapshot_file_init(struct snapshot_file *f, const char *path)
{
	*f = (struct snapshot_file){.fd = -1, .path = strdup(path)};
	if (!f->path || asprintf(&f->temporary, "%s.new", path) < 0) {
		f->temporary = NULL;
		snapshot_file_deinit(f);
		return err_origin(-ENOMEM);
	}
	return 0;
}

static void forget(struct snapshot_file *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

void snapshot_file_deinit(struct snapshot_file *f)
{
	forget(f);
	free(f->path);
	free(f->temporary);
	f->path = f->temporary = NULL;
}

/* --- writing -----------------------------------------------------------------------------------
 */

bool snapshot_file_can_add(const struct snapshot_file *f)
{
	struct stat ours, there;

	if (f->fd < 0 || f->size - f->base_bytes > MAX(f->base_bytes, (uint64_t)LEAST_ADDED))
		return false;
	return fstat(f->fd, &ours) == 0 && stat(f->path, &there) == 0 &&
	       ours.st_ino == there.st_ino && ours.st_dev == there.st_dev &&
	       (uint64_t)ours.st_size == f->size;
}

static int begin_new(struct snapshot_file *f)
{
	forget(f);
	f->size = f->base_bytes = 0;
	if (unlink(f->temporary) < 0 && errno != ENOENT)
		return err_origin(-errno);
	f->fd = open(f->temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return f->fd < 0 ? err_origin(-errno) : 0;
}

int snapshot_file_begin(struct snapshot_file *f, enum snapshot_kind kind)
{
	f->is_new = kind == SNAPSHOT_BASE;
	if (f->is_new)
		TRY(begin_new(f));
	f->at = f->size + sizeof(struct snapshot_head);
	return 0;
}

static int write_at(const struct snapshot_file *f, const void *bytes, size_t len, uint64_t at)
{
	const char *from = bytes;

	while (len) {
		ssize_t n = pwrite(f->fd, from, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_origin(n < 0 ? -errno : -ENOSPC);
		from += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int snapshot_file_piece(void *file, const void *bytes, size_t len)
{
	struct snapshot_file *f = file;

	TRY(write_at(f, bytes, len, f->at));
	f->at += len;
	return 0;
}

/* The rename is done: a directory that cannot be synced means only that a power cut may bring the
 * old file back, and its age is written in it. */
static void sync_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *directory = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	int fd = directory ? open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		(void)fsync(fd);
		close(fd);
	}
	free(directory);
}

static int commit_new(struct snapshot_file *f)
{
	if (fsync(f->fd) < 0 || rename(f->temporary, f->path) < 0)
		return err_origin(-errno);
	sync_directory(f->path);
	f->base_bytes = f->at;
	return 0;
}

int snapshot_file_finish(struct snapshot_file *f, const struct snapshot_head *head, bool with_sync)
{
	int r = write_at(f, head, sizeof(*head), f->size);

	if (r == 0 && f->is_new)
		r = commit_new(f);
	else if (r == 0 && with_sync && fdatasync(f->fd) < 0)
		r = err_origin(-errno);
	if (r < 0) {
		snapshot_file_abandon(f);
		return err_trace(r);
	}
	f->size = f->at;
	f->is_new = false;
	return 0;
}

void snapshot_file_abandon(struct snapshot_file *f)
{
	if (f->is_new)
		(void)unlink(f->temporary); /* nothing to be done if it stays: one name */
	else if (f->fd >= 0 && ftruncate(f->fd, (off_t)f->size) < 0)
		(void)errno; /* a frame without a head is none, for a reader */
	f->is_new = false;
	forget(f);
}

/* --- reading -----------------------------------------------------------------------------------
 */

static int read_all(int fd, uint8_t *to, size_t len, size_t *ret_len)
{
	size_t at = 0;

	while (at < len) {
		ssize_t n = read(fd, to + at, len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_origin(-errno);
		if (n == 0)
			break;
		at += (size_t)n;
	}
	*ret_len = at;
	return 0;
}

static int read_fd(int fd, uint8_t **ret_data, size_t *ret_len)
{
	struct stat st;
	uint8_t *data;
	int r;

	if (fstat(fd, &st) < 0)
		return err_origin(-errno);
	if (!S_ISREG(st.st_mode))
		return err_origin(-EINVAL);
	if (st.st_size > MAX_BYTES)
		return err_origin(-EFBIG);
	data = malloc((size_t)st.st_size + 1);
	if (!data)
		return err_origin(-ENOMEM);
	r = read_all(fd, data, (size_t)st.st_size, ret_len);
	if (r < 0) {
		free(data);
		return err_trace(r);
	}
	*ret_data = data;
	return 0;
}

int snapshot_file_read(const char *path, uint8_t **ret_data, size_t *ret_len)
{
	/* O_NONBLOCK: a FIFO there must not hold the start */
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), r;

	if (fd < 0)
		return errno == ENOENT ? SNAPSHOT_FILE_NONE : err_origin(-errno);
	r = read_fd(fd, ret_data, ret_len);
	close(fd);
	return r < 0 ? err_trace(r) : 0;
}

/* "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"; false: something else. */
static bool parse_boot_id(const char *text, size_t len, uint8_t id[16])
{
	size_t n = 0;

	for (size_t i = 0; i < len && n < 32; i++) {
		static const char digits[] = "0123456789abcdef";
		const char *digit = text[i] ? strchr(digits, text[i]) : NULL;

		if (text[i] == '-')
			continue;
		if (!digit)
			return false;
		id[n / 2] = (uint8_t)(id[n / 2] << 4 | (digit - digits));
		n++;
	}
	return n == 32;
}

struct snapshot_stamp snapshot_file_stamp(void)
{
	struct snapshot_stamp s = {.wall_ns = clk_wall_ns(), .boot_ns = clk_boot_ns()};
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	uint8_t id[16] = {0};
	char text[64];
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text));

	if (fd >= 0)
		close(fd);
	if (n > 0 && parse_boot_id(text, (size_t)n, id))
		memcpy(s.boot_id, id, sizeof(id));
	return s;
}
