/* What the floors share: the smallest loop over kept sockets. Each is registered once, edge-
 * triggered, and goes round connect() … connect(AF_UNSPEC); a floor_kind says what is done between.
 *
 * Without a rate, IN_FLIGHT checks are under way at any time: the cost of a check where nothing is
 * idle. With a rate, checks begin in turns of 2 ms as the daemon's do, so the comparison is at
 * equal load, with the wakes and the cold caches of that load. CPU is user plus system time of this
 * thread, which is the whole program.
 */
#pragma once

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clk.h"
#include "base/str.h"

enum { FLOOR_EVENTS = 256, FLOOR_TURN_MS = 2, FLOOR_PATIENCE_S = 5 };

enum floor_step { FLOOR_WAIT, FLOOR_GOOD, FLOOR_BAD };

struct floor_socket {
	int fd;
	bool is_busy;    /* a check is under way */
	uint8_t phase;   /* floor_kind's own, 0 at the start of each check */
	void *of_check;  /* floor_kind's own */
	uint32_t target; /* which it checks */
	uint32_t i_next; /* in the list of idle ones */
};

struct floor_kind {
	const char *name;
	uint32_t events;
	bool late_ack; /* TCP_DEFER_ACCEPT: no ACK of its own for the SYN-ACK */
	bool warms_up; /* each target is checked once before anything is counted */
	enum floor_step (*event)(struct floor_socket *s, uint32_t events);
	void (*over)(struct floor_socket *s); /* may be NULL */
};

struct floor_run {
	const struct floor_kind *kind;
	struct floor_socket *sockets;
	struct sockaddr_in first_target;
	uint32_t n_targets, i_target, n_in_flight, rate, i_idle;
	uint64_t n_checks, n_begun, n_good, n_bad, begin_ns;
	int epoll_fd;
};

static inline void floor_die(const char *what)
{
	perror(what);
	exit(1);
}

static inline uint32_t floor_number(const char *text, uint32_t max)
{
	uint64_t v;

	if (!str_to_u64(text, strlen(text), max, &v) || v == 0) {
		fprintf(stderr, "not a number from 1 to %u: %s\n", max, text);
		exit(2);
	}
	return (uint32_t)v;
}

static inline void floor_end(struct floor_run *f, struct floor_socket *s, bool is_good)
{
	struct sockaddr nobody = {.sa_family = AF_UNSPEC};

	*(is_good ? &f->n_good : &f->n_bad) += 1;
	if (f->kind->over)
		f->kind->over(s);
	if (connect(s->fd, &nobody, sizeof(nobody)) < 0)
		floor_die("disconnect");
	s->is_busy = false;
	s->i_next = f->i_idle;
	f->i_idle = (uint32_t)(s - f->sockets) + 1;
}

static inline void floor_begin(struct floor_run *f, struct floor_socket *s)
{
	struct sockaddr_in to = f->first_target;

	to.sin_addr.s_addr = htonl(ntohl(to.sin_addr.s_addr) + f->i_target);
	s->target = f->i_target;
	f->i_target = f->i_target + 1 == f->n_targets ? 0 : f->i_target + 1;
	s->is_busy = true;
	s->phase = 0;
	f->n_begun++;
	if (connect(s->fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS)
		floor_end(f, s, false);
}

static inline void floor_open(struct floor_run *f)
{
	struct rlimit fds;

	getrlimit(RLIMIT_NOFILE, &fds);
	fds.rlim_cur = fds.rlim_max;
	setrlimit(RLIMIT_NOFILE, &fds);
	f->sockets = calloc(f->n_in_flight, sizeof(*f->sockets));
	f->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (!f->sockets || f->epoll_fd < 0)
		floor_die("start");
	for (uint32_t i = 0; i < f->n_in_flight; i++) {
		struct floor_socket *s = &f->sockets[i];
		struct epoll_event ev = {.events = f->kind->events | EPOLLET, .data.ptr = s};
		struct linger hard = {.l_onoff = 1, .l_linger = 0};
		int late_ack = f->kind->late_ack, one = 1;

		s->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (s->fd < 0 ||
		    setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)) < 0 ||
		    setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) < 0 ||
		    setsockopt(s->fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &late_ack, sizeof(late_ack)) <
			    0 ||
		    epoll_ctl(f->epoll_fd, EPOLL_CTL_ADD, s->fd, &ev) < 0)
			floor_die("socket");
		s->i_next = f->i_idle;
		f->i_idle = i + 1;
	}
}

