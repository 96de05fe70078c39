/* A block is preceded by 8 bytes that say its class: its stride in units of 16 bytes, 0 for a large
 * one. Strides include those 8 bytes, as in the C library, so small blocks cost the same. */
#include "net/tls_heap.h"

#include <pthread.h>
#include <stdatomic.h>

enum { UNIT = 16, HEAD_BYTES = 8, CLASSES = (TLS_HEAP_MAX_BYTES + HEAD_BYTES) / UNIT + 2 };

/* A free block, in place of its content. */
struct block {
	struct block *next;
};

struct heap {
	struct block *free[CLASSES];
	unsigned char *at, *end; /* rest of the newest slab */
	struct heap *next;       /* among the orphans */
};

static _Thread_local struct heap *mine;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t on_thread_end;
static pthread_mutex_t orphans_lock = PTHREAD_MUTEX_INITIALIZER;
static struct heap *orphans;
static _Atomic uint32_t n_slabs;

static uint32_t *head_of(void *block)
{
	return (uint32_t *)((unsigned char *)block - HEAD_BYTES);
}

/* --- heaps and threads ------------------------------------------------------------------------ */

static void leave(void *heap)
{
	struct heap *h = heap;

	mine = NULL;
	pthread_mutex_lock(&orphans_lock);
	h->next = orphans;
	orphans = h;
	pthread_mutex_unlock(&orphans_lock);
}

static void make_key(void)
{
	ASSERT(pthread_key_create(&on_thread_end, leave) == 0);
}

static struct heap *adopt(void)
{
	struct heap *h;

	pthread_mutex_lock(&orphans_lock);
	h = orphans;
	if (h)
		orphans = h->next;
	pthread_mutex_unlock(&orphans_lock);
	return h;
}

/* The thread's first use. */
static struct heap *enter(void)
{
	struct heap *h;

	pthread_once(&once, make_key);
	h = adopt();
	if (!h)
		h = calloc(1, sizeof(*h));
	if (!h)
		return NULL;
	if (pthread_setspecific(on_thread_end, h) != 0) {
		leave(h);
		return NULL;
	}
	mine = h;
	return h;
}

/* --- blocks ----------------------------------------------------------------------------------- */

/* The rest of the old slab is cut into one free block: nothing is lost. */
static void put_rest(struct heap *h)
{
	size_t class = (size_t)(h->end - h->at) / UNIT;
	struct block *b;

	if (class < 2)
		return;
	class = MIN(class, (size_t)CLASSES - 1);
	b = (struct block *)(h->at + HEAD_BYTES);
	*head_of(b) = (uint32_t) class;
	b->next = h->free[class];
	h->free[class] = b;
}

static bool new_slab(struct heap *h)
{
	put_rest(h);
	/* one unit more: blocks begin HEAD_BYTES behind a multiple of UNIT */
	h->at = malloc(TLS_HEAP_SLAB_BYTES + UNIT);
	h->end = NULL;
	if (!h->at)
		return false;
	h->at += HEAD_BYTES;
	h->end = h->at + TLS_HEAP_SLAB_BYTES;
	/* relaxed: a figure of its own */
	atomic_fetch_add_explicit(&n_slabs, 1, memory_order_relaxed);
	return true;
}

static void *cut(struct heap *h, size_t class)
{
	void *block;

	if ((size_t)(h->end - h->at) < class * UNIT && !new_slab(h))
		return NULL;
	block = h->at + HEAD_BYTES;
	h->at += class * UNIT;
	*head_of(block) = (uint32_t) class;
	return block;
}

static void *small(size_t class)
{
	struct heap *h = mine ? mine : enter();
	struct block *b;

	if (!h)
		return NULL;
	b = h->free[class];
	if (!b)
		return cut(h, class);
	h->free[class] = b->next;
	return b;
}

static void *large(void *old, size_t bytes)
{
	unsigned char *raw;

	if (bytes > PTRDIFF_MAX - UNIT)
		return NULL;
	raw = realloc(old ? (unsigned char *)old - UNIT : NULL, bytes + UNIT);
	if (!raw)
		return NULL;
	*head_of(raw + UNIT) = 0;
	return raw + UNIT;
}

static size_t class_of(size_t bytes)
{
	return bytes > TLS_HEAP_MAX_BYTES ? 0 : MAX((bytes + HEAD_BYTES + UNIT - 1) / UNIT, 2u);
}

static void *allocate(size_t bytes)
{
	size_t class = class_of(bytes);

	return class ? small(class) : large(NULL, bytes);
}

static size_t room_of(size_t class)
{
	return class * UNIT - HEAD_BYTES;
}

/* Another class; a small one that becomes large, or the other way round, is copied too. */
static void *move(void *old, size_t old_class, size_t bytes)
{
	void *block = allocate(bytes);

	if (!block)
		return NULL;
	memcpy(block, old, old_class ? MIN(room_of(old_class), bytes) : bytes);
	tls_heap_free(old);
	return block;
}

void *tls_heap_resize(void *old, size_t bytes)
{
	size_t class = class_of(bytes), old_class;

	if (bytes == 0) {
		tls_heap_free(old);
		return NULL;
	}
	if (!old)
		return allocate(bytes);
	old_class = *head_of(old);
	if (!class && !old_class)
		return large(old, bytes);
	return class == old_class ? old : move(old, old_class, bytes);
}

void tls_heap_free(void *block)
{
	struct heap *h = mine ? mine : enter();
	struct block *b = block;
	uint32_t class;

	if (!block)
		return;
	class = *head_of(block);
	if (class == 0) {
		free((unsigned char *)block - UNIT);
		return;
	}
	/* without a heap of its own, for want of memory, a thread loses it */
	if (!h)
		return;
	b->next = h->free[class];
	h->free[class] = b;
}

uint32_t tls_heap_slabs(void)
{
	/* relaxed: a figure of its own */
	return atomic_load_explicit(&n_slabs, memory_order_relaxed);
}
