/* An answer that is made while it is sent: a source of bytes behind the library's content reader.
 *
 * The library owns the pump through its response and may let go of it late, after the connection's
 * own end; so the source is released as soon as anybody knows that it is not needed. Thread: api.
 */
#pragma once

#include "base/buf.h"

struct MHD_Response;

enum { PUMP_SOURCE_END = 1 };
struct pump_source {
	/* Appends some bytes. Returns 0, PUMP_SOURCE_END after the last, or a negative errno: the
	 * connection is cut, so that the client sees that it is not whole. */
	int (*more)(void *ctx, struct buf *out);
	/* Called once, when it was sent, or the client is gone or too slow. Frees ctx. */
	void (*done)(void *ctx);
	void *ctx;
};

/* The most that is made ahead of the client, and the longest single piece. With the library's own
 * memory a connection stays under the 64 KiB of decisions 49. */
enum { PUMP_AHEAD_BYTES = 12 * 1024, PUMP_PIECE_BYTES = 1024 * 1024 };

struct pump;

/* Returns a response of unknown length that reads from the source, or NULL if out of memory; the
 * source is taken over in either case. *owner holds the pump as long as it exists, and is set to
 * NULL when the library frees it; pump_disown() ends that. */
struct MHD_Response *pump_new(const struct pump_source *source, struct pump **owner);
/* Calls done(), if it was not called. The client sees a broken answer unless it has it all. */
void pump_release(struct pump *p);
void pump_disown(struct pump *p);
