/* A fleet of targets to check, in one process: up to some 100,000 addresses that accept TCP or
 * answer HTTP, HTTPS or gRPC health checks, whose behaviour can be changed one by one, and that
 * keep the books about who came when. For integration tests and benchmarks; run with -h for its
 * options and commands.
 *
 * One listener per port serves every address of its groups (it is bound to the any-address, and to
 * the device lo for 127.0.0.0/8), so the number of targets costs no descriptors. What a shared
 * listener cannot do is refuse: the kernel answers a SYN with RST only where nobody listens. A
 * group `own` listens on each of its addresses apart and can; or give checks a port that is in no
 * group. RST after accept (`reset`) is another thing: the connect succeeds first. `drop` is real
 * in both: a listener of the address's own with a filter that discards every packet.
 *
 * Arrivals are timed when they are accepted, so a half-open check (SYN, SYN-ACK, RST) is in no
 * statistics; with --syn they are the SYNs, by the kernel's time stamps (fleet_syn.h).
 */
#include <limits.h>
#include <signal.h>
#include <sys/resource.h>

#include "fleet_control.h"

enum { EVENTS = 256 };

static void usage(int status)
{
	fputs("usage: fleet [--KIND IP:PORT[,COUNT[,own]]]... [--control PATH] [--body BYTES] "
	      "[--syn]\n"
	      "             [--certificate FILE --key FILE] [--tickets N]\n"
	      "\n"
	      "Serves COUNT addresses from IP on, prints `ready N` and runs until it is killed.\n"
	      "  --tcp      accept and close\n"
	      "  --http     answer each request with 200, --body bytes, Connection: close\n"
	      "  --https    the same over TLS\n"
	      "  --grpc     answer grpc.health.v1 with SERVING, HTTP/2 in the clear\n"
	      "  --grpcs    the same over TLS\n"
	      "  own        a listener per address (one descriptor each): can refuse\n"
	      "  --tickets  per full TLS handshake (0: nobody resumes)\n"
	      "  --syn      arrivals are SYNs by the kernel's time stamps (lo, IPv4, CAP_NET_RAW)\n"
	      "  --control  unix socket; one command per line, each reply ends with `ok` or "
	      "`error: ...`\n"
	      "\n"
	      "commands (TARGET is IP[:PORT][,COUNT] or all):\n"
	      "  set TARGET ok          accept, answer\n"
	      "  set TARGET refuse      nobody listens: RST to the SYN (own groups only)\n"
	      "  set TARGET drop        packets vanish: the connect times out\n"
	      "  set TARGET reset       accept, then RST: the connect succeeds\n"
	      "  set TARGET mute        accept, never answer\n"
	      "  set TARGET slow MS     answer after MS\n"
	      "  set TARGET status N    answer with HTTP status N, or grpc-status N\n"
	      "  set TARGET not_serving answer NOT_SERVING (gRPC)\n"
	      "  stats SECONDS [TARGET] one JSON line: arrivals against that interval\n"
	      "  served                 one JSON line: answers, TLS handshakes full and resumed\n"
	      "  counts [TARGET]        a line `IP:PORT ARRIVALS` per target\n"
	      "  reset                  forget all arrivals\n"
	      "  mark                   forget the gaps, not the latest arrivals\n",
	      status ? stderr : stdout);
	exit(status);
}

/* --- start ---------------------------------------------------------------------------------- */

/* "IP:PORT[,COUNT[,own]]" */
static void add_group(char *text, uint8_t kind)
{
	struct group *g = &groups[n_groups];
	char *count = strchr(text, ','), *own;
	uint32_t port;

	if (n_groups == MAX_GROUPS)
		usage(2);
	g->count = 1;
	if (count) {
		*count++ = 0;
		own = strchr(count, ',');
		if (own)
			*own++ = 0;
		g->is_own = own && strcmp(own, "own") == 0;
		if ((own && !g->is_own) || !to_u32(count, MAX_TARGETS - n_targets, &g->count))
			usage(2);
	}
	if (!parse_place(text, &g->base, &port) || port == 0)
		usage(2);
	g->port = (uint16_t)port;
	g->kind = kind;
	g->first = n_targets;
	n_targets += g->count;
	n_groups++;
}

static bool is_shared_already(uint32_t i)
{
	for (uint32_t k = 0; k < i; k++)
		if (!groups[k].is_own && groups[k].port == groups[i].port &&
		    addr_is_v4(&groups[k].base) == addr_is_v4(&groups[i].base))
			return true;
	return false;
}

