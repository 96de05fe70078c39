/* The floors over TLS: kept socket, one TLS handshake over memory BIOs, one request, one answer.
 * One send and one recv per flight; the request leaves with our Finished; the certificate is not
 * verified, X25519 is offered first: as the daemon does it.
 *
 * `full` takes no tickets. `resumed` keeps the newest session of each target as the live object it
 * is (no DER, which would decode the certificate again) and offers it with psk_dhe_ke, OpenSSL's
 * only mode; a first lap, not counted, fetches them. */
#pragma once

#include "floor_loop.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

enum floor_tls_phase { CONNECTING, HANDSHAKE, ASKED };

/* What is said, and what is a good answer. */
struct floor_talk {
	const char *alpn; /* wire form; NULL: none */
	const void *request;
	size_t request_len;
	enum floor_step (*heard)(const unsigned char *data, size_t len);
};

static const struct floor_talk *talk;
static SSL_CTX *ctx;
static bool is_resuming;
static SSL_SESSION **sessions; /* by target */
static uint64_t n_resumed;

static int accept_certificate(X509_STORE_CTX *store, void *arg)
{
	(void)arg;
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

/* The newest is the one that can still be resumed. */
static int keep_session(SSL *ssl, SSL_SESSION *session)
{
	struct floor_socket *s = SSL_get_app_data(ssl);

	SSL_SESSION_free(sessions[s->target]);
	sessions[s->target] = session;
	return 1;
}

static void keep_sessions(void)
{
	is_resuming = true;
	sessions = calloc(1 << 20, sizeof(*sessions));
	if (!sessions)
		floor_die("calloc");
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, keep_session);
}

static void make_ctx(void)
{
	ctx = SSL_CTX_new(TLS_client_method());
	if (!ctx || !SSL_CTX_set1_groups_list(ctx, "X25519:P-256"))
		floor_die("SSL_CTX");
	SSL_CTX_set_cert_verify_callback(ctx, accept_certificate, NULL);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_quiet_shutdown(ctx, 1);
	SSL_CTX_set_read_ahead(ctx, 1);
	if (talk->alpn)
		SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)talk->alpn,
					(unsigned)strlen(talk->alpn));
}

static bool flush(struct floor_socket *s)
{
	char out[16384];
	int n = BIO_read(SSL_get_wbio(s->of_check), out, sizeof(out));

	return n <= 0 || send(s->fd, out, (size_t)n, MSG_NOSIGNAL) == n;
}

static bool begin_tls(struct floor_socket *s)
{
	SSL *ssl = SSL_new(ctx);

	if (!ssl)
		floor_die("SSL_new");
	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	SSL_set_tlsext_host_name(ssl, "www.example.org");
	SSL_set_connect_state(ssl);
	SSL_set_app_data(ssl, s);
	if (is_resuming && sessions[s->target])
		SSL_set_session(ssl, sessions[s->target]);
	s->of_check = ssl;
	s->phase = HANDSHAKE;
	SSL_do_handshake(ssl);
	return flush(s);
}

static enum floor_step shake_hands(struct floor_socket *s)
{
	size_t written;

	if (SSL_do_handshake(s->of_check) != 1)
		return flush(s) ? FLOOR_WAIT : FLOOR_BAD;
	s->phase = ASKED;
	n_resumed += (uint64_t)SSL_session_reused(s->of_check);
	if (!SSL_write_ex(s->of_check, talk->request, talk->request_len, &written) || !flush(s))
		return FLOOR_BAD;
	return FLOOR_WAIT;
}

static enum floor_step take_answer(struct floor_socket *s)
{
	unsigned char clear[16384];
	size_t n = 0;

	if (!SSL_read_ex(s->of_check, clear, sizeof(clear), &n))
		return SSL_get_error(s->of_check, 0) == SSL_ERROR_WANT_READ ? FLOOR_WAIT
									    : FLOOR_BAD;
	return talk->heard(clear, n);
}

static enum floor_step event(struct floor_socket *s, uint32_t events)
{
	char in[16384];
	ssize_t n;

	if (s->phase == CONNECTING) {
		if ((events & (EPOLLERR | EPOLLHUP)) || !begin_tls(s))
			return FLOOR_BAD;
	}
	if (!(events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
		return FLOOR_WAIT;
	n = recv(s->fd, in, sizeof(in), 0);
	if (n < 0 && errno == EAGAIN)
		return FLOOR_WAIT;
	if (n <= 0)
		return FLOOR_BAD;
	ERR_clear_error();
	BIO_write(SSL_get_rbio(s->of_check), in, (int)n);
	if (s->phase == HANDSHAKE && shake_hands(s) == FLOOR_BAD)
		return FLOOR_BAD;
	return s->phase == ASKED ? take_answer(s) : FLOOR_WAIT;
}

static void over(struct floor_socket *s)
{
	/* or the library takes a session that was not closed for a bad one */
	SSL_set_shutdown(s->of_check, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(s->of_check);
	s->of_check = NULL;
}

/* argv: full|resumed, then as FLOOR_ARGS says. */
static int floor_tls_main(const char *name, const struct floor_talk *what, int argc, char **argv)
{
	struct floor_kind kind = {.name = name,
				  .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP,
				  .late_ack = true,
				  .event = event,
				  .over = over};
	int status;

	talk = what;
	if (argc < 2 || (strcmp(argv[1], "full") != 0 && strcmp(argv[1], "resumed") != 0)) {
		fprintf(stderr, "usage: %s full|resumed " FLOOR_ARGS "\n", name);
		return 2;
	}
	make_ctx();
	kind.warms_up = argv[1][0] == 'r';
	if (kind.warms_up)
		keep_sessions();
	status = floor_main(&kind, argc - 2, argv + 2);
	if (is_resuming && n_resumed == 0) {
		fprintf(stderr, "%s: nothing was resumed: does the server give tickets?\n", name);
		return 1;
	}
	return status;
}
