/* CPU per check of a worker at saturation against the floor: the smallest epoll loop over kept
 * sockets that makes the same system calls. Both in one run, by turns, pinned to one CPU; the
 * server runs on the other. One JSON line per kind of check: medians of rounds, µs of CPU. On
 * loopback the client also pays the server's kernel half, in both.
 *
 * usage: bench_worker [IN_FLIGHT [tcp_half_open|tcp_full|http]] */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/version.h"
#include "workers/worker.h"

#include "lib/gen_fixture.c"
#include "model/job.h"
#include "model/result.h"

enum { ROUNDS = 7, ROUND_MS = 400, MAX_IN_FLIGHT = 4000, BATCH = 256, FEED_US = 3000 };

enum kind { HALF_OPEN, FULL, HTTP, KIND__N };
static const char *const names[] = {"tcp_half_open", "tcp_full", "http"};
static const char request[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: monalive\r\n"
			      "Connection: close\r\n\r\n";
static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

static uint32_t in_flight;
static struct sockaddr_in server_addr;

static void pin(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		perror("sched_setaffinity");
}

/* --- the server ------------------------------------------------------------------------------- */

static void serve_one(int epoll_fd, int listener, struct epoll_event *e)
{
	char buf[2048];

	if (e->data.fd != listener) {
		if (recv(e->data.fd, buf, sizeof(buf), 0) > 0)
			(void)!send(e->data.fd, answer, sizeof(answer) - 1, MSG_NOSIGNAL);
		close(e->data.fd);
		return;
	}
	for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
		struct epoll_event add = {.events = EPOLLIN, .data.fd = fd};

		epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &add);
	}
}

static pid_t start_server(void)
{
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	socklen_t len = sizeof(server_addr);
	pid_t child;

	server_addr = (struct sockaddr_in){.sin_family = AF_INET,
					   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	ASSERT(bind(listener, (struct sockaddr *)&server_addr, len) == 0);
	ASSERT(listen(listener, 65535) == 0);
	ASSERT(getsockname(listener, (struct sockaddr *)&server_addr, &len) == 0);
	child = fork();
	if (child) {
		close(listener);
		return child;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pin(1);
	int epoll_fd = epoll_create1(0);
	struct epoll_event e[BATCH] = {{.events = EPOLLIN, .data.fd = listener}};

	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, e);
	for (;;)
		for (int i = 0, n = epoll_wait(epoll_fd, e, BATCH, -1); i < n; i++)
			serve_one(epoll_fd, listener, &e[i]);
}

/* --- the floor -------------------------------------------------------------------------------- */

static uint64_t cpu_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * CLK_S + (uint64_t)t.tv_nsec;
}

static void dial(int fd)
{
	int r = connect(fd, (struct sockaddr *)&server_addr, sizeof(server_addr));

	ASSERT(r < 0 && errno == EINPROGRESS);
}

/* Returns true if the event ended a check; then the next one has been started. */
static bool floor_step(enum kind kind, const struct epoll_event *e)
{
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	char buf[2048];
	int fd = e->data.fd;

	if (e->events & EPOLLHUP)
		return false;
	if (kind == HTTP && !(e->events & EPOLLIN))
		return send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) < 0;
	if (kind == HTTP && recv(fd, buf, sizeof(buf), 0) <= 0)
		return false;
	connect(fd, &none, sizeof(none));
	dial(fd);
	return true;
}

static double floor_round(enum kind kind)
{
	static int fds[MAX_IN_FLIGHT];
	int epoll_fd = epoll_create1(0), one = kind != FULL;
	uint64_t n_checks = 0, until, begin;
	struct epoll_event e[BATCH];

	for (uint32_t i = 0; i < in_flight; i++) {
		struct epoll_event add = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET};

		add.data.fd = fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		ASSERT(fds[i] >= 0);
		setsockopt(fds[i], IPPROTO_TCP, TCP_DEFER_ACCEPT, &one, sizeof(one));
		epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fds[i], &add);
		dial(fds[i]);
	}
	begin = cpu_ns(CLOCK_THREAD_CPUTIME_ID);
	until = clk_mono_ns() + ROUND_MS * CLK_MS;
	while (clk_mono_ns() < until)
		for (int i = 0, n = epoll_wait(epoll_fd, e, BATCH, 10); i < n; i++)
			n_checks += floor_step(kind, &e[i]);
	begin = cpu_ns(CLOCK_THREAD_CPUTIME_ID) - begin;
	for (uint32_t i = 0; i < in_flight; i++)
		close(fds[i]);
	close(epoll_fd);
	return (double)begin / 1000.0 / (double)n_checks;
}

/* --- the worker ------------------------------------------------------------------------------- */

static struct port port;
static struct wake agg_bell;
static struct state_tables tables;
static struct counters counters;
static struct beat beat;
static struct gen_fixture gen;

