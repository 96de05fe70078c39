#include "check/check_request.h"

#include <errno.h>

#include "base/err.h"
#include "base/str.h"
#include "config/extras.h"

/* All of the request but method, path, Host value and configured headers, generously. */
enum { FIXED_BYTES = 256, NUMBER_BYTES = 8 };
/* of HTTP/2: four pseudo-fields, User-Agent, Content-Length and the two about weight */
static_assert(EXTRAS_MAX_HEADERS + 8 <= H2_MAX_REQUEST_FIELDS, "every request has room");

struct header {
	const char *name, *value;
	size_t name_len, value_len;
};

/* RFC 3986 §3.3, §3.4, with the reference's tolerance: a query is sent as written but for what
 * would break the request line. '%' stays, for an escaped path is sent as it is. */
static bool is_unsendable(unsigned char c, bool in_query)
{
	if (c <= ' ' || c == 0x7f)
		return true;
	return !in_query && (c >= 0x80 || strchr("\"<>\\^`{|}", c));
}

static void put_target(struct str *s, const char *path)
{
	bool in_query = false;

	if (path[0] != '/')
		str_putc(s, '/');
	for (; *path && *path != '#'; path++) {
		unsigned char c = (unsigned char)*path;

		in_query = in_query || c == '?';
		if (is_unsendable(c, in_query)) {
			str_putc(s, '%');
			str_putc(s, "0123456789ABCDEF"[c >> 4]);
			str_putc(s, "0123456789ABCDEF"[c & 15]);
		} else {
			str_putc(s, (char)c);
		}
	}
}

static void put_host(struct str *s, const struct check_request *r)
{
	char text[ADDR_PORT_TEXT_BYTES];

	if (r->virtualhost[0])
		str_puts(s, r->virtualhost);
	else
		str_putn(s, text, addr_format_port(&r->ip, r->port, text));
}

static size_t room_for(const struct check_request *r)
{
	return FIXED_BYTES + strlen(r->method) + 3 * strlen(r->path) + strlen(r->virtualhost) +
	       strlen(r->headers);
}

/* --- configured headers ----------------------------------------------------------------------- */

/* Cuts the next line. Returns false at the end. */
static bool next_header(const char **at, struct header *h)
{
	const char *line = *at, *end = strstr(line, "\r\n"), *colon;

	if (!end)
		return false;
	colon = memchr(line, ':', (size_t)(end - line));
	ASSERT(colon);
	*h = (struct header){line, colon + 1, (size_t)(colon - line), 0};
	while (h->value < end && *h->value == ' ')
		h->value++;
	h->value_len = (size_t)(end - h->value);
	*at = end + 2;
	return true;
}

static bool has_agent(const struct check_request *r)
{
	static const char name[] = "user-agent";
	const char *at = r->headers;
	struct header h;

	while (*at && next_header(&at, &h))
		if (h.name_len == sizeof(name) - 1 && strncasecmp(h.name, name, h.name_len) == 0)
			return true;
	return false;
}

/* RFC 9110 §8.6: a method that usually has content says when it has none. */
static bool says_no_content(const struct check_request *r)
{
	static const char *const methods[] = {"POST", "PUT", "PATCH"};

	for (size_t i = 0; i < ARRAY_LEN(methods) && r->method[0]; i++)
		if (strcmp(r->method, methods[i]) == 0)
			return true;
	return false;
}

/* --- HTTP/1.1 --------------------------------------------------------------------------------- */

static void put_own_headers(struct str *s, const struct check_request *r)
{
	str_puts(s, " HTTP/1.1\r\nHost: ");
	put_host(s, r);
	if (has_agent(r))
		str_puts(s, "\r\nConnection: close\r\n");
	else
		str_puts(s, "\r\nUser-Agent: monalive\r\nConnection: close\r\n");
	if (says_no_content(r))
		str_puts(s, "Content-Length: 0\r\n");
	if (r->has_weight)
		str_putf(s, "X-Rs-Alive: %d\r\nX-Rs-Weight: %u\r\n", r->was_up, r->weight);
}

static void put_method(struct str *s, const struct check_request *r)
{
	if (!r->method[0]) {
		str_puts(s, "GET ");
		return;
	}
	str_puts(s, r->method);
	str_putc(s, ' ');
}

int check_request_append(const struct check_request *r, struct buf *out)
{
	size_t room = room_for(r);
	unsigned char *at = buf_reserve(out, room);
	struct str s = STR_OVER((char *)at, room);

	if (!at)
		return err_origin(-ENOBUFS);
	put_method(&s, r);
	put_target(&s, r->path);
	put_own_headers(&s, r);
	if (r->headers[0])
		str_puts(&s, r->headers);
	str_puts(&s, "\r\n");
	ASSERT(!s.is_cut);
	buf_fill(out, s.len);
	return 0;
}

/* --- HTTP/2 ----------------------------------------------------------------------------------- */

static void add(struct check_fields *f, struct h2_field field)
{
	ASSERT(f->n < ARRAY_LEN(f->at));
	f->at[f->n++] = field;
}

/* What stands in s from `from` on. */
static void add_text(struct check_fields *f, const char *name, const struct str *s, size_t from)
{
	add(f, (struct h2_field){name, s->at + from, strlen(name), s->len - from});
}

static void add_header(struct check_fields *f, struct str *s, const struct header *h)
{
	size_t from = s->len;

	for (size_t i = 0; i < h->name_len; i++) {
		char c = h->name[i];

		str_putc(s, c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c);
	}
	add(f, (struct h2_field){s->at + from, h->value, h->name_len, h->value_len});
}

static void add_headers(const struct check_request *r, struct check_fields *f, struct str *s)
{
	const char *at = r->headers;
	struct header h;

	while (next_header(&at, &h))
		add_header(f, s, &h);
}

static void add_pseudo(const struct check_request *r, struct check_fields *f, struct str *s)
{
	size_t from;

	add(f, H2_FIELD(":method", r->method[0] ? r->method : "GET",
			r->method[0] ? strlen(r->method) : 3));
	add(f, H2_FIELD(":scheme", r->is_tls ? "https" : "http", r->is_tls ? 5u : 4u));
	from = s->len;
	put_target(s, r->path);
	add_text(f, ":path", s, from);
	from = s->len;
	put_host(s, r);
	add_text(f, ":authority", s, from);
}

static void add_own(const struct check_request *r, struct check_fields *f, struct str *s)
{
	size_t from = s->len;

	if (!has_agent(r))
		add(f, H2_FIELD_TEXT("user-agent", "monalive"));
	if (says_no_content(r))
		add(f, H2_FIELD_TEXT("content-length", "0"));
	if (!r->has_weight)
		return;
	add(f, H2_FIELD("x-rs-alive", r->was_up ? "1" : "0", 1));
	str_putf(s, "%u", r->weight);
	add_text(f, "x-rs-weight", s, from);
}

int check_request_fields(const struct check_request *r, struct check_fields *f)
{
	size_t room = room_for(r) + NUMBER_BYTES;
	unsigned char *at = buf_reserve(f->text, room);
	struct str s = STR_OVER((char *)at, room);

	if (!at)
		return err_origin(-ENOBUFS);
	f->n = 0;
	add_pseudo(r, f, &s);
	add_own(r, f, &s);
	add_headers(r, f, &s);
	ASSERT(!s.is_cut);
	return 0;
}
