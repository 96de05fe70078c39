#include "tls_server.h"

#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

static EVP_PKEY *new_key(enum tls_server_key kind)
{
	EVP_PKEY *key = NULL;

	if (kind == TLS_SERVER_EC)
		key = EVP_EC_gen("P-256");
	else
		key = EVP_RSA_gen(kind == TLS_SERVER_RSA ? 2048u : 1024u);
	ASSERT(key);
	return key;
}

struct subject {
	const char *name;
	const char *dns, *ip;
	int64_t not_after_s;
	bool is_ca;
};

static void extend(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	ASSERT(e && X509_add_ext(cert, e, -1));
	X509_EXTENSION_free(e);
}

static void add_names(X509 *cert, const struct subject *s)
{
	char text[600];

	if (!s->dns && !s->ip)
		return;
	snprintf(text, sizeof(text), "%s%s%s%s%s", s->dns ? "DNS:" : "", s->dns ? s->dns : "",
		 s->dns && s->ip ? "," : "", s->ip ? "IP:" : "", s->ip ? s->ip : "");
	extend(cert, NID_subject_alt_name, text);
}

/* issuer NULL: signs itself. */
static X509 *new_certificate(EVP_PKEY *key, const struct subject *s, X509 *issuer,
			     EVP_PKEY *issuer_key)
{
	X509 *cert = X509_new();
	X509_NAME *name;

	ASSERT(cert && ASN1_INTEGER_set(X509_get_serialNumber(cert), 1));
	ASSERT(X509_set_version(cert, X509_VERSION_3));
	ASSERT(ASN1_TIME_set(X509_getm_notBefore(cert), MIN(s->not_after_s, time(NULL)) - 86400));
	ASSERT(ASN1_TIME_set(X509_getm_notAfter(cert), s->not_after_s));
	name = X509_get_subject_name(cert);
	ASSERT(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)s->name,
					  -1, -1, 0));
	if (issuer)
		name = X509_get_subject_name(issuer);
	ASSERT(X509_set_issuer_name(cert, name) && X509_set_pubkey(cert, key));
	if (s->is_ca)
		extend(cert, NID_basic_constraints, "critical,CA:TRUE");
	add_names(cert, s);
	ASSERT(X509_sign(cert, issuer ? issuer_key : key, EVP_sha256()));
	return cert;
}

static void put_pem(char *out, size_t room, X509 *cert, EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	size_t len;

	ASSERT(cert ? PEM_write_bio_X509(bio, cert)
		    : PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL));
	ASSERT(BIO_read_ex(bio, out, room - 1, &len));
	out[len] = '\0';
	BIO_free(bio);
}

static void make_ca(struct tls_server *s)
{
	const struct subject subject = {
		.name = "test CA", .not_after_s = time(NULL) + 864000, .is_ca = true};

	s->ca_key = new_key(TLS_SERVER_EC);
	s->ca = new_certificate(s->ca_key, &subject, NULL, NULL);
}

