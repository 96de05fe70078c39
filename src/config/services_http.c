#include "config/services_http.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "config/body_regex.h"
#include "config/services_text.h"
#include "config/services_value.h"

enum { STATUS_MIN = 100, STATUS_MAX = 599 };

/* --- statuses -------------------------------------------------------------------------------- */

static bool to_range(const struct services_lex_word *w, uint64_t *ret_first, uint64_t *ret_last)
{
	const char *dash = memchr(w->at, '-', w->len);
	struct services_lex_word first = *w, last = *w;

	if (dash) {
		first.len = (uint32_t)(dash - w->at);
		last.at = dash + 1;
		last.len = w->len - first.len - 1;
	}
	return services_value_number(&first, ret_first) && services_value_number(&last, ret_last);
}

/* Returns 0, or SERVICES_VALUE_BAD (reported). 0 alone adds nothing. */
static int add_range(struct services_run *run, const struct services_row *row,
		     const struct services_lex_word *w, bool is_alone, struct status_set *set)
{
	const char *hint = row->min == 0 ? "0 accepts any" : NULL;
	uint64_t first, last;

	if (!to_range(w, &first, &last))
		return services_value_refuse(run, w, "write codes and ranges, as 200-299 301",
					     "is no whole number");
	if (first == 0 && last == 0 && row->min == 0 && is_alone)
		return 0;
	if (first == 0 && last == 0 && row->min == 0)
		return services_value_refuse(run, w, NULL, "accepts any: it stands alone");
	if (first < STATUS_MIN || last > STATUS_MAX)
		return services_value_refuse(run, w, hint, "is no status code: 100 to 599");
	if (first > last)
		return services_value_refuse(run, w, NULL, "is an empty range");
	set->at[set->n].first = (uint16_t)first;
	set->at[set->n++].last = (uint16_t)last;
	return 0;
}

