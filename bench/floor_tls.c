/* The floor of an HTTPS check: kept socket, one full TLS handshake over memory BIOs, one GET, one
 * answer. One send and one recv per flight; the request leaves with our Finished; the certificate
 * is not verified, X25519 is offered first: as the daemon does it. */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "floor_loop.h"

enum { CONNECTING, HANDSHAKE, ASKED };

static const char request[] = "GET /health HTTP/1.1\r\nHost: www.example.org\r\n"
			      "User-Agent: monalive\r\nConnection: close\r\n\r\n";
static SSL_CTX *ctx;

static int accept_certificate(X509_STORE_CTX *store, void *arg)
{
	(void)arg;
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
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
	if (!SSL_write_ex(s->of_check, request, sizeof(request) - 1, &written) || !flush(s))
		return FLOOR_BAD;
	return FLOOR_WAIT;
}

static enum floor_step take_answer(struct floor_socket *s)
{
	char clear[16384];
	size_t n = 0;

	if (!SSL_read_ex(s->of_check, clear, sizeof(clear), &n))
		return SSL_get_error(s->of_check, 0) == SSL_ERROR_WANT_READ ? FLOOR_WAIT
									    : FLOOR_BAD;
	return n > 12 && memcmp(clear + 9, "200", 3) == 0 ? FLOOR_GOOD : FLOOR_BAD;
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
	SSL_free(s->of_check);
	s->of_check = NULL;
}

int main(int argc, char **argv)
{
	static const struct floor_kind kind = {.name = "floor_tls",
					       .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP,
					       .late_ack = true,
					       .event = event,
					       .over = over};

	make_ctx();
	return floor_main(&kind, argc - 1, argv + 1);
}
