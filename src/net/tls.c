/* OpenSSL reads from and writes to two byte queues through a BIO of our own: one object for both
 * directions where BIO_s_mem needs two with two buffers each, and nothing is copied but once in and
 * once out. A flight is therefore one recv and one send of the caller.
 *
 * The library's error queue is per thread and shared by all connections on it: it is emptied before
 * each call whose failure is looked at and after each failure, so no connection ever sees another's
 * error.
 */
#include "net/tls.h"

#include <errno.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/addr.h"
#include "base/err.h"
#include "model/check_code.h"
#include "net/tls_memory.h"

enum {
	/* ciphertext waiting for the library or for the caller; both sides take it at once */
	MAX_QUEUED_BYTES = 1 << 20,
	MAX_NAME_BYTES = 255,
};

struct tls_ctx {
	SSL_CTX *ssl;
	BIO_METHOD *method;
};

struct tls {
	SSL *ssl;
	struct buf in;  /* ciphertext from the peer, not yet read by the library */
	struct buf out; /* ciphertext made by the library, not yet drained */
	struct tls_error error;
	int io_error;    /* why a write into out failed, negative errno */
	bool is_starved; /* an allocation failed on its behalf */
};

static int bio_read(BIO *bio, char *out, size_t room, size_t *ret_len)
{
	struct tls *t = BIO_get_data(bio);
	size_t len = MIN(room, buf_len(&t->in));

	BIO_clear_retry_flags(bio);
	if (!len) {
		BIO_set_retry_read(bio);
		return 0;
	}
	memcpy(out, buf_head(&t->in), len);
	buf_consume(&t->in, len);
	*ret_len = len;
	return 1;
}

static int bio_write(BIO *bio, const char *data, size_t len, size_t *ret_len)
{
	struct tls *t = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	t->io_error = buf_append(&t->out, data, len);
	if (t->io_error < 0)
		return 0;
	*ret_len = len;
	return 1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	(void)bio, (void)number, (void)pointer;
	return command == BIO_CTRL_FLUSH;
}

/* No type number of its own: nobody looks for BIOs by type, and a process has only 127 of them. */
static BIO_METHOD *new_method(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "alived queue");

	if (!m || !BIO_meth_set_read_ex(m, bio_read) || !BIO_meth_set_write_ex(m, bio_write) ||
	    !BIO_meth_set_ctrl(m, bio_ctrl)) {
		BIO_meth_free(m);
		return NULL;
	}
	return m;
}

/* Takes any certificate without building a chain or looking at its dates: OpenSSL would otherwise
 * do all of that work and then ignore the answer. */
