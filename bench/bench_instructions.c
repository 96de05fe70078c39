/* Fixed small workloads for counting instructions under callgrind (scripts/bench-callgrind). Each
 * warms up, then calls measured() once; callgrind collects inside it alone. The kernel is not
 * counted: what is, is our part of a check, and it does not depend on how busy the machine is.
 *
 * usage: bench_instructions WORKLOAD      prints {"name":...,"ops":N}; without: the names
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clk.h"
#include "net/h1_parse.h"
#include "quorum/fleet.h"
#include "sched/turn.h"
#include "workers/run.h"
#include "yanet/yanet_encode.h"

#include "lib/gen_fixture.c"

enum { BATCH = 64, ROUNDS = 20, EVENTS = 256 };

struct workload {
	const char *name;
	enum check_kind kind;
	bool is_half_open;
	void (*prepare)(const struct workload *w);
	void (*round)(void);   /* counted; BATCH operations */
	void (*between)(void); /* not counted, after each round; may be NULL */
};

static bool is_warm;
static struct gen_fixture gen;
static struct state_tables tables;
static struct counters counters;
static struct port port;
static struct wake agg_bell;
static uint16_t server_port = 7;

static void make_checks(enum check_kind kind, bool is_half_open)
{
	gen_fixture_init(&gen, 1);
	for (uint32_t i = 0; i < BATCH; i++) {
		uint32_t c = gen_fixture_check(&gen, kind, "127.0.0.1", server_port);

		if (is_half_open)
			gen.profiles[c].flags |= PROFILE_HALF_OPEN;
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

/* --- checks: job to result -------------------------------------------------------------------- */

static struct run_ctx *runs;
static int epoll_fd, listener;

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

static void prepare_checks(const struct workload *w)
{
	struct run_args args = {.port = &port,
				.tables = &tables,
				.counters = &counters,
				.lag_guard_ns = 60 * CLK_S,
				.max_sockets = 4 * BATCH};

	open_server();
	make_checks(w->kind, w->is_half_open);
	epoll_fd = args.epoll_fd = epoll_create1(0);
	runs = calloc(1, sizeof(*runs));
	ASSERT(runs && run_ctx_init(runs, &args, clk_mono_ns()) == 0);
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
	handle_events(1000);
}

/* On loopback a connect is answered before it returns: one look at epoll ends them all. */
static void tcp_round(void)
{
	start_checks();
}

static void accept_and_close(void)
{
	for (int fd; (fd = accept4(listener, NULL, NULL, 0)) >= 0;)
		close(fd);
	while (runs->in_flight)
		handle_events(100);
	for (const struct done *d; (d = ring_peek(&port.dones)) != NULL;)
		ring_release(&port.dones);
	drain_results();
}

static void serve(void)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
				     "Content-Length: 3\r\nConnection: close\r\n\r\nok\n";
	char request[2048];

	for (int fd; (fd = accept4(listener, NULL, NULL, 0)) >= 0; close(fd)) {
		ASSERT(recv(fd, request, sizeof(request), 0) > 0);
		ASSERT(send(fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL) > 0);
	}
}

static bool is_asked; /* HTTP takes two rounds: connect and ask, then the answers */

static void http_round(void)
{
	if (is_asked)
		handle_events(1000);
	else
		start_checks();
}

static void answer_or_drain(void)
{
	if (is_asked)
		accept_and_close();
	else
		serve();
	is_asked = !is_asked;
}

/* --- pace: done to the next job --------------------------------------------------------------- */

static struct turn turn;
/* a dozen jobs per turn, as some thousand per second make */
#define TURN_INTERVAL_NS (5 * TURN_SPACING_NS)
static uint64_t turn_ns = 1000 * CLK_S;

static void prepare_turn(const struct workload *w)
{
	make_checks(w->kind, false);
	for (uint32_t i = 0; i < BATCH; i++)
		gen.profiles[i].interval_ns = TURN_INTERVAL_NS;
	ASSERT(turn_init(&turn, &port, 1, &tables, &counters, turn_ns) == 0);
	turn_adopt(&turn, &gen.gen, NULL, turn_ns);
}

static void turn_round(void)
{
	uint32_t n = 0;

	/* one interval: each check is due once */
	for (uint64_t end = turn_ns + TURN_INTERVAL_NS; turn_ns < end; turn_ns += TURN_SPACING_NS) {
		uint64_t next = turn_run(&turn, turn_ns);

		ASSERT(next > turn_ns);
		for (const struct job *j; (j = ring_peek(&port.jobs)) != NULL; n++) {
			*(struct done *)ring_put(&port.dones) =
				(struct done){.check = j->check,
					      .number = j->number,
					      .verdict = VERDICT_GOOD,
					      .generation = (uint8_t)j->generation->number,
					      .end_ns = turn_ns};
			ring_release(&port.jobs);
		}
		ring_publish(&port.dones);
	}
	ASSERT(n == BATCH || !is_warm);
}

/* --- verdicts --------------------------------------------------------------------------------- */

static struct fleet *fleet;

static void prepare_fleet(const struct workload *w)
{
	static const struct fleet_config config = {.unknown_max = 5, .sync_period_ns = 5 * CLK_S};
	static struct gen_diff *diff;

	make_checks(w->kind, false);
	/* the fixture's one service owns them all */
	static uint32_t order[BATCH];

	for (uint32_t i = 0; i < BATCH; i++)
		order[i] = i;
	gen.gen.real_order = order;
	fleet = fleet_new(&config, &tables, NULL, &counters);
	ASSERT(fleet && gen_diff_make(NULL, &gen.gen, &diff) == 0);
	ASSERT(fleet_adopt(fleet, &gen.gen, diff, turn_ns) == 0);
}

static void fleet_round(void)
{
	for (uint32_t i = 0; i < BATCH; i++) {
		struct result r = {.check = i,
				   .sequence = gen.sequences[i],
				   .due_ns = turn_ns,
				   .total_us = 500,
				   .code = CODE_OK,
				   .verdict = VERDICT_GOOD,
				   .weight = -1,
				   .generation = 1};

		turn_ns += CLK_US;
		fleet_result(fleet, &r, turn_ns);
	}
}

static void take_dirty(void)
{
	while (fleet_take_dirty_real(fleet) != SLOT_NONE)
		;
}

/* --- bytes ------------------------------------------------------------------------------------ */

static void parse_round(void)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\n"
				   "Date: Fri, 20 Nov 2026 10:00:00 GMT\r\n"
				   "Content-Type: text/plain; charset=utf-8\r\n"
				   "Content-Length: 13\r\nConnection: close\r\n"
				   "ETag: \"5f3c8a2b-d\"\r\n\r\nrs_weight=10\n";
	static struct h1_parse p;

	for (int i = 0; i < BATCH; i++) {
		struct h1_parse_slice in = {(const unsigned char *)text, sizeof(text) - 1}, body;
		enum h1_parse_event event;

		h1_parse_init(&p, CHECK_MAX_HEADER_BYTES, CHECK_MAX_BODY_BYTES, NULL);
		do
			event = h1_parse_step(&p, &in, &body);
		while (event == H1_PARSE_HEAD || event == H1_PARSE_BODY);
		ASSERT(event == H1_PARSE_DONE);
	}
}

