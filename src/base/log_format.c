#include "base/log_format.h"

#include "base/clk.h"
#include "base/str.h"

enum {
	VALUE_MAX = 200,
	TAIL_BYTES = sizeof(",\"cut\":true}\n"),
};

static const char *const level_names[LOG_LEVEL__N] = {
	[LOG_DEBUG] = "debug",
	[LOG_INFO] = "info",
	[LOG_WARN] = "warn",
	[LOG_ERROR] = "error",
};

const char *log_format_level(enum log_level level)
{
	return level < LOG_LEVEL__N ? level_names[level] : "?";
}

static void pack_bytes(struct log_record *rec, struct log_value *v, const void *data, size_t len)
{
	size_t room = LOG_TEXT_BYTES - rec->n_text;

	len = MIN(MIN(len, (size_t)VALUE_MAX), room);
	v->off = rec->n_text;
	v->len = (uint16_t)len;
	memcpy(rec->text + rec->n_text, data, len);
	rec->n_text = (uint16_t)(rec->n_text + len);
}

static void pack_value(struct log_record *rec, struct log_value *v, const struct log_field *f)
{
	v->key = f->key;
	v->kind = (uint8_t)f->kind;
	v->port = f->port;
	if (f->kind == LF_KIND_STR)
		pack_bytes(rec, v, f->str ? f->str : "", f->str ? strlen(f->str) : 0);
	else if (f->kind == LF_KIND_ADDR)
		pack_bytes(rec, v, f->addr->b, sizeof(f->addr->b));
	else
		v->u64 = f->u64;
}

void log_format_pack(struct log_record *rec, const struct log_field *fields, size_t n_fields)
{
	size_t n = MIN(n_fields, (size_t)LOG_MAX_FIELDS);

	rec->n_text = 0;
	rec->n_values = (uint8_t)n;
	/* texts last: they may be cut, an address may not */
	for (size_t i = 0; i < n; i++)
		if (fields[i].kind != LF_KIND_STR)
			pack_value(rec, &rec->values[i], &fields[i]);
	for (size_t i = 0; i < n; i++)
		if (fields[i].kind == LF_KIND_STR)
			pack_value(rec, &rec->values[i], &fields[i]);
}

/* The well-formed UTF-8 sequence (RFC 3629) that text begins with: its length and code point; 0 if
 * it is none. */
static size_t utf8_at(const unsigned char *text, size_t len, uint32_t *ret_c)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = text[0] < 0x80 ? 1 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
	uint32_t c = n == 1 ? text[0] : text[0] & (0xffu >> (n + 1));

	if (n > len || (n > 1 && (text[0] < 0xc2 || text[0] > 0xf4)))
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (text[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret_c = c;
	return n;
}

static void put_json_text(struct str *s, const char *text, size_t len)
{
	uint32_t c = 0;

	str_putc(s, '"');
	for (size_t i = 0, n; i < len; i += MAX(n, (size_t)1)) {
		n = utf8_at((const unsigned char *)text + i, len - i, &c);
		if (n == 0)
			str_puts(s, "\\ufffd");
		else if (c == '"' || c == '\\')
			str_putf(s, "\\%c", (int)c);
		else if (c == '\n')
			str_puts(s, "\\n");
		else if (c < 0x20 || (c >= 0x7f && c < 0xa0)) /* terminals obey C1 too */
			str_putf(s, "\\u%04x", (unsigned)c);
		else
			str_putn(s, text + i, n);
	}
	str_putc(s, '"');
}

static bool needs_quotes(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c >= 0x7f)
			return true;
	}
	return len == 0;
}

static void put_text(struct str *s, const char *text, size_t len, enum log_encoding encoding)
{
	if (encoding == LOG_JSON || needs_quotes(text, len))
		put_json_text(s, text, len);
	else
		str_putn(s, text, len);
}

static void put_value(struct str *s, const struct log_record *rec, const struct log_value *v,
		      enum log_encoding encoding)
{
	char text[ADDR_PORT_TEXT_BYTES];
	struct addr a = ADDR_UNSET;
	size_t len;

	switch ((enum log_field_kind)v->kind) {
	case LF_KIND_STR:
		put_text(s, rec->text + v->off, v->len, encoding);
		break;
	case LF_KIND_ADDR:
		memcpy(a.b, rec->text + v->off, MIN(v->len, sizeof(a.b)));
		len = v->port ? addr_format_port(&a, v->port, text) : addr_format(&a, text);
		put_text(s, text, len, encoding);
		break;
	case LF_KIND_U64:
		str_putf(s, "%llu", (unsigned long long)v->u64);
		break;
	case LF_KIND_I64:
		str_putf(s, "%lld", (long long)v->i64);
		break;
	case LF_KIND_BOOL:
		str_puts(s, v->u64 ? "true" : "false");
		break;
	}
}

static void put_pair(struct str *s, const char *key, const char *value, enum log_encoding encoding)
{
	if (encoding == LOG_JSON)
		str_putf(s, "%s\"%s\":", s->len > 1 ? "," : "", key);
	else
		str_putf(s, "%s%s=", s->len ? " " : "", key);
	if (value)
		put_text(s, value, strlen(value), encoding);
}

/* Escapes make up to six bytes of one, so a record may not fit a line: whole fields are left out
 * then. Returns false if this one was. */
static bool put_field(struct str *s, const struct log_record *rec, unsigned i,
		      enum log_encoding encoding)
{
	size_t before = s->len;

	put_pair(s, rec->values[i].key, NULL, encoding);
	put_value(s, rec, &rec->values[i], encoding);
	if (s->is_cut)
		s->len = before;
	return !s->is_cut;
}

size_t log_format_line(const struct log_record *rec, const char *thread, enum log_encoding encoding,
		       char out[LOG_LINE_BYTES])
{
	struct str s = STR_OVER(out, LOG_LINE_BYTES - TAIL_BYTES);
	char ts[CLK_TEXT_BYTES];

	clk_format_utc(rec->wall_ns, ts);
	if (encoding == LOG_JSON)
		str_putc(&s, '{');
	put_pair(&s, "ts", ts, encoding);
	put_pair(&s, "level", log_format_level((enum log_level)rec->level), encoding);
	put_pair(&s, "thread", thread, encoding);
	put_pair(&s, "mod", rec->mod, encoding);
	put_pair(&s, "event", rec->event, encoding);
	for (unsigned i = 0; i < rec->n_values && put_field(&s, rec, i, encoding); i++)
		continue;
	s.size = LOG_LINE_BYTES;
	if (s.is_cut) {
		put_pair(&s, "cut", NULL, encoding);
		str_puts(&s, "true");
	}
	if (encoding == LOG_JSON)
		out[s.len++] = '}';
	out[s.len++] = '\n';
	out[s.len] = 0;
	return s.len;
}
