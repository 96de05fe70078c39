#include "announce/bird_list_history.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "announce/bird_file.h"
#include "base/clk.h"
#include "base/log.h"
#include "base/str.h"

enum { NAME_BYTES_MAX = 40 };

/* A name of ours: digits, a dot, digits. Names are compared as times. */
static bool read_name(const char *name, uint64_t *ret_ns)
{
	const char *dot = strchr(name, '.');
	uint64_t s, part;

	if (!dot || strlen(dot + 1) != 9 || !str_to_u64(name, (size_t)(dot - name), 1u << 31, &s) ||
	    !str_to_u64(dot + 1, 9, CLK_S, &part))
		return false;
	*ret_ns = s * CLK_S + part;
	return true;
}

static int by_time(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Returns a malloc'd array of the times of all copies, oldest first; NULL if there are none. */
static uint64_t *list_copies(DIR *d, size_t *ret_n)
{
	uint64_t *times = NULL, ns;
	size_t n = 0, cap = 0;
	struct dirent *e;

	/* the stream is ours alone: NOLINTNEXTLINE(concurrency-mt-unsafe) */
	while ((e = readdir(d))) {
		if (!read_name(e->d_name, &ns))
			continue;
		if (n == cap) {
			uint64_t *more = realloc(times, (cap = cap ? 2 * cap : 256) * sizeof(ns));

			if (!more)
				break;
			times = more;
		}
		times[n++] = ns;
	}
	if (n)
		qsort(times, n, sizeof(*times), by_time);
	*ret_n = n;
	return times;
}

static void format_name(uint64_t ns, char out[NAME_BYTES_MAX])
{
	snprintf(out, NAME_BYTES_MAX, "%llu.%09llu", (unsigned long long)(ns / CLK_S),
		 (unsigned long long)(ns % CLK_S));
}

static void remove_oldest(int dir_fd, uint32_t n_max)
{
	char name[NAME_BYTES_MAX];
	int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	uint64_t *times;
	size_t n = 0;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return;
	}
	times = list_copies(d, &n);
	for (size_t i = 0; i + n_max < n; i++) {
		format_name(times[i], name);
		unlinkat(dir_fd, name, 0);
	}
	free(times);
	closedir(d);
}

/* Returns 0 or an errno. */
static int keep(const char *path, const char *dir, uint32_t n_max)
{
	char name[NAME_BYTES_MAX];
	int r = bird_file_make_dir(dir), fd, error = 0;

	if (r < 0)
		return -r;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	format_name(clk_wall_ns(), name);
	/* the file is replaced by a rename, so this name keeps its bytes */
	if (linkat(AT_FDCWD, path, fd, name, 0) < 0)
		error = errno;
	else
		remove_oldest(fd, n_max);
	close(fd);
	return error;
}

void bird_list_history_keep(const char *path, uint32_t n_max)
{
	char parent[BIRD_FILE_PATH_BYTES], dir[BIRD_FILE_PATH_BYTES + 16];
	int error;

	bird_file_dir(path, parent);
	snprintf(dir, sizeof(dir), "%s/history", parent);
	error = keep(path, dir, n_max);
	if (error && error != ENOENT) /* there was none */
		LOG(LOG_WARN, "announce", "bird_list_change_not_kept", LF_STR("dir", dir),
		    LF_STR("error", strerrorname_np(error)));
}
