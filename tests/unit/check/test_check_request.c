#include "check/check_request.h"

#include <errno.h>

#include <criterion/criterion.h>

#include "base/str.h"
#include "config/extras.h"

static struct addr addr_of(const char *text)
{
	struct addr a;

	cr_assert_eq(addr_parse(text, strlen(text), &a), ADDR_OK);
	return a;
}

/* What a check without extras has. */
#define PLAIN .method = "", .headers = ""

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
	expect_bytes(&(struct check_request){PLAIN, .path = path, .virtualhost = "h", .port = 80},
		     bytes);
}

Test(check_request, plain_check_is_the_references_bytes)
{
	expect_bytes(&(struct check_request){PLAIN, .path = "/ping?a=b",
					     .virtualhost = "www.example.com",
					     .ip = addr_of("192.0.2.1"), .port = 80, .weight = 10,
					     .was_up = true},
		     "GET /ping?a=b HTTP/1.1\r\n"
		     "Host: www.example.com\r\n"
		     "User-Agent: monalive\r\n"
		     "Connection: close\r\n"
		     "\r\n");
}

Test(check_request, dynamic_weight_tells_state_and_weight)
{
	struct check_request r = {PLAIN, .path = "/w", .virtualhost = "h", .has_weight = true};

	expect_bytes(&r, "GET /w HTTP/1.1\r\nHost: h\r\nUser-Agent: monalive\r\n"
			 "Connection: close\r\nX-Rs-Alive: 0\r\nX-Rs-Weight: 0\r\n\r\n");
	r.was_up = true;
	r.weight = UINT16_MAX;
	expect_bytes(&r, "GET /w HTTP/1.1\r\nHost: h\r\nUser-Agent: monalive\r\n"
			 "Connection: close\r\nX-Rs-Alive: 1\r\nX-Rs-Weight: 65535\r\n\r\n");
}

Test(check_request, host_without_virtualhost_shows_the_port_always)
{
	struct check_request r = {PLAIN, .path = "/", .virtualhost = "", .ip = addr_of("192.0.2.1"),
				  .port = 80};

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

	cr_assert_eq(check_request_append(
			     &(struct check_request){PLAIN, .path = path, .virtualhost = ""}, &out),
		     0);
	cr_assert(!memcmp(buf_head(&out) + 4, target, strlen(target)));
	buf_deinit(&out);
}

Test(check_request, full_buffer_is_an_error_and_stays_as_it_was)
{
	struct buf out = BUF_INIT(64);

	cr_assert_eq(buf_append(&out, "x", 1), 0);
	cr_assert_eq(check_request_append(
			     &(struct check_request){PLAIN, .path = "/", .virtualhost = ""}, &out),
		     -ENOBUFS);
	cr_assert_eq(buf_len(&out), 1);
	buf_deinit(&out);
}

/* --- extras --- */

Test(check_request, method_and_headers_are_sent_as_written)
{
	struct check_request r = {.method = "OPTIONS",
				  .headers = "X-a: 1\r\nx-B:  two words \r\nX-a: 3\r\n",
				  .path = "/",
				  .virtualhost = "h"};

	expect_bytes(&r, "OPTIONS / HTTP/1.1\r\nHost: h\r\nUser-Agent: monalive\r\n"
			 "Connection: close\r\nX-a: 1\r\nx-B:  two words \r\nX-a: 3\r\n\r\n");
}

Test(check_request, a_configured_user_agent_replaces_ours)
{
	struct check_request r = {.method = "HEAD",
				  .headers = "X: y\r\nuSER-aGENT: me\r\n",
				  .path = "/",
				  .virtualhost = "h"};

	expect_bytes(&r, "HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
			 "X: y\r\nuSER-aGENT: me\r\n\r\n");
	r.headers = "User-Agents: no\r\nUser: x\r\n";
	expect_bytes(&r, "HEAD / HTTP/1.1\r\nHost: h\r\nUser-Agent: monalive\r\n"
			 "Connection: close\r\nUser-Agents: no\r\nUser: x\r\n\r\n");
}

Test(check_request, methods_with_content_say_that_there_is_none)
{
	static const char *const methods[] = {"POST", "PUT", "PATCH"};
	char bytes[256];

	for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
		struct check_request r = {
			.method = methods[i], .headers = "", .path = "/", .virtualhost = "h"};

		snprintf(bytes, sizeof(bytes),
			 "%s / HTTP/1.1\r\nHost: h\r\nUser-Agent: monalive\r\n"
			 "Connection: close\r\nContent-Length: 0\r\n\r\n",
			 methods[i]);
		expect_bytes(&r, bytes);
	}
}

/* "name=value " of each field, in order. */
static void expect_fields(const struct check_request *r, const char *text)
{
	struct buf scratch = BUF_INIT(1 << 16);
	static struct check_fields f;
	char seen[1024];
	struct str s = STR_OVER(seen, sizeof(seen));

	f.text = &scratch;
	cr_assert_eq(check_request_fields(r, &f), 0);
	for (size_t i = 0; i < f.n; i++) {
		str_putn(&s, f.at[i].name, f.at[i].name_len);
		str_putc(&s, '=');
		str_putn(&s, f.at[i].value, f.at[i].value_len);
		str_putc(&s, ' ');
	}
	cr_expect_str_eq(seen, text);
	buf_deinit(&scratch);
}

Test(check_request, http2_has_pseudo_fields_and_lower_case_names)
{
	struct check_request r = {PLAIN,       .path = "p q?a#f",  .virtualhost = "h",
				  .weight = 7, .has_weight = true, .was_up = true};

	expect_fields(&r, ":method=GET :scheme=http :path=/p%20q?a :authority=h "
			  "user-agent=monalive x-rs-alive=1 x-rs-weight=7 ");
	r.has_weight = false;
	r.is_tls = true;
	r.virtualhost = "";
	r.ip = addr_of("2001:db8::1");
	r.port = 443;
	r.method = "POST";
	r.headers = "X-Aa: V w\r\n";
	expect_fields(&r, ":method=POST :scheme=https :path=/p%20q?a "
			  ":authority=[2001:db8::1]:443 user-agent=monalive content-length=0 "
			  "x-aa=V w ");
}

Test(check_request, http2_knows_the_configured_user_agent)
{
	struct check_request r = {.method = "",
				  .headers = "User-Agent: me\r\nX:\r\n",
				  .path = "/",
				  .virtualhost = "h"};

	expect_fields(&r, ":method=GET :scheme=http :path=/ :authority=h user-agent=me x= ");
}

Test(check_request, as_many_headers_as_may_be_configured_have_room)
{
	static char headers[EXTRAS_MAX_HEADERS * 6 + 1];
	struct check_request r = {
		.method = "POST", .headers = headers, .path = "/", .virtualhost = "h"};
	struct buf scratch = BUF_INIT(1 << 16);
	static struct check_fields f;

	for (size_t i = 0; i < EXTRAS_MAX_HEADERS; i++)
		memcpy(headers + i * 6, "x: y\r\n", 6);
	f.text = &scratch;
	r.has_weight = true;
	cr_expect_eq(check_request_fields(&r, &f), 0);
	cr_expect_eq(f.n, EXTRAS_MAX_HEADERS + 8);
	scratch.max_bytes = 10;
	cr_expect_eq(check_request_fields(&r, &f), -ENOBUFS);
	buf_deinit(&scratch);
}
