#include "extras_fixture.h"

#define HTTP(text)                                                                               \
	"virtual_server 192.0.2.1 80 { real_server 198.51.100.1 80 { HTTP_GET {\n" text "\n} } " \
	"}\n"
#define URL(text) HTTP("url {\n" text "\n}")

/* --- status_code, drain_status --------------------------------------------------------------- */

/* As "first-last first-last ", in order. */
static void statuses_are(const char *written, const char *expected)
{
	char conf[256], got[128] = "";
	struct str s = STR_OVER(got, sizeof(got));
	const struct status_set *set;
	struct parsed p;

	snprintf(conf, sizeof(conf), HTTP("method HEAD\ndrain_status %s"), written);
	p = parse_clean(conf);
	set = &extras_of(&p)->drain_status;
	for (unsigned i = 0; i < set->n; i++)
		str_putf(&s, "%u-%u ", set->at[i].first, set->at[i].last);
	cr_assert_str_eq(got, expected, "%s: %s", written, got);
	parsed_free(&p);
}

Test(services_http, lists_of_statuses_are_sorted_and_merged)
{
	statuses_are("503", "503-503 ");
	statuses_are("200-299 301", "200-299 301-301 ");
	statuses_are("301 200-299", "200-299 301-301 ");
	statuses_are("200 201 202", "200-202 ");
	statuses_are("200-250 240-260 599", "200-260 599-599 ");
	statuses_are("300-310 305 100", "100-100 300-310 ");
	statuses_are("100 102 104 106 108 110 112 114",
		     "100-100 102-102 104-104 106-106 108-108 110-110 112-112 114-114 ");
}

Test(services_http, faulty_statuses_are_errors_at_their_word)
{
	gives_error(URL("status_code 200 99"), "s.conf:3:17: error: '99' is no status code");
	gives_error(URL("status_code 200-600"), "'200-600' is no status code: 100 to 599");
	gives_error(URL("status_code 299-200"), "'299-200' is an empty range");
	gives_error(URL("status_code 200-"), "'200-' is no whole number");
	gives_error(URL("status_code -200"), "'-200' is no whole number");
	gives_error(URL("status_code 2xx"), "'2xx' is no whole number");
	gives_error(URL("status_code 200,301"), "'200,301' is no whole number");
	gives_error(URL("status_code 0 200"), "'0' accepts any: it stands alone");
	gives_error(URL("status_code"), "'status_code' needs a value");
	gives_error(HTTP("drain_status 0"), "'0' is no status code");
	gives_error(URL("status_code 100 102 104 106 108 110 112 114 116"),
		    "s.conf:3:45: error: 'status_code' takes at most 8 codes and ranges");
	gives_error(URL("status_code 100 102 104 106 108 110 112 114 116 118 120"),
		    "'status_code' takes at most 8 codes and ranges");
}

/* --- method ---------------------------------------------------------------------------------- */

Test(services_http, methods_are_tokens)
{
	struct parsed p = parse_clean(HTTP("method PROPFIND"));

	cr_assert_str_eq(extras_of(&p)->method, "PROPFIND");
	parsed_free(&p);
	gives_error(HTTP("method \"GE T\""), "s.conf:2:9: error: 'GE T' is no HTTP method");
	gives_error(HTTP("method \"\""), "is no HTTP method");
	gives_error(HTTP("method A:B"), "is no HTTP method");
	gives_error(HTTP("method ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF"), "is no HTTP method");
	gives_error(HTTP("method CONNECT"), "asks for a tunnel");
}

Test(services_http, methods_that_carry_a_body_are_a_warning)
{
	gives_warning(HTTP("method POST"), "s.conf:2:8: warning: 'POST' is sent without a body");
	gives_warning(HTTP("method PUT"), "'PUT' is sent without a body");
	gives_warning(HTTP("method PATCH"), "'PATCH' is sent without a body");
	gives_warning(HTTP("method head"), "'head' is sent as it stands: case matters");
}

/* --- header ---------------------------------------------------------------------------------- */

Test(services_http, headers_keep_their_order_and_their_bytes)
{
	struct parsed p = parse_clean(HTTP("header User-Agent me/1\nheader X-B \"a: \\#b\tc\"\n"
					   "header x-b again\nheader Z \"\xc3\xa4\""));

	cr_assert_str_eq(extras_of(&p)->headers,
			 "User-Agent: me/1\r\nX-B: a: \\#b\tc\r\nx-b: again\r\nZ: \xc3\xa4\r\n");
	parsed_free(&p);
}

Test(services_http, headers_that_are_the_connection_s_own_are_refused)
{
	static const char *const names[] = {
		"Host",   "host",       "Connection",     "CONTENT-LENGTH",   "Transfer-Encoding",
		"TE",     "Keep-Alive", "HTTP2-Settings", "Proxy-Connection", "Upgrade",
		"Expect", "trailer"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char conf[256], text[128];

		snprintf(conf, sizeof(conf), HTTP("header %s x"), names[i]);
		snprintf(text, sizeof(text), "s.conf:2:8: error: '%s' cannot be set", names[i]);
		gives_error(conf, text);
	}
	gives_error(HTTP("header Host x"), "hint: write virtualhost");
}

