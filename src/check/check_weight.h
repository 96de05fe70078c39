/* The dynamic weight in a response (spec/monalive §3.5): a decimal number with an optional sign in
 * a header value, or after "rs_weight=" in the first line of the body. What is no number, negative
 * or beyond 64 bits counts as not said; what is above 65535 is cut to it (decisions 23).
 */
#pragma once

#include "base/cc.h"

enum { CHECK_WEIGHT_MAX = UINT16_MAX, CHECK_WEIGHT_NONE = -1 };

/* Reads a body's first line as it comes. Visible to be embedded. */
struct check_weight {
	uint64_t value;
	uint8_t state;
	uint8_t n_matched; /* bytes of "rs_weight=" */
	bool is_negative;
};

void check_weight_begin(struct check_weight *w);
/* Further bytes of the body; those after the first line are not looked at. */
void check_weight_feed(struct check_weight *w, const void *data, size_t len);
/* The body is complete: 0..CHECK_WEIGHT_MAX or CHECK_WEIGHT_NONE. */
int32_t check_weight_end(const struct check_weight *w);

/* The same of a header value. */
int32_t check_weight_of_text(const char *text, size_t len);
