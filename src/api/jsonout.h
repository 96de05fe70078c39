/* JSON text, appended piece by piece to a byte queue; commas come by themselves.
 *
 * Values follow the reference's mapping (spec/monalive §11.5): durations and timestamps as
 * protobuf's JSON writes them. Strings may hold any bytes: what is no UTF-8 becomes U+FFFD, so the
 * output is always valid. Pure; one thread per writer.
 */
#pragma once

#include "base/buf.h"

struct jsonout {
	struct buf *to;
	bool needs_comma;
	bool is_full; /* sticky: something did not fit, the text is useless */
};

#define JSONOUT_TO(buf) ((struct jsonout){.to = (buf)})

/* bracket: one of { [ and } ]. */
void jsonout_open(struct jsonout *j, char bracket);
void jsonout_close(struct jsonout *j, char bracket);
/* The name of the next value. key: a literal that needs no escaping. */
void jsonout_key(struct jsonout *j, const char *key);

void jsonout_str(struct jsonout *j, const char *text, size_t len);
void jsonout_u64(struct jsonout *j, uint64_t value);
void jsonout_bool(struct jsonout *j, bool value);
void jsonout_null(struct jsonout *j);
/* "1s", "1.100s", "0.000001s": 0, 3, 6 or 9 digits after the point. */
void jsonout_duration(struct jsonout *j, uint64_t ns);
/* RFC 3339 UTC with 0, 3, 6 or 9 digits; 0 is "never": 0001-01-01T00:00:00Z. */
void jsonout_time(struct jsonout *j, uint64_t wall_ns);

/* key and value in one call */
void jsonout_kstr(struct jsonout *j, const char *key, const char *text);
void jsonout_ku64(struct jsonout *j, const char *key, uint64_t value);
void jsonout_kbool(struct jsonout *j, const char *key, bool value);
/* null for 0. */
void jsonout_ktime(struct jsonout *j, const char *key, uint64_t wall_ns);
