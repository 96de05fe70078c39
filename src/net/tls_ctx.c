#include "net/tls_ctx.h"

#include <errno.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/err.h"
#include "net/tls_memory.h"
#include "net/tls_queue.h"

enum {
	MAX_ALPN_BYTES = 255,
	MAX_CHAIN_DEPTH = 10,
	AUTH_LEVEL = 1,
	MIN_DH_SECURITY_BITS = 80, /* as the library's own level 0 */
	MAX_DH_BITS = 4096,
};

/* What OpenSSL left in its queue is told from want of memory and thrown away. */
static int library_error(void)
{
	bool is_starved = tls_memory_failed();
	unsigned long entry;

	while ((entry = ERR_get_error()))
		is_starved |= ERR_GET_REASON(entry) == ERR_R_MALLOC_FAILURE;
	return is_starved ? -ENOMEM : -EINVAL;
}

/* --- PEM -------------------------------------------------------------------------------------- */

/* Nobody is there to type one: a key that needs a password is not usable. */
static int no_password(char *out, int room, int is_for_writing, void *arg)
{
	(void)out, (void)room, (void)is_for_writing, (void)arg;
	return -1;
}

static BIO *pem_bio(const void *at, size_t len)
{
	return len > INT_MAX ? NULL : BIO_new_mem_buf(at, (int)len);
}

/* The next certificate, or NULL: *is_end if there is none, else it cannot be read. */
static X509 *next_certificate(BIO *pem, bool *is_end)
{
	X509 *cert = PEM_read_bio_X509_AUX(pem, NULL, no_password, NULL);
	unsigned long entry = ERR_peek_last_error();

	*is_end = !cert && ERR_GET_LIB(entry) == ERR_LIB_PEM &&
		  ERR_GET_REASON(entry) == PEM_R_NO_START_LINE && !tls_memory_failed();
	if (*is_end)
		ERR_clear_error();
	return cert;
}

/* Calls take for each certificate. Returns how many there were, negative if one failed. */
static int each_certificate(const struct tls_bytes *b, bool (*take)(void *to, X509 *cert), void *to)
{
	BIO *pem = pem_bio(b->at, b->len);
	bool is_end = false;
	int n = 0;
	X509 *cert;

	if (!pem)
		return -1;
	for (; (cert = next_certificate(pem, &is_end)); n++) {
		bool is_taken = take(to, cert);

		X509_free(cert);
		if (!is_taken)
			break;
	}
	BIO_free(pem);
	return is_end ? n : -1;
}

/* --- trust ------------------------------------------------------------------------------------ */

static bool trust_one(void *to, X509 *cert)
{
	return X509_STORE_add_cert(to, cert);
}

static bool fill_store(X509_STORE *s, const struct tls_bytes *pem)
{
	if (!X509_STORE_set_flags(s, X509_V_FLAG_PARTIAL_CHAIN))
		return false;
	return pem->at ? each_certificate(pem, trust_one, s) > 0 : X509_STORE_set_default_paths(s);
}

int tls_trust_new(const void *pem, size_t len, struct tls_trust **ret_trust)
{
	const struct tls_bytes bytes = {pem, len};
	X509_STORE *s;

	ERR_clear_error();
	tls_memory_forget();
	s = X509_STORE_new();
	if (!s || !fill_store(s, &bytes)) {
		X509_STORE_free(s);
		return err_origin(library_error());
	}
	*ret_trust = (struct tls_trust *)s;
	return 0;
}

void tls_trust_free(struct tls_trust *t)
{
	X509_STORE_free((X509_STORE *)t);
}

/* --- contexts --------------------------------------------------------------------------------- */

/* Takes any certificate without building a chain or looking at its dates: OpenSSL would otherwise
 * do all of that work and then ignore the answer. */
