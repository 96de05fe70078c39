#include "base/log_format.h"

#include "base/clk.h"
#include "base/str.h"

enum { VALUE_MAX = 200 };

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

void log_format_pack(struct log_record *rec, const struct log_field *fields, size_t n_fields)
{
	rec->n_text = 0;
	rec->n_values = 0;
	for (size_t i = 0; i < n_fields && i < LOG_MAX_FIELDS; i++) {
		const struct log_field *f = &fields[i];
		struct log_value *v = &rec->values[rec->n_values++];

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
}

static void put_json_text(struct str *s, const char *text, size_t len)
{
	str_putc(s, '"');
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\')
			str_putf(s, "\\%c", c);
		else if (c == '\n')
			str_puts(s, "\\n");
		else if (c < 0x20 || c == 0x7f)
			str_putf(s, "\\u%04x", c);
		else
			str_putc(s, (char)c);
	}
	str_putc(s, '"');
}

static bool needs_quotes(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f)
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

size_t log_format_line(const struct log_record *rec, const char *thread, enum log_encoding encoding,
		       char out[LOG_LINE_BYTES])
{
	struct str s = STR_OVER(out, LOG_LINE_BYTES - 3);
	char ts[CLK_TEXT_BYTES];

	clk_format_utc(rec->wall_ns, ts);
	if (encoding == LOG_JSON)
		str_putc(&s, '{');
	put_pair(&s, "ts", ts, encoding);
	put_pair(&s, "level", log_format_level((enum log_level)rec->level), encoding);
	put_pair(&s, "thread", thread, encoding);
	put_pair(&s, "mod", rec->mod, encoding);
	put_pair(&s, "event", rec->event, encoding);
	for (unsigned i = 0; i < rec->n_values; i++) {
		put_pair(&s, rec->values[i].key, NULL, encoding);
		put_value(&s, rec, &rec->values[i], encoding);
	}
	if (encoding == LOG_JSON)
		out[s.len++] = '}';
	out[s.len++] = '\n';
	out[s.len] = 0;
	return s.len;
}
