#include "announce/bird_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/str.h"

#define FIRST_WORDS "# alived: generated, group "
#define SUFFIX      ".conf"

enum { DIR_MODE = 0755, FILE_MODE = 0644 };

void bird_file_protocol(const char *group, bool is_v4, char out[BIRD_FILE_NAME_BYTES])
{
	snprintf(out, BIRD_FILE_NAME_BYTES, "hc_%s_%c", group, is_v4 ? '4' : '6');
}

/* --- text --------------------------------------------------------------------------------------
 */

static int add_protocol(struct buf *text, const char *group, bool is_v4, const struct addr *vips,
			uint32_t n)
{
	char name[BIRD_FILE_NAME_BYTES], vip[ADDR_TEXT_BYTES];

	bird_file_protocol(group, is_v4, name);
	TRY(buf_putf(text, "protocol static '%s' {\n\tipv%c;\n", name, is_v4 ? '4' : '6'));
	for (uint32_t i = 0; i < n; i++) {
		addr_format(&vips[i], vip);
		TRY(buf_putf(text, "\troute %s/%d blackhole;\n", vip, is_v4 ? 32 : 128));
	}
	return buf_putf(text, "}\n");
}

int bird_file_format(const char *group, const struct vip_set *vips, struct buf *ret_text)
{
	uint32_t n_v4 = vip_set_n_v4(vips);

	buf_consume(ret_text, buf_len(ret_text));
	TRY(buf_putf(ret_text, FIRST_WORDS "%s, %u up; changes are overwritten\n", group, vips->n));
	TRY(add_protocol(ret_text, group, true, vips->at, n_v4));
	return add_protocol(ret_text, group, false, n_v4 < vips->n ? vips->at + n_v4 : NULL,
			    vips->n - n_v4);
}

/* --- reading our own ---------------------------------------------------------------------------
 */

bool bird_file_is_ours(const char *text, size_t len)
{
	return len > strlen(FIRST_WORDS) && memcmp(text, FIRST_WORDS, strlen(FIRST_WORDS)) == 0;
}

struct reader {
	const char *at, *end;
	struct vip_set *vips;
};

/* Takes word if it comes next. */
static bool take(struct reader *r, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(r->end - r->at) < len || memcmp(r->at, word, len) != 0)
		return false;
	r->at += len;
	return true;
}

/* Takes everything up to the first c, and c. Returns the length without c, or -1. */
static ssize_t take_until(struct reader *r, char c)
{
	const char *begin = r->at;
	const char *found = memchr(begin, c, (size_t)(r->end - begin));

	if (!found)
		return -1;
	r->at = found + 1;
	return found - begin;
}

static int read_route(struct reader *r, bool is_v4)
{
	const char *text = r->at;
	ssize_t len = take_until(r, '/');
	struct addr vip;

	if (len < 0 || addr_parse(text, (size_t)len, &vip) != ADDR_OK ||
	    addr_is_v4(&vip) != is_v4 || !take(r, is_v4 ? "32 blackhole;\n" : "128 blackhole;\n"))
		return BIRD_FILE_FOREIGN;
	return vip_set_add(r->vips, &vip);
}

static int read_protocol(struct reader *r, bool is_v4)
{
	if (!take(r, "protocol static 'hc_") || take_until(r, '\n') < 0 ||
	    !take(r, is_v4 ? "\tipv4;\n" : "\tipv6;\n"))
		return BIRD_FILE_FOREIGN;
	while (take(r, "\troute ")) {
		int result = read_route(r, is_v4);

		if (result != 0)
			return result;
	}
	return take(r, "}\n") ? 0 : BIRD_FILE_FOREIGN;
}

static int read_all(struct reader *r)
{
	int result;

	if (!take(r, FIRST_WORDS) || take_until(r, '\n') < 0)
		return BIRD_FILE_FOREIGN;
	result = read_protocol(r, true);
	if (result == 0)
		result = read_protocol(r, false);
	return result == 0 && r->at != r->end ? BIRD_FILE_FOREIGN : result;
}

int bird_file_parse(const char *text, size_t len, struct vip_set *vips)
{
	_cleanup_(vip_set_deinit) struct vip_set found = {0};
	struct reader r = {.at = text, .end = text + len, .vips = &found};
	int result = read_all(&r);

	for (uint32_t i = 0; result == 0 && i < found.n; i++)
		TRY(vip_set_add(vips, &found.at[i]));
	return result;
}

/* --- files -------------------------------------------------------------------------------------
 */

int bird_file_make_dir(const char *dir)
{
	char path[BIRD_FILE_PATH_BYTES];
	size_t len = strlen(dir);

	if (len >= sizeof(path))
		return -ENAMETOOLONG;
	memcpy(path, dir, len + 1);
	for (size_t i = 1; i <= len; i++) {
		if (path[i] != '/' && path[i] != 0)
			continue;
		path[i] = 0;
		if (mkdir(path, DIR_MODE) < 0 && errno != EEXIST)
			return -errno;
		path[i] = i < len ? '/' : 0;
	}
	return 0;
}