static struct yanet_request request;
static struct yanet_key keys[BATCH];
static struct yanet_name module;

static void prepare_encode(const struct workload *w)
{
	(void)w;
	ASSERT(yanet_encode_init(&request) == 0 && yanet_name_make("balancer0", 9, &module));
	for (uint32_t i = 0; i < BATCH; i++) {
		struct service_spec s = {.vip = addr_from_v4_u32(0xc0000210),
					 .proto = L4_TCP,
					 .port = 443,
					 .flags = SERVICE_HAS_PORT};
		struct real_spec r = {.ip = addr_from_v4_u32(0xc6336400 + i),
				      .port = 8443,
				      .flags = REAL_HAS_PORT};

		ASSERT(yanet_key_make(&s, &r, &keys[i]));
	}
}

static void encode_round(void)
{
	const struct yanet_update u = {true, true, 10};

	yanet_encode_begin(&request, YANET_REAL);
	for (uint32_t i = 0; i < BATCH; i++)
		yanet_encode_update(&request, &module, &keys[i], &u);
	ASSERT(yanet_encode_end(&request) > 0);
}

static void prepare_nothing(const struct workload *w)
{
	(void)w;
}

/* --- main ------------------------------------------------------------------------------------- */

static const struct workload workloads[] = {
	{"check_tcp_half_open", CHECK_TCP, true, prepare_checks, tcp_round, accept_and_close},
	{"check_tcp_full", CHECK_TCP, false, prepare_checks, tcp_round, accept_and_close},
	{"check_http", CHECK_HTTP, false, prepare_checks, http_round, answer_or_drain},
	{"sched_job", CHECK_TCP, false, prepare_turn, turn_round, NULL},
	{"fleet_result_same", CHECK_TCP, false, prepare_fleet, fleet_round, take_dirty},
	{"h1_parse", 0, false, prepare_nothing, parse_round, NULL},
	{"yanet_encode_real", 0, false, prepare_encode, encode_round, NULL},
};

/* What callgrind collects: a function of this very name. */
__attribute__((noipa)) static void measured(const struct workload *w)
{
	w->round();
	/* a tail call would end the collection at once */
	__asm__ volatile("" ::: "memory");
}

static void rounds(const struct workload *w, int n, bool is_counted)
{
	for (int i = 0; i < n; i++) {
		if (is_counted)
			measured(w);
		else
			w->round();
		if (w->between)
			w->between();
	}
}

int main(int argc, char **argv)
{
	const struct workload *w = workloads;

	if (argc != 2) {
		for (size_t i = 0; i < ARRAY_LEN(workloads); i++)
			puts(workloads[i].name);
		return argc > 2 ? 2 : 0;
	}
	while (w < workloads + ARRAY_LEN(workloads) && strcmp(w->name, argv[1]) != 0)
		w++;
	if (w == workloads + ARRAY_LEN(workloads))
		return 2;
	ASSERT(wake_init(&agg_bell) == 0 && state_tables_init(&tables) == 0);
	ASSERT(port_init(&port, PORT_MIN_SLOTS, &agg_bell) == 0);
	w->prepare(w);
	rounds(w, 4, false);
	is_warm = true;
	rounds(w, ROUNDS, true);
	/* HTTP has a check every other round */
	printf("{\"name\":\"%s\",\"ops\":%d}\n", w->name,
	       ROUNDS * BATCH / (w->round == http_round ? 2 : 1));
	return 0;
}
