/* The tunnel thread alone, in a network namespace of its own: packets per second and CPU per packet
 * under a flood, and what one packet's way through queue and thread adds to a plain one's. A child
 * on another CPU sends marked packets to 127.0.0.3; they leave for the real, 127.0.0.2, where a raw
 * socket counts them.
 *
 * flood_per_s: a sender as fast as it can, which is the limit. saturated_per_s: the thread is held
 * until the queue is full of packets, then runs alone. Added latency includes two wakes: the
 * thread's and the receiver's, which a plain packet spares.
 *
 * One JSON line. Needs root, iptables and ip; prints nothing and exits 0 without them.
 *
 * usage: bench_tun [SECONDS] */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/version.h"
#include "config/diag.h"
#include "config/source.h"
#include "tun/tun.h"

enum { BATCH = 64, SAMPLES = 4000, DATA = 40, HELD = 60000 };

extern char **environ;

static bool run(const char *const *words)
{
	int status;
	pid_t pid;

	if (posix_spawnp(&pid, words[0], NULL, NULL, (char *const *)words, environ) != 0)
		return false;
	return waitpid(pid, &status, 0) == pid && status == 0;
}

static bool set_up_namespace(void)
{
	static const char *const up[] = {"ip", "link", "set", "lo", "up", NULL};
	static const char *const rule[] = {
		"iptables", "-t",         "mangle", "-A",      "OUTPUT",      "-m", "mark",
		"--mark",   "0xffffffff", "-j",     "NFQUEUE", "--queue-num", "0",  NULL};

	return unshare(CLONE_NEWNET) == 0 && run(up) && run(rule);
}

static void pin(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu % (unsigned)sysconf(_SC_NPROCESSORS_ONLN), &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* --- the thread ------------------------------------------------------------------------------- */

static struct tunnel tunnel;
static struct counters counters;
static struct beat beat;
static struct control control;
static struct wake bell, main_bell;

static struct tun *start_tun(void)
{
	static const char yaml[] = "check_tun:\n  nfqueue: 0\n  max_queue_len: 65536\n"
				   "  socket_buffer: 268435456\n";
	static struct service_spec service;
	static struct service_names names;
	static struct real_spec real;
	static struct app_config *app;
	struct source *source = source_new();
	struct diag *diag = diag_new(source);
	struct generation g = {.end_services = 1, .end_reals = 1, .n_reals = 1};
	struct tun_args args = {
		.control = &control,
		.bell = &bell,
		.tunnel = &tunnel,
		.counters = &counters,
		.beat = &beat,
		.cpu = 1,
	};
	struct tun *t;

	service.vip = addr_from_v4_u32(0x7f000003);
	real = (struct real_spec){.ip = addr_from_v4_u32(0x7f000002), .lvs_method = LVS_TUN};
	g.services = &service;
	g.service_names = &names;
	g.reals = &real;
	g.text = "";
	ASSERT(app_config_load_text("bench", yaml, sizeof(yaml) - 1, source, diag, &app) == 0);
	ASSERT(wake_init(&bell) == 0 && wake_init(&main_bell) == 0);
	ASSERT(control_init(&control, &bell, &main_bell) == 0 && tunnel_init(&tunnel) == 0);
	args.app = app;
	ASSERT(tun_new(&args, &t) == 0 && tun_start(t) == 0 && tun_stage(t, &g) == 0);
	control_send(&control, (struct control_msg){.kind = CONTROL_ADOPT});
	for (int i = 0; !tunnel_is_proven(&tunnel, TUNNEL_V4, clk_mono_ns()); i++) {
		ASSERT(i < 3000);
		poll(NULL, 0, 1);
	}
	return t;
}

/* --- packets ---------------------------------------------------------------------------------- */

static int open_sender(uint32_t mark)
{
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);

	ASSERT(fd >= 0);
	ASSERT(setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0);
	return fd;
}

/* 127.0.0.1 to 127.0.0.3, TCP; with the option that names the real. Returns its length. */
static size_t make_packet(unsigned char *p)
{
	static const unsigned char head[28] = {0x47, 0, 0,   68, 0, 7, 0x40, 0, 2, 6,
					       0,    0, 127, 0,  0, 1, 127,  0, 0, 3,
					       0x1e, 7, 127, 0,  0, 2, 2,    0};

	memset(p, 0x5a, sizeof(head) + DATA);
	memcpy(p, head, sizeof(head));
	return sizeof(head) + DATA;
}

static const struct sockaddr_in vip = {.sin_family = AF_INET, .sin_addr.s_addr = 0x0300007f};

/* Packets in the queue are still their sender's: buffer_bytes is how many it may leave there. */
static void send_packets(unsigned n, int buffer_bytes)
{
	int fd = open_sender(UINT32_MAX);
	unsigned char packet[128];
	struct iovec part = {packet, make_packet(packet)};
	struct mmsghdr m[BATCH];

	ASSERT(setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer_bytes, sizeof(int)) == 0);
	for (int i = 0; i < BATCH; i++)
		m[i] = (struct mmsghdr){.msg_hdr = {.msg_name = (void *)&vip,
						    .msg_namelen = sizeof(vip),
						    .msg_iov = &part,
						    .msg_iovlen = 1}};
	for (; n >= BATCH; n -= BATCH)
		if (sendmmsg(fd, m, BATCH, 0) < 0 && errno != ENOBUFS && errno != EPERM)
			_exit(1);
}

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * CLK_S + (uint64_t)t.tv_nsec;
}

/* --- a thread that is held -------------------------------------------------------------------- */

