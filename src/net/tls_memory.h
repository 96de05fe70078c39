/* Tells a failed allocation inside OpenSSL from a failure that the real has caused. The library
 * itself does not: of its allocations in a handshake three in five, when they fail, surface as some
 * protocol or internal error. Want of memory is our own fault and must not count against the real
 * (decisions 13).
 */
#pragma once

#include "base/cc.h"

/* Where memory comes from: realloc, or what a test puts in its place. */
typedef void *(*tls_memory_fn)(void *old, size_t bytes);

/* Has OpenSSL take its memory from source, watched, in the whole process. Main thread, once, before
 * anything uses OpenSSL. Returns 0, or -EBUSY if that was too late: then only the library's own
 * reports count. */
MUST_CHECK int tls_memory_watch(tls_memory_fn source);

/* From now on nothing has failed. Calling thread only. */
void tls_memory_forget(void);
/* True if an allocation of OpenSSL failed in the calling thread since tls_memory_forget(). */
bool tls_memory_failed(void);
