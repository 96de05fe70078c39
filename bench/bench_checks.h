/* bench_instructions' checks: a batch of them goes from job to result against servers in the same
 * process, which work between the counted rounds. A round is what a worker does at one look at its
 * sockets; a check takes as many as it has flights, its phases. */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clk.h"
#include "workers/run.h"

#include "fleet_h2.h"
#include "lib/gen_fixture.c"
#include "lib/tls_server.c"

enum { BATCH = 64, EVENTS = 256 };

enum check_flavour { FLAVOUR_PLAIN, FLAVOUR_HALF_OPEN, FLAVOUR_TLS };

static struct gen_fixture gen;
static struct state_tables tables;
static struct counters counters;
static struct port port;
static struct wake agg_bell;
static uint16_t server_port = 7;

static void make_checks(enum check_kind kind, enum check_flavour flavour)
{
	gen_fixture_init(&gen, 1);
	for (uint32_t i = 0; i < BATCH; i++) {
		uint32_t c = gen_fixture_check(&gen, kind, "127.0.0.1", server_port);

		/* callgrind takes its time */
		gen.profiles[c].connect_timeout_ns = gen.profiles[c].check_timeout_ns = 60 * CLK_S;
		if (flavour == FLAVOUR_HALF_OPEN)
			gen.profiles[c].flags |= PROFILE_HALF_OPEN;
		if (flavour != FLAVOUR_TLS && kind == CHECK_GRPC)
			gen.profiles[c].flags |= PROFILE_TLS_OFF;
		/* relaxed: no thread reads it */
		atomic_store_explicit((_Atomic uint32_t *)&state_check(&tables, c)->word,
				      check_word_make(STATE_UP, 0, 0), memory_order_relaxed);
	}
}

static void drain_results(void)
{
	for (const struct result *r; (r = ring_peek(&port.results)) != NULL;) {
		ASSERT(r->verdict == VERDICT_GOOD);
		ring_release(&port.results);
	}
}

/* --- the worker's half ------------------------------------------------------------------------ */

static struct run_ctx *runs;
static int epoll_fd, listener;
static int phase, n_phases;
static enum check_kind kind_now;

static void open_server(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	/* below the ports that the kernel gives away, as servers are: a port of those costs a look
	 * at whether we connected to ourselves */
	for (server_port = 20000; server_port < 21000; server_port++) {
		a.sin_port = htons(server_port);
		if (bind(listener, (struct sockaddr *)&a, sizeof(a)) == 0)
			break;
	}
	ASSERT(listen(listener, 4096) == 0 && server_port < 21000);
}

static void handle_events(int patience_ms)
{
	struct epoll_event e[EVENTS];
	int n = epoll_wait(epoll_fd, e, EVENTS, patience_ms);

	for (int i = 0; i < n; i++)
		run_event(runs, (uint32_t)e[i].data.u64, e[i].events);
	run_deadlines(runs, clk_mono_ns(), EVENTS);
	outbox_publish(&runs->outbox);
}

static void start_checks(void)
{
	for (uint32_t i = 0; i < BATCH; i++) {
		struct job job = {
			.check = i, .due_ns = clk_mono_ns(), .generation = &gen.gen, .attempt = 1};

		run_start(runs, &job);
	}
	/* on loopback a connect is answered before it returns: one look finds them all */
	handle_events(1000);
}

static void check_round(void)
{
	if (phase == 0)
		start_checks();
	else
		handle_events(1000);
}

static void drain_checks(void)
{
	while (runs->in_flight)
		handle_events(100);
	for (const struct done *d; (d = ring_peek(&port.dones)) != NULL;)
		ring_release(&port.dones);
	drain_results();
}

/* --- the servers' half ------------------------------------------------------------------------ */

static int clients[BATCH];
static uint32_t n_clients;
static struct tls_server tls_server;
static SSL *client_tls[BATCH];

static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
			     "Content-Length: 3\r\nConnection: close\r\n\r\nok\n";

static void accept_clients(void)
{
	for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
		ASSERT(n_clients < BATCH);
		clients[n_clients++] = fd;
	}
}

static void close_clients(void)
{
	for (uint32_t i = 0; i < n_clients; i++) {
		SSL_free(client_tls[i]);
		client_tls[i] = NULL;
		close(clients[i]);
	}
	n_clients = 0;
}

static void answer_plain(int fd, const void *text, size_t len)
{
	char request[2048];

	ASSERT(recv(fd, request, sizeof(request), 0) > 0);
	ASSERT(send(fd, text, len, MSG_NOSIGNAL) == (ssize_t)len);
}

static void answer_clients(void)
{
	uint8_t health[H2_ANSWER_BYTES];
	size_t len = h2_answer(health, 1, 0);

	for (uint32_t i = 0; i < n_clients; i++) {
		if (kind_now == CHECK_GRPC)
			answer_plain(clients[i], health, len);
		else
			answer_plain(clients[i], answer, sizeof(answer) - 1);
	}
}

static void shake_hands(void)
{
	for (uint32_t i = 0; i < n_clients; i++) {
		client_tls[i] = SSL_new(tls_server.ctx);
		ASSERT(client_tls[i] && SSL_set_fd(client_tls[i], clients[i]));
		ASSERT(SSL_accept(client_tls[i]) < 0);
	}
}

static void answer_over_tls(void)
{
	char request[2048];
	size_t n;

	for (uint32_t i = 0; i < n_clients; i++) {
		ASSERT(SSL_read_ex(client_tls[i], request, sizeof(request), &n) == 1);
		ASSERT(SSL_write_ex(client_tls[i], answer, sizeof(answer) - 1, &n) == 1);
	}
}

/* After each round: the servers' part of it, and after the last one the end of all. */
static void serve_between(void)
{
	accept_clients();
	if (phase == n_phases - 1) {
		close_clients();
		drain_checks();
	} else if (kind_now != CHECK_HTTPS) {
		answer_clients();
	} else if (phase == 0) {
		shake_hands();
	} else {
		answer_over_tls();
	}
	phase = (phase + 1) % n_phases;
}

/* --- both ------------------------------------------------------------------------------------- */

static void prepare_checks(enum check_kind kind, enum check_flavour flavour, int phases)
{
	struct run_args args = {.port = &port,
				.tables = &tables,
				.counters = &counters,
				.lag_guard_ns = 60 * CLK_S,
				.max_sockets = 4 * BATCH};

	n_phases = phases;
	kind_now = kind;
	open_server();
	make_checks(kind, flavour);
	if (flavour == FLAVOUR_TLS) {
		tls_server_init(&tls_server, &(struct tls_server_options){.key = TLS_SERVER_EC});
		SSL_CTX_set_num_tickets(tls_server.ctx, 0);
	}
	epoll_fd = args.epoll_fd = epoll_create1(0);
	runs = calloc(1, sizeof(*runs));
	ASSERT(runs && run_ctx_init(runs, &args, clk_mono_ns()) == 0);
}