static inline void floor_begin_due(struct floor_run *f)
{
	uint64_t due = f->n_checks;

	if (f->rate)
		due = MIN(due, (clk_mono_ns() - f->begin_ns) / CLK_US * f->rate / 1000000);
	while (f->n_begun < due && f->i_idle) {
		struct floor_socket *s = &f->sockets[f->i_idle - 1];

		f->i_idle = s->i_next;
		floor_begin(f, s);
	}
}

/* With a rate nothing but the turn's end is waited for while all due checks are begun: answers are
 * taken as they come, new checks once a turn. */
static inline void floor_loop(struct floor_run *f)
{
	struct epoll_event ready[FLOOR_EVENTS];
	uint64_t turn_ns = f->begin_ns, answer_ns = f->begin_ns;

	while (f->n_good + f->n_bad < f->n_checks) {
		uint64_t now = f->rate ? clk_mono_ns() : 0;
		int wait = f->rate ? FLOOR_TURN_MS : FLOOR_PATIENCE_S * 1000, n;

		if (!f->rate || now - turn_ns >= FLOOR_TURN_MS * CLK_MS) {
			floor_begin_due(f);
			turn_ns = now;
		}
		n = epoll_wait(f->epoll_fd, ready, FLOOR_EVENTS, wait);
		for (int i = 0; i < n; i++) {
			struct floor_socket *s = ready[i].data.ptr;
			/* idle: the edge that a disconnect or the registration made */
			enum floor_step step =
				s->is_busy ? f->kind->event(s, ready[i].events) : FLOOR_WAIT;

			if (step != FLOOR_WAIT)
				floor_end(f, s, step == FLOOR_GOOD);
		}
		if (n > 0)
			answer_ns = clk_mono_ns();
		else if (clk_mono_ns() - answer_ns > FLOOR_PATIENCE_S * CLK_S) {
			fprintf(stderr, "%s: no answer within %d s\n", f->kind->name,
				FLOOR_PATIENCE_S);
			exit(1);
		}
	}
}

static inline double floor_cpu_us(void)
{
	struct rusage r;

	getrusage(RUSAGE_THREAD, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e6 +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

static inline void floor_warm_up(struct floor_run *f)
{
	uint64_t n = f->n_checks;
	uint32_t rate = f->rate;

	f->n_checks = f->n_targets;
	f->rate = 0;
	floor_loop(f);
	if (f->n_bad) {
		fprintf(stderr, "%s: %llu failed while warming up\n", f->kind->name,
			(unsigned long long)f->n_bad);
		exit(1);
	}
	f->n_checks = n;
	f->rate = rate;
	f->n_begun = f->n_good = 0;
}

#define FLOOR_ARGS "IP PORT TARGETS IN_FLIGHT CHECKS [RATE]"

/* argv: as FLOOR_ARGS says. Prints one JSON line; returns the exit status. */
static inline int floor_main(const struct floor_kind *kind, int argc, char **argv)
{
	struct floor_run f = {.kind = kind};
	struct sockaddr_storage ss;
	struct addr a;
	double cpu;

	if (argc < 5 || argc > 6 || addr_parse(argv[0], strlen(argv[0]), &a) != ADDR_OK ||
	    !addr_is_v4(&a)) {
		fprintf(stderr, "usage: %s " FLOOR_ARGS "\n", kind->name);
		return 2;
	}
	addr_to_sockaddr(&a, (uint16_t)floor_number(argv[1], 65535), &ss);
	memcpy(&f.first_target, &ss, sizeof(f.first_target));
	f.n_targets = floor_number(argv[2], 1 << 24);
	f.n_checks = floor_number(argv[4], UINT32_MAX);
	f.n_in_flight = (uint32_t)MIN(floor_number(argv[3], 1 << 20), f.n_checks);
	f.rate = argc > 5 ? floor_number(argv[5], 1000000) : 0;
	floor_open(&f);
	f.begin_ns = clk_mono_ns();
	if (kind->warms_up)
		floor_warm_up(&f);
	f.begin_ns = clk_mono_ns();
	cpu = floor_cpu_us();
	floor_loop(&f);
	cpu = floor_cpu_us() - cpu;
	printf("{\"name\":\"%s\",\"n\":%llu,\"in_flight\":%u,\"rate\":%u,"
	       "\"us_per_check_cpu\":%.2f,\"us_per_check_wall\":%.2f,\"bad\":%llu}\n",
	       kind->name, (unsigned long long)f.n_checks, f.n_in_flight, f.rate,
	       cpu / (double)f.n_checks,
	       (double)(clk_mono_ns() - f.begin_ns) / 1e3 / (double)f.n_checks,
	       (unsigned long long)f.n_bad);
	return f.n_bad > 0;
}
