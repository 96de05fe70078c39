#include "net/h2_memory.h"

#include <stdlib.h>
#include <string.h>

/* Stands before each block; keeps the alignment of malloc. */
struct head {
	alignas(max_align_t) size_t bytes;
};

static struct head *head_of(void *p)
{
	return p ? (struct head *)p - 1 : NULL;
}

static bool is_within(struct h2_memory *m, size_t had, size_t bytes)
{
	if (bytes <= m->max_bytes && m->bytes - had <= m->max_bytes - bytes)
		return true;
	m->is_over_budget = true;
	return false;
}

static void *mem_realloc(void *old, size_t bytes, void *arg)
{
	struct h2_memory *m = arg;
	struct head *head = head_of(old), *grown;
	size_t had = head ? head->bytes : 0;

	if (!is_within(m, had, bytes))
		return NULL;
	grown = realloc(head, sizeof(*grown) + bytes);
	if (!grown) {
		m->is_starved = true;
		return NULL;
	}
	m->bytes += bytes - had;
	grown->bytes = bytes;
	return grown + 1;
}

static void *mem_malloc(size_t bytes, void *arg)
{
	return mem_realloc(NULL, bytes, arg);
}

static void *mem_calloc(size_t n, size_t size, void *arg)
{
	size_t bytes;
	void *p;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	p = mem_realloc(NULL, bytes, arg);
	return p ? memset(p, 0, bytes) : NULL;
}

static void mem_free(void *p, void *arg)
{
	struct h2_memory *m = arg;
	struct head *head = head_of(p);

	if (!head)
		return;
	m->bytes -= head->bytes;
	free(head);
}

nghttp2_mem h2_memory_functions(struct h2_memory *m)
{
	return (nghttp2_mem){m, mem_malloc, mem_free, mem_calloc, mem_realloc};
}
