#include "config/utf8.h"

/* Lead byte, bounds of the byte after it, length; the last row of a group of leads is the general
 * one (RFC 3629 §4). c2 80 to c2 9f are control characters. */
static const struct {
	unsigned char mask, lead, low, high, len;
} forms[] = {
	{0xff, 0xc2, 0xa0, 0xbf, 2}, {0xff, 0xe0, 0xa0, 0xbf, 3}, {0xff, 0xed, 0x80, 0x9f, 3},
	{0xff, 0xf0, 0x90, 0xbf, 4}, {0xff, 0xf4, 0x80, 0x8f, 4}, {0xe0, 0xc0, 0x80, 0xbf, 2},
	{0xf0, 0xe0, 0x80, 0xbf, 3}, {0xfc, 0xf0, 0x80, 0xbf, 4},
};

static size_t form_len(size_t i, const unsigned char *p, size_t len)
{
	if (forms[i].len > len || p[1] < forms[i].low || p[1] > forms[i].high)
		return 0;
	for (size_t k = 2; k < forms[i].len; k++)
		if ((p[k] & 0xc0) != 0x80)
			return 0;
	return forms[i].len;
}

size_t utf8_len(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;

	if (p[0] < 0x80)
		return p[0] >= 0x20 && p[0] != 0x7f;
	if (p[0] < 0xc2) /* a continuation byte or an overlong form */
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(forms); i++)
		if ((p[0] & forms[i].mask) == forms[i].lead)
			return form_len(i, p, len);
	return 0;
}

bool utf8_is_text(const char *text, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		n = text[i] == '\t' ? 1 : utf8_len(text + i, len - i);
		if (n == 0)
			return false;
	}
	return true;
}
