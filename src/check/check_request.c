#include "check/check_request.h"

#include <errno.h>

#include "base/err.h"
#include "base/str.h"

/* All of the request but path and Host value, generously. */
enum { FIXED_BYTES = 256 };

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

int check_request_append(const struct check_request *r, struct buf *out)
{
	size_t room = FIXED_BYTES + 3 * strlen(r->path) + strlen(r->virtualhost);
	unsigned char *at = buf_reserve(out, room);
	struct str s = STR_OVER((char *)at, room);

	if (!at)
		return err_origin(-ENOBUFS);
	str_puts(&s, "GET ");
	put_target(&s, r->path);
	str_puts(&s, " HTTP/1.1\r\nHost: ");
	put_host(&s, r);
	str_puts(&s, "\r\nUser-Agent: monalive\r\nConnection: close\r\n");
	if (r->has_weight)
		str_putf(&s, "X-Rs-Alive: %d\r\nX-Rs-Weight: %u\r\n", r->was_up, r->weight);
	str_puts(&s, "\r\n");
	ASSERT(!s.is_cut);
	buf_fill(out, s.len);
	return 0;
}
