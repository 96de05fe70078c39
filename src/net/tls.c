/* The library's error queue is per thread and shared by all connections on it: it is emptied before
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
#include "net/tls_queue.h"

enum {
	/* ciphertext waiting for the library or for the caller; both sides take it at once */
	MAX_QUEUED_BYTES = 1 << 20,
	MAX_NAME_BYTES = 255,
	LAST_READ_BYTES = 4 << 10,
};

struct tls {
	SSL *ssl;
	struct tls_ctx *ctx;
	struct tls_queue queue;
	struct tls_error error;
	uint32_t n_barren; /* messages behind the handshake that were no data */
	bool is_starved;   /* an allocation failed on its behalf */
};

/* The name part of a Host value: without port and final dots, brackets off. False for none or one
 * that is too long; *ret_addr is set if it is an address. */
static bool name_of(const char *value, char out[MAX_NAME_BYTES + 1], struct addr *ret_addr)
{
	size_t len = strcspn(value, value[0] == '[' ? "]" : "");
	const char *colon;

	if (value[0] == '[') {
		value++;
		len--;
	}
	colon = memchr(value, ':', len);
	if (colon && !memchr(colon + 1, ':', len - (size_t)(colon + 1 - value)))
		len = (size_t)(colon - value);
	while (len && value[len - 1] == '.')
		len--;
	if (!len || len > MAX_NAME_BYTES)
		return false;
	memcpy(out, value, len);
	out[len] = '\0';
	if (addr_parse(out, len, ret_addr) != ADDR_OK)
		*ret_addr = ADDR_UNSET;
	return true;
}

static bool set_server_name(SSL *ssl, const char *value)
{
	char name[MAX_NAME_BYTES + 1];
	struct addr ip;

	if (!value || !name_of(value, name, &ip) || !addr_is_unset(&ip))
		return true;
	return SSL_set_tlsext_host_name(ssl, name);
}

/* A name that cannot be one matches nothing: better a failure than a check that proves less. */
static bool set_verify_name(SSL *ssl, const char *value)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
	char name[MAX_NAME_BYTES + 1];
	struct addr ip;

	if (!value || !value[0])
		return true;
	if (!name_of(value, name, &ip))
		return X509_VERIFY_PARAM_set1_host(param, value, 0);
	if (addr_is_unset(&ip))
		return X509_VERIFY_PARAM_set1_host(param, name, 0);
	return X509_VERIFY_PARAM_set1_ip_asc(param, name);
}

static bool attach_queue(struct tls *t)
{
	BIO *bio = tls_queue_bio(t->ctx->method, &t->queue);

	if (!bio)
		return false;
	SSL_set_bio(t->ssl, bio, bio);
	return true;
}

static bool set_target(struct tls *t, const struct tls_target *target)
{
	return set_server_name(t->ssl, target->server_name) &&
	       (!t->ctx->verifies || set_verify_name(t->ssl, target->verify_name)) &&
	       (!target->session || SSL_set_session(t->ssl, target->session));
}

struct tls *tls_new(struct tls_ctx *c, const struct tls_target *target)
{
	struct tls *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->queue.in = BUF_INIT(MAX_QUEUED_BYTES);
	t->queue.out = BUF_INIT(MAX_QUEUED_BYTES);
	t->ctx = c;
	c->n_users++;
	t->ssl = SSL_new(c->ssl);
	if (!t->ssl || !attach_queue(t) || !set_target(t, target)) {
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
	tls_ctx_free(t->ctx);
	buf_deinit(&t->queue.in);
	buf_deinit(&t->queue.out);
	free(t);
}

int tls_feed(struct tls *t, const void *data, size_t len)
{
	if (len)
		TRY(buf_append(&t->queue.in, data, len));
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
	t->is_starved |= tls_memory_failed() || t->queue.error == -ENOMEM;
}

static struct tls_error verify_error(const struct tls *t)
{
	long reason = SSL_get_verify_result(t->ssl);

