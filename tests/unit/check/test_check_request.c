#include "check/check_request.h"

#include <errno.h>

#include <criterion/criterion.h>

static struct addr addr_of(const char *text)
{
	struct addr a;

	cr_assert_eq(addr_parse(text, strlen(text), &a), ADDR_OK);
	return a;
}

static void expect_bytes(const struct check_request *r, const char *bytes)
{
	struct buf out = BUF_INIT(1 << 16);

	cr_assert_eq(check_request_append(r, &out), 0);
	cr_expect_eq(buf_len(&out), strlen(bytes));
	cr_expect(!memcmp(buf_head(&out), bytes, MIN(buf_len(&out), strlen(bytes))), "%.*s",
		  (int)buf_len(&out), (const char *)buf_head(&out));
	buf_deinit(&out);
}

static void expect_target(const char *path, const char *target)
{
	char bytes[512];

	snprintf(bytes, sizeof(bytes),
		 "GET %s HTTP/1.1\r\nHost: h\r\nUser-Agent: monalive\r\nConnection: close\r\n\r\n",
		 target);
	expect_bytes(&(struct check_request){.path = path, .virtualhost = "h", .port = 80}, bytes);
}

Test(check_request, plain_check_is_the_references_bytes)
{
	expect_bytes(&(struct check_request){.path = "/ping?a=b",
					     .virtualhost = "www.example.com",
					     .ip = addr_of("192.0.2.1"),
					     .port = 80,
					     .weight = 10,
					     .was_up = true},
		     "GET /ping?a=b HTTP/1.1\r\n"
		     "Host: www.example.com\r\n"
		     "User-Agent: monalive\r\n"
		     "Connection: close\r\n"
		     "\r\n");
}

Test(check_request, dynamic_weight_tells_state_and_weight)
{
	struct check_request r = {.path = "/w", .virtualhost = "h", .has_weight = true};

	expect_bytes(&r, "GET /w HTTP/1.1\r\nHost: h\r\nUser-Agent: monalive\r\n"
			 "Connection: close\r\nX-Rs-Alive: 0\r\nX-Rs-Weight: 0\r\n\r\n");
	r.was_up = true;
	r.weight = UINT16_MAX;
	expect_bytes(&r, "GET /w HTTP/1.1\r\nHost: h\r\nUser-Agent: monalive\r\n"
			 "Connection: close\r\nX-Rs-Alive: 1\r\nX-Rs-Weight: 65535\r\n\r\n");
}

Test(check_request, host_without_virtualhost_shows_the_port_always)
{
	struct check_request r = {
		.path = "/", .virtualhost = "", .ip = addr_of("192.0.2.1"), .port = 80};

	expect_bytes(&r, "GET / HTTP/1.1\r\nHost: 192.0.2.1:80\r\nUser-Agent: monalive\r\n"
			 "Connection: close\r\n\r\n");
	r.ip = addr_of("2001:db8::1");
	r.port = 443;
	expect_bytes(&r, "GET / HTTP/1.1\r\nHost: [2001:db8::1]:443\r\nUser-Agent: monalive\r\n"
			 "Connection: close\r\n\r\n");
}

Test(check_request, path_begins_with_a_slash)
{
	expect_target("", "/");
	expect_target("?a=1", "/?a=1");
	expect_target("/", "/");
	expect_target("ping", "/ping");
}

Test(check_request, path_cannot_break_the_line)
{
	expect_target("/a b", "/a%20b");
	expect_target("/a\r\nX: y", "/a%0D%0AX:%20y");
	expect_target("/?q=a b\x7f", "/?q=a%20b%7F");
	expect_target("/\xc3\xa4?\xc3\xa4{}", "/%C3%A4?\xc3\xa4{}");
	expect_target("/{a}|\\^`<>\"", "/%7Ba%7D%7C%5C%5E%60%3C%3E%22");
	expect_target("/a%20b;c=d,e:f@g!$&'()*+[]~", "/a%20b;c=d,e:f@g!$&'()*+[]~");
	expect_target("/a#frag?b", "/a");
}

Test(check_request, longest_encoding_fits)
{
	static char path[3001], target[9002];

	memset(path, ' ', 3000);
	path[0] = '/';
	target[0] = '/';
	for (size_t i = 1; i < 3000; i++)
		memcpy(target + 1 + 3 * (i - 1), "%20", 3);
	struct buf out = BUF_INIT(1 << 16);

	cr_assert_eq(check_request_append(&(struct check_request){.path = path, .virtualhost = ""},
					  &out),
		     0);
	cr_assert(!memcmp(buf_head(&out) + 4, target, strlen(target)));
	buf_deinit(&out);
}

Test(check_request, full_buffer_is_an_error_and_stays_as_it_was)
{
	struct buf out = BUF_INIT(64);

	cr_assert_eq(buf_append(&out, "x", 1), 0);
	cr_assert_eq(
		check_request_append(&(struct check_request){.path = "/", .virtualhost = ""}, &out),
		-ENOBUFS);
	cr_assert_eq(buf_len(&out), 1);
	buf_deinit(&out);
}
