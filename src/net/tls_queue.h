/* Two byte queues that OpenSSL takes for a connection: through a BIO of our own, one object for
 * both directions where BIO_s_mem needs two with two buffers each, and nothing is copied but once
 * in and once out. For tls*.c alone.
 */
#pragma once

#include "base/buf.h"

struct bio_method_st;
struct bio_st;

struct tls_queue {
	struct buf in;  /* ciphertext from the peer, not yet read by the library */
	struct buf out; /* ciphertext made by the library, not yet drained */
	int error;      /* why a write into out failed, negative errno; 0 */
};

/* Returns NULL if out of memory; freed with BIO_meth_free(). */
struct bio_method_st *tls_queue_method(void);
/* A BIO on these queues, or NULL. */
struct bio_st *tls_queue_bio(const struct bio_method_st *m, struct tls_queue *q);
