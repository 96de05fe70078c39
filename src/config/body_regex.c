#include "config/body_regex.h"

#include <errno.h>
#include <stdio.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/err.h"

/* \C would cut characters apart; (*UTF) in a pattern of ours would refuse whole bodies. Whoever
 * matches limits the places to try in one go (check_expect.h). */
static uint32_t options_for(const char *pattern, size_t len)
{
	const uint32_t all = PCRE2_NEVER_BACKSLASH_C | PCRE2_USE_OFFSET_LIMIT;

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)pattern[i] >= 0x80)
			return all | PCRE2_UTF | PCRE2_MATCH_INVALID_UTF;
	return all | PCRE2_NEVER_UTF;
}

static int refuse(struct body_regex_error *e, size_t offset, int code)
{
	PCRE2_UCHAR text[sizeof(e->text)];

	if (pcre2_get_error_message(code, text, sizeof(text)) == PCRE2_ERROR_BADDATA)
		snprintf(e->text, sizeof(e->text), "error %d", code);
	else
		snprintf(e->text, sizeof(e->text), "%s", (const char *)text);
	e->offset = (uint32_t)offset;
	return BODY_REGEX_BAD;
}

int body_regex_compile(const char *pattern, size_t len, struct pcre2_real_code_8 **ret_code,
		       struct body_regex_error *ret_error)
{
	PCRE2_SIZE offset = 0;
	pcre2_code *code;
	int error = 0;

	if (len > BODY_REGEX_MAX_BYTES)
		return refuse(ret_error, BODY_REGEX_MAX_BYTES, PCRE2_ERROR_PATTERN_STRING_TOO_LONG);
	code = pcre2_compile((PCRE2_SPTR)pattern, len, options_for(pattern, len), &error, &offset,
			     NULL);
	if (!code && error == PCRE2_ERROR_HEAP_FAILED)
		return err_origin(-ENOMEM);
	if (!code)
		return refuse(ret_error, MIN(offset, len), error);
	*ret_code = code;
	return 0;
}

void body_regex_speed_up(struct pcre2_real_code_8 *code)
{
	(void)!pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
}

void body_regex_free(struct pcre2_real_code_8 *code)
{
	pcre2_code_free(code);
}
