#include "config/services_text.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "config/services_value.h"
#include "config/utf8.h"

enum { DIGEST_DIGITS = 32 };
static char *keep_text(struct services_run *run, const struct services_lex_word *w)
{
	char *text = arena_alloc(run->arena, (size_t)w->len + 1);

	if (text && w->has_escape)
		services_lex_unescape(w, text);
	else if (text)
		memcpy(text, w->at, w->len);
	return text;
}

int services_text_plain(struct services_run *run, const struct services_row *row,
			const struct services_lex_statement *st, union services_value *ret)
{
	const struct services_lex_word *w = &st->words[1];
	char *text;

	if (!utf8_is_text(w->at, w->len))
		return services_value_refuse(run, w, NULL, "is not plain UTF-8 text");
	text = keep_text(run, w);
	if (!text)
		return err_origin(-ENOMEM);
	if (row->type == TYPE_LOWER)
		for (char *p = text; *p; p++)
			*p = (char)tolower((unsigned char)*p);
	ret->text = text;
	return 0;
}

/* Text that goes into a request: nothing in it may end a line or a field. */
static bool is_token(const struct services_lex_word *w)
{
	for (uint32_t i = 0; i < w->len; i++)
		if ((unsigned char)w->at[i] <= ' ' || (unsigned char)w->at[i] >= 0x7f)
			return false;
	return true;
}

int services_text_virtualhost(struct services_run *run, const struct services_row *row,
			      const struct services_lex_statement *st, union services_value *ret)
{
	if (!is_token(&st->words[1]))
		return services_value_refuse(run, &st->words[1], NULL,
					     "is no virtual host: printable ASCII without blanks");
	return services_text_plain(run, row, st, ret);
}

int services_text_path(struct services_run *run, const struct services_row *row,
		       const struct services_lex_statement *st, union services_value *ret)
{
	const struct services_lex_word *w = &st->words[1];

	if (w->len && w->at[0] != '/' && w->at[0] != '?')
		return services_value_refuse(run, w, NULL, "is no path: it begins with '/' or '?'");
	if (!is_token(w))
		return services_value_refuse(run, w, "write other bytes as %XX, a blank as %20",
					     "is no path: printable ASCII without blanks");
	return services_text_plain(run, row, st, ret);
}

int services_text_network(struct services_run *run, const struct services_row *row,
			  const struct services_lex_statement *st, union services_value *ret)
{
	const struct services_lex_word *w = &st->words[1];
	const char *slash = memchr(w->at, '/', w->len);
	uint32_t len = slash ? (uint32_t)(slash - w->at) : w->len;
	bool wants_v4 = row->type == TYPE_NETWORK4;
	uint64_t bits;
	struct addr a;

	if (w->len == 0)
		return services_text_plain(run, row, st, ret);
	if (addr_parse(w->at, len, &a) != ADDR_OK || addr_is_v4(&a) != wants_v4)
		return services_value_refuse(run, w, NULL,
					     wants_v4 ? "is no IPv4 prefix" : "is no IPv6 prefix");
	if (slash && !str_to_u64(slash + 1, w->len - len - 1, wants_v4 ? 32 : 128, &bits))
		return services_value_refuse(run, w, NULL, "has no valid prefix length");
	return services_text_plain(run, row, st, ret);
}

static int hex_digit(char c)
{
	if (isdigit((unsigned char)c))
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int services_text_digest(struct services_run *run, const struct services_row *row,
			 const struct services_lex_statement *st, union services_value *ret)
{
	const struct services_lex_word *w = &st->words[1];

	(void)row;
	ret->digest = (struct services_digest){.is_set = w->len > 0};
	if (w->len != 0 && w->len != DIGEST_DIGITS)
		return services_value_refuse(run, w, NULL,
					     "is no MD5 digest: 32 hexadecimal digits");
	for (uint32_t i = 0; i < w->len; i++) {
		int digit = hex_digit(w->at[i]);

		if (digit < 0)
			return services_value_refuse(run, w, NULL,
						     "is no MD5 digest: 32 hexadecimal digits");
		ret->digest.md5[i / 2] = (uint8_t)(ret->digest.md5[i / 2] << 4 | digit);
	}
	return 0;
}
