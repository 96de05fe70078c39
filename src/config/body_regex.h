/* The regular expressions that a response body is held against: PCRE2, over bytes.
 *
 * A pattern in plain ASCII is matched byte by byte, whatever the body's encoding; one with other
 * characters is matched as UTF-8, where broken sequences in the body match nothing (spec/keepalived
 * §9.2, regex). Any thread; a code is read-only once made.
 */
#pragma once

#include "base/cc.h"

struct pcre2_real_code_8;

enum { BODY_REGEX_BAD = 1, BODY_REGEX_MAX_BYTES = 4096 };

struct body_regex_error {
	uint32_t offset; /* in the pattern; its length: at the end */
	char text[128];  /* PCRE2's message */
};

/* Compiles len bytes. Returns 0 (free with body_regex_free), BODY_REGEX_BAD with *ret_error, or
 * -ENOMEM. */
MUST_CHECK int body_regex_compile(const char *pattern, size_t len,
				  struct pcre2_real_code_8 **ret_code,
				  struct body_regex_error *ret_error);
/* Makes machine code of it where that can be had; without, matching is only slower. */
void body_regex_speed_up(struct pcre2_real_code_8 *code);
void body_regex_free(struct pcre2_real_code_8 *code);
