#include "net/tls_memory.h"

#include <errno.h>

#include <openssl/crypto.h>

#include "base/err.h"
#include "net/tls_heap.h"

/* AddressSanitizer must see each block by itself. */
#if defined(__SANITIZE_ADDRESS__)
#define SEES_BLOCKS true
#elif !defined(__has_feature)
#define SEES_BLOCKS false
#else
#define SEES_BLOCKS __has_feature(address_sanitizer)
#endif

/* written once, before there are threads that read it */
static tls_memory_fn memory_source;
static void (*memory_sink)(void *p);
static _Thread_local bool has_failed;

static void *resize(void *old, size_t bytes, const char *file, int line)
{
	void *p;

	(void)file, (void)line;
	/* realloc(p, 0) would free or not, as the C library likes: OpenSSL means "free" */
	if (!bytes) {
		memory_sink(old);
		return NULL;
	}
	p = memory_source(old, bytes);
	has_failed |= !p;
	return p;
}

static void *allocate(size_t bytes, const char *file, int line)
{
	return resize(NULL, bytes, file, line);
}

static void release(void *p, const char *file, int line)
{
	(void)file, (void)line;
	memory_sink(p);
}

static int take_from(tls_memory_fn source, void (*sink)(void *p))
{
	tls_memory_fn source_before = memory_source;
	void (*sink_before)(void *p) = memory_sink;

	memory_source = source;
	memory_sink = sink;
	if (CRYPTO_set_mem_functions(allocate, resize, release))
		return 0;
	memory_source = source_before;
	memory_sink = sink_before;
	return err_origin(-EBUSY);
}

int tls_memory_watch(tls_memory_fn source)
{
	return take_from(source, free);
}

int tls_memory_watch_heap(void)
{
	return SEES_BLOCKS ? take_from(realloc, free) : take_from(tls_heap_resize, tls_heap_free);
}

void tls_memory_forget(void)
{
	has_failed = false;
}

bool tls_memory_failed(void)
{
	return has_failed;
}
