#include "base/arena.h"

#include <string.h>
#include <sys/mman.h>

enum { FIRST_BLOCK = 64 << 10, LARGEST_BLOCK = 8 << 20, ALIGN = 16, PAGE = 4096 };

struct block {
	struct block *next;
	size_t bytes;
	size_t used;
	size_t pad;
};
static_assert(sizeof(struct block) % ALIGN == 0, "the first allocation of a block is aligned");

struct arena {
	struct block *head;
	size_t next_block;
	size_t total;
};

static struct block *block_map(struct arena *a, size_t need)
{
	size_t bytes = a->next_block;
	struct block *b;

	while (bytes < need + sizeof(*b))
		bytes *= 2;
	b = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (b == MAP_FAILED)
		return NULL;
	b->bytes = bytes;
	b->used = sizeof(*b);
	b->next = a->head;
	a->head = b;
	a->total += bytes;
	if (a->next_block < LARGEST_BLOCK)
		a->next_block *= 2;
	return b;
}

struct arena *arena_new(void)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (a)
		a->next_block = FIRST_BLOCK;
	return a;
}

void arena_free(struct arena *a)
{
	struct block *next;

	if (!a)
		return;
	for (struct block *b = a->head; b; b = next) {
		next = b->next;
		munmap(b, b->bytes);
	}
	free(a);
}

void *arena_alloc(struct arena *a, size_t bytes)
{
	struct block *b = a->head;
	void *p;

	/* block_map() doubles past it without overflow */
	if (bytes >= SIZE_MAX / 4)
		return NULL;
	bytes = (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (!b || b->bytes - b->used < bytes)
		b = block_map(a, bytes);
	if (!b)
		return NULL;
	p = (char *)b + b->used;
	b->used += bytes;
	return p;
}

char *arena_strndup(struct arena *a, const char *text, size_t len)
{
	char *copy = arena_alloc(a, len < SIZE_MAX ? len + 1 : len);

	if (copy)
		memcpy(copy, text, len);
	return copy;
}

size_t arena_bytes(const struct arena *a)
{
	return a->total;
}
