/* One value of alived.yaml → its field, with what can be checked of it alone: type, range, form.
 * Internal to app_config. */
#pragma once

#include "config/app_load.h"

/* A value as the file has it. */
struct app_scalar {
	const char *text;
	size_t len;
	bool is_plain; /* no quotes */
	struct app_span at;
};

/* Sets k's field (of a list: adds to it) or reports what is wrong. Not for APP_IGNORED. */
void app_set_value(struct app_load *l, const struct app_key *k, const struct app_scalar *v);
/* Fills the defaults of the schema in. */
void app_set_defaults(struct app_load *l);
