#include "net/tls_queue.h"

#include <openssl/bio.h>

static int queue_read(BIO *bio, char *out, size_t room, size_t *ret_len)
{
	struct tls_queue *q = BIO_get_data(bio);
	size_t len = MIN(room, buf_len(&q->in));

	BIO_clear_retry_flags(bio);
	if (!len) {
		BIO_set_retry_read(bio);
		return 0;
	}
	memcpy(out, buf_head(&q->in), len);
	buf_consume(&q->in, len);
	*ret_len = len;
	return 1;
}

static int queue_write(BIO *bio, const char *data, size_t len, size_t *ret_len)
{
	struct tls_queue *q = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	q->error = buf_append(&q->out, data, len);
	if (q->error < 0)
		return 0;
	*ret_len = len;
	return 1;
}

static long queue_ctrl(BIO *bio, int command, long number, void *pointer)
{
	(void)bio, (void)number, (void)pointer;
	return command == BIO_CTRL_FLUSH;
}

/* No type number of its own: nobody looks for BIOs by type, and a process has only 127 of them. */
BIO_METHOD *tls_queue_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "alived queue");

	if (!m || !BIO_meth_set_read_ex(m, queue_read) || !BIO_meth_set_write_ex(m, queue_write) ||
	    !BIO_meth_set_ctrl(m, queue_ctrl)) {
		BIO_meth_free(m);
		return NULL;
	}
	return m;
}

BIO *tls_queue_bio(const BIO_METHOD *m, struct tls_queue *q)
{
	BIO *bio = BIO_new(m);

	if (!bio)
		return NULL;
	BIO_set_data(bio, q);
	BIO_set_init(bio, 1);
	return bio;
}