	if (reason == X509_V_ERR_OUT_OF_MEM)
		return (struct tls_error){CODE_NO_MEMORY, ENOMEM};
	return (struct tls_error){CODE_TLS_VERIFY, (uint32_t)reason};
}

/* Empties the queue into t->error. The first entry names the cause; the ones after it are the
 * places that forwarded it, unless one of them is an alert, or tells of memory or verification. */
static void note_error(struct tls *t)
{
	struct tls_error error = {.code = CODE_TLS_PROTOCOL};
	bool is_verification = false;
	unsigned long entry;

	while ((entry = ERR_get_error())) {
		uint32_t reason = (uint32_t)ERR_GET_REASON(entry);

		is_verification |= ERR_GET_LIB(entry) == ERR_LIB_SSL &&
				   reason == SSL_R_CERTIFICATE_VERIFY_FAILED;
		if (reason == ERR_R_MALLOC_FAILURE)
			error = (struct tls_error){CODE_NO_MEMORY, ENOMEM};
		else if (error.code == CODE_TLS_PROTOCOL && ERR_GET_LIB(entry) == ERR_LIB_SSL &&
			 reason > SSL_AD_REASON_OFFSET && reason <= SSL_AD_REASON_OFFSET + 255)
			error = (struct tls_error){CODE_TLS_ALERT, reason - SSL_AD_REASON_OFFSET};
		else if (error.code == CODE_TLS_PROTOCOL && !error.detail)
			error.detail = reason;
	}
	if (is_verification && error.code == CODE_TLS_PROTOCOL)
		error = verify_error(t);
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
	size_t len = buf_len(&t->queue.out);

	if (!len)
		return 0;
	TRY(buf_append(out, buf_head(&t->queue.out), len));
	buf_consume(&t->queue.out, len);
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

/* One record at most. */
static enum tls_step read_record(struct tls *t, void *out, size_t room, size_t *ret_len)
{
	int r;

	enter_library();
	r = SSL_read_ex(t->ssl, out, room, ret_len);
	leave_library(t);
	return r == 1 ? TLS_UP : step_of(t, r);
}

enum tls_step tls_read(struct tls *t, void *out, size_t room, size_t *ret_len)
{
	enum tls_step step;

	*ret_len = 0;
	if (t->error.code != CODE_NONE)
		return TLS_FAILED;
	/* the library stops behind each message that is no data, and wants more although there is
	 * more: it never leaves bytes in the queue when it really starves */
	while ((step = read_record(t, out, room, ret_len)) == TLS_MORE && buf_len(&t->queue.in)) {
		if (++t->n_barren <= TLS_MAX_BARREN)
			continue;
		t->error = (struct tls_error){CODE_TLS_PROTOCOL, SSL_R_UNEXPECTED_MESSAGE};
		return TLS_FAILED;
	}
	return step;
}

bool tls_is_mid_record(const struct tls *t)
{
	/* RH: the library waits for a record's header; a cut right behind one leaves nothing
	 * pending */
	return buf_len(&t->queue.in) > 0 || SSL_has_pending(t->ssl) ||
	       strcmp(SSL_rstate_string(t->ssl), "RH") != 0;
}

struct tls_error tls_error(const struct tls *t)
{
	return t->error;
}

const char *tls_alpn(const struct tls *t)
{
	for (const char *const *name = t->ctx->alpn; name && *name; name++)
		if (tls_has_alpn(t, *name))
			return *name;
	return "";
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

bool tls_is_resumed(const struct tls *t)
{
	return SSL_session_reused(t->ssl);
}

/* --- sessions --------------------------------------------------------------------------------- */

static void read_last_tickets(struct tls *t)
{
	unsigned char ignored[LAST_READ_BYTES];
	size_t len;

	for (uint32_t i = 0; i < TLS_MAX_BARREN && buf_len(&t->queue.in); i++)
		if (tls_read(t, ignored, sizeof(ignored), &len) != TLS_UP)
			return;
}

SSL_SESSION *tls_take_session(struct tls *t)
{
	SSL_SESSION *s;

	if (!t->ctx->resumes || !SSL_is_init_finished(t->ssl))
		return NULL;
	if (t->error.code == CODE_NONE)
		read_last_tickets(t);
	if (t->error.code != CODE_NONE)
		return NULL;
	/* or SSL_free() would mark the session as spoilt: its connection was never closed */
	SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	s = SSL_get1_session(t->ssl);
	if (s && SSL_SESSION_is_resumable(s))
		return s;
	SSL_SESSION_free(s);
	return NULL;
}

void tls_session_free(SSL_SESSION *s)
{
	SSL_SESSION_free(s);
}
