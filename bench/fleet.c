/* A fleet of targets to check, in one process: up to some 100,000 addresses that accept TCP or
 * answer HTTP, whose behaviour can be changed one by one, and that keep the books about who came
 * when. For integration tests and benchmarks; run with -h for its options and commands.
 *
 * One listener per port serves every address of its groups (it is bound to the any-address, and to
 * the device lo for 127.0.0.0/8), so the number of targets costs no descriptors. What a shared
 * listener cannot do is refuse: the kernel answers a SYN with RST only where nobody listens. A
 * group `own` listens on each of its addresses apart and can; or give checks a port that is in no
 * group. RST after accept (`reset`) is another thing: the connect succeeds first. `drop` is real
 * in both: a listener of the address's own with a filter that discards every packet.
 *
 * Arrivals are timed when they are accepted. A half-open check (SYN, SYN-ACK, RST) is never
 * accepted, so it is in no statistics.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/wheel.h"
#include "fleet_books.h"

enum {
	ACCEPTS_PER_EVENT = 128,
	MAX_BODY = 16384,
	IDLE_MS = 30000,
	EVENTS = 256,
};

enum kind { KIND_TCP, KIND_HTTP };
enum behaviour { BE_OK, BE_RESET, BE_REFUSE, BE_DROP, BE_MUTE, BE_SLOW, BE_STATUS };
enum event { EV_LISTEN, EV_CONN, EV_CONTROL, EV_CLIENT };

/* By descriptor. */
struct conn {
	struct wheel_node timer;
	uint32_t target;
	uint8_t matched; /* bytes of CR LF CR LF seen */
	bool is_open;    /* in epoll; an event may be left of one that is not */
	bool is_answer_due;
	char *line; /* of a control client */
	uint32_t line_len;
};

static struct conn *conns;
static uint32_t max_fds;
static struct wheel timers;
static int epoll_fd, spare_fd;
static char body[MAX_BODY];
static uint32_t body_bytes = 3;

static void die(const char *what)
{
	fprintf(stderr, "fleet: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void usage(int status)
{
	fputs("usage: fleet [--tcp|--http IP:PORT[,COUNT[,own]]]... [--control PATH] [--body "
	      "BYTES]\n"
	      "\n"
	      "Serves COUNT addresses from IP on, prints `ready N` and runs until it is killed.\n"
	      "  --tcp      accept and close\n"
	      "  --http     answer each request with 200, --body bytes, Connection: close\n"
	      "  own        a listener per address (one descriptor each): can refuse\n"
	      "  --control  unix socket; one command per line, each reply ends with `ok` or "
	      "`error: ...`\n"
	      "\n"
	      "commands (TARGET is IP[:PORT][,COUNT] or all):\n"
	      "  set TARGET ok         accept, answer\n"
	      "  set TARGET refuse     nobody listens: RST to the SYN (own groups only)\n"
	      "  set TARGET drop       packets vanish: the connect times out\n"
	      "  set TARGET reset      accept, then RST: the connect succeeds\n"
	      "  set TARGET mute       accept, never answer\n"
	      "  set TARGET slow MS    answer after MS\n"
	      "  set TARGET status N   answer with status N\n"
	      "  stats SECONDS [TARGET] one JSON line: arrivals against that interval\n"
	      "  counts [TARGET]       a line `IP:PORT ARRIVALS` per target\n"
	      "  reset                 forget all arrivals\n"
	      "Half-open checks are never accepted and so are not counted.\n",
	      status ? stderr : stdout);
	exit(status);
}

static void watch(int fd, enum event type, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.u64 = (uint64_t)type << 32 | (uint32_t)fd};

	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0)
		die("epoll_ctl");
}

/* --- targets -------------------------------------------------------------------------------- */