static int compare_ranges(const void *a, const void *b)
{
	uint16_t x, y;

	memcpy(&x, a, sizeof(x)); /* both begin with first */
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

/* Sorted, and what overlaps or touches in one range: equal sets look equal. */
static void normalize(struct status_set *set)
{
	uint8_t n = 0;

	qsort(set->at, set->n, sizeof(set->at[0]), compare_ranges);
	for (uint8_t i = 0; i < set->n; i++) {
		if (n && set->at[i].first <= set->at[n - 1].last + 1)
			set->at[n - 1].last = MAX(set->at[n - 1].last, set->at[i].last);
		else
			set->at[n++] = set->at[i];
	}
	for (uint8_t i = n; i < set->n; i++)
		set->at[i].first = set->at[i].last = 0;
	set->n = n;
}

int services_http_status(struct services_run *run, const struct services_row *row,
			 const struct services_lex_statement *st, union services_value *ret)
{
	struct status_set *set = arena_alloc(run->arena, sizeof(*set));
	uint32_t n = st->n_words - 1;
	int r = 0;

	if (!set)
		return err_origin(-ENOMEM);
	if (n > EXTRAS_MAX_RANGES) {
		diag_report(run->diag, DIAG_ERROR, st->words[LEX_WORDS - 1].pos,
			    st->words[LEX_WORDS - 1].len, NULL,
			    "'%s' takes at most %d codes and ranges", row->name, EXTRAS_MAX_RANGES);
		return SERVICES_VALUE_BAD;
	}
	for (uint32_t i = 1; i <= n && r == 0; i++)
		r = add_range(run, row, &st->words[i], n == 1, set);
	if (r)
		return r;
	normalize(set);
	ret->status = set;
	return 0;
}
static_assert(EXTRAS_MAX_RANGES + 2 <= LEX_WORDS, "the keyword, all ranges and one too many");

void services_http_put_status(struct str *out, const struct status_set *set)
{
	if (set->n == 0)
		str_puts(out, "0");
	for (uint8_t i = 0; i < set->n; i++) {
		str_putf(out, "%s%u", i ? " " : "", set->at[i].first);
		if (set->at[i].last != set->at[i].first)
			str_putf(out, "-%u", set->at[i].last);
	}
}

/* --- numbers and choices --------------------------------------------------------------------- */

int services_http_bytes(struct services_run *run, const struct services_row *row,
			const struct services_lex_statement *st, union services_value *ret)
{
	const struct services_lex_word *w = &st->words[1];
	struct services_lex_word digits = *w;
	unsigned shift = 0;
	uint64_t v;

	if (w->len > 1 && tolower((unsigned char)w->at[w->len - 1]) == 'k')
		shift = 10;
	else if (w->len > 1 && tolower((unsigned char)w->at[w->len - 1]) == 'm')
		shift = 20;
	digits.len -= shift ? 1 : 0;
	if (!services_value_number(&digits, &v))
		return services_value_refuse(run, w, "write bytes, as 65536, 64k or 1m",
					     "is no size");
	if (v < row->min || v > row->max >> shift)
		return services_value_refuse(run, w, NULL, "is out of range: 1 byte to 64m");
	ret->number = v << shift;
	return 0;
}

int services_http_version(struct services_run *run, const struct services_row *row,
			  const struct services_lex_statement *st, union services_value *ret)
{
	static const struct services_choice words[] = {
		{"1.1", HTTP_PROTOCOL_1_1}, {"2", HTTP_PROTOCOL_2},
		{"2.0", HTTP_PROTOCOL_2},   {"auto", HTTP_PROTOCOL_AUTO},
		{"1.0", HTTP_PROTOCOL_1_1}, {"1.0C", HTTP_PROTOCOL_1_1},
	};
	const struct services_lex_word *w = &st->words[1];
	const struct services_choice *c = services_value_choose(w, words, ARRAY_LEN(words), true);

	(void)row;
	if (!c)
		return services_value_refuse(run, w, NULL, "is no HTTP version: 1.1, 2 or auto");
	if (strncmp(c->name, "1.0", 3) == 0)
		services_value_warn(run, w, NULL, "is not spoken: 1.1 is sent");
	ret->number = c->value;
	return 0;
}

/* --- texts ----------------------------------------------------------------------------------- */

/* RFC 9110 §5.6.2 */
static bool is_token(const char *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)at[i]) && !strchr("!#$%&'*+-.^_`|~", at[i]))
			return false;
	return len > 0 && !memchr(at, 0, len);
}

static void warn_of_method(struct services_run *run, const struct services_lex_word *w,
			   const char *name)
{
	static const char *const with_body[] = {"POST", "PUT", "PATCH"};

	for (size_t i = 0; i < ARRAY_LEN(with_body); i++)
		if (strcmp(name, with_body[i]) == 0)
			services_value_warn(run, w, NULL, "is sent without a body");
	for (const char *p = name; *p; p++) {
		if (islower((unsigned char)*p)) {
			services_value_warn(run, w, "methods are written in capitals",
					    "is sent as it stands: case matters");
			return;
		}
	}
}

int services_http_method(struct services_run *run, const struct services_row *row,
			 const struct services_lex_statement *st, union services_value *ret)
{
	const struct services_lex_word *w = &st->words[1];
	char name[32];
	size_t len;

	(void)row;
	if (w->len == 0 || w->len >= sizeof(name))
		return services_value_refuse(run, w, NULL, "is no HTTP method");
	len = services_lex_unescape(w, name);
	if (!is_token(name, len))
		return services_value_refuse(run, w, NULL, "is no HTTP method");
	if (strcmp(name, "CONNECT") == 0)
		return services_value_refuse(run, w, NULL, "asks for a tunnel: it checks nothing");
	warn_of_method(run, w, name);
	ret->text = NULL;
	if (strcmp(name, "GET") == 0)
		return 0;
	ret->text = arena_strndup(run->arena, name, len);
	return ret->text ? 0 : err_origin(-ENOMEM);
}

