#include "yanet/yanet_name.h"

#include "config/utf8.h"

bool yanet_name_make(const char *text, size_t len, struct yanet_name *ret)
{
	if (len == 0 || len > YANET_NAME_MAX || !utf8_is_text(text, len))
		return false;
	ret->len = (uint8_t)len;
	memcpy(ret->text, text, len);
	return true;
}

bool yanet_name_eq(const struct yanet_name *a, const struct yanet_name *b)
{
	return a->len == b->len && !memcmp(a->text, b->text, a->len);
}
