#include "ctl/ctl_http.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "unit/ctl/ctl_test.h"

static char dir[32], path[64], got[2048];
static const char *answer;
static int listener;

/* The head and as much body as it announces; a client may send them apart. */
static bool is_whole(const char *request)
{
	const char *end = strstr(request, "\r\n\r\n"),
		   *length = strstr(request, "Content-Length: ");

	if (!end)
		return false;
	return !length || strlen(end + 4) >= strtoul(length + 16, NULL, 10);
}

/* A daemon that takes one request and says whatever the test wants. */
static void *serve(void *arg)
{
	int fd = accept(listener, NULL, NULL);
	ssize_t n;
	size_t at = 0;

	memset(got, 0, sizeof(got));
	while (!is_whole(got) && (n = recv(fd, got + at, sizeof(got) - 1 - at, 0)) > 0)
		at += (size_t)n;
	n = send(fd, answer, strlen(answer), MSG_NOSIGNAL);
	close(fd);
	return arg;
}

static void setup(void)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	char name[] = "/tmp/alived-ctl-XXXXXX";

	cr_redirect_stderr();
	cr_assert_not_null(mkdtemp(name));
	snprintf(dir, sizeof(dir), "%s", name);
	snprintf(path, sizeof(path), "%s/sock", name);
	memcpy(sa.sun_path, path, sizeof(path));
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	cr_assert_eq(bind(listener, (struct sockaddr *)&sa, sizeof(sa)), 0);
	cr_assert_eq(listen(listener, 4), 0);
}

static void teardown(void)
{
	close(listener);
	unlink(path);
	rmdir(dir);
}

TestSuite(ctl_http, .init = setup, .fini = teardown);

static enum ctl_exit call(const char *bytes, const char *body, struct ctl_http_answer *ret)
{
	pthread_t thread;
	enum ctl_exit e;

	answer = bytes;
	cr_assert_eq(pthread_create(&thread, NULL, serve, NULL), 0);
	e = ctl_http_call(path, "/v1/x", body, ret);
	pthread_join(thread, NULL);
	return e;
}

static void reads(const char *bytes, unsigned status, const char *body)
{
	struct ctl_http_answer a = {0};

	cr_assert_eq(call(bytes, NULL, &a), CTL_EXIT_OK, "%s", bytes);
	cr_assert_eq(a.status, status);
	cr_assert_str_eq(a.body, body);
	cr_assert_eq(a.len, strlen(body));
	ctl_http_answer_deinit(&a);
}

Test(ctl_http, every_framing_is_read)
{
	reads("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, "{}");
	reads("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
	      200, "abc");
	reads("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", 503, "");
	reads("HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, "until the end");
}

Test(ctl_http, broken_answers_are_no_answers)
{
	static const char *const inputs[] = {
		"",
		"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab",
		"nonsense\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
	};
	struct ctl_http_answer a = {0};

	for (size_t i = 0; i < ARRAY_LEN(inputs); i++)
		cr_assert_eq(call(inputs[i], NULL, &a), CTL_EXIT_NO_DAEMON, "%s", inputs[i]);
	cr_assert_null(a.body);
}

Test(ctl_http, requests_are_well_formed)
{
	struct ctl_http_answer a = {0};

	cr_assert_eq(call("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "{\"a\":1}", &a),
		     CTL_EXIT_OK);
	ctl_http_answer_deinit(&a);
	cr_assert_not_null(strstr(got, "POST /v1/x HTTP/1.1\r\nHost: localhost\r\n"));
	cr_assert_not_null(strstr(got, "Content-Length: 7\r\n"));
	cr_assert_eq(call("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", NULL, &a), CTL_EXIT_OK);
	ctl_http_answer_deinit(&a);
	cr_assert_eq(strncmp(got, "GET /v1/x HTTP/1.1\r\n", 20), 0);
}

Test(ctl_http, refusals_are_printed_with_their_places)
{
	struct ctl_opts o = {.sock = path};
	struct ctl_http_answer a = {0};
	pthread_t thread;

	answer = "HTTP/1.0 500 X\r\n\r\n{\"code\":13,\"message\":\"2 errors\",\"details\":["
		 "{\"severity\":\"error\",\"file\":\"s.conf\",\"line\":3,\"column\":5,"
		 "\"message\":\"unknown keyword\",\"hint\":\"did you mean\",\"notes\":[]},"
		 "{\"severity\":\"warning\",\"file\":null,\"message\":\"about nothing\"}, 5]}";
	cr_assert_eq(pthread_create(&thread, NULL, serve, NULL), 0);
	cr_assert_eq(ctl_http_post(&o, "/v1/reload", "{}", &a), CTL_EXIT_REFUSED);
	pthread_join(thread, NULL);
	ctl_http_answer_deinit(&a);
	fflush(stderr);
	cr_assert_stderr_eq_str("alivectl: 2 errors\n"
				"s.conf:3:5: error: unknown keyword\nhint: did you mean\n"
				"warning: about nothing\n");
}

Test(ctl_http, names_are_escaped)
{
	char out[64];

	ctl_http_escape("udp/[2001:db8::1]:53", out, sizeof(out));
	cr_assert_str_eq(out, "udp%2F%5B2001:db8::1%5D:53");
	ctl_http_escape("a b&c=%\xff\r\n", out, sizeof(out));
	cr_assert_str_eq(out, "a%20b%26c%3D%25%FF%0D%0A");
	ctl_http_escape("", out, sizeof(out));
	cr_assert_str_empty(out);
}
