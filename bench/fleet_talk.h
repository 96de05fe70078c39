/* The fleet's connections: what is read, what is answered, over TCP or TLS. */
#pragma once

#include <fcntl.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/wheel.h"
#include "fleet_h2.h"
#include "fleet_targets.h"

enum {
	ACCEPTS_PER_EVENT = 128,
	MAX_BODY = 16384,
	IDLE_MS = 30000,
};

/* By descriptor. */
struct conn {
	struct wheel_node timer;
	uint32_t target;
	uint8_t matched; /* bytes of CR LF CR LF seen */
	bool is_open;    /* in epoll; an event may be left of one that is not */
	bool is_answer_due;
	bool is_counted; /* its handshake is */
	uint32_t line_len;
	char *line; /* of a control client */
	SSL *tls;
	struct h2_reader h2;
};

static struct conn *conns;
static struct wheel timers;
static int spare_fd;
static char body[MAX_BODY];
static uint32_t body_bytes = 3;
static SSL_CTX *tls_ctx;
static uint64_t n_answers, n_full, n_resumed; /* answers; TLS handshakes of either sort */

/* --- TLS ------------------------------------------------------------------------------------ */

static int choose_h2(SSL *ssl, const unsigned char **out, unsigned char *len,
		     const unsigned char *offered, unsigned n, void *arg)
{
	static const unsigned char protos[] = "\x02h2";

	(void)ssl, (void)arg;
	if (SSL_select_next_proto((unsigned char **)(uintptr_t)out, len, protos, 3, offered, n) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK;
	return SSL_TLSEXT_ERR_OK;
}

/* The certificate should have an EC key: the server's part of the handshake is then cheaper than
 * the client's, and what is measured is the client. With 0 tickets nobody resumes. */
static void make_tls_ctx(const char *certificate, const char *key, uint32_t n_tickets)
{
	tls_ctx = SSL_CTX_new(TLS_server_method());
	if (!tls_ctx || SSL_CTX_use_certificate_chain_file(tls_ctx, certificate) != 1 ||
	    SSL_CTX_use_PrivateKey_file(tls_ctx, key, SSL_FILETYPE_PEM) != 1) {
		ERR_print_errors_fp(stderr);
		exit(1);
	}
	SSL_CTX_set_num_tickets(tls_ctx, n_tickets);
	SSL_CTX_set_session_cache_mode(tls_ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_quiet_shutdown(tls_ctx, 1);
	SSL_CTX_set_alpn_select_cb(tls_ctx, choose_h2, NULL);
}

static bool has_tls(uint32_t i)
{
	uint8_t kind = groups[targets[i].group].kind;

	return kind == KIND_HTTPS || kind == KIND_GRPCS;
}

static bool is_grpc(uint32_t i)
{
	uint8_t kind = groups[targets[i].group].kind;

	return kind == KIND_GRPC || kind == KIND_GRPCS;
}

static void begin_tls(struct conn *c, int fd)
{
	c->tls = SSL_new(tls_ctx);
	if (!c->tls || !SSL_set_fd(c->tls, fd))
		die("SSL_new");
	SSL_set_accept_state(c->tls);
	c->is_counted = false;
}

static void count_handshake(struct conn *c)
{
	if (c->is_counted || !SSL_is_init_finished(c->tls))
		return;
	c->is_counted = true;
	*(SSL_session_reused(c->tls) ? &n_resumed : &n_full) += 1;
}

/* --- bytes ---------------------------------------------------------------------------------- */

/* As recv(): -1 and EAGAIN if nothing is there. The handshake is part of the first read. */
static ssize_t conn_recv(int fd, void *data, size_t room)
{
	struct conn *c = &conns[fd];
	size_t n = 0;
	int r;

	if (!c->tls)
		return recv(fd, data, room, 0);
	ERR_clear_error();
	r = SSL_read_ex(c->tls, data, room, &n);
	count_handshake(c);
	if (r == 1)
		return (ssize_t)n;
	errno = EAGAIN;
	return SSL_get_error(c->tls, 0) == SSL_ERROR_WANT_READ ? -1 : 0;
}

static void conn_send(int fd, const void *data, size_t len)
{
	struct conn *c = &conns[fd];
	ssize_t sent;
	size_t n;

	/* the client left: nothing to do about it */
	if (c->tls) {
		SSL_write_ex(c->tls, data, len, &n);
		return;
	}
	sent = send(fd, data, len, MSG_NOSIGNAL);
	(void)sent;
}

static void close_conn(int fd, bool with_reset)
{
	struct linger hard = {.l_onoff = 1, .l_linger = 0};

	if (with_reset)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	wheel_disarm(&timers, (uint32_t)fd);
	SSL_free(conns[fd].tls);
	conns[fd].tls = NULL;
	conns[fd].is_open = false;
	close(fd);
}

/* --- answers -------------------------------------------------------------------------------- */

static void answer_http(int fd, const struct target *t)
{
	static char text[MAX_BODY + 256];
	struct str s = STR_OVER(text, sizeof(text));

	str_putf(&s,
		 "HTTP/1.1 %u Fleet\r\nContent-Type: text/plain\r\nContent-Length: %u\r\n"
		 "Connection: close\r\n\r\n",
		 t->behaviour == BE_STATUS ? t->value : 200, body_bytes);
	str_putn(&s, body, body_bytes);
	conn_send(fd, text, s.len);
	close_conn(fd, false);
}

/* The client ends it, as with a server that would take more calls on the connection. */
static void answer_grpc(int fd, const struct target *t)
{
	uint8_t text[H2_ANSWER_BYTES];
	uint32_t status = t->behaviour == BE_STATUS ? t->value : 0;
	size_t n = h2_answer(text, t->behaviour == BE_NOT_SERVING ? 2 : 1, status);

	conn_send(fd, text, n);
}

/* Returns false if the connection is done with. */
static bool answer(int fd)
{
	uint32_t i = conns[fd].target;

	n_answers++;
	conns[fd].is_answer_due = false;
	if (is_grpc(i))
		answer_grpc(fd, &targets[i]);
	else
		answer_http(fd, &targets[i]);
	return is_grpc(i);
}

static void arm_ms(int fd, uint64_t now_ns, uint64_t ms)
{
	wheel_arm(&timers, (uint32_t)fd, now_ns + ms * CLK_MS);
}

/* --- requests ------------------------------------------------------------------------------- */

static bool is_blank_line_seen(struct conn *c, const char *data, size_t len)
{
	static const char blank_line[] = "\r\n\r\n";

	for (size_t i = 0; i < len && c->matched < 4; i++) {
		if (data[i] == blank_line[c->matched])
			c->matched++;
		else
			c->matched = data[i] == '\r';
	}
	return c->matched == 4;
}

static bool is_request_over(struct conn *c, const char *data, size_t len)
{
	if (is_grpc(c->target))
		return h2_read(&c->h2, (const uint8_t *)data, len);
	return is_blank_line_seen(c, data, len);
}

/* Returns false if the connection is done with. */
static bool read_request(int fd, uint64_t now_ns)
{
	struct conn *c = &conns[fd];
	const struct target *t = &targets[c->target];
	char data[4096];
	ssize_t n;

	if (t->behaviour == BE_MUTE && c->tls)
		return true;
	while ((n = conn_recv(fd, data, sizeof(data))) > 0) {
		if (t->behaviour == BE_MUTE || !is_request_over(c, data, (size_t)n))
			continue;
		if (t->behaviour != BE_SLOW)
			return answer(fd);
		c->is_answer_due = true;
		arm_ms(fd, now_ns, t->value);
		return true;
	}
	if (n < 0 && errno == EAGAIN)
		return true;
	close_conn(fd, false);
	return false;
}

static void begin_conn(int fd, uint32_t i, uint64_t now_ns)
{
	const struct target *t = &targets[i];
	struct conn *c = &conns[fd];
	bool waits = t->behaviour == BE_MUTE || groups[t->group].kind != KIND_TCP;

	if (!counts_syns)
		note_arrival(i, now_ns);
	if (t->behaviour == BE_RESET || !waits) {
		close_conn(fd, t->behaviour == BE_RESET);
		return;
	}
	c->target = i;
	c->matched = 0;
	c->is_answer_due = false;
	c->h2 = (struct h2_reader){0};
	if (has_tls(i))
		begin_tls(c, fd);
	/* the request often came with the handshake's end */
	if (!read_request(fd, now_ns))
		return;
	watch(fd, EV_CONN, EPOLLIN);
	c->is_open = true;
	if (!wheel_is_armed(&timers, (uint32_t)fd))
		arm_ms(fd, now_ns, IDLE_MS);
}

/* --- accepting ------------------------------------------------------------------------------ */

/* Without a descriptor to accept with, epoll would report the listener for ever. */
static void shed(int listen_fd)
{
	int fd;

	n_no_fd++;
	close(spare_fd);
	fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		close_conn(fd, true);
	spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static struct addr addr_of(const struct sockaddr_storage *ss, uint16_t *port)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct addr a;

	if (ss->ss_family == AF_INET) {
		memcpy(&v4, ss, sizeof(v4));
		*port = ntohs(v4.sin_port);
		return addr_from_v4_u32(ntohl(v4.sin_addr.s_addr));
	}
	memcpy(&v6, ss, sizeof(v6));
	*port = ntohs(v6.sin6_port);
	memcpy(a.b, &v6.sin6_addr, 16);
	return a;
}

static void accept_some(int listen_fd)
{
	for (int n = 0; n < ACCEPTS_PER_EVENT; n++) {
		struct sockaddr_storage ss = {.ss_family = AF_INET};
		socklen_t len = sizeof(ss);
		int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		uint64_t now = clk_mono_ns();
		uint32_t i = UINT32_MAX;
		struct addr a;
		uint16_t port;

		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE)
				shed(listen_fd);
			return;
		}
		if (getsockname(fd, (struct sockaddr *)&ss, &len) == 0) {
			a = addr_of(&ss, &port);
			i = find_target(&a, port);
		}
		if (i == UINT32_MAX) {
			n_strangers++;
			close_conn(fd, true);
			continue;
		}
		begin_conn(fd, i, now);
	}
}

static void fire_timers(void)
{
	uint32_t fd;

	wheel_advance(&timers, clk_mono_ns());
	while ((fd = wheel_pop(&timers)) != WHEEL_NONE) {
		if (conns[fd].is_answer_due)
			(void)answer((int)fd);
		else
			close_conn((int)fd, false);
	}
}
