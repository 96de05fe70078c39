#include <criterion/criterion.h>

#include "api/httpd.h"

#include "unit/api/api_rig.h"

static struct api_rig rig;

static void setup(void)
{
	api_rig_prepare(&rig);
}

static void teardown(void)
{
	api_rig_stop(&rig);
}

TestSuite(httpd, .init = setup, .fini = teardown);

static void serves(void)
{
	rig_expect(rig_get(&rig, API_HTTP, "/healthz"), 200, "ok\n");
}

Test(httpd, announced_body_over_64_kib_is_413)
{
	cr_assert_eq(api_start(rig.api), 0);
	rig_expect(rig_exchange(
			   rig_connect_tcp(&rig, API_HTTP),
			   "POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n"),
		   413, NULL);
	serves();
}

Test(httpd, endless_chunked_body_ends_the_connection)
{
	char chunk[4096 + 8];
	ssize_t n = 1;
	int fd;

	cr_assert_eq(api_start(rig.api), 0);
	fd = rig_connect_tcp(&rig, API_HTTP);
	rig_send(fd, "POST /v1/reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
	memset(chunk, 'x', sizeof(chunk));
	memcpy(chunk, "1000\r\n", 6);
	memcpy(chunk + 4096 + 6, "\r\n", 2);
	for (int i = 0; i < 4096 && n > 0; i++)
		n = send(fd, chunk, sizeof(chunk), MSG_NOSIGNAL);
	cr_assert_leq(n, 0, "16 MiB were taken");
	close(fd);
	cr_assert_geq(counter_get(&rig.counters, CTR_API_REFUSED), 1);
	serves();
}

Test(httpd, header_larger_than_the_connections_memory_is_refused)
{
	static char header[40 * 1024];
	char *text;
	int fd;

	cr_assert_eq(api_start(rig.api), 0);
	fd = rig_connect_tcp(&rig, API_HTTP);
	rig_send(fd, "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: ");
	memset(header, 'a', sizeof(header) - 1);
	send(fd, header, sizeof(header) - 1, MSG_NOSIGNAL);
	text = rig_read_all(fd);
	cr_assert(!*text || rig_status(text) >= 400, "%s", text);
	free(text);
	close(fd);
	serves();
}

Test(httpd, request_that_never_ends_is_cut)
{
	char *text;
	int fd;

	api_set_deadlines(rig.api, 200 * CLK_MS, 10 * CLK_S);
	cr_assert_eq(api_start(rig.api), 0);
	fd = rig_connect_tcp(&rig, API_HTTP);
	rig_send(fd, "GET /healthz HTTP/1.1\r\nHost: x\r\n");
	text = rig_read_all(fd);
	cr_assert_str_empty(text);
	free(text);
	close(fd);
	cr_assert_eq(counter_get(&rig.counters, CTR_API_REFUSED), 1);
	serves();
}

Test(httpd, idle_connection_is_closed_without_being_counted)
{
	char *text;
	int fd;

	api_set_deadlines(rig.api, 200 * CLK_MS, 10 * CLK_S);
	cr_assert_eq(api_start(rig.api), 0);
	fd = rig_connect_tcp(&rig, API_HTTP);
	rig_send(fd, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
	text = rig_read_all(fd);
	cr_assert_not_null(strstr(text, "ok\n"));
	free(text);
	close(fd);
	cr_assert_eq(counter_get(&rig.counters, CTR_API_REFUSED), 0);
}

Test(httpd, dribbled_request_is_cut)
{
	ssize_t n = 1;
	int fd, i;

	api_set_deadlines(rig.api, 200 * CLK_MS, 10 * CLK_S);
	cr_assert_eq(api_start(rig.api), 0);
	fd = rig_connect_unix(&rig);
	for (i = 0; i < 1000 && n == 1; i++) {
		n = send(fd, "G", 1, MSG_NOSIGNAL);
		usleep(5000);
	}
	cr_assert_lt(i, 1000, "took one letter per 5 ms for 5 s");
	close(fd);
}

Test(httpd, connection_is_kept_between_requests_and_cut_when_idle)
{
	char *text;
	int fd;

	api_set_deadlines(rig.api, 200 * CLK_MS, 10 * CLK_S);
	cr_assert_eq(api_start(rig.api), 0);
	fd = rig_connect_tcp(&rig, API_HTTP);
	rig_send(
		fd,
		"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n");
	text = rig_read_all(fd);
	cr_assert_not_null(strstr(text, "ok\n"));
	cr_assert_not_null(strstr(text, "HTTP/1.1 404"));
	free(text);
	close(fd);
}

Test(httpd, connections_beyond_the_limit_wait_for_room)
{
	int fds[HTTPD_CONNECTIONS + 8];
	struct pollfd p = {.events = POLLIN};

	cr_assert_eq(api_start(rig.api), 0);
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fds[i] = rig_connect_tcp(&rig, API_HTTP);
	p.fd = fds[HTTPD_CONNECTIONS + 4];
	rig_send(p.fd, "GET /healthz HTTP/1.0\r\n\r\n");
	cr_assert_eq(poll(&p, 1, 100), 0);
	/* the operator's door is another one */
	rig_expect(rig_get(&rig, API_UNIX, "/healthz"), 200, "ok\n");
	for (size_t i = 0; i < HTTPD_CONNECTIONS; i++)
		close(fds[i]);
	rig_expect(rig_read_all(p.fd), 200, "ok\n");
	for (size_t i = HTTPD_CONNECTIONS; i < ARRAY_LEN(fds); i++)
		close(fds[i]);
}

Test(httpd, garbage_is_refused)
{
	static const char *const inputs[] = {
		"\r\n\r\n\r\n", "GET\r\n\r\n", "\x16\x03\x01\x02\x00\x01\xff",
		"GET /healthz HTTP/9.9\r\n\r\n",
		"POST /v1/reload HTTP/1.1\r\nContent-Length: -1\r\n\r\n"};

	api_set_deadlines(rig.api, 100 * CLK_MS, 10 * CLK_S);
	cr_assert_eq(api_start(rig.api), 0);
	for (size_t i = 0; i < ARRAY_LEN(inputs); i++) {
		char *text = rig_exchange(rig_connect_tcp(&rig, API_HTTP), inputs[i]);

		cr_assert(!*text || rig_status(text) != 200, "%s", text);
		free(text);
	}
	serves();
}
