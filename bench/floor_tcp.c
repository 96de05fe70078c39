/* The floor: the smallest loop that makes the system calls of a TCP check, against which the
 * daemon's CPU per check is quoted (a ratio, measured in the same run on the same machine).
 *
 * Kept sockets, registered once and edge-triggered: connect(), wait for it, connect(AF_UNSPEC).
 * `full` ends the handshake and resets; `half` leaves out the ACK (TCP_QUICKACK off before each
 * connect), so the target sees SYN and RST only. N of them are in flight at any time. CPU is user
 * plus system time of this thread.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clk.h"
#include "base/str.h"

enum { EVENTS = 256 };

struct socket_in_flight {
	int fd;
	bool is_connecting;
};

static struct socket_in_flight *sockets;
static struct sockaddr_in first_target;
static uint32_t n_targets, i_target;
static int epoll_fd;
static bool is_half;
static uint64_t n_good, n_bad;

static void usage(void)
{
	fputs("usage: floor_tcp full|half IP PORT TARGETS IN_FLIGHT CHECKS\n"
	      "Checks TARGETS addresses from IP on in turn; prints one JSON line.\n",
	      stderr);
	exit(2);
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static uint32_t number(const char *text, uint32_t max)
{
	uint64_t v;

	if (!str_to_u64(text, strlen(text), max, &v) || v == 0)
		usage();
	return (uint32_t)v;
}

static void disconnect(struct socket_in_flight *s)
{
	struct sockaddr nobody = {.sa_family = AF_UNSPEC};

	if (connect(s->fd, &nobody, sizeof(nobody)) < 0)
		die("disconnect");
	s->is_connecting = false;
}

static void begin(struct socket_in_flight *s)
{
	struct sockaddr_in to = first_target;
	int off = 0;

	to.sin_addr.s_addr = htonl(ntohl(to.sin_addr.s_addr) + i_target);
	i_target = (i_target + 1) % n_targets;
	if (is_half)
		setsockopt(s->fd, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof(off));
	s->is_connecting = true;
	if (connect(s->fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS) {
		n_bad++;
		disconnect(s);
	}
}

static void end(struct socket_in_flight *s, uint32_t events)
{
	if (events & (EPOLLERR | EPOLLHUP))
		n_bad++;
	else
		n_good++;
	disconnect(s);
}

static void open_sockets(uint32_t n)
{
	sockets = calloc(n, sizeof(*sockets));
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (!sockets || epoll_fd < 0)
		die("start");
	for (uint32_t i = 0; i < n; i++) {
		struct epoll_event ev = {.events = EPOLLOUT | EPOLLET, .data.ptr = &sockets[i]};
		struct linger hard = {.l_onoff = 1, .l_linger = 0};

		sockets[i].fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		if (sockets[i].fd < 0 ||
		    setsockopt(sockets[i].fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard)) < 0 ||
		    epoll_ctl(epoll_fd, EPOLL_CTL_ADD, sockets[i].fd, &ev) < 0)
			die("socket");
	}
}

static void run(uint32_t n_in_flight, uint64_t n_checks)
{
	struct epoll_event ready[EVENTS];
	uint64_t n_begun = n_in_flight;

	for (uint32_t i = 0; i < n_in_flight; i++)
		begin(&sockets[i]);
	while (n_good + n_bad < n_checks) {
		int n = epoll_wait(epoll_fd, ready, EVENTS, 5000);

		if (n == 0) {
			fputs("floor_tcp: no answer within 5 s\n", stderr);
			exit(1);
		}
		for (int i = 0; i < n; i++) {
			struct socket_in_flight *s = ready[i].data.ptr;

			/* the edge that a disconnect or the registration made */
			if (!s->is_connecting)
				continue;
			end(s, ready[i].events);
			if (n_begun < n_checks) {
				n_begun++;
				begin(s);
			}
		}
	}
}

static double cpu_us(void)
{
	struct rusage r;

	getrusage(RUSAGE_THREAD, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e6 +
	       (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

int main(int argc, char **argv)
{
	struct sockaddr_storage ss;
	uint32_t n_in_flight, n_checks;
	struct rlimit fds;
	uint64_t begun;
	struct addr a;
	double cpu;

	if (argc != 7 || addr_parse(argv[2], strlen(argv[2]), &a) != ADDR_OK || !addr_is_v4(&a))
		usage();
	is_half = strcmp(argv[1], "half") == 0;
	if (!is_half && strcmp(argv[1], "full") != 0)
		usage();
	addr_to_sockaddr(&a, (uint16_t)number(argv[3], 65535), &ss);
	memcpy(&first_target, &ss, sizeof(first_target));
	n_targets = number(argv[4], 1 << 24);
	n_in_flight = number(argv[5], 1 << 20);
	n_checks = number(argv[6], UINT32_MAX);
	n_in_flight = MIN(n_in_flight, n_checks);
	getrlimit(RLIMIT_NOFILE, &fds);
	fds.rlim_cur = fds.rlim_max;
	setrlimit(RLIMIT_NOFILE, &fds);
	open_sockets(n_in_flight);
	begun = clk_mono_ns();
	cpu = cpu_us();
	run(n_in_flight, n_checks);
	cpu = cpu_us() - cpu;
	printf("{\"name\":\"floor_tcp_%s\",\"n\":%u,\"in_flight\":%u,\"us_per_check_cpu\":%.2f,"
	       "\"us_per_check_wall\":%.2f,\"bad\":%llu}\n",
	       argv[1], n_checks, n_in_flight, cpu / n_checks,
	       (double)(clk_mono_ns() - begun) / 1e3 / n_checks, (unsigned long long)n_bad);
	return 0;
}
