/* Bodies of the requests that command. Bytes from outside: bounded, strict, fuzzed. Pure. */
#pragma once

#include "base/cc.h"

enum { BODY_NAME_BYTES = 64, BODY_MAX_PERCENT = 1000 };

enum body_result { BODY_OK = 0, BODY_BAD = 1 };

struct body_override {
	char vs[BODY_NAME_BYTES]; /* as written, not looked up */
	char rs[BODY_NAME_BYTES];
	uint32_t override; /* real_override_make() */
};

/* All return BODY_OK, or BODY_BAD with *ret_error a static text. */

/* Nothing, or a JSON object without fields: the reference's empty request. */
MUST_CHECK int body_empty(const char *text, size_t len, const char **ret_error);
/* {"vs":NAME,"rs":NAME,"state":"up|drain|down|auto"} or with "weight": N, "N", "N%", "auto". */
MUST_CHECK int body_override(const char *text, size_t len, struct body_override *ret,
			     const char **ret_error);
