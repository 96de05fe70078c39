/* Bounded text building over caller's memory: what does not fit is cut and remembered. */
#pragma once

#include <stdarg.h>

#include "base/cc.h"

struct str {
	char *at;
	size_t len;  /* without NUL */
	size_t size; /* including room for the NUL */
	bool is_cut;
};

#define STR_OVER(buf, bytes) ((struct str){.at = (buf), .size = (bytes)})

void str_putc(struct str *s, char c);
void str_putn(struct str *s, const char *text, size_t len);
void str_puts(struct str *s, const char *text);
void str_putf(struct str *s, const char *format, ...) PRINTF_LIKE(2, 3);

/* Decimal digits only, whole text, at most max. Returns false if it is anything else. */
MUST_CHECK bool str_to_u64(const char *text, size_t len, uint64_t max, uint64_t *ret_value);
/* True if the len bytes at text equal the NUL-terminated word. */
bool str_is(const char *text, size_t len, const char *word);
/* Smallest number of single-byte edits (and swaps of neighbours) between two words, both at most
 * 63 bytes; longer ones count as 64 apart. For "did you mean". */
unsigned str_distance(const char *a, size_t a_len, const char *b, size_t b_len);
