#include "ctl/ctl_http.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "net/h1_parse.h"

enum { HEAD_BYTES = 16 * 1024, READ_BYTES = 64 * 1024, REQUEST_BYTES = 1024 };

void ctl_http_answer_deinit(struct ctl_http_answer *a)
{
	free(a->body);
	*a = (struct ctl_http_answer){0};
}

static void fd_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static int open_socket(const char *sock)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct timeval limit = {.tv_sec = CTL_HTTP_TIMEOUT_S};
	size_t len = strlen(sock);
	int fd;

	if (len >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	memcpy(sa.sun_path, sock, len + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

static int send_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

static int send_request(int fd, const char *path, const char *body)
{
	char text[REQUEST_BYTES];
	struct str s = STR_OVER(text, sizeof(text));
	int r;

	str_putf(&s, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n",
		 body ? "POST" : "GET", path);
	if (body)
		str_putf(&s, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
			 strlen(body));
	str_puts(&s, "\r\n");
	if (s.is_cut)
		return -ENAMETOOLONG;
	r = send_all(fd, text, s.len);
	return r == 0 && body ? send_all(fd, body, strlen(body)) : r;
}

/* Feeds some bytes to the parser. Returns 1 at the end of the answer, 0 for more, or a negative
 * errno. */
static int feed(struct h1_parse *p, struct h1_parse_slice in, struct buf *body)
{
	struct h1_parse_slice piece;

	for (;;) {
		switch (h1_parse_step(p, &in, &piece)) {
		case H1_PARSE_MORE:
			return 0;
		case H1_PARSE_HEAD:
			break;
		case H1_PARSE_BODY:
			if (buf_append(body, piece.at, piece.len) < 0)
				return -EMSGSIZE;
			break;
		case H1_PARSE_DONE:
			return 1;
		case H1_PARSE_BAD:
			return -EBADMSG;
		}
	}
}

static int receive(int fd, struct h1_parse *p, struct buf *body)
{
	static unsigned char mem[READ_BYTES];
	int r = 0;

	while (r == 0) {
		ssize_t n = recv(fd, mem, sizeof(mem), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? -ETIMEDOUT : -errno;
		if (n == 0)
			return h1_parse_ends_by_close(p) ? 0 : -ECONNRESET;
		r = feed(p, (struct h1_parse_slice){mem, (size_t)n}, body);
	}
	return r < 0 ? r : 0;
}

static int exchange(const char *sock, const char *path, const char *body,
		    struct ctl_http_answer *ret)
{
	_cleanup_(fd_closep) int fd = open_socket(sock);
	struct buf out = BUF_INIT(CTL_HTTP_MAX_BYTES);
	struct h1_parse p;
	int r;

	if (fd < 0)
		return fd;
	h1_parse_init(&p, HEAD_BYTES, CTL_HTTP_MAX_BYTES, NULL);
	r = send_request(fd, path, body);
	if (r == 0)
		r = receive(fd, &p, &out);
	if (r == 0 && buf_append(&out, "", 1) < 0)
		r = -ENOMEM;
	if (r < 0) {
		buf_deinit(&out);
		return r;
	}
	/* nothing was consumed, so the text begins where the memory does */
	*ret = (struct ctl_http_answer){
		.status = p.status, .body = (char *)out.mem, .len = buf_len(&out) - 1};
	return 0;
}

enum ctl_exit ctl_http_call(const char *sock, const char *path, const char *body,
			    struct ctl_http_answer *ret)
{
	int r = exchange(sock, path, body, ret);

	if (r == 0)
		return CTL_EXIT_OK;
	fprintf(stderr, "alivectl: %s: %s\n", sock, strerrordesc_np(-r));
	if (r == -ENOENT || r == -ECONNREFUSED)
		fputs("is alived running? -s SOCK names another socket\n", stderr);
	return r == -EACCES || r == -EPERM ? CTL_EXIT_REFUSED : CTL_EXIT_NO_DAEMON;
}

/* {severity, file, line, column, message}: what a refused reload is about. */
static void print_detail(const json_t *d)
{
	const char *file = json_string_value(json_object_get(d, "file"));
	const char *text = json_string_value(json_object_get(d, "message"));
	const char *severity = json_string_value(json_object_get(d, "severity"));
	const char *hint = json_string_value(json_object_get(d, "hint"));

	if (!text)
		return;
	if (file)
		fprintf(stderr, "%s:%lld:%lld: ", file,
			(long long)json_integer_value(json_object_get(d, "line")),
			(long long)json_integer_value(json_object_get(d, "column")));
	fprintf(stderr, "%s: %s\n", severity ? severity : "error", text);
	if (hint)
		fprintf(stderr, "hint: %s\n", hint);
}

static void print_refusal(const struct ctl_http_answer *a)
{
	json_t *j = json_loadb(a->body, a->len, 0, NULL), *details = json_object_get(j, "details");
	const char *message = json_string_value(json_object_get(j, "message"));

	fprintf(stderr, "alivectl: %s\n", message ? message : "refused");
	for (size_t i = 0; i < json_array_size(details); i++)
		print_detail(json_array_get(details, i));
	json_decref(j);
}

static enum ctl_exit call(const struct ctl_opts *o, const char *path, const char *body,
			  struct ctl_http_answer *ret)
{
	enum ctl_exit e = ctl_http_call(o->sock, path, body, ret);

	if (e != CTL_EXIT_OK || ret->status < 400)
		return e;
	if (o->is_json)
		puts(ret->body);
	else
		print_refusal(ret);
	return CTL_EXIT_REFUSED;
}

enum ctl_exit ctl_http_get(const struct ctl_opts *o, const char *path, struct ctl_http_answer *ret)
{
	return call(o, path, NULL, ret);
}

enum ctl_exit ctl_http_post(const struct ctl_opts *o, const char *path, const char *body,
			    struct ctl_http_answer *ret)
{
	return call(o, path, body, ret);
}

void ctl_http_escape(const char *text, char *out, size_t bytes)
{
	struct str s = STR_OVER(out, bytes);

	out[0] = 0;
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (isalnum(c) || strchr("-._~:", c))
			str_putc(&s, (char)c);
		else
			str_putf(&s, "%%%02X", c);
	}
}
