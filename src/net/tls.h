/* TLS client over memory: ciphertext in, ciphertext out, no socket. OpenSSL inside.
 *
 * One tls_ctx per worker and distinct setting; one tls per connection in flight, freed with it.
 * Sessions outlive their connection if the context resumes; whoever takes one frees it.
 */
#pragma once

#include "base/buf.h"
#include "net/tls_ctx.h"

struct tls;
/* OpenSSL's SSL_SESSION: about 6 KB, the real's certificate included. */
struct ssl_session_st;

struct tls_target {
	/* A Host value: port and final dots are left out, an IP address is not sent (RFC 6066 §3).
	 * NULL or empty: no SNI. */
	const char *server_name;
	/* Of a context that verifies: the name or address that the certificate must be for, as a
	 * Host value. NULL or empty: of any name. */
	const char *verify_name;
	struct ssl_session_st *session; /* to offer, stays the caller's; NULL: full handshake */
};

/* Returns NULL if out of memory. */
struct tls *tls_new(struct tls_ctx *c, const struct tls_target *target);
void tls_free(struct tls *t);

enum tls_step {
	TLS_MORE,   /* needs more bytes from the peer */
	TLS_UP,     /* handshake complete */
	TLS_CLOSED, /* the peer sent close_notify */
	TLS_FAILED, /* tls_error() says why */
};

/* CODE_NO_MEMORY is certain only under tls_memory_watch(); see there. */
struct tls_error {
	uint16_t code;   /* CODE_TLS_ALERT, CODE_TLS_PROTOCOL, CODE_TLS_VERIFY, CODE_NO_MEMORY */
	uint32_t detail; /* alert number, library reason, X509 verify result (tls_text.h), errno */
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
/* Decrypts up to room bytes into out; *ret_len > 0 with TLS_UP, 0 otherwise. A peer that sends more
 * than TLS_MAX_BARREN messages which are no data (tickets, key updates, requests to renegotiate)
 * has failed: each may cost more than a whole check does. */
enum { TLS_MAX_BARREN = 64 };
enum tls_step tls_read(struct tls *t, void *out, size_t room, size_t *ret_len);
/* True if the peer's last record is not complete: its stream must not end here. An end between two
 * records counts as an end, as many servers send no close_notify. */
bool tls_is_mid_record(const struct tls *t);
struct tls_error tls_error(const struct tls *t);

/* After the handshake: what the peer chose of the names offered, "" if nothing. One of the strings
 * of tls_options.alpn. */
const char *tls_alpn(const struct tls *t);
bool tls_has_alpn(const struct tls *t, const char *alpn);
/* After the handshake: 0x0303, IANA cipher number, notAfter in s since 1970 (0: unknown; of a
 * resumed one, that of the handshake it comes from). */
uint16_t tls_version(const struct tls *t);
uint16_t tls_cipher(const struct tls *t);
uint32_t tls_cert_expiry_s(const struct tls *t);
bool tls_is_resumed(const struct tls *t);

/* The newest session to resume, for the caller to keep and to free; NULL if there is none, or the
 * connection failed. Looks at what has been fed but not read, so that tickets behind the last data
 * are not lost; nothing can be read after it. */
struct ssl_session_st *tls_take_session(struct tls *t);
void tls_session_free(struct ssl_session_st *s);
