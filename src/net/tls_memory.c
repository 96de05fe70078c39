#include "net/tls_memory.h"

#include <errno.h>

#include <openssl/crypto.h>

#include "base/err.h"

/* written once, before there are threads that read it */
static tls_memory_fn memory_source;
static _Thread_local bool has_failed;

static void *resize(void *old, size_t bytes, const char *file, int line)
{
	void *p;

	(void)file, (void)line;
	/* realloc(p, 0) would free or not, as the C library likes: OpenSSL means "free" */
	if (!bytes) {
		free(old);
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
	free(p);
}

int tls_memory_watch(tls_memory_fn source)
{
	tls_memory_fn before = memory_source;

	memory_source = source;
	if (CRYPTO_set_mem_functions(allocate, resize, release))
		return 0;
	memory_source = before;
	return err_origin(-EBUSY);
}

void tls_memory_forget(void)
{
	has_failed = false;
}

bool tls_memory_failed(void)
{
	return has_failed;
}
