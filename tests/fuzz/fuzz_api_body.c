/* Bodies of POST requests, from whoever reaches the API. */
#include <stdlib.h>
#include <string.h>

#include "api/body.h"
#include "model/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct body_override o;
	const char *why = NULL;
	char *text = malloc(size ? size : 1);

	memcpy(text, data, size);
	if (body_empty(text, size, &why) == BODY_BAD)
		ASSERT(why);
	why = NULL;
	if (body_override(text, size, &o, &why) == BODY_OK) {
		ASSERT(o.vs[0] && strlen(o.vs) < BODY_NAME_BYTES);
		ASSERT(o.rs[0] && strlen(o.rs) < BODY_NAME_BYTES);
		ASSERT(real_override_kind(o.override) <= OVERRIDE_PERCENT);
	} else {
		ASSERT(why);
	}
	free(text);
	return 0;
}
