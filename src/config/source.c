#include "config/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

enum { TOTAL_MAX = 1 << 30, READ_STEP = 64 << 10 };

struct source {
	struct source_file **files; /* ascending base */
	size_t n, room;
	size_t total; /* next base: each file takes its length and one place for its end */
};

struct source *source_new(void)
{
	return calloc(1, sizeof(struct source));
}

static void file_free(struct source_file *f)
{
	free((char *)(uintptr_t)f->text);
	free((char *)(uintptr_t)f->path);
	free(f);
}

void source_free(struct source *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n; i++)
		file_free(s->files[i]);
	free(s->files);
	free(s);
}

static int make_room(struct source *s)
{
	size_t room = s->room ? s->room * 2 : 8;
	struct source_file **files;

	if (s->n < s->room)
		return 0;
	files = reallocarray(s->files, room, sizeof(void *));
	if (!files)
		return err_origin(-ENOMEM);
	s->files = files;
	s->room = room;
	return 0;
}

/* Takes text over, also when it fails. */
static int add(struct source *s, const char *path, char *text, size_t len,
	       const struct source_file **ret_file)
{
	struct source_file *f = calloc(1, sizeof(*f));
	char *path_copy = strdup(path);
	int r = make_room(s);

	if (r == 0 && len >= TOTAL_MAX - s->total)
		r = err_origin(-EFBIG);
	if (!f || !path_copy || r < 0) {
		free(text);
		free(path_copy);
		free(f);
		return r < 0 ? err_trace(r) : err_origin(-ENOMEM);
	}
	f->path = path_copy;
	f->text = text;
	f->len = len;
	f->base = (source_pos)s->total;
	s->total += len + 1;
	s->files[s->n++] = f;
	*ret_file = f;
	return 0;
}

/* Reads to the end, whatever the size was said to be: the file may grow meanwhile. */
static int read_all(int fd, size_t expected, size_t max, char **ret_text, size_t *ret_len)
{
	size_t len = 0, room = expected + 2;
	char *text = malloc(room), *larger;
	ssize_t n = 1;

	if (!text)
		return err_origin(-ENOMEM);
	while (n > 0 && len <= max) {
		if (room - len < 2) {
			room += room / 2 + READ_STEP;
			larger = realloc(text, room);
			if (!larger)
				break;
			text = larger;
		}
		n = read(fd, text + len, room - len - 1);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			len += (size_t)n;
	}
	if (n == 0 && len <= max) {
		text[len] = 0;
		*ret_text = text;
		*ret_len = len;
		return 0;
	}
	free(text);
	return err_origin(n < 0 ? -errno : len > max ? -EFBIG : -ENOMEM);
}

static int read_regular(const struct source *s, int fd, char **ret_text, size_t *ret_len)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_origin(-errno);
	if (S_ISDIR(st.st_mode))
		return err_origin(-EISDIR);
	if (!S_ISREG(st.st_mode))
		return err_origin(-ENOTSUP);
	if (st.st_size >= (off_t)(TOTAL_MAX - s->total))
		return err_origin(-EFBIG);
	return err_trace(read_all(fd, (size_t)st.st_size, TOTAL_MAX - s->total, ret_text, ret_len));
}

int source_add_file(struct source *s, const char *path, const struct source_file **ret_file)
{
	/* O_NONBLOCK: a pipe under a file's name must not hold a reload for ever */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), r;
	char *text = NULL;
	size_t len = 0;

	if (fd < 0)
		return err_origin(-errno);
	r = read_regular(s, fd, &text, &len);
	close(fd);
	if (r < 0)
		return err_trace(r);
	return err_trace(add(s, path, text, len, ret_file));
}

int source_add_text(struct source *s, const char *path, const char *text, size_t len,
		    const struct source_file **ret_file)
{
	char *copy = len < TOTAL_MAX ? malloc(len + 1) : NULL;

	if (!copy)
		return err_origin(len < TOTAL_MAX ? -ENOMEM : -EFBIG);
	if (len)
		memcpy(copy, text, len);
	copy[len] = 0;
	return err_trace(add(s, path, copy, len, ret_file));
}

static const struct source_file *file_of(const struct source *s, source_pos pos)
{
	size_t low = 0, high = s->n;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (s->files[middle]->base <= pos)
			low = middle;
		else
			high = middle;
	}
	return s->files[low];
}

bool source_locate(const struct source *s, source_pos pos, struct source_place *ret)
{
	const struct source_file *f;
	const char *at, *line, *end, *newline;
	uint32_t number = 1;

	if (pos >= s->total)
		return false;
	f = file_of(s, pos);
	at = f->text + (pos - f->base);
	end = f->text + f->len;
	for (line = f->text; (newline = memchr(line, '\n', (size_t)(at - line))); number++)
		line = newline + 1;
	newline = memchr(at, '\n', (size_t)(end - at));
	if (newline)
		end = newline;
	if (end > line && end[-1] == '\r')
		end--;
	*ret = (struct source_place){f->path, number, (uint32_t)(at - line) + 1, line,
				     (size_t)(end - line)};
	return true;
}