Test(services_http, nothing_in_a_header_can_end_it)
{
	gives_error(HTTP("header \"X: a\" b"), "'X: a' is no header name");
	gives_error(HTTP("header X: b"), "hint: write the name without its colon");
	gives_error(HTTP("header \"\" b"), "is no header name");
	gives_error(HTTP("header :path /"), "is no header name");
	gives_error(HTTP("header X \"a\rb\""), "s.conf:2:11: error: 'a");
	gives_error(HTTP("header X \"a\x01\""), "has a control character");
	gives_error(HTTP("header X \"a\x7f\""), "has a control character");
	gives_error(HTTP("header X \" a\""), "has blanks around it");
	gives_error(HTTP("header X \"a\t\""), "has blanks around it");
	gives_error(HTTP("header X a b"), "'header' takes a name and a value");
	gives_error(HTTP("header X"), "'header' takes a name and a value");
	gives_error(HTTP("header"), "'header' needs a value");
}

Test(services_http, headers_are_limited_together)
{
	enum { EACH = 1000, N = EXTRAS_MAX_HEADERS_BYTES / (EACH + 5) };
	char *text = NULL;
	size_t len = 0;

	for (int more = 0; more < 2; more++) {
		FILE *f = open_memstream(&text, &len);
		struct parsed p;

		fputs("virtual_server 192.0.2.1 80 { real_server 198.51.100.1 80 { HTTP_GET {\n",
		      f);
		for (int i = 0; i < N + more; i++)
			fprintf(f, "header X %0*d\n", EACH, i);
		fputs("} } }\n", f);
		fclose(f);
		p = parse(text);
		if (more)
			reports(&p, 1, 0, "more than 128 KiB together");
		else
			cr_assert_eq(strlen(extras_of(&p)->headers), N * (EACH + 5));
		parsed_free(&p);
		free(text);
	}
}

/* --- sizes and protocols --------------------------------------------------------------------- */

static uint32_t size_of(const char *written)
{
	char conf[256];
	struct parsed p;
	uint32_t got;

	snprintf(conf, sizeof(conf), HTTP("method HEAD\nmax_body_size %s"), written);
	p = parse_clean(conf);
	got = extras_of(&p)->max_body_bytes;
	parsed_free(&p);
	return got;
}

Test(services_http, sizes_have_suffixes_and_a_range)
{
	cr_assert_eq(size_of("1"), 1);
	cr_assert_eq(size_of("64k"), 65536);
	cr_assert_eq(size_of("3M"), 3 << 20);
	cr_assert_eq(size_of("64m"), EXTRAS_MAX_BODY_BYTES);
	cr_assert_eq(size_of("67108864"), EXTRAS_MAX_BODY_BYTES);
	gives_error(HTTP("max_body_size 0"), "out of range: 1 byte to 64m");
	gives_error(HTTP("max_body_size 65m"), "out of range");
	gives_error(HTTP("max_body_size 67108865"), "out of range");
	gives_error(HTTP("max_body_size 18446744073709551615k"), "out of range");
	gives_error(HTTP("max_body_size k"), "'k' is no size");
	gives_error(HTTP("max_body_size 1g"), "'1g' is no size");
}

Test(services_http, http_protocols)
{
	static const struct {
		const char *word;
		enum http_protocol protocol;
	} words[] = {{"2", HTTP_PROTOCOL_2}, {"auto", HTTP_PROTOCOL_AUTO}};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		char conf[256];
		struct parsed p;

		snprintf(conf, sizeof(conf), HTTP("http_protocol %s"), words[i].word);
		p = parse_clean(conf);
		cr_assert_eq(extras_of(&p)->http_protocol, words[i].protocol);
		parsed_free(&p);
	}
	gives_warning(HTTP("http_protocol 1.0"), "'1.0' is not spoken: 1.1 is sent");
	gives_warning(HTTP("http_protocol 1.0C"), "'1.0C' is not spoken");
	gives_error(HTTP("http_protocol 3"), "'3' is no HTTP version: 1.1, 2 or auto");
}

/* --- patterns -------------------------------------------------------------------------------- */

Test(services_http, a_bad_pattern_is_an_error_at_its_column)
{
	gives_error(URL("expect_body \"ab(c\""),
		    "s.conf:3:18: error: expect_body: missing closing parenthesis at offset 4");
	gives_error(URL("expect_body *a"), "s.conf:3:13: error: expect_body: quantifier does not "
					   "follow a repeatable item at offset 0");
	gives_error(URL("regex \"[z-a]\""), "range out of order in character class");
}

Test(services_http, words_of_other_blocks_are_told_where_they_belong)
{
	gives_error(HTTP("expect_body a"), "it belongs into block url");
	gives_error(URL("method HEAD"), "it belongs into block SSL_GET");
	gives_error(HTTP("verify on"), "it belongs into block");
}
