#include "net/tls_ctx.h"

#include <errno.h>
#include <time.h>

#include <criterion/criterion.h>
#include <openssl/dh.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include "lib/tls_server.h"
#include "model/check_code.h"
#include "net/tls.h"

/* A handshake between a context and a server, in memory, to its end. */
struct meeting {
	struct tls_server server;
	struct tls *client;
	enum tls_step step;
	struct buf to_server, to_client;
};

static void begin(struct meeting *m, const struct tls_server_options *o)
{
	memset(m, 0, sizeof(*m));
	m->to_server = m->to_client = BUF_INIT(1 << 20);
	tls_server_init(&m->server, o);
}

static void end(struct meeting *m)
{
	tls_free(m->client);
	tls_server_deinit(&m->server);
	buf_deinit(&m->to_server);
	buf_deinit(&m->to_client);
	cr_assert_eq(ERR_peek_error(), 0, "an error is left in the thread's queue");
}

static void pass(struct meeting *m)
{
	cr_assert_eq(tls_drain(m->client, &m->to_server), 0);
	tls_server_take(&m->server, buf_head(&m->to_server), buf_len(&m->to_server));
	buf_consume(&m->to_server, buf_len(&m->to_server));
	tls_server_give(&m->server, &m->to_client);
	cr_assert_eq(tls_feed(m->client, buf_head(&m->to_client), buf_len(&m->to_client)), 0);
	buf_consume(&m->to_client, buf_len(&m->to_client));
}

/* After the handshake the client reads once: the answer of TLS 1.3 to a client's certificate comes
 * only then. */
static void meet(struct meeting *m, struct tls_ctx *c, const struct tls_target *target)
{
	unsigned char ignored[64];
	size_t len;

	tls_free(m->client);
	tls_server_again(&m->server);
	m->client = tls_new(c, target);
	cr_assert_not_null(m->client);
	while ((m->step = tls_handshake(m->client)) == TLS_MORE)
		pass(m);
	if (m->step != TLS_UP)
		return;
	pass(m);
	m->step = tls_read(m->client, ignored, sizeof(ignored), &len);
}

static struct tls_ctx *new_ctx(struct tls_options o)
{
	struct tls_ctx *c = NULL;

	o.min_version = o.min_version ? o.min_version : 0x0303;
	o.max_version = o.max_version ? o.max_version : 0x0304;
	cr_assert_eq(tls_ctx_new(&o, &c), 0);
	return c;
}

static struct tls_bytes bytes(const char *pem)
{
	return (struct tls_bytes){pem, strlen(pem)};
}

/* --- verification ----------------------------------------------------------------------------- */

static void judge(struct meeting *m, const char *pem, const char *verify_name)
{
	struct tls_trust *trust = NULL;
	struct tls_ctx *c;

	cr_assert_eq(tls_trust_new(pem, strlen(pem), &trust), 0);
	c = new_ctx((struct tls_options){.trust = trust});
	tls_trust_free(trust);
	meet(m, c, &(struct tls_target){.server_name = "x", .verify_name = verify_name});
	tls_ctx_free(c);
}

static void expect_good(struct meeting *m, const char *pem, const char *verify_name)
{
	judge(m, pem, verify_name);
	cr_expect_eq(m->step, TLS_MORE, "%s: %u/%u", verify_name, tls_error(m->client).code,
		     tls_error(m->client).detail);
}

static void expect_bad(struct meeting *m, const char *pem, const char *verify_name, uint32_t reason)
{
	judge(m, pem, verify_name);
	cr_expect_eq(m->step, TLS_FAILED);
	cr_expect_eq(tls_error(m->client).code, CODE_TLS_VERIFY, "%s", verify_name);
	cr_expect_eq(tls_error(m->client).detail, reason, "%s: %u", verify_name,
		     tls_error(m->client).detail);
}