static pid_t thread_of_tun(void)
{
	char path[64], name[32];
	struct dirent *e;
	pid_t found = 0;
	DIR *d = opendir("/proc/self/task");

	while (d && (e = readdir(d))) {
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/task/%.20s/comm", e->d_name);
		f = fopen(path, "re");
		if (f && fgets(name, sizeof(name), f) && strcmp(name, "tun\n") == 0)
			found = (pid_t)strtol(e->d_name, NULL, 10);
		if (f)
			fclose(f);
	}
	if (d)
		closedir(d);
	return found;
}

/* The child: stops the thread as a debugger does, fills the queue, lets it go. */
static void fill_queue(pid_t thread)
{
	int status;

	if (ptrace(PTRACE_SEIZE, thread, NULL, NULL) < 0 ||
	    ptrace(PTRACE_INTERRUPT, thread, NULL, NULL) < 0 ||
	    waitpid(thread, &status, __WALL) < 0)
		_exit(1);
	send_packets(HELD, 512 << 20);
	ptrace(PTRACE_DETACH, thread, NULL, NULL);
	_exit(0);
}

/* --- measuring -------------------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* Median time from sending to the arrival on a raw socket of that protocol. */
static uint64_t one_way_ns(uint32_t mark, int protocol)
{
	static uint64_t samples[SAMPLES];
	int out = open_sender(mark), in = socket(AF_INET, SOCK_RAW, protocol);
	struct sockaddr_in to = vip, own = {.sin_family = AF_INET, .sin_addr.s_addr = 0x0200007f};
	unsigned char packet[128], got[2048];
	size_t len = make_packet(packet);

	if (mark == 0) { /* plain: straight to the real's address, as that protocol */
		to = own;
		packet[9] = (unsigned char)protocol;
		memcpy(packet + 16, &own.sin_addr, 4);
	}
	ASSERT(in >= 0 && bind(in, (struct sockaddr *)&own, sizeof(own)) == 0);
	for (int i = 0; i < SAMPLES; i++) {
		uint64_t begin = clk_mono_ns();

		ASSERT(sendto(out, packet, len, 0, (struct sockaddr *)&to, sizeof(to)) > 0);
		ASSERT(recv(in, got, sizeof(got), 0) > 0);
		samples[i] = clk_mono_ns() - begin;
		poll(NULL, 0, 0);
	}
	qsort(samples, SAMPLES, sizeof(*samples), by_value);
	close(in);
	close(out);
	return samples[SAMPLES / 2];
}

static uint64_t sent(void)
{
	return counter_get(&counters, CTR_TUN_SENT_IPIP);
}

/* What the thread does when there is always one more packet. */
struct saturated {
	double per_s, cpu_us; /* 0 if it cannot be held */
};

static struct saturated saturate(void)
{
	uint64_t from = sent(), last = from, begin_ns, limit_ns, cpu;
	pid_t thread = thread_of_tun(), child;
	int status;

	child = fork();
	if (child == 0)
		fill_queue(thread);
	waitpid(child, &status, 0);
	begin_ns = clk_mono_ns();
	cpu = cpu_ns();
	limit_ns = begin_ns + 10 * CLK_S;
	from = sent();
	while (last < from + HELD * 9 / 10 && clk_mono_ns() < limit_ns) {
		poll(NULL, 0, 2);
		last = sent();
	}
	if (status || last == from)
		return (struct saturated){0};
	return (struct saturated){
		.per_s = (double)(last - from) * 1e9 / (double)(clk_mono_ns() - begin_ns),
		.cpu_us = (double)(cpu_ns() - cpu) / 1e3 / (double)(last - from),
	};
}

int main(int argc, char **argv)
{
	unsigned seconds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 3;
	uint64_t begin_ns, begin_cpu, packets, plain_ns, tunnel_ns;
	double wall_s, cpu_s;
	struct saturated full;
	struct tun *t;
	pid_t child;

	if (geteuid() != 0 || !set_up_namespace())
		return 0;
	t = start_tun();
	pin(0);
	plain_ns = one_way_ns(0, IPPROTO_IPIP);
	tunnel_ns = one_way_ns(UINT32_MAX, IPPROTO_IPIP);
	full = saturate();
	child = fork();
	if (child == 0) {
		pin(0);
		send_packets(UINT_MAX, 256 << 10);
	}
	poll(NULL, 0, 300);
	packets = sent();
	begin_ns = clk_mono_ns();
	begin_cpu = cpu_ns();
	poll(NULL, 0, (int)seconds * 1000);
	cpu_s = (double)(cpu_ns() - begin_cpu) / 1e9;
	wall_s = (double)(clk_mono_ns() - begin_ns) / 1e9;
	packets = sent() - packets;
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	printf("{\"name\":\"tun\",\"saturated_per_s\":%.0f,\"saturated_cpu_us\":%.2f,\"flood_per_"
	       "s\":%.0f,"
	       "\"cpu_us_per_packet\":%.2f,"
	       "\"busy\":%.2f,\"plain_p50_us\":%.1f,\"tunnel_p50_us\":%.1f,\"added_p50_us\":%.1f,"
	       "\"lost\":%llu,\"version\":\"%s\"}\n",
	       full.per_s, full.cpu_us, (double)packets / wall_s, cpu_s * 1e6 / (double)packets,
	       cpu_s / wall_s, (double)plain_ns / 1e3, (double)tunnel_ns / 1e3,
	       ((double)tunnel_ns - (double)plain_ns) / 1e3,
	       (unsigned long long)counter_get(&counters, CTR_TUN_LOST), version_text());
	control_send(&control, (struct control_msg){.kind = CONTROL_QUIT});
	tun_join(t);
	tun_free(t);
	return 0;
}
