#include "net/tls_heap.h"

#include <criterion/criterion.h>
#include <pthread.h>

#include <openssl/ssl.h>

#include "net/tls_memory.h"

static int watched;

/* Before anything uses OpenSSL, its own start included. */
__attribute__((constructor)) static void watch(void)
{
	watched = tls_memory_watch_heap();
}

static unsigned char *filled(size_t bytes, unsigned char with)
{
	unsigned char *p = tls_heap_resize(NULL, bytes);

	cr_assert_not_null(p);
	cr_assert_eq((uintptr_t)p % 16, 0, "%zu bytes", bytes);
	memset(p, with, bytes);
	return p;
}

static void expect(const unsigned char *p, size_t bytes, unsigned char with)
{
	for (size_t i = 0; i < bytes; i++)
		cr_assert_eq(p[i], with, "byte %zu of %zu", i, bytes);
}

Test(tls_heap, blocks_of_all_sizes_are_aligned_and_apart)
{
	enum { N = TLS_HEAP_MAX_BYTES + 100 };
	static unsigned char *at[N];

	for (size_t n = 1; n < N; n++)
		at[n] = filled(n, (unsigned char)n);
	for (size_t n = 1; n < N; n++)
		expect(at[n], n, (unsigned char)n);
	for (size_t n = 1; n < N; n++)
		tls_heap_free(at[n]);
}

Test(tls_heap, resize_keeps_what_fits)
{
	static const size_t sizes[] = {
		1,      24,   25,   40, 4000, TLS_HEAP_MAX_BYTES, TLS_HEAP_MAX_BYTES + 1,
		100000, 5000, 4096, 30, 7};
	unsigned char *p = filled(1, 0xab);
	size_t have = 1;

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		p = tls_heap_resize(p, sizes[i]);
		cr_assert_not_null(p);
		expect(p, MIN(have, sizes[i]), 0xab);
		memset(p, 0xab, sizes[i]);
		have = sizes[i];
	}
	cr_assert_null(tls_heap_resize(p, 0), "nothing is freed");
}

Test(tls_heap, small_growth_within_the_stride_stays_in_place)
{
	unsigned char *p = filled(33, 1);

	cr_assert_eq(tls_heap_resize(p, 40), p);
	cr_assert_neq(tls_heap_resize(p, 41), p);
}

Test(tls_heap, what_cannot_be_had_leaves_the_old_one)
{
	unsigned char *p = filled(5000, 7);

	cr_assert_null(tls_heap_resize(NULL, SIZE_MAX));
	cr_assert_null(tls_heap_resize(p, SIZE_MAX - 8));
	cr_assert_null(tls_heap_resize(p, PTRDIFF_MAX));
	expect(p, 5000, 7);
	tls_heap_free(p);
	tls_heap_free(NULL);
}

static void use_and_leave(void)
{
	unsigned char *at[1000];

	for (size_t i = 0; i < ARRAY_LEN(at); i++)
		at[i] = filled(i % 700 + 1, 1);
	for (size_t i = 0; i < ARRAY_LEN(at); i++)
		tls_heap_free(at[i]);
}

Test(tls_heap, the_same_use_again_takes_nothing_more)
{
	uint32_t slabs;

	use_and_leave();
	slabs = tls_heap_slabs();
	cr_assert_gt(slabs, 0);
	for (int i = 0; i < 100; i++)
		use_and_leave();
	cr_assert_eq(tls_heap_slabs(), slabs);
}

static void *in_a_thread(void *arg)
{
	(void)arg;
	use_and_leave();
	return NULL;
}

Test(tls_heap, threads_that_come_and_go_take_over_what_was_there)
{
	uint32_t slabs = 0;

	for (int i = 0; i < 20; i++) {
		pthread_t t;

		cr_assert_eq(pthread_create(&t, NULL, in_a_thread, NULL), 0);
		cr_assert_eq(pthread_join(t, NULL), 0);
		if (i == 0)
			slabs = tls_heap_slabs();
	}
	cr_assert_eq(tls_heap_slabs(), slabs);
}

static void *give_back(void *block)
{
	unsigned char *mine;

	tls_heap_free(block);
	mine = filled(100, 2);
	cr_assert_eq(mine, block, "it stays with who freed it");
	return NULL;
}

Test(tls_heap, a_block_may_be_freed_by_another_thread)
{
	unsigned char *p = filled(100, 1);
	pthread_t t;

	cr_assert_eq(pthread_create(&t, NULL, give_back, p), 0);
	cr_assert_eq(pthread_join(t, NULL), 0);
	cr_assert_neq(filled(100, 1), p);
}

Test(tls_heap, openssl_lives_on_it)
{
	uint32_t slabs = 0;

	cr_assert_eq(watched, 0);
	for (int i = 0; i < 30; i++) {
		SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
		SSL *ssl = SSL_new(ctx);

		cr_assert_not_null(ssl);
		SSL_free(ssl);
		SSL_CTX_free(ctx);
		if (i == 1)
			slabs = tls_heap_slabs();
	}
	cr_assert_eq(tls_heap_slabs(), slabs, "what is freed is used again");
	cr_assert(!tls_memory_failed());
}
