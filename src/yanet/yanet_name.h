/* The name of a balancer module, fit to be sent: not empty, printable UTF-8, at most 255 bytes.
 * Only yanet_name_make() makes one, so an update with another name cannot be built (spec/yanet §3).
 */
#pragma once

#include "base/cc.h"

enum { YANET_NAME_MAX = 255 };

struct yanet_name {
	/* sealed: filled by yanet_name_make() only */
	uint8_t len;
	char text[YANET_NAME_MAX];
};

/* False: the text is empty, too long, or not printable UTF-8. */
MUST_CHECK bool yanet_name_make(const char *text, size_t len, struct yanet_name *ret);
bool yanet_name_eq(const struct yanet_name *a, const struct yanet_name *b);
