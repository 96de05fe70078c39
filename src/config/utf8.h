/* Which bytes are text: for diagnostics, and for values that end up in JSON or protobuf. */
#pragma once

#include "base/cc.h"

/* Length of the printable UTF-8 character at p, or 0 if the bytes (len > 0 of them) do not begin
 * with one: control characters, overlong forms, surrogates and cut characters are none. */
size_t utf8_len(const char *p, size_t len);
/* True if all of it is printable characters, tabs included. */
bool utf8_is_text(const char *text, size_t len);
