/* Bump allocator for parse data and generations: many small pieces, freed as a whole.
 * Memory is mapped in blocks of growing size, so freeing gives it back to the kernel.
 */
#pragma once

#include "base/cc.h"

struct arena;

/* Returns NULL if out of memory. Owner: the caller, until arena_free. One thread at a time. */
struct arena *arena_new(void);
void arena_free(struct arena *a);

/* bytes of zeroed memory, aligned to 16, or NULL. Lives until arena_free. */
void *arena_alloc(struct arena *a, size_t bytes);
/* A NUL-terminated copy of len bytes, or NULL. */
char *arena_strndup(struct arena *a, const char *text, size_t len);
/* Bytes mapped so far. */
size_t arena_bytes(const struct arena *a);
