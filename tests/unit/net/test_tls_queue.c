#include "net/tls_queue.h"

#include <errno.h>

#include <criterion/criterion.h>
#include <openssl/bio.h>

static struct tls_queue queue;
static BIO_METHOD *method;
static BIO *bio;

static void setup(void)
{
	queue.in = BUF_INIT(100);
	queue.out = BUF_INIT(10);
	queue.error = 0;
	method = tls_queue_method();
	bio = tls_queue_bio(method, &queue);
	cr_assert_not_null(bio);
}

static void teardown(void)
{
	BIO_free(bio);
	BIO_meth_free(method);
	buf_deinit(&queue.in);
	buf_deinit(&queue.out);
}

TestSuite(tls_queue, .init = setup, .fini = teardown);

Test(tls_queue, empty_queue_wants_more)
{
	char byte;
	size_t len;

	cr_assert(!BIO_read_ex(bio, &byte, 1, &len));
	cr_assert(BIO_should_read(bio));
}

Test(tls_queue, bytes_come_in_order_and_once)
{
	char seen[8];
	size_t len;

	cr_assert_eq(buf_append(&queue.in, "abcdef", 6), 0);
	cr_assert(BIO_read_ex(bio, seen, 4, &len) && len == 4);
	cr_assert(!memcmp(seen, "abcd", 4));
	cr_assert(BIO_read_ex(bio, seen, 4, &len) && len == 2);
	cr_assert(!memcmp(seen, "ef", 2));
	cr_assert(!BIO_read_ex(bio, seen, 4, &len));
}

Test(tls_queue, full_queue_fails_and_says_so)
{
	size_t len;

	cr_assert(BIO_write_ex(bio, "0123456789", 10, &len));
	cr_assert_eq(queue.error, 0);
	cr_assert(!BIO_write_ex(bio, "x", 1, &len));
	cr_assert_eq(queue.error, -ENOBUFS);
	cr_assert(!BIO_should_retry(bio));
	cr_assert_eq(BIO_flush(bio), 1);
}
