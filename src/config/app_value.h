/* Text of one YAML value → number, duration, listen address, set of CPUs. Pure. */
#pragma once

#include "base/addr.h"

enum app_value_result {
	APP_VALUE_OK = 0,
	APP_VALUE_MALFORMED,
	APP_VALUE_NEGATIVE,
	APP_VALUE_TOO_LARGE,
	APP_VALUE_NO_UNIT, /* a fraction without a unit */
	APP_VALUE_OCTAL,   /* a leading zero */
	APP_VALUE_BAD_PORT,
	APP_VALUE_NO_PORT,
	APP_VALUE_NO_BRACKETS, /* IPv6 without brackets */
};
/* "must not be negative": the end of an error line. Static storage. */
const char *app_value_text(enum app_value_result r);

/* YAML 1.1 booleans. */
MUST_CHECK int app_value_bool(const char *text, size_t len, bool *ret);
/* Decimal, 0x, 0o or 0b; underscores between digits. */
MUST_CHECK int app_value_number(const char *text, size_t len, uint64_t *ret);
/* "1m30s", "1.5s", "50us"; a bare number is nanoseconds, and then *ret_is_bare. */
MUST_CHECK int app_value_duration(const char *text, size_t len, uint64_t *ret_ns,
				  bool *ret_is_bare);
/* "90s" → "1m30s": the shortest exact form. */
enum { APP_VALUE_DURATION_BYTES = 48 };
void app_value_format_duration(uint64_t ns, char out[APP_VALUE_DURATION_BYTES]);
/* "[::1]:80", "192.0.2.1:80", ":80" (every address), "localhost:80" (127.0.0.1) → the address and
 * port in canonical form. */
MUST_CHECK int app_value_listen(const char *text, size_t len, char out[ADDR_PORT_TEXT_BYTES]);
/* Sets the bits of "0-3,6"; n_bits is the room. */
MUST_CHECK int app_value_cpus(const char *text, size_t len, uint8_t *bits, uint32_t n_bits);
