/* The TLS client against what a real server of OpenSSL's sends, cut, damaged, repeated and mixed
 * with bytes of its own as a script says. Input: byte 0 the options, then operations of one byte,
 * each with what it needs behind it.
 */
#include <time.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "base/buf.h"
#include "model/check_code.h"
#include "net/tls.h"
#include "net/tls_text.h"

enum {
	OPT_ONLY_1_2 = 1 << 0,
	OPT_ONLY_1_3 = 1 << 1,
	OPT_VERIFY = 1 << 2,
	OPT_RESUMES = 1 << 3,
	OPT_ASKS = 1 << 4, /* for a certificate of ours, without insisting */
	OPT_PADDED = 1 << 5,
	OPT_ALPN = 1 << 6,
	OPT_WRONG_NAME = 1 << 7,
};

enum operation {
	OP_PASS_ALL,
	OP_PASS_SOME,
	OP_DAMAGE,
	OP_DROP,
	OP_REPEAT,
	OP_SWAP, /* the first two records */
	OP_INSERT,
	OP_RECORD, /* a record of any type around bytes of the script */
	OP_KEY_UPDATE,
	OP_TICKET,
	OP_RENEGOTIATE,
	OP_SERVER_SAYS,
	OP_SERVER_ENDS,
	OP_CLIENT_SAYS,
	OP__N
};

enum { MAX_OPERATIONS = 200, CHAIN_PADDING = 60, RECORD_HEAD = 5 };

struct script {
	const uint8_t *at, *end;
};

struct scene {
	SSL *server;
	struct tls *client;
	struct buf wire; /* server to client, not yet passed on */
	enum tls_step step;
	bool is_up;
};

static EVP_PKEY *key;
static X509 *cert;
static struct tls_trust *trust;

static uint8_t next(struct script *s)
{
	return s->at < s->end ? *s->at++ : 0;
}

/* --- the two sides ---------------------------------------------------------------------------- */

static void make_identity(void)
{
	X509_NAME *name;
	BIO *pem = BIO_new(BIO_s_mem());
	char text[4096];
	size_t len;

	key = EVP_EC_gen("P-256");
	cert = X509_new();
	ASSERT(key && cert && X509_set_version(cert, X509_VERSION_3));
	ASSERT(ASN1_INTEGER_set(X509_get_serialNumber(cert), 1));
	ASSERT(X509_gmtime_adj(X509_getm_notBefore(cert), -60));
	ASSERT(X509_gmtime_adj(X509_getm_notAfter(cert), 86400 * 365));
	name = X509_get_subject_name(cert);
	ASSERT(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					  (const unsigned char *)"real.example", -1, -1, 0));
	ASSERT(X509_set_issuer_name(cert, name) && X509_set_pubkey(cert, key));
	ASSERT(X509_sign(cert, key, EVP_sha256()) && PEM_write_bio_X509(pem, cert));
	ASSERT(BIO_read_ex(pem, text, sizeof(text), &len));
	ASSERT(tls_trust_new(text, len, &trust) == 0);
	BIO_free(pem);
}

static int take_h2(SSL *ssl, const unsigned char **out, unsigned char *out_len,
		   const unsigned char *in, unsigned in_len, void *arg)
{
	(void)ssl, (void)in, (void)in_len, (void)arg;
	*out = (const unsigned char *)"h2";
	*out_len = 2;
	return SSL_TLSEXT_ERR_OK;
}

static int let_pass(int ok, X509_STORE_CTX *store)
{
	(void)ok, (void)store;
	return 1;
}

static SSL_CTX *server_ctx(uint8_t options)
{
	SSL_CTX *c = SSL_CTX_new(TLS_server_method());

	ASSERT(c && SSL_CTX_use_certificate(c, cert) && SSL_CTX_use_PrivateKey(c, key));
	for (int i = 0; (options & OPT_PADDED) && i < CHAIN_PADDING; i++)
		ASSERT(SSL_CTX_add1_chain_cert(c, cert));
	if (options & OPT_ONLY_1_2)
		SSL_CTX_set_max_proto_version(c, TLS1_2_VERSION);
	if ((options & OPT_ONLY_1_3) && !(options & OPT_ONLY_1_2))
		SSL_CTX_set_min_proto_version(c, TLS1_3_VERSION);
	if (options & OPT_ASKS)
		SSL_CTX_set_verify(c, SSL_VERIFY_PEER, let_pass);
	if (options & OPT_ALPN)
		SSL_CTX_set_alpn_select_cb(c, take_h2, NULL);
	SSL_CTX_set_session_id_context(c, (const unsigned char *)"f", 1);
	return c;
}

