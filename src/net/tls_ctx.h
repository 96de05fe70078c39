/* Settings of TLS connections, ready for use: what is offered, what is trusted, who we are.
 *
 * Made from bytes that are in memory already: no file is read, but for the system's own store of
 * certificates, where OpenSSL looks one up by name. One thread; connections (tls.h) keep their
 * context alive.
 */
#pragma once

#include "base/cc.h"

struct bio_method_st;
struct ssl_ctx_st;
struct x509_store_st;

/* Trusted certificates; several contexts may share one, in the same thread. */
struct tls_trust;

/* From PEM: each certificate in it is trusted, whether self-signed or not. NULL: the system's.
 * Returns 0, -ENOMEM, or -EINVAL if there is no certificate in it or one that cannot be read. */
MUST_CHECK int tls_trust_new(const void *pem, size_t len, struct tls_trust **ret_trust);
void tls_trust_free(struct tls_trust *t);

struct tls_bytes {
	const void *at;
	size_t len;
};

struct tls_options {
	uint16_t min_version, max_version; /* 0x0301..0x0304; nothing else is spoken */
	bool resumes;                      /* sessions may be kept (tls_take_session) */
	/* names to offer (RFC 7301), the favourite first, NULL behind the last; NULL: none. Kept,
	 * not copied: static storage. */
	const char *const *alpn;
	/* the real's chain must end in one of these, and its name must be the one wanted; NULL: any
	 * certificate will do. Not owned, may be freed after. */
	const struct tls_trust *trust;
	struct tls_bytes cert, key; /* ours, as PEM, cert with its chain; NULL: none */
};

struct tls_ctx {
	struct ssl_ctx_st *ssl;
	struct bio_method_st *method;
	const char *const *alpn;
	uint32_t n_users; /* connections, and whoever made it */
	bool verifies;
	bool resumes;
};

/* X25519 first, then P-256, P-384, P-521. OpenSSL's security level is 0: versions under 1.2 could
 * not be spoken at all otherwise, and a real with an old key or signature is alive. Where
 * certificates are verified, the signatures in a chain must be better than SHA-1 (auth level 1).
 * Returns 0, -ENOMEM, or -EINVAL if options or PEM are not usable, key not fitting cert included.
 */
MUST_CHECK int tls_ctx_new(const struct tls_options *o, struct tls_ctx **ret_ctx);
/* Its maker's word; it lives on as long as connections use it. NULL is no context. */
void tls_ctx_free(struct tls_ctx *c);
