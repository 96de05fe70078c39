/* Reading the daemon's lists row by row, and its times as ages. Pure. */
#pragma once

#include <jansson.h>

#include "base/cc.h"

/* Seconds since 1970 of an RFC 3339 UTC text, -1 if it is none. */
int64_t ctl_rows_time(const char *text);
/* "now", "12s", "3m05s", "4h07m", "12d03h"; "never" for a negative one. */
enum { CTL_ROWS_AGE_BYTES = 32 };
void ctl_rows_age(int64_t seconds, char out[CTL_ROWS_AGE_BYTES]);
/* Age of the time in field key of row at the moment now_s; "never" for null. */
void ctl_rows_age_of(const json_t *row, const char *key, int64_t now_s,
		     char out[CTL_ROWS_AGE_BYTES]);
/* Fields of a row, with a harmless value for one that is missing. */
const char *ctl_rows_str(const json_t *row, const char *key);
long long ctl_rows_int(const json_t *row, const char *key);
bool ctl_rows_bool(const json_t *row, const char *key);

typedef void (*ctl_rows_fn)(void *ctx, const json_t *row, int64_t now_s);
/* Calls fn for each object of the array `key` in a document {"generation":..,"now":..,key:[..]};
 * only one row is in memory as objects. Returns false if the document is not of this form. */
MUST_CHECK bool ctl_rows_each(const char *text, size_t len, const char *key, ctl_rows_fn fn,
			      void *ctx);