static void make_checks(enum kind kind)
{
	gen_fixture_init(&gen, 1);
	for (uint32_t i = 0; i < in_flight; i++) {
		uint32_t c = gen_fixture_check(&gen, kind == HTTP ? CHECK_HTTP : CHECK_TCP,
					       "127.0.0.1", ntohs(server_addr.sin_port));

		if (kind == HALF_OPEN)
			gen.profiles[c].flags |= PROFILE_HALF_OPEN;
		/* relaxed: no thread reads it yet */
		atomic_store_explicit((_Atomic uint32_t *)&state_check(&tables, c)->word,
				      check_word_make(STATE_UP, 0, 0), memory_order_relaxed);
	}
}

static void issue(uint32_t check)
{
	*(struct job *)ring_put(&port.jobs) = (struct job){
		.check = check, .due_ns = clk_mono_ns(), .generation = &gen.gen, .attempt = 1};
}

/* Both stubs at once: takes results and issues each finished check anew. Returns how many. */
static uint64_t feed(void)
{
	uint64_t n = 0;

	for (const struct result *r; (r = ring_peek(&port.results)) != NULL;) {
		if (r->verdict != VERDICT_GOOD)
			fprintf(stderr, "check %u: %s %u\n", r->check,
				check_code_text((enum check_code)r->code), r->detail);
		ring_release(&port.results);
	}
	for (const struct done *d; (d = ring_peek(&port.dones)) != NULL; n++) {
		ASSERT(ring_room(&port.jobs) > 0);
		issue(d->check);
		ring_release(&port.dones);
	}
	ring_publish(&port.jobs);
	wake_ring(&port.bell);
	return n;
}

static clockid_t clock_of_thread(const char *name)
{
	char path[64], comm[32];
	pid_t tid = 0;

	for (pid_t t = getpid(); t < getpid() + 100000 && !tid; t++) {
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/task/%d/comm", t);
		f = fopen(path, "r");
		if (!f)
			continue;
		if (fgets(comm, sizeof(comm), f) && !strncmp(comm, name, strlen(name)))
			tid = t;
		fclose(f);
	}
	ASSERT(tid);
	/* the kernel's per-thread clock of a thread id: CPUCLOCK_SCHED with the per-thread bit */
	return (clockid_t)(~(unsigned)tid << 3 | 6u);
}

static double worker_round(enum kind kind)
{
	struct worker_args args = {
		.port = &port,
		.tables = &tables,
		.counters = &counters,
		.beat = &beat,
		.lag_guard_ns = 60 * CLK_S,
		.fd_budget = MAX_IN_FLIGHT + 1,
	};
	struct worker *w;
	uint64_t n = 0, until, begin;
	clockid_t clock;

	make_checks(kind);
	ASSERT(port_init(&port, MAX_IN_FLIGHT, &agg_bell) == 0);
	ASSERT(worker_new(&args, &w) == 0 && worker_start(w) == 0);
	for (uint32_t i = 0; i < in_flight; i++)
		issue(i);
	/* warm: every socket was made */
	for (uint64_t n_warm = 0; n_warm < 3 * in_flight; usleep(FEED_US))
		n_warm += feed();
	clock = clock_of_thread("worker-0");
	begin = cpu_ns(clock);
	for (until = clk_mono_ns() + ROUND_MS * CLK_MS; clk_mono_ns() < until; usleep(FEED_US))
		n += feed();
	begin = cpu_ns(clock) - begin;
	worker_stop(w);
	worker_join(w);
	worker_free(w);
	port_deinit(&port);
	return (double)begin / 1000.0 / (double)n;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure(enum kind kind)
{
	double least[ROUNDS], ours[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		pin(0);
		least[i] = floor_round(kind);
		pin(1);
		ours[i] = worker_round(kind);
	}
	qsort(least, ROUNDS, sizeof(least[0]), by_value);
	qsort(ours, ROUNDS, sizeof(ours[0]), by_value);
	printf("{\"name\":\"worker_%s\",\"in_flight\":%u,\"us_check\":%.2f,\"floor_us\":%.2f,"
	       "\"ratio\":%.3f,\"us_min\":%.2f,\"us_max\":%.2f,\"version\":\"%s\"}\n",
	       names[kind], in_flight, ours[ROUNDS / 2], least[ROUNDS / 2],
	       ours[ROUNDS / 2] / least[ROUNDS / 2], ours[0], ours[ROUNDS - 1], version_text());
}

int main(int argc, char **argv)
{
	pid_t server = start_server();

	in_flight = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 1000;
	in_flight = MAX(MIN(in_flight, MAX_IN_FLIGHT), 1);
	ASSERT(wake_init(&agg_bell) == 0 && state_tables_init(&tables) == 0);
	for (unsigned k = 0; k < KIND__N; k++)
		if (argc < 3 || !strcmp(argv[2], names[k]))
			measure((enum kind)k);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	return 0;
}