static int accept_certificate(X509_STORE_CTX *store, void *arg)
{
	(void)arg;
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

/* Security level 0, for every version: a real with an old key, signature or DH group is alive, and
 * nothing secret is sent to it. Servers without RFC 5746 likewise; we never renegotiate. */
static bool set_up(SSL_CTX *c, uint16_t min_version)
{
	SSL_CTX_set_cert_verify_callback(c, accept_certificate, NULL);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(c, SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_NO_RENEGOTIATION |
				       SSL_OP_NO_TICKET);
	SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_quiet_shutdown(c, 1);
	SSL_CTX_set_read_ahead(c, 1);
	return SSL_CTX_set_cipher_list(c, "DEFAULT:@SECLEVEL=0") &&
	       SSL_CTX_set_min_proto_version(c, min_version) &&
	       SSL_CTX_set_max_proto_version(c, TLS1_3_VERSION) &&
	       SSL_CTX_set1_groups_list(c, "X25519:P-256:P-384:P-521");
}

/* The wire form: a length before the name. */
static bool offer(SSL_CTX *c, const char *alpn)
{
	unsigned char list[1 + MAX_NAME_BYTES];
	size_t len = alpn ? strlen(alpn) : 0;

	if (!len)
		return true;
	if (len > MAX_NAME_BYTES)
		return false;
	list[0] = (unsigned char)len;
	memcpy(list + 1, alpn, len);
	return SSL_CTX_set_alpn_protos(c, list, (unsigned)len + 1) == 0;
}

struct tls_ctx *tls_ctx_new(uint16_t min_version, const char *alpn)
{
	struct tls_ctx *c;

	if (min_version < TLS1_VERSION || min_version > TLS1_3_VERSION)
		return NULL;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->method = new_method();
	c->ssl = SSL_CTX_new(TLS_client_method());
	if (!c->method || !c->ssl || !set_up(c->ssl, min_version) || !offer(c->ssl, alpn)) {
		ERR_clear_error();
		tls_ctx_free(c);
		return NULL;
	}
	return c;
}

void tls_ctx_free(struct tls_ctx *c)
{
	if (!c)
		return;
	SSL_CTX_free(c->ssl);
	BIO_meth_free(c->method);
	free(c);
}

/* The part of a Host value that may be sent as server name: without port and final dots. RFC 6066
 * §3 allows no IP address there. Returns 0 for none. */
static size_t server_name_len(const char *name)
{
	size_t len = strlen(name);
	const char *colon = memchr(name, ':', len);
	struct addr ignored;

	if (colon && !strchr(colon + 1, ':'))
		len = (size_t)(colon - name);
	while (len && name[len - 1] == '.')
		len--;
	if (len > MAX_NAME_BYTES || name[0] == '[')
		return 0;
	return addr_parse(name, len, &ignored) == ADDR_OK ? 0 : len;
}

static bool set_server_name(SSL *ssl, const char *name)
{
	char text[MAX_NAME_BYTES + 1];
	size_t len = name ? server_name_len(name) : 0;

	if (!len)
		return true;
	memcpy(text, name, len);
	text[len] = '\0';
	return SSL_set_tlsext_host_name(ssl, text);
}

static bool attach_queues(struct tls *t, const struct tls_ctx *c)
{
	BIO *bio = BIO_new(c->method);

	if (!bio)
		return false;
	BIO_set_data(bio, t);
	BIO_set_init(bio, 1);
	SSL_set_bio(t->ssl, bio, bio);
	return true;
}

struct tls *tls_new(struct tls_ctx *c, const char *server_name)
{
	struct tls *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->in = BUF_INIT(MAX_QUEUED_BYTES);
	t->out = BUF_INIT(MAX_QUEUED_BYTES);
	t->ssl = SSL_new(c->ssl);
	if (!t->ssl || !attach_queues(t, c) || !set_server_name(t->ssl, server_name)) {
		ERR_clear_error();
		tls_free(t);
		return NULL;
	}
	SSL_set_connect_state(t->ssl);
	return t;
}

void tls_free(struct tls *t)
{
	if (!t)
		return;
	SSL_free(t->ssl);
	buf_deinit(&t->in);
	buf_deinit(&t->out);
	free(t);
}

int tls_feed(struct tls *t, const void *data, size_t len)
{
	if (len)
		TRY(buf_append(&t->in, data, len));
	return 0;
}

/* Around each call whose failure is looked at. A failed allocation may surface only calls later, so
 * it is kept with the connection. */
static void enter_library(void)
{
	ERR_clear_error();
	tls_memory_forget();
}

static void leave_library(struct tls *t)
{
	t->is_starved |= tls_memory_failed() || t->io_error == -ENOMEM;
}

/* Empties the queue into t->error. The first entry names the cause; the ones after it are the
 * places that forwarded it, unless one of them is an alert or tells of memory. */
static void note_error(struct tls *t)
{
	struct tls_error error = {.code = CODE_TLS_PROTOCOL};
	unsigned long entry;

	while ((entry = ERR_get_error())) {
		uint32_t reason = (uint32_t)ERR_GET_REASON(entry);

		if (reason == ERR_R_MALLOC_FAILURE)
			error = (struct tls_error){CODE_NO_MEMORY, ENOMEM};
		else if (error.code == CODE_TLS_PROTOCOL && ERR_GET_LIB(entry) == ERR_LIB_SSL &&
			 reason > SSL_AD_REASON_OFFSET && reason <= SSL_AD_REASON_OFFSET + 255)
			error = (struct tls_error){CODE_TLS_ALERT, reason - SSL_AD_REASON_OFFSET};
		else if (error.code == CODE_TLS_PROTOCOL && !error.detail)
			error.detail = reason;
	}
	if (t->is_starved)
		error = (struct tls_error){CODE_NO_MEMORY, ENOMEM};
	t->error = error;
}

static enum tls_step step_of(struct tls *t, int r)
{
	switch (SSL_get_error(t->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		return TLS_MORE;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_CLOSED;
	default:
		note_error(t);
		return TLS_FAILED;
	}
}

enum tls_step tls_handshake(struct tls *t)
{
	int r;

	enter_library();
	r = SSL_do_handshake(t->ssl);
	leave_library(t);
	return r == 1 ? TLS_UP : step_of(t, r);
}

int tls_drain(struct tls *t, struct buf *out)
{
	size_t len = buf_len(&t->out);

	if (!len)
		return 0;
	TRY(buf_append(out, buf_head(&t->out), len));
	buf_consume(&t->out, len);
	return 0;
}

int tls_write(struct tls *t, const void *data, size_t len)
{
	size_t written;
	int r;

	if (!len)
		return 0;
	enter_library();
	r = SSL_write_ex(t->ssl, data, len, &written);
	leave_library(t);
	if (r == 1)
		return 0;
	note_error(t);
	return err_origin(t->error.code == CODE_NO_MEMORY ? -ENOMEM : -EPROTO);
}

enum tls_step tls_read(struct tls *t, void *out, size_t room, size_t *ret_len)
{
	int r;

	*ret_len = 0;
	enter_library();
	r = SSL_read_ex(t->ssl, out, room, ret_len);
	leave_library(t);
	return r == 1 ? TLS_UP : step_of(t, r);
}

bool tls_is_mid_record(const struct tls *t)
{
	/* RH: the library waits for a record's header; a cut right behind one leaves nothing
	 * pending */
	return buf_len(&t->in) > 0 || SSL_has_pending(t->ssl) ||
	       strcmp(SSL_rstate_string(t->ssl), "RH") != 0;
}

struct tls_error tls_error(const struct tls *t)
{
	return t->error;
}

bool tls_has_alpn(const struct tls *t, const char *alpn)
{
	const unsigned char *name;
	unsigned len;

	SSL_get0_alpn_selected(t->ssl, &name, &len);
	return len == strlen(alpn) && memcmp(name, alpn, len) == 0;
}

uint16_t tls_version(const struct tls *t)
{
	return (uint16_t)SSL_version(t->ssl);
}

uint16_t tls_cipher(const struct tls *t)
{
	const SSL_CIPHER *cipher = SSL_get_current_cipher(t->ssl);

	return cipher ? SSL_CIPHER_get_protocol_id(cipher) : 0;
}

uint32_t tls_cert_expiry_s(const struct tls *t)
{
	X509 *cert = SSL_get0_peer_certificate(t->ssl);
	struct tm tm;
	time_t end;

	if (!cert || !ASN1_TIME_to_tm(X509_get0_notAfter(cert), &tm))
		return 0;
	end = timegm(&tm);
	/* 0 means unknown; dates that 32 bits cannot hold are as good as their limits */
	return end < 1 ? 1 : (uint32_t)MIN(end, (time_t)UINT32_MAX);
}