static int listen_on(const struct addr *a, uint16_t port, bool is_loopback)
{
	struct sockaddr_storage ss;
	socklen_t len = addr_to_sockaddr(a, port, &ss);
	int one = 1, fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	/* an address's own listener beside the shared one */
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	setsockopt(fd, SOL_IP, IP_FREEBIND, &one, sizeof(one));
	if (ss.ss_family == AF_INET6)
		setsockopt(fd, SOL_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (is_loopback)
		setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2);
	if (bind(fd, (struct sockaddr *)&ss, len) < 0 || listen(fd, 65535) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool is_loopback(const struct addr *a)
{
	return addr_is_v4(a) && a->b[12] == 127;
}

static void discard_all(int fd)
{
	struct sock_filter none[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
	struct sock_fprog prog = {.len = 1, .filter = none};

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) < 0)
		die("SO_ATTACH_FILTER");
}

static void close_own(struct target *t)
{
	if (t->listen_fd >= 0)
		close(t->listen_fd);
	t->listen_fd = -1;
}

static bool listen_own(uint32_t i)
{
	struct target *t = &targets[i];
	struct addr a = target_addr(i);

	t->listen_fd = listen_on(&a, groups[t->group].port, is_loopback(&a));
	if (t->listen_fd < 0)
		return false;
	watch(t->listen_fd, EV_LISTEN, EPOLLIN);
	return true;
}

/* Returns NULL or what is wrong. */
static const char *set_behaviour(uint32_t i, enum behaviour be, uint16_t value)
{
	struct target *t = &targets[i];
	bool is_own = groups[t->group].is_own;

	if (be == BE_REFUSE && !is_own)
		return "a shared listener cannot refuse: use an own group, or a port without one";
	close_own(t);
	if ((be == BE_DROP || (is_own && be != BE_REFUSE)) && !listen_own(i))
		return strerror(errno);
	if (be == BE_DROP)
		discard_all(t->listen_fd);
	t->behaviour = (uint8_t)be;
	t->value = value;
	return NULL;
}

/* --- connections ---------------------------------------------------------------------------- */

static void close_conn(int fd, bool with_reset)
{
	struct linger hard = {.l_onoff = 1, .l_linger = 0};

	if (with_reset)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	wheel_disarm(&timers, (uint32_t)fd);
	conns[fd].is_open = false;
	close(fd);
}

static void answer(int fd)
{
	static char text[MAX_BODY + 256];
	const struct target *t = &targets[conns[fd].target];
	struct str s = STR_OVER(text, sizeof(text));
	ssize_t sent;

	str_putf(&s,
		 "HTTP/1.1 %u Fleet\r\nContent-Type: text/plain\r\nContent-Length: %u\r\n"
		 "Connection: close\r\n\r\n",
		 t->behaviour == BE_STATUS ? t->value : 200, body_bytes);
	str_putn(&s, body, body_bytes);
	sent = send(fd, text, s.len, MSG_NOSIGNAL);
	(void)sent; /* the client left: nothing to do about it */
	close_conn(fd, false);
}

static void arm_ms(int fd, uint64_t now_ns, uint64_t ms)
{
	wheel_arm(&timers, (uint32_t)fd, now_ns + ms * CLK_MS);
}

static bool is_request_over(struct conn *c, const char *data, size_t len)
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

/* Returns false if the connection is done with. */
static bool read_request(int fd, uint64_t now_ns)
{
	struct conn *c = &conns[fd];
	const struct target *t = &targets[c->target];
	char data[4096];
	ssize_t n = recv(fd, data, sizeof(data), 0);

	if (n < 0 && errno == EAGAIN)
		return true;
	if (n <= 0) {
		close_conn(fd, false);
		return false;
	}
	if (t->behaviour == BE_MUTE || !is_request_over(c, data, (size_t)n))
		return true;
	if (t->behaviour == BE_SLOW) {
		c->is_answer_due = true;
		arm_ms(fd, now_ns, t->value);
		return true;
	}
	answer(fd);
	return false;
}

static void begin_conn(int fd, uint32_t i, uint64_t now_ns)
{
	const struct target *t = &targets[i];
	bool waits = t->behaviour == BE_MUTE || groups[t->group].kind == KIND_HTTP;

	note_arrival(i, now_ns);
	if (t->behaviour == BE_RESET || !waits) {
		close_conn(fd, t->behaviour == BE_RESET);
		return;
	}
	conns[fd].target = i;
	conns[fd].matched = 0;
	conns[fd].is_answer_due = false;
	/* the request often came with the handshake's end */
	if (!read_request(fd, now_ns))
		return;
	watch(fd, EV_CONN, EPOLLIN);
	conns[fd].is_open = true;
	if (!wheel_is_armed(&timers, (uint32_t)fd))
		arm_ms(fd, now_ns, IDLE_MS);
}

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
			answer((int)fd);
		else
			close_conn((int)fd, false);
	}
}