void tls_server_issue(const struct tls_server *s, struct tls_server_pem *ret)
{
	const struct subject subject = {.name = "client", .not_after_s = time(NULL) + 86400};
	EVP_PKEY *key = new_key(TLS_SERVER_EC);
	X509 *cert = new_certificate(key, &subject, s->ca, s->ca_key);

	put_pem(ret->cert, sizeof(ret->cert), cert, NULL);
	put_pem(ret->key, sizeof(ret->key), NULL, key);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static int note_name(SSL *ssl, int *alert, void *arg)
{
	struct tls_server *s = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

	(void)alert;
	snprintf(s->name, sizeof(s->name), "%s", name ? name : "");
	return SSL_TLSEXT_ERR_OK;
}

static int choose(SSL *ssl, const unsigned char **out, unsigned char *out_len,
		  const unsigned char *in, unsigned in_len, void *arg)
{
	const struct tls_server *s = arg;
	size_t len = strlen(s->alpn);

	(void)ssl;
	for (unsigned i = 0; i < in_len; i += in[i] + 1u) {
		if (in[i] != len || memcmp(in + i + 1, s->alpn, len) != 0)
			continue;
		*out = in + i + 1;
		*out_len = in[i];
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_NOACK;
}

static void ask_for_certificate(const struct tls_server *s)
{
	X509_STORE *trusted = X509_STORE_new();

	ASSERT(X509_STORE_add_cert(trusted, s->ca));
	SSL_CTX_set_cert_store(s->ctx, trusted);
	SSL_CTX_set_verify(s->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

/* The same certificate again and again: nobody has to build a chain of these. */
static void add_padding(const struct tls_server *s, X509 *cert, int n)
{
	for (int i = 0; i < n; i++)
		ASSERT(SSL_CTX_add1_chain_cert(s->ctx, cert));
}

void tls_server_init(struct tls_server *s, const struct tls_server_options *o)
{
	const struct subject subject = {
		.name = "test.example",
		.dns = o->dns,
		.ip = o->ip,
		.not_after_s = o->not_after_s ? o->not_after_s : time(NULL) + 86400,
	};
	EVP_PKEY *key = new_key(o->key);
	X509 *cert;

	s->ca = NULL;
	s->ca_key = NULL;
	if (o->has_ca)
		make_ca(s);
	cert = new_certificate(key, &subject, s->ca, s->ca_key);
	put_pem(s->trust, sizeof(s->trust), s->ca ? s->ca : cert, NULL);
	s->ctx = SSL_CTX_new(TLS_server_method());
	ASSERT(s->ctx);
	SSL_CTX_set_security_level(s->ctx, 0);
	ASSERT(SSL_CTX_set_min_proto_version(s->ctx, o->min_version));
	ASSERT(SSL_CTX_set_max_proto_version(s->ctx, o->max_version));
	ASSERT(!o->ciphers || SSL_CTX_set_cipher_list(s->ctx, o->ciphers));
	ASSERT(SSL_CTX_use_certificate(s->ctx, cert) && SSL_CTX_use_PrivateKey(s->ctx, key));
	SSL_CTX_set_tlsext_servername_callback(s->ctx, note_name);
	SSL_CTX_set_tlsext_servername_arg(s->ctx, s);
	s->alpn = o->alpn;
	if (s->alpn)
		SSL_CTX_set_alpn_select_cb(s->ctx, choose, s);
	if (o->asks_for_certificate)
		ask_for_certificate(s);
	add_padding(s, cert, o->n_padding);
	SSL_CTX_set_session_id_context(s->ctx, (const unsigned char *)"t", 1);
	X509_free(cert);
	EVP_PKEY_free(key);
	s->ssl = NULL;
	tls_server_again(s);
}

void tls_server_deinit(struct tls_server *s)
{
	SSL_free(s->ssl);
	SSL_CTX_free(s->ctx);
	X509_free(s->ca);
	EVP_PKEY_free(s->ca_key);
}

void tls_server_again(struct tls_server *s)
{
	/* or its session would be taken for a broken one, and forgotten */
	if (s->ssl)
		SSL_set_shutdown(s->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(s->ssl);
	s->ssl = SSL_new(s->ctx);
	ASSERT(s->ssl);
	SSL_set_bio(s->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_accept_state(s->ssl);
	s->name[0] = '\0';
}

void tls_server_take(struct tls_server *s, const void *data, size_t len)
{
	size_t written;

	if (len)
		ASSERT(BIO_write_ex(SSL_get_rbio(s->ssl), data, len, &written) && written == len);
	if (!SSL_is_init_finished(s->ssl))
		SSL_do_handshake(s->ssl);
	ERR_clear_error();
}

void tls_server_give(struct tls_server *s, struct buf *out)
{
	BIO *bio = SSL_get_wbio(s->ssl);
	size_t len = BIO_ctrl_pending(bio), got = 0;
	unsigned char *room;

	if (!len)
		return;
	room = buf_reserve(out, len);
	ASSERT(room && BIO_read_ex(bio, room, len, &got));
	buf_fill(out, got);
}