static struct tls_ctx *client_ctx(uint8_t options)
{
	static const char *const names[] = {"h2", "http/1.1", NULL};
	const struct tls_options o = {
		.min_version = TLS1_VERSION,
		.max_version = TLS1_3_VERSION,
		.resumes = options & OPT_RESUMES,
		.alpn = options & OPT_ALPN ? names : NULL,
		.trust = options & OPT_VERIFY ? trust : NULL,
	};
	struct tls_ctx *c;

	ASSERT(tls_ctx_new(&o, &c) == 0);
	return c;
}

/* Made once for each set of options, as a worker keeps its own. */
static SSL_CTX *servers[256];
static struct tls_ctx *clients[256];

static void open_scene(struct scene *s, uint8_t options, struct ssl_session_st *session)
{
	const struct tls_target target = {
		.server_name = "real.example",
		.verify_name = options & OPT_WRONG_NAME ? "other.example" : "real.example",
		.session = session,
	};

	if (!servers[options]) {
		servers[options] = server_ctx(options);
		clients[options] = client_ctx(options);
	}
	*s = (struct scene){.wire = BUF_INIT(8 << 20), .step = TLS_MORE};
	s->server = SSL_new(servers[options]);
	ASSERT(s->server);
	SSL_set_bio(s->server, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_accept_state(s->server);
	s->client = tls_new(clients[options], &target);
	ASSERT(s->client);
	ASSERT(tls_handshake(s->client) == TLS_MORE);
}

static void close_scene(struct scene *s)
{
	tls_free(s->client);
	SSL_free(s->server);
	ERR_clear_error();
	buf_deinit(&s->wire);
}

/* What the server has made goes on the wire. */
static void collect(struct scene *s)
{
	BIO *bio = SSL_get_wbio(s->server);
	size_t len = BIO_ctrl_pending(bio), got = 0;
	unsigned char *room = len ? buf_reserve(&s->wire, len) : NULL;

	if (room && BIO_read_ex(bio, room, len, &got))
		buf_fill(&s->wire, got);
	ERR_clear_error();
}

/* What the client has made reaches the server at once. */
static void answer(struct scene *s)
{
	struct buf out = BUF_INIT(2 << 20);
	unsigned char ignored[1024];
	size_t done;

	ASSERT(tls_drain(s->client, &out) == 0);
	if (buf_len(&out))
		BIO_write_ex(SSL_get_rbio(s->server), buf_head(&out), buf_len(&out), &done);
	buf_deinit(&out);
	if (!SSL_is_init_finished(s->server))
		SSL_do_handshake(s->server);
	else
		SSL_read_ex(s->server, ignored, sizeof(ignored), &done);
	collect(s);
}

/* --- what must hold --------------------------------------------------------------------------- */

static void check_failure(struct scene *s)
{
	struct tls_error e = tls_error(s->client);

	/* nothing that a real sends is a fault of our own */
	ASSERT(e.code == CODE_TLS_ALERT || e.code == CODE_TLS_PROTOCOL ||
	       e.code == CODE_TLS_VERIFY);
	ASSERT(tls_text_detail((enum check_code)e.code, e.detail));
	ASSERT(!tls_take_session(s->client));
	ASSERT(ERR_peek_error() == 0);
}

static void check_facts(const struct scene *s, uint8_t options)
{
	uint16_t version = tls_version(s->client);

	ASSERT(version >= TLS1_2_VERSION && version <= TLS1_3_VERSION);
	ASSERT(strcmp(tls_text_cipher(tls_cipher(s->client)), "?") != 0);
	ASSERT(tls_cert_expiry_s(s->client) > 0);
	ASSERT(!*tls_alpn(s->client) || (options & OPT_ALPN));
	/* nobody got past a name that is not the certificate's */
	ASSERT(!(options & OPT_VERIFY) || !(options & OPT_WRONG_NAME));
}

static void go_on(struct scene *s, uint8_t options)
{
	unsigned char clear[4096];
	size_t len = 0;

	if (!s->is_up) {
		s->step = tls_handshake(s->client);
		s->is_up = s->step == TLS_UP;
		if (s->is_up)
			check_facts(s, options);
	}
	while (s->is_up && (s->step = tls_read(s->client, clear, sizeof(clear), &len)) == TLS_UP)
		ASSERT(len > 0 && len <= sizeof(clear));
	ASSERT(s->step == TLS_UP || len == 0);
	if (s->step == TLS_FAILED)
		check_failure(s);
	answer(s);
}

/* --- operations ------------------------------------------------------------------------------- */

static void feed(struct scene *s, const void *data, size_t len, uint8_t options)
{
	uint8_t *copy = malloc(len ? len : 1);

	memcpy(copy, data, len);
	ASSERT(tls_feed(s->client, copy, len) == 0);
	free(copy);
	go_on(s, options);
}

static void pass(struct scene *s, size_t len, uint8_t options)
{
	size_t n = MIN(MIN(len, buf_len(&s->wire)), (size_t)512 << 10);

	if (!n)
		return;
	feed(s, buf_head(&s->wire), n, options);
	buf_consume(&s->wire, n);
}

static void damage(struct scene *s, size_t at, uint8_t mask)
{
	if (buf_len(&s->wire))
		buf_head(&s->wire)[at % buf_len(&s->wire)] ^= mask;
}

static size_t record_len(const unsigned char *at, size_t room)
{
	size_t len = room < RECORD_HEAD ? room : RECORD_HEAD + (size_t)(at[3] << 8 | at[4]);

	return MIN(len, room);
}

static void swap_records(struct scene *s)
{
	unsigned char *at = buf_head(&s->wire), *copy;
	size_t len = buf_len(&s->wire);
	size_t first = record_len(at, len), second = record_len(at + first, len - first);

	if (!second)
		return;
	copy = malloc(first);
	memcpy(copy, at, first);
	memmove(at, at + first, second);
	memcpy(at + second, copy, first);
	free(copy);
}

static void insert(struct scene *s, struct script *script, bool is_record, uint8_t options)
{
	uint8_t bytes[RECORD_HEAD + 255];
	uint8_t type = is_record ? next(script) : 0;
	size_t head = is_record ? RECORD_HEAD : 0;
	size_t len = next(script);

	len = MIN(len, (size_t)(script->end - script->at));
	memcpy(bytes, (const uint8_t[]){type, 3, 3, 0, (uint8_t)len}, head);
	memcpy(bytes + head, script->at, len);
	script->at += len;
	feed(s, bytes, head + len, options);
}

static void say(struct scene *s, size_t len)
{
	static const char text[4096];
	size_t done;

	SSL_write_ex(s->server, text, len, &done);
}

static void client_says(struct scene *s, size_t len)
{
	static const char text[4096];

	if (s->is_up && s->step == TLS_MORE && tls_write(s->client, text, len) < 0)
		ASSERT(tls_error(s->client).code != CODE_NO_MEMORY);
	answer(s);
}

static void serve(struct scene *s, enum operation op, struct script *script)
{
	if (!SSL_is_init_finished(s->server))
		return;
	if (op == OP_KEY_UPDATE)
		SSL_key_update(s->server, SSL_KEY_UPDATE_REQUESTED);
	else if (op == OP_TICKET)
		SSL_new_session_ticket(s->server);
	else if (op == OP_RENEGOTIATE)
		SSL_renegotiate(s->server);
	else if (op == OP_SERVER_SAYS)
		say(s, next(script) * 16u + 1);
	else if (op == OP_SERVER_ENDS)
		SSL_shutdown(s->server);
	SSL_do_handshake(s->server);
	collect(s);
}

static void operate(struct scene *s, struct script *script, uint8_t options)
{
	enum operation op = (enum operation)(next(script) % OP__N);
	size_t n;

	switch (op) {
	case OP_PASS_ALL:
		pass(s, SIZE_MAX, options);
		break;
	case OP_PASS_SOME:
		pass(s, next(script) * 4u + 1, options);
		break;
	case OP_DAMAGE:
		n = next(script) * 256u;
		n += next(script);
		damage(s, n, next(script));
		break;
	case OP_DROP:
		n = next(script);
		buf_consume(&s->wire, MIN(n, buf_len(&s->wire)));
		break;
	case OP_REPEAT:
		n = next(script) * 8u;
		n = MIN(n, buf_len(&s->wire));
		if (n)
			feed(s, buf_head(&s->wire), n, options);
		break;
	case OP_SWAP:
		swap_records(s);
		break;
	case OP_INSERT:
	case OP_RECORD:
		insert(s, script, op == OP_RECORD, options);
		break;
	case OP_CLIENT_SAYS:
		client_says(s, next(script) * 16u + 1);
		break;
	default:
		serve(s, op, script);
	}
}

static struct ssl_session_st *play(struct script *script, uint8_t options,
				   struct ssl_session_st *session)
{
	struct ssl_session_st *left;
	struct scene s;

	open_scene(&s, options, session);
	answer(&s);
	for (int i = 0; i < MAX_OPERATIONS && script->at < script->end; i++) {
		operate(&s, script, options);
		if (s.step == TLS_FAILED || s.step == TLS_CLOSED)
			break;
	}
	(void)tls_is_mid_record(s.client);
	left = tls_take_session(s.client);
	ASSERT(!left || (s.is_up && (options & OPT_RESUMES)));
	close_scene(&s);
	return left;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	struct ssl_session_st *session;
	struct script script;
	uint8_t options;

	if (!key)
		make_identity();
	memcpy(copy, data, size);
	script = (struct script){copy, copy + size};
	options = next(&script);
	session = play(&script, options, NULL);
	/* what is left of the script goes to a second connection, which may resume */
	tls_session_free(play(&script, options, session));
	tls_session_free(session);
	free(copy);
	return 0;
}