static int accept_certificate(X509_STORE_CTX *store, void *arg)
{
	(void)arg;
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

static bool set_trust(SSL_CTX *c, const struct tls_trust *trust)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(c);

	if (!trust) {
		SSL_CTX_set_cert_verify_callback(c, accept_certificate, NULL);
		return true;
	}
	SSL_CTX_set1_cert_store(c, (X509_STORE *)trust);
	SSL_CTX_set_verify(c, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_verify_depth(c, MAX_CHAIN_DEPTH);
	X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return true;
}

struct chain {
	SSL_CTX *ctx;
	bool has_leaf;
};

static bool add_own(void *to, X509 *cert)
{
	struct chain *chain = to;
	bool is_leaf = !chain->has_leaf;

	chain->has_leaf = true;
	return is_leaf ? SSL_CTX_use_certificate(chain->ctx, cert)
		       : SSL_CTX_add1_chain_cert(chain->ctx, cert);
}

static bool set_key(SSL_CTX *c, const struct tls_bytes *b)
{
	BIO *pem = pem_bio(b->at, b->len);
	EVP_PKEY *key = pem ? PEM_read_bio_PrivateKey(pem, NULL, no_password, NULL) : NULL;
	bool is_set = key && SSL_CTX_use_PrivateKey(c, key);

	EVP_PKEY_free(key);
	BIO_free(pem);
	return is_set;
}

static bool set_identity(SSL_CTX *c, const struct tls_options *o)
{
	struct chain chain = {c, false};

	if (!o->cert.at)
		return true;
	return o->key.at && each_certificate(&o->cert, add_own, &chain) > 0 &&
	       set_key(c, &o->key) && SSL_CTX_check_private_key(c);
}

/* The wire form: a length before each name. */
static bool set_alpn(SSL_CTX *c, const char *const *names)
{
	unsigned char list[MAX_ALPN_BYTES + 1];
	size_t at = 0;

	for (; names && *names; names++) {
		size_t len = strlen(*names);

		if (len == 0 || at + 1 + len > sizeof(list))
			return false;
		list[at++] = (unsigned char)len;
		memcpy(list + at, *names, len);
		at += len;
	}
	return at == 0 || SSL_CTX_set_alpn_protos(c, list, (unsigned)at) == 0;
}

/* Level 0 in all but Diffie-Hellman: a group that a real makes up as large as the library takes it
 * costs 100 ms and more, which others would wait for. */
static int is_allowed(const SSL *ssl, const SSL_CTX *ctx, int what, int security_bits, int nid,
		      void *object, void *arg)
{
	(void)ssl, (void)ctx, (void)nid, (void)arg;
	if (what != SSL_SECOP_TMP_DH)
		return 1;
	return security_bits >= MIN_DH_SECURITY_BITS &&
	       (!object || EVP_PKEY_get_bits(object) <= MAX_DH_BITS);
}

/* Servers without RFC 5746 are spoken with; we never renegotiate. One record at a time and no
 * read-ahead: tls.c counts what the peer makes us work through. Sessions are kept by the caller, so
 * the library's cache stays off. */
static bool set_up(SSL_CTX *c, const struct tls_options *o)
{
	SSL_CTX_set_security_callback(c, is_allowed);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_options(c, SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_NO_RENEGOTIATION |
				       (o->resumes ? 0 : SSL_OP_NO_TICKET));
	SSL_CTX_clear_mode(c, SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_quiet_shutdown(c, 1);
	return SSL_CTX_set_cipher_list(c, "DEFAULT:@SECLEVEL=0") &&
	       SSL_CTX_set_min_proto_version(c, o->min_version) &&
	       SSL_CTX_set_max_proto_version(c, o->max_version) &&
	       SSL_CTX_set1_groups_list(c, "X25519:P-256:P-384:P-521") && set_alpn(c, o->alpn) &&
	       set_trust(c, o->trust) && set_identity(c, o);
}

static bool is_usable(const struct tls_options *o)
{
	return o->min_version >= TLS1_VERSION && o->min_version <= o->max_version &&
	       o->max_version <= TLS1_3_VERSION;
}

int tls_ctx_new(const struct tls_options *o, struct tls_ctx **ret_ctx)
{
	struct tls_ctx *c;

	if (!is_usable(o))
		return err_origin(-EINVAL);
	c = calloc(1, sizeof(*c));
	if (!c)
		return err_origin(-ENOMEM);
	c->n_users = 1;
	c->alpn = o->alpn;
	c->verifies = o->trust;
	c->resumes = o->resumes;
	ERR_clear_error();
	tls_memory_forget();
	c->method = tls_queue_method();
	c->ssl = SSL_CTX_new(TLS_client_method());
	if (!c->method || !c->ssl || !set_up(c->ssl, o)) {
		tls_ctx_free(c);
		return err_origin(library_error());
	}
	*ret_ctx = c;
	return 0;
}

void tls_ctx_free(struct tls_ctx *c)
{
	if (!c || --c->n_users > 0)
		return;
	SSL_CTX_free(c->ssl);
	BIO_meth_free(c->method);
	free(c);
}
