/* TLS client over memory: ciphertext in, ciphertext out, no socket. OpenSSL inside.
 *
 * One tls_ctx per worker and distinct setting; one tls per connection in flight, freed with it.
 * The peer's certificate is not verified, as in the reference (verification is a later option).
 */
#pragma once

#include "base/buf.h"

struct tls_ctx;
struct tls;

/* min_version: 0x0301..0x0304, and nothing older is spoken; the highest is 1.3. X25519 first, then
 * P-256, P-384, P-521. OpenSSL's security level is 0: versions under 1.2 could not be spoken at
 * all otherwise, and a real with an old key or signature is alive. No session is resumed. alpn: the
 * one protocol to offer (RFC 7301), NULL: none. Returns NULL if the library refuses. One thread. */
struct tls_ctx *tls_ctx_new(uint16_t min_version, const char *alpn);
void tls_ctx_free(struct tls_ctx *c);

/* server_name is a Host value: port and final dots are left out, an IP address is not sent (RFC
 * 6066 §3). NULL or empty: no SNI. Returns NULL if out of memory. */
struct tls *tls_new(struct tls_ctx *c, const char *server_name);
void tls_free(struct tls *t);

enum tls_step {
	TLS_MORE,   /* needs more bytes from the peer */
	TLS_UP,     /* handshake complete */
	TLS_CLOSED, /* the peer sent close_notify */
	TLS_FAILED, /* tls_error() says why */
};

/* CODE_NO_MEMORY is certain only under tls_memory_watch(); see there. */
struct tls_error {
	uint16_t code;   /* CODE_TLS_ALERT, CODE_TLS_PROTOCOL, CODE_NO_MEMORY */
	uint32_t detail; /* alert number or library reason */
};

/* Hands over len bytes of ciphertext, which are copied. Returns 0, -ENOMEM, or -ENOBUFS for more
 * than 1 MiB unread: read until TLS_MORE after each call. */
MUST_CHECK int tls_feed(struct tls *t, const void *data, size_t len);
/* Goes on with the handshake. Call it first without input: it makes the ClientHello. */
enum tls_step tls_handshake(struct tls *t);
/* Moves the ciphertext to send into out. Returns 0 or what buf_append returns. */
MUST_CHECK int tls_drain(struct tls *t, struct buf *out);
/* Encrypts len bytes, all of them. Returns 0, -ENOMEM, or -EPROTO if the connection has failed. */
MUST_CHECK int tls_write(struct tls *t, const void *data, size_t len);
/* Decrypts up to room bytes into out; *ret_len > 0 with TLS_UP, 0 otherwise. */
enum tls_step tls_read(struct tls *t, void *out, size_t room, size_t *ret_len);
/* True if the peer's last record is not complete: its stream must not end here. An end between two
 * records counts as an end, as many servers send no close_notify. */
bool tls_is_mid_record(const struct tls *t);
struct tls_error tls_error(const struct tls *t);
/* After the handshake: true if the peer chose this protocol. */
bool tls_has_alpn(const struct tls *t, const char *alpn);
/* After the handshake: 0x0303, IANA cipher number, notAfter in s since 1970 (0: unknown). */
uint16_t tls_version(const struct tls *t);
uint16_t tls_cipher(const struct tls *t);
uint32_t tls_cert_expiry_s(const struct tls *t);
