/* Memory for OpenSSL: one TLS handshake allocates and frees some 3000 small blocks, all on the
 * thread of one worker. The C library's allocator is a fifth of the time of a handshake; it is made
 * for everybody: locks where there are threads, short caches, merging of neighbours. Here each
 * thread has lists of free blocks by size, cut from slabs, and nothing is merged or given back: the
 * most that was ever in use is kept, as with sockets and rows.
 *
 * Blocks may be freed by another thread; they stay with it. A thread's heap outlives it and is
 * taken over by the next one that needs one, so threads that come and go cost nothing. Blocks above
 * TLS_HEAP_MAX_BYTES are the C library's. Any thread, no lock on the way. */
#pragma once

#include "base/cc.h"

enum { TLS_HEAP_MAX_BYTES = 4096, TLS_HEAP_SLAB_BYTES = 64 << 10 };

/* As realloc(), but 0 bytes free old and give NULL. Blocks are aligned to 16 bytes. NULL: no
 * memory; old is as it was. */
void *tls_heap_resize(void *old, size_t bytes);
/* NULL is fine. */
void tls_heap_free(void *block);

/* Slabs that exist in the process. For tests. */
uint32_t tls_heap_slabs(void);
