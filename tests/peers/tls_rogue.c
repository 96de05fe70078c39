/* A TLS server that means no good, for integration tests.
 *
 *   tls_rogue IP PORT MODE CERT.pem KEY.pem
 *
 * Each connection gets what MODE says, over and over until the client hangs up:
 *   mute        nothing at all, after the TCP handshake
 *   garbage     random bytes
 *   record      the header of a record that is too long, and as much behind it
 *   hello       the first record of its flight (ServerHello), then silence
 *   trickle     its flight, a byte every 20 ms
 *   alerts      warnings instead of a ServerHello
 *   alert       one fatal alert (access_denied)
 *   chain       a certificate chain of about 400 KB
 *   long_chain  one of about 60 KB, and then an honest answer
 *   renegotiate a request to renegotiate (TLS 1.2), and then an honest answer
 *   requests    requests to renegotiate without end (TLS 1.2)
 *   keys        key updates that ask for one back, without end
 *   tickets     session tickets without end
 *   data        an answer whose body never ends
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/cc.h"

static SSL_CTX *ctx;
static const char *mode;

static bool is_mode(const char *name)
{
	return strcmp(mode, name) == 0;
}

static bool send_all(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static void wait_for_end(int fd)
{
	char ignored[4096];

	while (recv(fd, ignored, sizeof(ignored), 0) > 0)
		;
}

/* --- before the handshake --------------------------------------------------------------------- */

static void pour(int fd, const void *data, size_t len)
{
	while (send_all(fd, data, len))
		;
}

static void send_record(int fd)
{
	static unsigned char record[5 + 0xffff] = {22, 3, 3, 0xff, 0xff};

	if (send_all(fd, record, sizeof(record)))
		wait_for_end(fd);
}

static void send_garbage(int fd)
{
	unsigned char bytes[4096];
	unsigned seed = 1;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)((seed = seed * 1103515245 + 12345) >> 16);
	pour(fd, bytes, sizeof(bytes));
}

/* What a server has to say to this ClientHello. */
static size_t make_flight(int fd, unsigned char *out, size_t room)
{
	SSL *ssl = SSL_new(ctx);
	unsigned char in[4096];
	ssize_t n = recv(fd, in, sizeof(in), 0);
	size_t len = 0;

	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	if (n > 0)
		BIO_write(SSL_get_rbio(ssl), in, (int)n);
	SSL_accept(ssl);
	BIO_read_ex(SSL_get_wbio(ssl), out, room, &len);
	SSL_free(ssl);
	ERR_clear_error();
	return len;
}

static void send_hello(int fd)
{
	static _Thread_local unsigned char flight[1 << 20];
	size_t len = make_flight(fd, flight, sizeof(flight));

	if (len > 5)
		send_all(fd, flight, 5u + (size_t)(flight[3] << 8 | flight[4]));
	wait_for_end(fd);
}

static void trickle(int fd)
{
	static _Thread_local unsigned char flight[1 << 20];
	size_t len = make_flight(fd, flight, sizeof(flight));

	for (size_t i = 0; i < len && send_all(fd, flight + i, 1); i++)
		usleep(20000);
	wait_for_end(fd);
}

static bool spoil_handshake(int fd)
{
	static const unsigned char warning[] = {21, 3, 3, 0, 2, 1, 112};
	static const unsigned char fatal[] = {21, 3, 3, 0, 2, 2, 49};

	if (is_mode("mute"))
		wait_for_end(fd);
	else if (is_mode("garbage"))
		send_garbage(fd);
	else if (is_mode("record"))
		send_record(fd);
	else if (is_mode("hello"))
		send_hello(fd);
	else if (is_mode("trickle"))
		trickle(fd);
	else if (is_mode("alerts"))
		pour(fd, warning, sizeof(warning));
	else if (is_mode("alert"))
		send_all(fd, fatal, sizeof(fatal));
	else
		return false;
	return true;
}

/* --- after it --------------------------------------------------------------------------------- */

static void answer(SSL *ssl)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	char ignored[4096];

	if (SSL_read(ssl, ignored, sizeof(ignored)) > 0)
		SSL_write(ssl, text, sizeof(text) - 1);
	SSL_read(ssl, ignored, sizeof(ignored));
}

static void send_data(SSL *ssl)
{
	static const char head[] = "HTTP/1.1 200 OK\r\n\r\n";
	char body[16384];

	memset(body, 'x', sizeof(body));
	SSL_write(ssl, head, sizeof(head) - 1);
	while (SSL_write(ssl, body, sizeof(body)) > 0)
		;
}

static void spoil_talk(SSL *ssl)
{
	if (is_mode("renegotiate"))
		SSL_renegotiate(ssl), SSL_do_handshake(ssl), answer(ssl);
	else if (is_mode("requests"))
		while (SSL_renegotiate(ssl) && SSL_do_handshake(ssl) == 1)
			;
	else if (is_mode("keys"))
		while (SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED) && SSL_do_handshake(ssl) == 1)
			;
	else if (is_mode("tickets"))
		while (SSL_new_session_ticket(ssl) && SSL_do_handshake(ssl) == 1)
			;
	else if (is_mode("data"))
		send_data(ssl);
	else
		answer(ssl);
}

static void *serve(void *arg)
{
	int fd = (int)(intptr_t)arg;
	SSL *ssl;

	if (!spoil_handshake(fd)) {
		ssl = SSL_new(ctx);
		SSL_set_fd(ssl, fd);
		if (SSL_accept(ssl) == 1)
			spoil_talk(ssl);
		SSL_free(ssl);
		ERR_clear_error();
	}
	close(fd);
	return NULL;
}

static void set_up(const char *cert, const char *key)
{
	int padding = is_mode("chain") ? 1000 : is_mode("long_chain") ? 150 : 0;

	ctx = SSL_CTX_new(TLS_server_method());
	ASSERT(SSL_CTX_use_certificate_chain_file(ctx, cert));
	ASSERT(SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM));
	for (int i = 0; i < padding; i++)
		ASSERT(SSL_CTX_add1_chain_cert(ctx, SSL_CTX_get0_certificate(ctx)));
	if (is_mode("renegotiate") || is_mode("requests"))
		SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	if (argc != 6 || inet_pton(AF_INET, argv[1], &at.sin_addr) != 1) {
		fprintf(stderr, "usage: tls_rogue IP PORT MODE CERT KEY\n");
		return 2;
	}
	at.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
	mode = argv[3];
	signal(SIGPIPE, SIG_IGN);
	set_up(argv[4], argv[5]);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(listener, 64) < 0) {
		perror("tls_rogue");
		return 1;
	}
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		pthread_t thread;

		if (fd < 0)
			continue;
		if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd) == 0)
			pthread_detach(thread);
		else
			close(fd);
	}
}
