#include "base/str.h"

#include <stdio.h>
#include <string.h>

enum { WORD_MAX = 63 };

void str_putn(struct str *s, const char *text, size_t len)
{
	size_t room = s->size ? s->size - s->len - 1 : 0;

	if (len > room) {
		len = room;
		s->is_cut = true;
	}
	if (s->size == 0)
		return;
	memcpy(s->at + s->len, text, len);
	s->len += len;
	s->at[s->len] = 0;
}

void str_putc(struct str *s, char c)
{
	str_putn(s, &c, 1);
}

void str_puts(struct str *s, const char *text)
{
	str_putn(s, text, strlen(text));
}

void str_putf(struct str *s, const char *format, ...)
{
	size_t room = s->size - s->len;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(s->at + s->len, room, format, args);
	va_end(args);
	if (n < 0)
		return;
	if ((size_t)n >= room) {
		s->is_cut = true;
		s->len = s->size ? s->size - 1 : 0;
	} else {
		s->len += (size_t)n;
	}
}

bool str_to_u64(const char *text, size_t len, uint64_t max, uint64_t *ret_value)
{
	uint64_t v = 0;

	if (len == 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned digit = (unsigned char)text[i] - (unsigned)'0';

		if (digit > 9 || __builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, digit, &v))
			return false;
	}
	if (v > max)
		return false;
	*ret_value = v;
	return true;
}

bool str_is(const char *text, size_t len, const char *word)
{
	return strlen(word) == len && memcmp(text, word, len) == 0;
}

/* Optimal string alignment over three rolling rows. */
unsigned str_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned rows[3][WORD_MAX + 2];
	unsigned *prev2 = rows[0], *prev = rows[1], *cur = rows[2], *spare;

	if (a_len > WORD_MAX || b_len > WORD_MAX)
		return WORD_MAX + 1;
	for (unsigned j = 0; j <= b_len; j++)
		prev[j] = j;
	for (unsigned i = 1; i <= a_len; i++) {
		cur[0] = i;
		for (unsigned j = 1; j <= b_len; j++) {
			unsigned cost = a[i - 1] != b[j - 1];

			cur[j] = MIN(MIN(prev[j] + 1, cur[j - 1] + 1), prev[j - 1] + cost);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				cur[j] = MIN(cur[j], prev2[j - 2] + 1);
		}
		spare = prev2;
		prev2 = prev;
		prev = cur;
		cur = spare;
	}
	return prev[b_len];
}
