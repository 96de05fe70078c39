/* A TLS server in memory for tests: OpenSSL's own, over BIO_s_mem, with certificates made on the
 * spot. Failures that tests do not expect abort. One thread. */
#pragma once

#include <openssl/ssl.h>

#include "base/buf.h"

enum tls_server_key { TLS_SERVER_EC, TLS_SERVER_RSA, TLS_SERVER_RSA_1024 };

struct tls_server_options {
	enum tls_server_key key;
	int min_version, max_version; /* 0: the library's; below 1.2 at security level 0 */
	const char *ciphers;          /* TLS 1.2 and below, NULL: the library's */
	int64_t not_after_s;          /* seconds since 1970; 0: tomorrow */
	const char *alpn;             /* the protocol it takes, NULL: knows no ALPN */
	const char *dns, *ip;         /* in the certificate's SAN; NULL: no SAN */
	bool has_ca;                  /* a CA made for the server signs; else it signs itself */
	bool asks_for_certificate;    /* of a client, and demands that its own CA signed it */
	int n_padding;                /* certificates more that it sends, about 1 KB each */
};

struct tls_server_pem {
	char cert[4096], key[4096];
};

struct tls_server {
	SSL_CTX *ctx;
	SSL *ssl;
	const char *alpn;
	char name[256]; /* SNI that the client sent, "" without */
	EVP_PKEY *ca_key;
	X509 *ca;
	char trust[4096]; /* PEM of what its certificate is to be verified with */
};

void tls_server_init(struct tls_server *s, const struct tls_server_options *o);
void tls_server_deinit(struct tls_server *s);
/* A certificate for clients, signed by the server's CA (has_ca). */
void tls_server_issue(const struct tls_server *s, struct tls_server_pem *ret);
/* Forgets the connection and waits for the next one. */
void tls_server_again(struct tls_server *s);
/* Takes ciphertext; goes on with the handshake. */
void tls_server_take(struct tls_server *s, const void *data, size_t len);
/* Moves what the server has to send to the end of out. */
void tls_server_give(struct tls_server *s, struct buf *out);
