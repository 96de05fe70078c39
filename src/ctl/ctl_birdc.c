#include "ctl/ctl_birdc.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/str.h"

enum { CODE_DIGITS = 4, GREETING = 1 };

static int no_answer(FILE *stream)
{
	if (!ferror(stream))
		return -ECONNRESET;
	return errno == EAGAIN || errno == EWOULDBLOCK ? -ETIMEDOUT : -errno;
}

/* One line without its end; what is too long is cut. Returns 0 or a negative errno. */
static int read_line(FILE *stream, char line[CTL_BIRDC_LINE_BYTES])
{
	size_t len;
	int c;

	if (!fgets(line, CTL_BIRDC_LINE_BYTES, stream))
		return no_answer(stream);
	len = strlen(line);
	if (len && line[len - 1] == '\n') {
		line[len - 1] = 0;
		return 0;
	}
	do
		c = fgetc(stream);
	while (c != '\n' && c != EOF);
	return c == EOF ? no_answer(stream) : 0;
}

static bool read_code(const char *line, int *ret_code)
{
	uint64_t code;

	if (strnlen(line, CODE_DIGITS + 1) <= CODE_DIGITS ||
	    !str_to_u64(line, CODE_DIGITS, 9999, &code))
		return false;
	*ret_code = (int)code;
	return line[CODE_DIGITS] == ' ' || line[CODE_DIGITS] == '-';
}

int ctl_birdc_read(FILE *stream, char final[CTL_BIRDC_LINE_BYTES], ctl_birdc_fn fn, void *ctx)
{
	char line[CTL_BIRDC_LINE_BYTES];
	int r, code = 0;

	while ((r = read_line(stream, line)) == 0) {
		const char *text = line + 1;

		if (line[0] == '+') /* asynchronous: belongs to no answer */
			continue;
		if (line[0] != ' ' && !read_code(line, &code))
			return -EPROTO;
		if (line[0] != ' ')
			text = line + CODE_DIGITS + 1;
		if (line[0] != ' ' && line[CODE_DIGITS] == ' ') {
			snprintf(final, CTL_BIRDC_LINE_BYTES, "%s", text);
			return code;
		}
		if (fn)
			fn(ctx, text);
	}
	return r;
}

static int connect_to(int fd, const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	const struct timeval limit = {.tv_sec = CTL_BIRDC_TIMEOUT_S};

	if (strlen(path) >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	memcpy(to.sun_path, path, strlen(path));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0 ||
	    connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	return 0;
}

int ctl_birdc_open(struct ctl_birdc *b, const char *path)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r;

	*b = (struct ctl_birdc){0};
	if (fd < 0)
		return -errno;
	r = connect_to(fd, path);
	b->stream = r == 0 ? fdopen(fd, "r+") : NULL;
	if (!b->stream) {
		close(fd);
		return r < 0 ? r : -ENOMEM;
	}
	r = ctl_birdc_read(b->stream, b->final, NULL, NULL);
	if (r == GREETING)
		return 0;
	ctl_birdc_close(b);
	return r < 0 ? r : -EPROTO;
}

void ctl_birdc_close(struct ctl_birdc *b)
{
	if (b->stream)
		fclose(b->stream);
	b->stream = NULL;
}

int ctl_birdc_ask(struct ctl_birdc *b, const char *command, ctl_birdc_fn fn, void *ctx)
{
	if (dprintf(fileno(b->stream), "%s\n", command) < 0)
		return -errno;
	return ctl_birdc_read(b->stream, b->final, fn, ctx);
}