static int write_all(int fd, const struct buf *text)
{
	size_t at = 0, len = buf_len(text);

	while (at < len) {
		ssize_t n = write(fd, buf_head(text) + at, len - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		at += (size_t)n;
	}
	return 0;
}

static void mark_of(const struct stat *st, struct bird_file_mark *ret)
{
	*ret = (struct bird_file_mark){
		.is_set = true, .ino = st->st_ino, .size = st->st_size, .mtime = st->st_mtim};
}

/* Everything that can fail, fails before the rename. */
static int fill(int fd, const struct buf *text, bool durable, struct bird_file_mark *ret_mark)
{
	struct stat st;
	int r = write_all(fd, text);

	if (r < 0)
		return r;
	/* BIRD reads it as its own user, whatever our umask is */
	if (fchmod(fd, FILE_MODE) < 0 || (durable && fsync(fd) < 0) || fstat(fd, &st) < 0)
		return -errno;
	mark_of(&st, ret_mark);
	return 0;
}

static int write_temporary(const char *path, const struct buf *text, bool durable,
			   struct bird_file_mark *ret_mark)
{
	int fd, r;

	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
	if (fd < 0)
		return -errno;
	r = fill(fd, text, durable, ret_mark);
	if (close(fd) < 0 && r == 0)
		r = -errno;
	return r;
}

void bird_file_path(const char *dir, const char *group, char out[BIRD_FILE_PATH_BYTES])
{
	snprintf(out, BIRD_FILE_PATH_BYTES, "%s/%s" SUFFIX, dir, group);
}

void bird_file_dir(const char *path, char out[BIRD_FILE_PATH_BYTES])
{
	const char *slash = strrchr(path, '/');

	ASSERT(slash);
	snprintf(out, BIRD_FILE_PATH_BYTES, "%.*s", (int)MAX(slash - path, 1), path);
}

int bird_file_write(const char *path, const struct buf *text, bool durable,
		    struct bird_file_mark *ret_mark)
{
	char dir[BIRD_FILE_PATH_BYTES], temporary[BIRD_FILE_PATH_BYTES + 8];
	struct bird_file_mark mark;
	int r;

	bird_file_dir(path, dir);
	snprintf(temporary, sizeof(temporary), "%s/.%s.tmp", dir, strrchr(path, '/') + 1);
	r = bird_file_make_dir(dir);
	if (r == 0)
		r = write_temporary(temporary, text, durable, &mark);
	if (r == 0 && rename(temporary, path) < 0)
		r = -errno;
	if (r < 0) {
		unlink(temporary);
		return r;
	}
	*ret_mark = mark;
	return 0;
}

void bird_file_sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		LOG(LOG_ERROR, "announce", "dir_not_synced", LF_STR("dir", dir),
		    LF_STR("error", strerrorname_np(errno)));
	if (fd >= 0)
		close(fd);
}

bool bird_file_is_untouched(const char *path, const struct bird_file_mark *mark)
{
	struct stat st;

	if (!mark->is_set || lstat(path, &st) < 0)
		return false;
	return S_ISREG(st.st_mode) && st.st_ino == mark->ino && st.st_size == mark->size &&
	       st.st_mtim.tv_sec == mark->mtime.tv_sec && st.st_mtim.tv_nsec == mark->mtime.tv_nsec;
}

/* --- the directory -----------------------------------------------------------------------------
 */

/* Reads a whole file into *ret. A file that is too big to be ours is cut, and so not ours. */
static int read_file(int dir_fd, const char *name, struct buf *ret)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t n = 1;

	if (fd < 0)
		return -errno;
	buf_consume(ret, buf_len(ret));
	while (n > 0) {
		unsigned char *room = buf_reserve(ret, 4096);

		if (!room)
			break;
		n = read(fd, room, 4096);
		if (n > 0)
			buf_fill(ret, (size_t)n);
	}
	close(fd);
	return n < 0 ? -EIO : 0;
}

int bird_file_read(const char *path, struct buf *ret)
{
	return read_file(AT_FDCWD, path, ret);
}

static bool ends_with(const char *name, const char *suffix)
{
	size_t len = strlen(name), tail = strlen(suffix);

	return len > tail && strcmp(name + len - tail, suffix) == 0;
}

static bool should_go(int dir_fd, const char *name, struct buf *text, bird_file_fn fn, void *ctx)
{
	char group[NAME_MAX + 1];

	if (name[0] == '.')
		return ends_with(name, SUFFIX ".tmp");
	if (!ends_with(name, SUFFIX) || read_file(dir_fd, name, text) < 0 ||
	    !bird_file_is_ours((const char *)buf_head(text), buf_len(text)))
		return false;
	snprintf(group, sizeof(group), "%.*s", (int)(strlen(name) - strlen(SUFFIX)), name);
	return fn(ctx, group, (const char *)buf_head(text), buf_len(text));
}

uint32_t bird_file_each(const char *dir, bird_file_fn fn, void *ctx)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(BIRD_FILE_MAX_BYTES);
	DIR *d = opendir(dir);
	struct dirent *e;
	uint32_t n_removed = 0;

	if (!d)
		return 0;
	/* the stream is ours alone: NOLINTNEXTLINE(concurrency-mt-unsafe) */
	while ((e = readdir(d))) {
		if (should_go(dirfd(d), e->d_name, &text, fn, ctx) &&
		    unlinkat(dirfd(d), e->d_name, 0) == 0)
			n_removed++;
	}
	closedir(d);
	return n_removed;
}