Test(tls_ctx, certificate_must_be_for_the_name)
{
	struct meeting m;

	begin(&m, &(struct tls_server_options){
			  .has_ca = true, .dns = "*.example.com", .ip = "192.0.2.7"});
	expect_good(&m, m.server.trust, "www.example.com");
	expect_good(&m, m.server.trust, "WWW.example.com:8443");
	expect_good(&m, m.server.trust, "www.example.com.");
	expect_good(&m, m.server.trust, "192.0.2.7");
	expect_good(&m, m.server.trust, "192.0.2.7:443");
	expect_good(&m, m.server.trust, "");
	expect_good(&m, m.server.trust, NULL);
	expect_bad(&m, m.server.trust, "example.com", X509_V_ERR_HOSTNAME_MISMATCH);
	expect_bad(&m, m.server.trust, "a.b.example.com", X509_V_ERR_HOSTNAME_MISMATCH);
	expect_bad(&m, m.server.trust, "test.example", X509_V_ERR_HOSTNAME_MISMATCH);
	expect_bad(&m, m.server.trust, "192.0.2.8", X509_V_ERR_IP_ADDRESS_MISMATCH);
	expect_bad(&m, m.server.trust, "[2001:db8::1]:443", X509_V_ERR_IP_ADDRESS_MISMATCH);
	expect_bad(&m, m.server.trust, ":443", X509_V_ERR_HOSTNAME_MISMATCH);
	end(&m);
}

Test(tls_ctx, ipv6_address_may_be_the_name)
{
	struct meeting m;

	begin(&m, &(struct tls_server_options){.has_ca = true, .ip = "2001:db8::1"});
	expect_good(&m, m.server.trust, "2001:db8::1");
	expect_good(&m, m.server.trust, "[2001:db8::1]:443");
	expect_bad(&m, m.server.trust, "2001:db8::2", X509_V_ERR_IP_ADDRESS_MISMATCH);
	end(&m);
}

Test(tls_ctx, certificate_without_san_is_for_its_common_name)
{
	struct meeting m;

	begin(&m, &(struct tls_server_options){.has_ca = true});
	expect_good(&m, m.server.trust, "test.example");
	expect_bad(&m, m.server.trust, "www.example", X509_V_ERR_HOSTNAME_MISMATCH);
	end(&m);
}

