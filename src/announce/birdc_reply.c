#include "announce/birdc_reply.h"

#include "base/str.h"

enum { CODE_DIGITS = 4 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Returns false if the line does not begin with a code. */
static bool read_code(struct birdc_reply *r)
{
	unsigned code = 0;

	if (r->len <= CODE_DIGITS)
		return false;
	for (unsigned i = 0; i < CODE_DIGITS; i++) {
		if (!is_digit(r->line[i]))
			return false;
		code = code * 10 + (unsigned)(r->line[i] - '0');
	}
	r->code = code;
	return true;
}

static enum birdc_reply_event coded_line(struct birdc_reply *r)
{
	if (!read_code(r))
		return BIRDC_REPLY_BAD;
	r->text = r->line + CODE_DIGITS + 1;
	switch (r->line[CODE_DIGITS]) {
	case '-':
		r->has_code = true;
		return BIRDC_REPLY_DATA;
	case ' ':
		r->has_code = false;
		return BIRDC_REPLY_FINAL;
	default:
		return BIRDC_REPLY_BAD;
	}
}

static enum birdc_reply_event whole_line(struct birdc_reply *r)
{
	r->line[r->len] = 0;
	r->was_line = true;
	if (r->len > 0 && r->line[0] == '+')
		return BIRDC_REPLY_MORE;
	if (r->len > 0 && r->line[0] == ' ') {
		r->text = r->line + 1;
		return r->has_code ? BIRDC_REPLY_DATA : BIRDC_REPLY_BAD;
	}
	return coded_line(r);
}

enum birdc_reply_event birdc_reply_feed(struct birdc_reply *r, const char *data, size_t len,
					size_t *ret_used)
{
	for (size_t i = 0; i < len; i++) {
		enum birdc_reply_event event;

		if (r->was_line) {
			r->was_line = false;
			r->len = 0;
		}
		if (data[i] != '\n') {
			if (r->len < sizeof(r->line) - 1)
				r->line[r->len++] = data[i];
			continue;
		}
		event = whole_line(r);
		if (event != BIRDC_REPLY_MORE) {
			*ret_used = i + 1;
			return event;
		}
	}
	*ret_used = len;
	return BIRDC_REPLY_MORE;
}

/* Up to three digits. Returns how many there are. */
static size_t read_number(const char *text, unsigned *ret)
{
	size_t n = 0;
	unsigned value = 0;

	for (; n < 3 && is_digit(text[n]); n++)
		value = value * 10 + (unsigned)(text[n] - '0');
	*ret = value;
	return n;
}

bool birdc_reply_version(const char *text, unsigned *ret_major, unsigned *ret_minor)
{
	unsigned major, minor;
	size_t n;

	if (strncmp(text, "BIRD ", 5) != 0)
		return false;
	text += 5;
	if (*text == 'v')
		text++;
	n = read_number(text, &major);
	if (n == 0 || text[n] != '.' || read_number(text + n + 1, &minor) == 0)
		return false;
	*ret_major = major;
	*ret_minor = minor;
	return true;
}

bool birdc_reply_count(const char *text, uint64_t *ret_n)
{
	size_t digits = 0;

	while (*text == ' ') /* BIRD lines the tables up */
		text++;
	while (is_digit(text[digits]))
		digits++;
	return strncmp(text + digits, " of ", 4) == 0 &&
	       str_to_u64(text, digits, UINT32_MAX, ret_n);
}