/* --- control -------------------------------------------------------------------------------- */

static bool to_u32(const char *text, uint32_t max, uint32_t *ret)
{
	uint64_t v;

	if (!text || !str_to_u64(text, strlen(text), max, &v))
		return false;
	*ret = (uint32_t)v;
	return true;
}

/* "IP[:PORT]" or "[IP]:PORT" */
static bool parse_place(char *text, struct addr *a, uint32_t *port)
{
	char *end = text + strlen(text), *colon = strrchr(text, ':');

	*port = 0;
	if (*text == '[') {
		char *close_at = strchr(text++, ']');

		if (!close_at || (close_at[1] && close_at[1] != ':'))
			return false;
		colon = close_at[1] ? close_at + 1 : NULL;
		end = close_at;
	} else if (colon && strchr(text, ':') == colon) {
		end = colon;
	} else {
		colon = NULL; /* no port, or an IPv6 address without brackets */
	}
	if (colon && !to_u32(colon + 1, 65535, port))
		return false;
	return addr_parse(text, (size_t)(end - text), a) == ADDR_OK;
}

static bool parse_range(char *text, struct range *r)
{
	uint32_t port, count = 1;
	struct addr a;
	char *comma;

	*r = (struct range){0, n_targets};
	if (!text || strcmp(text, "all") == 0)
		return true;
	comma = strchr(text, ',');
	if (comma) {
		*comma = 0;
		if (!to_u32(comma + 1, n_targets, &count))
			return false;
	}
	if (!parse_place(text, &a, &port))
		return false;
	r->first = find_target(&a, (uint16_t)port);
	r->end = r->first + count;
	return r->first != UINT32_MAX && r->end <= n_targets;
}

static const char *do_set(char **word)
{
	static const struct {
		const char *name;
		enum behaviour be;
		uint32_t max; /* of its value; 0: has none */
	} names[] = {{"ok", BE_OK, 0},          {"reset", BE_RESET, 0}, {"refuse", BE_REFUSE, 0},
		     {"drop", BE_DROP, 0},      {"mute", BE_MUTE, 0},   {"slow", BE_SLOW, 65535},
		     {"status", BE_STATUS, 999}};
	const char *error = NULL;
	uint32_t value = 0;
	struct range r;
	size_t n = 0;

	if (!word[1] || !word[2] || !parse_range(word[1], &r))
		return "no such target";
	while (n < ARRAY_LEN(names) && strcmp(word[2], names[n].name) != 0)
		n++;
	if (n == ARRAY_LEN(names) || (names[n].max && !to_u32(word[3], names[n].max, &value)))
		return "no such behaviour";
	for (uint32_t i = r.first; i < r.end && !error; i++)
		error = set_behaviour(i, names[n].be, (uint16_t)value);
	return error;
}

static void send_all(int fd, const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, text, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		text += n;
		len -= (size_t)n;
	}
}

static const char *do_stats(int fd, char **word)
{
	char text[1024];
	struct str s = STR_OVER(text, sizeof(text));
	char *end = NULL;
	double interval_s = word[1] ? strtod(word[1], &end) : 0;
	struct range r;

	if (!end || *end || !(interval_s > 0))
		return "usage: stats SECONDS [TARGET]";
	if (!parse_range(word[2], &r))
		return "no such target";
	put_stats(&s, &r, interval_s);
	send_all(fd, text, s.len);
	return NULL;
}