static void open_group(uint32_t i)
{
	struct group *g = &groups[i];
	struct addr any = addr_is_v4(&g->base) ? addr_from_v4_u32(0) : ADDR_UNSET;
	int fd;

	for (uint32_t t = g->first; t < g->first + g->count; t++) {
		targets[t] = (struct target){.group = (uint8_t)i, .listen_fd = -1};
		if (g->is_own && !listen_own(t))
			die("listen");
	}
	if (g->is_own || is_shared_already(i))
		return;
	fd = listen_on(&any, g->port, is_loopback(&g->base));
	if (fd < 0)
		die("listen");
	watch(fd, EV_LISTEN, EPOLLIN);
}

static void start(void)
{
	struct rlimit fds;

	getrlimit(RLIMIT_NOFILE, &fds);
	fds.rlim_cur = fds.rlim_max;
	setrlimit(RLIMIT_NOFILE, &fds);
	conns = calloc(MIN(fds.rlim_max, 1u << 20), sizeof(*conns));
	if (!conns || !open_books())
		die("calloc");
	memset(body, 'x', sizeof(body));
	wheel_init(&timers, conns, sizeof(*conns), CLK_MS, start_ns);
	spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	for (uint32_t i = 0; i < n_groups; i++)
		open_group(i);
}

static void run(void)
{
	struct epoll_event ready[EVENTS];

	for (;;) {
		uint64_t next = wheel_next_ns(&timers), now = clk_mono_ns();
		int wait = next == UINT64_MAX ? -1
			   : next <= now      ? 0
					      : (int)((next - now) / CLK_MS + 1);
		int limit = counts_syns ? SYN_DRAIN_MS : INT_MAX;
		int n = epoll_wait(epoll_fd, ready, EVENTS,
				   (unsigned)wait < (unsigned)limit ? wait : limit);

		for (int i = 0; i < n; i++) {
			int fd = (int)(uint32_t)ready[i].data.u64;
			enum event type = (enum event)(ready[i].data.u64 >> 32);

			if (type == EV_LISTEN)
				accept_some(fd);
			else if (type == EV_CONN && conns[fd].is_open)
				(void)read_request(fd, clk_mono_ns());
			else if (type == EV_CONTROL)
				accept_client(fd);
			else if (type == EV_CLIENT)
				read_client(fd);
		}
		drain_syns();
		if (wheel_next_ns(&timers) <= clk_mono_ns())
			fire_timers();
	}
}

struct options {
	const char *control, *certificate, *key;
	uint32_t n_tickets;
	bool with_syns;
};

static uint8_t kind_of(const char *option)
{
	static const char *const kinds[KIND__N] = {"--tcp", "--http", "--https", "--grpc",
						   "--grpcs"};
	uint8_t kind = 0;

	while (kind < KIND__N && strcmp(option, kinds[kind]) != 0)
		kind++;
	return kind;
}

/* An option with its value. */
static void take_option(struct options *o, const char *option, char *value)
{
	uint8_t kind = kind_of(option);

	if (kind < KIND__N)
		add_group(value, kind);
	else if (strcmp(option, "--control") == 0)
		o->control = value;
	else if (strcmp(option, "--certificate") == 0)
		o->certificate = value;
	else if (strcmp(option, "--key") == 0)
		o->key = value;
	else if (strcmp(option, "--tickets") == 0 && to_u32(value, 16, &o->n_tickets))
		return;
	else if (strcmp(option, "--body") != 0 || !to_u32(value, MAX_BODY, &body_bytes))
		usage(2);
}

static struct options parse_options(int argc, char **argv)
{
	struct options o = {0};

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0)
			usage(0);
		if (strcmp(argv[i], "--syn") == 0) {
			o.with_syns = true;
			continue;
		}
		if (i + 1 == argc)
			usage(2);
		take_option(&o, argv[i], argv[i + 1]);
		i++;
	}
	return o;
}

static bool needs_tls(void)
{
	for (uint32_t i = 0; i < n_groups; i++)
		if (groups[i].kind == KIND_HTTPS || groups[i].kind == KIND_GRPCS)
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct options o = parse_options(argc, argv);

	if (n_groups == 0 || (needs_tls() && (!o.certificate || !o.key)))
		usage(2);
	signal(SIGPIPE, SIG_IGN); /* OpenSSL writes to its socket itself */
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		die("epoll_create1");
	if (needs_tls())
		make_tls_ctx(o.certificate, o.key, o.n_tickets);
	start();
	if (o.with_syns && !open_syns())
		die("packet ring");
	if (o.control)
		open_control(o.control);
	printf("ready %u\n", n_targets);
	fflush(stdout);
	run();
}
