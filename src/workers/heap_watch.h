/* When a worker gives memory back to the kernel.
 *
 * A TLS connection in flight holds some 40 KB. In the ordinary course few are in flight at a time,
 * but when all at once hang (a site that went silent) or the processor is short, thousands may be,
 * and the C library keeps what they leave for ever: it shrinks a thread's heap only from its top.
 * Giving it back costs about 0.15 ms a megabyte, on the worker's own time; so it is done after a
 * peak, once, when the peak is surely over.
 */
#pragma once

#include "base/cc.h"

enum {
	HEAP_WATCH_MIN_FALL = 128, /* connections: 5 MB */
	HEAP_WATCH_QUIET_S = 2,
};

struct heap_watch {
	uint32_t peak;     /* most in flight since the heap was last trimmed */
	uint64_t quiet_ns; /* since when far fewer are; 0: they are not */
};

/* n: connections in flight now. Called often. True: trim now. */
bool heap_watch_look(struct heap_watch *h, uint32_t n, uint64_t now_ns);