static const char *do_counts(int fd, char **word)
{
	struct range r;

	if (!parse_range(word[1], &r))
		return "no such target";
	for (uint32_t i = r.first; i < r.end; i++) {
		char place[ADDR_PORT_TEXT_BYTES], text[ADDR_PORT_TEXT_BYTES + 16];
		struct str s = STR_OVER(text, sizeof(text));
		struct addr a = target_addr(i);

		addr_format_port(&a, groups[targets[i].group].port, place);
		str_putf(&s, "%s %u\n", place, targets[i].n_arrivals);
		send_all(fd, text, s.len);
	}
	return NULL;
}

static void obey(int fd, char *line)
{
	const char *error = "no such command";
	char *word[5] = {NULL}, *save = NULL, reply[160];
	struct str s = STR_OVER(reply, sizeof(reply));

	for (int i = 0; i < 4; i++)
		word[i] = strtok_r(i ? NULL : line, " \t\r", &save);
	if (!word[0])
		return;
	if (strcmp(word[0], "set") == 0)
		error = do_set(word);
	else if (strcmp(word[0], "stats") == 0)
		error = do_stats(fd, word);
	else if (strcmp(word[0], "counts") == 0)
		error = do_counts(fd, word);
	else if (strcmp(word[0], "reset") == 0)
		forget_arrivals(), error = NULL;
	str_putf(&s, error ? "error: %s\n" : "ok\n", error);
	send_all(fd, reply, s.len);
}

enum { LINE_BYTES = 512 };

static void close_client(int fd)
{
	free(conns[fd].line);
	conns[fd].line = NULL;
	close(fd);
}

static void read_client(int fd)
{
	struct conn *c = &conns[fd];
	ssize_t n = recv(fd, c->line + c->line_len, LINE_BYTES - 1 - c->line_len, MSG_DONTWAIT);
	char *end;

	if (n <= 0 || c->line_len + (size_t)n == LINE_BYTES - 1) {
		close_client(fd);
		return;
	}
	c->line_len += (uint32_t)n;
	c->line[c->line_len] = 0;
	while ((end = strchr(c->line, '\n'))) {
		size_t used = (size_t)(end + 1 - c->line);

		*end = 0;
		obey(fd, c->line);
		memmove(c->line, end + 1, c->line_len - used + 1);
		c->line_len -= (uint32_t)used;
	}
}

/* Replies are written blocking, 5 s at most: whoever asks for 100,000 counts waits for them. */
static void accept_client(int listen_fd)
{
	struct timeval limit = {.tv_sec = 5};
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	conns[fd].line = calloc(1, LINE_BYTES);
	conns[fd].line_len = 0;
	if (!conns[fd].line)
		die("calloc");
	watch(fd, EV_CLIENT, EPOLLIN);
}

static void open_control(const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	unlink(path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&un, sizeof(un)) < 0 || listen(fd, 8) < 0)
		die(path);
	watch(fd, EV_CONTROL, EPOLLIN);
}

/* --- start ---------------------------------------------------------------------------------- */

/* "IP:PORT[,COUNT[,own]]" */
static void add_group(char *text, enum kind kind)
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
	g->kind = (uint8_t)kind;
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
	max_fds = (uint32_t)MIN(fds.rlim_max, 1u << 20);
	conns = calloc(max_fds, sizeof(*conns));
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
		int n = epoll_wait(epoll_fd, ready, EVENTS, wait);

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
		if (wheel_next_ns(&timers) <= clk_mono_ns())
			fire_timers();
	}
}

int main(int argc, char **argv)
{
	const char *control = NULL;

	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		die("epoll_create1");
	for (int i = 1; i < argc; i += 2) {
		if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0)
			usage(0);
		if (i + 1 == argc)
			usage(2);
		if (strcmp(argv[i], "--tcp") == 0)
			add_group(argv[i + 1], KIND_TCP);
		else if (strcmp(argv[i], "--http") == 0)
			add_group(argv[i + 1], KIND_HTTP);
		else if (strcmp(argv[i], "--control") == 0)
			control = argv[i + 1];
		else if (strcmp(argv[i], "--body") != 0 ||
			 !to_u32(argv[i + 1], MAX_BODY, &body_bytes))
			usage(2);
	}
	if (n_groups == 0)
		usage(2);
	start();
	if (control)
		open_control(control);
	printf("ready %u\n", n_targets);
	fflush(stdout);
	run();
}
