/* A target for HTTPS checks that does as little as a TLS server can: every address of 127.0.0.0/8
 * on one port, one answer per connection. Prints `ready` and runs until it is killed. The
 * certificate should have an EC key: the server's part of the handshake is then cheaper than the
 * client's, and what is measured is the client.
 *
 * usage: tls_target PORT CERTIFICATE KEY */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/cc.h"

enum { EVENTS = 256 };

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
			     "Content-Length: 3\r\nConnection: close\r\n\r\nok\n";
static SSL_CTX *ctx;
static SSL **conns; /* by descriptor */
static int epoll_fd, listener;

static void die(const char *what)
{
	perror(what);
	ERR_print_errors_fp(stderr);
	exit(1);
}

static void make_ctx(const char *certificate, const char *key)
{
	ctx = SSL_CTX_new(TLS_server_method());
	if (!ctx || SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		die("certificate");
	/* nobody resumes here: tickets would only be made and thrown away, by both sides */
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_quiet_shutdown(ctx, 1);
}

static void watch(int fd)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
		die("epoll_ctl");
}

static void open_listener(uint16_t port)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct rlimit fds;
	int one = 1;

	getrlimit(RLIMIT_NOFILE, &fds);
	fds.rlim_cur = fds.rlim_max;
	setrlimit(RLIMIT_NOFILE, &fds);
	conns = calloc(MIN(fds.rlim_max, 1u << 20), sizeof(SSL *));
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	/* all of 127.0.0.0/8, and nothing from outside */
	setsockopt(listener, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2);
	if (!conns || bind(listener, (struct sockaddr *)&any, sizeof(any)) < 0 ||
	    listen(listener, 65535) < 0)
		die("listen");
	watch(listener);
}

static void close_conn(int fd)
{
	SSL_free(conns[fd]);
	conns[fd] = NULL;
	close(fd);
}

static void accept_all(void)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		conns[fd] = SSL_new(ctx);
		if (!conns[fd] || !SSL_set_fd(conns[fd], fd))
			die("SSL_new");
		SSL_set_accept_state(conns[fd]);
		watch(fd);
	}
}

static void serve(int fd)
{
	char request[4096];
	size_t n;

	ERR_clear_error();
	/* the handshake is part of the first read; a request comes in one record */
	if (SSL_read_ex(conns[fd], request, sizeof(request), &n))
		SSL_write_ex(conns[fd], answer, sizeof(answer) - 1, &n);
	else if (SSL_get_error(conns[fd], 0) == SSL_ERROR_WANT_READ)
		return;
	close_conn(fd);
}

int main(int argc, char **argv)
{
	struct epoll_event ready[EVENTS];

	if (argc != 4) {
		fputs("usage: tls_target PORT CERTIFICATE KEY\n", stderr);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	make_ctx(argv[2], argv[3]);
	open_listener((uint16_t)strtoul(argv[1], NULL, 10));
	puts("ready");
	fflush(stdout);
	for (;;)
		for (int i = 0, n = epoll_wait(epoll_fd, ready, EVENTS, -1); i < n; i++) {
			if (ready[i].data.fd == listener)
				accept_all();
			else
				serve(ready[i].data.fd);
		}
}
