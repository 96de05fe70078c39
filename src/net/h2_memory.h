/* The memory of one HTTP/2 connection: malloc under a budget, so that what a peer makes libnghttp2
 * hold is bounded, and is told apart from malloc itself refusing. One thread.
 */
#pragma once

#include <nghttp2/nghttp2.h>

#include "base/cc.h"

/* Visible to be embedded; must not move while the library uses it. Zero but for the budget at
 * first.
 */
struct h2_memory {
	size_t max_bytes;
	size_t bytes;        /* in use */
	bool is_starved;     /* malloc refused */
	bool is_over_budget; /* we did */
};

/* The functions for a session; m must outlive it. */
nghttp2_mem h2_memory_functions(struct h2_memory *m);
