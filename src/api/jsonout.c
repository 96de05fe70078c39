#include "api/jsonout.h"

#include <inttypes.h>
#include <time.h>

#include "base/clk.h"
#include "config/utf8.h"

enum { DATE_BYTES = 32, FRACTION_BYTES = 16, NUMBER_BYTES = 24 };

static void put(struct jsonout *j, const char *text, size_t len)
{
	if (!j->is_full && buf_append(j->to, text, len) < 0)
		j->is_full = true;
}

static void put_text(struct jsonout *j, const char *text)
{
	put(j, text, strlen(text));
}

static void begin_value(struct jsonout *j)
{
	if (j->needs_comma)
		put(j, ",", 1);
	j->needs_comma = true;
}

void jsonout_open(struct jsonout *j, char bracket)
{
	begin_value(j);
	put(j, &bracket, 1);
	j->needs_comma = false;
}

void jsonout_close(struct jsonout *j, char bracket)
{
	put(j, &bracket, 1);
	j->needs_comma = true;
}

void jsonout_key(struct jsonout *j, const char *key)
{
	begin_value(j);
	put(j, "\"", 1);
	put_text(j, key);
	put(j, "\":", 2);
	j->needs_comma = false;
}

static void put_escaped(struct jsonout *j, unsigned char c)
{
	static const char names[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
	const char *at = c ? strchr(names, c) : NULL;
	char text[8];
	int n;

	if (at)
		n = snprintf(text, sizeof(text), "\\%c", letters[at - names]);
	else
		n = snprintf(text, sizeof(text), "\\u%04x", c >= 0x80 ? 0xfffdu : c);
	put(j, text, (size_t)n);
}

void jsonout_str(struct jsonout *j, const char *text, size_t len)
{
	size_t plain = 0;

	begin_value(j);
	put(j, "\"", 1);
	for (size_t i = 0; i < len;) {
		size_t n = utf8_len(text + i, len - i);

		if (n && text[i] != '"' && text[i] != '\\') {
			i += n;
			continue;
		}
		put(j, text + plain, i - plain);
		put_escaped(j, (unsigned char)text[i]);
		plain = ++i;
	}
	put(j, text + plain, len - plain);
	put(j, "\"", 1);
}

void jsonout_u64(struct jsonout *j, uint64_t value)
{
	char text[NUMBER_BYTES];
	int n = snprintf(text, sizeof(text), "%" PRIu64, value);

	begin_value(j);
	put(j, text, (size_t)n);
}

void jsonout_bool(struct jsonout *j, bool value)
{
	begin_value(j);
	put_text(j, value ? "true" : "false");
}

void jsonout_null(struct jsonout *j)
{
	begin_value(j);
	put_text(j, "null");
}

/* ".100", ".000001" or "": as few groups of three digits as hold the value. */
static void format_fraction(uint64_t ns, char out[FRACTION_BYTES])
{
	uint64_t part = ns % CLK_S;
	int digits = 9;

	if (part == 0) {
		out[0] = 0;
		return;
	}
	while (part % 1000 == 0) {
		part /= 1000;
		digits -= 3;
	}
	snprintf(out, FRACTION_BYTES, ".%0*" PRIu64, digits, part);
}

void jsonout_duration(struct jsonout *j, uint64_t ns)
{
	char text[NUMBER_BYTES + FRACTION_BYTES], fraction[FRACTION_BYTES];
	int n;

	format_fraction(ns, fraction);
	n = snprintf(text, sizeof(text), "\"%" PRIu64 "%ss\"", ns / CLK_S, fraction);
	begin_value(j);
	put(j, text, (size_t)n);
}

void jsonout_time(struct jsonout *j, uint64_t wall_ns)
{
	time_t s = (time_t)(wall_ns / CLK_S);
	char date[DATE_BYTES], fraction[FRACTION_BYTES];
	struct tm tm;

	begin_value(j);
	if (wall_ns == 0) {
		put_text(j, "\"0001-01-01T00:00:00Z\"");
		return;
	}
	gmtime_r(&s, &tm);
	strftime(date, sizeof(date), "\"%Y-%m-%dT%H:%M:%S", &tm);
	format_fraction(wall_ns, fraction);
	put_text(j, date);
	put_text(j, fraction);
	put(j, "Z\"", 2);
}

void jsonout_kstr(struct jsonout *j, const char *key, const char *text)
{
	jsonout_key(j, key);
	jsonout_str(j, text, strlen(text));
}

void jsonout_ku64(struct jsonout *j, const char *key, uint64_t value)
{
	jsonout_key(j, key);
	jsonout_u64(j, value);
}

void jsonout_kbool(struct jsonout *j, const char *key, bool value)
{
	jsonout_key(j, key);
	jsonout_bool(j, value);
}

void jsonout_ktime(struct jsonout *j, const char *key, uint64_t wall_ns)
{
	jsonout_key(j, key);
	if (wall_ns)
		jsonout_time(j, wall_ns);
	else
		jsonout_null(j);
}