Test(tls_ctx, chain_must_end_in_what_is_trusted)
{
	struct meeting m, other;

	begin(&m, &(struct tls_server_options){.has_ca = true});
	begin(&other, &(struct tls_server_options){.has_ca = true});
	expect_bad(&m, other.server.trust, NULL, X509_V_ERR_CERT_SIGNATURE_FAILURE);
	end(&other);
	begin(&other, &(struct tls_server_options){0});
	expect_bad(&m, other.server.trust, NULL, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
	expect_bad(&other, m.server.trust, NULL, X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT);
	/* what signs itself may be trusted by itself */
	expect_good(&other, other.server.trust, NULL);
	end(&other);
	end(&m);
}

Test(tls_ctx, certificate_itself_may_be_trusted_without_its_issuer)
{
	char pem[4096];
	struct meeting m;
	BIO *bio = BIO_new(BIO_s_mem());
	size_t len;

	begin(&m, &(struct tls_server_options){.has_ca = true});
	cr_assert(PEM_write_bio_X509(bio, SSL_CTX_get0_certificate(m.server.ctx)));
	cr_assert(BIO_read_ex(bio, pem, sizeof(pem) - 1, &len));
	pem[len] = '\0';
	expect_good(&m, pem, NULL);
	BIO_free(bio);
	end(&m);
}

Test(tls_ctx, several_may_be_trusted)
{
	struct meeting a, b;
	char both[9000];

	begin(&a, &(struct tls_server_options){0});
	begin(&b, &(struct tls_server_options){.key = TLS_SERVER_RSA});
	snprintf(both, sizeof(both), "# first\n%s\nand the other\n%s", a.server.trust,
		 b.server.trust);
	expect_good(&a, both, NULL);
	expect_good(&b, both, NULL);
	end(&a);
	end(&b);
}

Test(tls_ctx, dates_are_judged_when_verified)
{
	struct meeting m;

	begin(&m, &(struct tls_server_options){.has_ca = true, .not_after_s = time(NULL) - 60});
	expect_bad(&m, m.server.trust, NULL, X509_V_ERR_CERT_HAS_EXPIRED);
	end(&m);
}

Test(tls_ctx, the_real_is_told_why)
{
	struct meeting m;

	begin(&m, &(struct tls_server_options){.has_ca = true, .max_version = TLS1_2_VERSION});
	expect_bad(&m, m.server.trust, "other", X509_V_ERR_HOSTNAME_MISMATCH);
	cr_assert_eq(tls_drain(m.client, &m.to_server), 0);
	cr_assert_geq(buf_len(&m.to_server), 7);
	cr_assert_eq(buf_head(&m.to_server)[0], 21, "an alert");
	end(&m);
}

/* Without verification nothing of it matters, and nothing of it costs. */
Test(tls_ctx, without_verification_any_certificate_will_do)
{
	struct tls_ctx *c = new_ctx((struct tls_options){0});
	struct meeting m;

	begin(&m, &(struct tls_server_options){.not_after_s = 1000, .key = TLS_SERVER_RSA_1024});
	meet(&m, c, &(struct tls_target){.verify_name = "other"});
	cr_assert_eq(m.step, TLS_MORE);
	tls_ctx_free(c);
	end(&m);
}

/* --- our own certificate ---------------------------------------------------------------------- */

static void expect_refusal(struct meeting *m, struct tls_ctx *c, uint32_t alert)
{
	meet(m, c, &(struct tls_target){0});
	cr_expect_eq(m->step, TLS_FAILED);
	cr_expect_eq(tls_error(m->client).code, CODE_TLS_ALERT);
	cr_expect_eq(tls_error(m->client).detail, alert, "%u", tls_error(m->client).detail);
	tls_ctx_free(c);
}

static void certificate_is_asked_for(int version, uint32_t alert_without)
{
	const struct tls_server_options o = {
		.has_ca = true, .asks_for_certificate = true, .max_version = version};
	struct tls_server_pem good, foreign;
	struct meeting m, other;
	struct tls_ctx *c;

	begin(&m, &o);
	begin(&other, &o);
	tls_server_issue(&m.server, &good);
	tls_server_issue(&other.server, &foreign);
	expect_refusal(&m, new_ctx((struct tls_options){0}), alert_without);
	expect_refusal(&m,
		       new_ctx((struct tls_options){.cert = bytes(foreign.cert),
						    .key = bytes(foreign.key)}),
		       SSL_AD_DECRYPT_ERROR);
	c = new_ctx((struct tls_options){.cert = bytes(good.cert), .key = bytes(good.key)});
	meet(&m, c, &(struct tls_target){0});
	cr_expect_eq(m.step, TLS_MORE);
	tls_ctx_free(c);
	end(&m);
	end(&other);
}

Test(tls_ctx, real_that_asks_for_a_certificate_gets_ours_1_3)
{
	certificate_is_asked_for(TLS1_3_VERSION, SSL_AD_CERTIFICATE_REQUIRED);
}

Test(tls_ctx, real_that_asks_for_a_certificate_gets_ours_1_2)
{
	certificate_is_asked_for(TLS1_2_VERSION, SSL_AD_HANDSHAKE_FAILURE);
}

static void expect_unusable(const char *cert, const char *key)
{
	struct tls_options o = {.min_version = 0x0303, .max_version = 0x0304};
	struct tls_ctx *c;

	if (cert)
		o.cert = bytes(cert);
	if (key)
		o.key = bytes(key);
	cr_expect_eq(tls_ctx_new(&o, &c), -EINVAL);
	cr_assert_eq(ERR_peek_error(), 0);
}

Test(tls_ctx, faulty_certificates_and_keys_are_refused)
{
	struct tls_server_pem a, b;
	struct tls_trust *t;
	struct meeting m;
	char cut[4400];

	begin(&m, &(struct tls_server_options){.has_ca = true});
	tls_server_issue(&m.server, &a);
	tls_server_issue(&m.server, &b);
	expect_unusable(a.cert, b.key);
	expect_unusable(a.cert, NULL);
	expect_unusable(a.cert, "");
	expect_unusable("", a.key);
	expect_unusable(a.cert, a.cert);
	expect_unusable(a.key, a.key);
	snprintf(cut, sizeof(cut), "%s%.200s", a.cert, b.cert);
	expect_unusable(cut, a.key);
	cr_assert_eq(tls_trust_new(cut, strlen(cut), &t), -EINVAL);
	cr_assert_eq(tls_trust_new("", 0, &t), -EINVAL);
	cr_assert_eq(tls_trust_new(a.key, strlen(a.key), &t), -EINVAL);
	end(&m);
}

Test(tls_ctx, key_with_a_pass_phrase_asks_nobody)
{
	struct tls_server_pem a;
	struct meeting m;
	char locked[4096];
	EVP_PKEY *key = EVP_EC_gen("P-256");
	BIO *bio = BIO_new(BIO_s_mem());
	size_t len;

	begin(&m, &(struct tls_server_options){.has_ca = true});
	tls_server_issue(&m.server, &a);
	cr_assert(PEM_write_bio_PrivateKey(bio, key, EVP_aes_128_cbc(),
					   (const unsigned char *)"secret", 6, NULL, NULL));
	cr_assert(BIO_read_ex(bio, locked, sizeof(locked) - 1, &len));
	locked[len] = '\0';
	expect_unusable(a.cert, locked);
	BIO_free(bio);
	EVP_PKEY_free(key);
	end(&m);
}

/* --- life ------------------------------------------------------------------------------------- */

Test(tls_ctx, connection_keeps_its_context)
{
	struct tls_ctx *c = new_ctx((struct tls_options){0});
	struct meeting m;

	begin(&m, &(struct tls_server_options){0});
	m.client = tls_new(c, &(struct tls_target){0});
	tls_ctx_free(c);
	while ((m.step = tls_handshake(m.client)) == TLS_MORE)
		pass(&m);
	cr_assert_eq(m.step, TLS_UP);
	end(&m);
}

Test(tls_ctx, system_store_is_trusted_without_a_file)
{
	struct tls_trust *t = NULL;
	struct tls_ctx *c;
	struct meeting m;

	cr_assert_eq(tls_trust_new(NULL, 0, &t), 0);
	c = new_ctx((struct tls_options){.trust = t});
	tls_trust_free(t);
	begin(&m, &(struct tls_server_options){0});
	meet(&m, c, &(struct tls_target){0});
	cr_assert_eq(m.step, TLS_FAILED);
	cr_assert_eq(tls_error(m.client).code, CODE_TLS_VERIFY);
	tls_ctx_free(c);
	end(&m);
}

/* --- cost ------------------------------------------------------------------------------------- */

static EVP_PKEY *new_group(const char *name)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "DH", NULL);
	EVP_PKEY *group = NULL;

	cr_assert(EVP_PKEY_paramgen_init(c) == 1 && EVP_PKEY_CTX_set_group_name(c, name) == 1);
	cr_assert_eq(EVP_PKEY_paramgen(c, &group), 1);
	EVP_PKEY_CTX_free(c);
	return group;
}

static enum check_code code_with_group(const char *name)
{
	struct tls_ctx *c = new_ctx((struct tls_options){0});
	enum check_code code;
	struct meeting m;

	begin(&m, &(struct tls_server_options){.key = TLS_SERVER_RSA,
					       .max_version = TLS1_2_VERSION,
					       .ciphers = "DHE-RSA-AES128-GCM-SHA256"});
	SSL_CTX_set_security_level(m.server.ctx, 0);
	cr_assert(SSL_CTX_set0_tmp_dh_pkey(m.server.ctx, new_group(name)));
	meet(&m, c, &(struct tls_target){0});
	code = m.step == TLS_FAILED ? (enum check_code)tls_error(m.client).code : CODE_OK;
	tls_ctx_free(c);
	end(&m);
	return code;
}

Test(tls_ctx, size_of_a_reals_own_group_is_bounded)
{
	cr_assert_eq(code_with_group("ffdhe2048"), CODE_OK);
	cr_assert_eq(code_with_group("modp_4096"), CODE_OK);
	cr_assert_eq(code_with_group("modp_6144"), CODE_TLS_PROTOCOL);
}