static const struct {
	const char *name, *hint;
} not_headers[] = {
	{"Host", "write virtualhost"},
	{"Content-Length", "no body is sent"},
	{"Transfer-Encoding", "no body is sent"},
	{"Trailer", "no body is sent"},
	{"Expect", "no body is sent"},
	{"Connection", NULL},
	{"Keep-Alive", NULL},
	{"Proxy-Connection", NULL},
	{"Upgrade", "http_protocol chooses the protocol"},
	{"HTTP2-Settings", "http_protocol chooses the protocol"},
	{"TE", NULL},
};

static int check_header_name(struct services_run *run, const struct services_lex_word *w)
{
	if (w->len > 1 && w->at[w->len - 1] == ':' && is_token(w->at, w->len - 1))
		return services_value_refuse(run, w, "write the name without its colon",
					     "is no header name");
	if (!is_token(w->at, w->len))
		return services_value_refuse(run, w, NULL, "is no header name");
	for (size_t i = 0; i < ARRAY_LEN(not_headers); i++)
		if (w->len == strlen(not_headers[i].name) &&
		    strncasecmp(w->at, not_headers[i].name, w->len) == 0)
			return services_value_refuse(run, w, not_headers[i].hint,
						     "cannot be set: it is the connection's own");
	return 0;
}

/* RFC 9110 §5.5; no blanks around it: HTTP/2 forbids what HTTP/1.1 strips. */
static int check_header_value(struct services_run *run, const struct services_lex_word *w)
{
	for (uint32_t i = 0; i < w->len; i++) {
		unsigned char c = (unsigned char)w->at[i];

		if ((c < ' ' && c != '\t') || c == 0x7f)
			return services_value_refuse(run, w, NULL, "has a control character");
	}
	if (w->len &&
	    (isblank((unsigned char)w->at[0]) || isblank((unsigned char)w->at[w->len - 1])))
		return services_value_refuse(run, w, NULL, "has blanks around it");
	return 0;
}

int services_http_header(struct services_run *run, const struct services_row *row,
			 const struct services_lex_statement *st, union services_value *ret)
{
	const struct services_lex_word *name = &st->words[1], *value = &st->words[2];
	size_t room;
	char *text;

	(void)row;
	if (st->n_words != 3) {
		diag_report(run->diag, DIAG_ERROR, name->pos, name->len,
			    "write \"...\" around a value with blanks",
			    "'header' takes a name and a value");
		return SERVICES_VALUE_BAD;
	}
	if (check_header_name(run, name) || check_header_value(run, value))
		return SERVICES_VALUE_BAD;
	room = (size_t)name->len + 2 + value->len + 1;
	if (room > EXTRAS_MAX_HEADERS_BYTES)
		return services_value_refuse(run, name, NULL, "has too long a value");
	text = arena_alloc(run->arena, room);
	if (!text)
		return err_origin(-ENOMEM);
	ret->text = text;
	text += services_lex_unescape(name, text);
	*text++ = ':';
	*text++ = ' ';
	services_lex_unescape(value, text);
	return 0;
}

int services_http_regex(struct services_run *run, const struct services_row *row,
			const struct services_lex_statement *st, union services_value *ret)
{
	const struct services_lex_word *w = &st->words[1];
	struct pcre2_real_code_8 *code = NULL;
	struct body_regex_error error;
	uint32_t left;
	int r;

	(void)row;
	/* not unescaped: \# and \! mean the same to PCRE2 */
	r = body_regex_compile(w->at, w->len, &code, &error);
	if (r == BODY_REGEX_BAD) {
		left = w->len - error.offset;
		diag_report(run->diag, DIAG_ERROR, w->pos + error.offset, MIN(left, 1U), NULL,
			    "expect_body: %s at offset %u", error.text, error.offset);
		return SERVICES_VALUE_BAD;
	}
	TRY(r);
	body_regex_free(code);
	ret->text = arena_strndup(run->arena, w->at, w->len);
	return ret->text ? 0 : err_origin(-ENOMEM);
}

int services_http_no_regex(struct services_run *run, const struct services_row *row,
			   const struct services_lex_statement *st, union services_value *ret)
{
	(void)run;
	(void)row;
	(void)st;
	ret->number = 1;
	return 0;
}
