/* The real's half of a tunnel, for kernels without tunnel modules: takes IPIP, IP6IP6, 4in6, 6in4
 * and GRE packets from an interface, checks every byte it can, strips the outer header and hands
 * the inner packet to a tun device, from where the kernel delivers it to the VIP on lo.
 *
 *   decap INTERFACE TUN [-v]
 *
 * Prints "ready", then with -v one line per packet:
 *   pkt OUTER(4|6) PROTO SOURCE DESTINATION TTL CLASS ID DF INNER(4|6) TTL FLAGS MSS LENGTH
 * and at the end, or on each line read from stdin, totals:
 *   sum packets N bad N bytes N
 * A packet that breaks a rule is printed as "bad REASON" and not delivered. It shares no code with
 * the daemon.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct seen {
	const unsigned char *at;
	size_t len;
	bool is_v4;
	uint8_t proto;
	size_t header; /* its length, extension headers included */
};

enum { BATCH = 64 };

static unsigned long n_packets, n_bad, n_bytes;
static bool is_verbose;

static uint32_t sum16(const unsigned char *p, size_t n, uint32_t sum)
{
	for (; n > 1; p += 2, n -= 2)
		sum += (uint32_t)(p[0] << 8 | p[1]);
	return n ? sum + ((uint32_t)p[0] << 8) : sum;
}

static bool sums_up(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

static void bad(const char *why)
{
	n_bad++;
	printf("bad %s\n", why);
}

/* IP header at the start of p; false after a complaint. May be longer than the packet says only by
 * the link's padding. */
static bool look(const unsigned char *p, size_t n, const char *which, struct seen *s)
{
	char why[64];

	*s = (struct seen){.at = p, .is_v4 = n > 0 && p[0] >> 4 == 4};
	if (s->is_v4 && n >= 20) {
		s->len = (size_t)(p[2] << 8 | p[3]);
		s->header = (p[0] & 15U) * 4;
		s->proto = p[9];
		if (s->header == 20 && s->len <= n && sums_up(sum16(p, 20, 0)))
			return true;
	} else if (n >= 40 && p[0] >> 4 == 6) {
		s->len = 40U + (size_t)(p[4] << 8 | p[5]);
		s->header = 40;
		s->proto = p[6];
		if (s->len <= n)
			return true;
	}
	snprintf(why, sizeof(why), "%s_header", which);
	bad(why);
	return false;
}

static bool tcp_is_right(const struct seen *s)
{
	const unsigned char *tcp = s->at + s->header;
	size_t n = s->len - s->header;
	uint32_t sum = IPPROTO_TCP + (uint32_t)n;

	if (n < 20 || s->len < s->header)
		return false;
	sum = s->is_v4 ? sum16(s->at + 12, 8, sum) : sum16(s->at + 8, 32, sum);
	return sums_up(sum16(tcp, n, sum));
}

static unsigned mss_of(const unsigned char *tcp, size_t n)
{
	size_t end = (size_t)(tcp[12] >> 4) * 4;

	for (size_t i = 20; i + 1 < end && i + 1 < n && tcp[i];) {
		if (tcp[i] == 2 && i + 3 < n)
			return (unsigned)(tcp[i + 2] << 8 | tcp[i + 3]);
		i += tcp[i] == 1 ? 1 : tcp[i + 1] < 2 ? n : tcp[i + 1];
	}
	return 0;
}

static void print_packet(const struct seen *outer, const struct seen *inner)
{
	const unsigned char *o = outer->at, *i = inner->at, *tcp = i + inner->header;
	char from[64], to[64];
	int family = outer->is_v4 ? AF_INET : AF_INET6;

	inet_ntop(family, o + (outer->is_v4 ? 12 : 8), from, sizeof(from));
	inet_ntop(family, o + (outer->is_v4 ? 16 : 24), to, sizeof(to));
	printf("pkt %d %u %s %s %u %u %u %u %d %u %u %u %zu\n", outer->is_v4 ? 4 : 6, outer->proto,
	       from, to, outer->is_v4 ? o[8] : o[7],
	       outer->is_v4 ? o[1] : (o[0] & 15U) << 4 | o[1] >> 4,
	       outer->is_v4 ? (unsigned)(o[4] << 8 | o[5]) : 0,
	       outer->is_v4 ? (o[6] & 0x40U) != 0 : 0, inner->is_v4 ? 4 : 6,
	       inner->is_v4 ? i[8] : i[7], tcp[13], mss_of(tcp, inner->len - inner->header),
	       inner->len);
}

/* Length of what lies between outer header and inner packet; -1 after a complaint. */
static int between(const struct seen *outer)
{
	const unsigned char *p = outer->at + outer->header;
	unsigned version = p[0] >> 4, type;

	switch (outer->proto) {
	case IPPROTO_IPIP:
	case IPPROTO_IPV6:
		if (version == (outer->proto == IPPROTO_IPIP ? 4 : 6))
			return 0;
		bad("protocol_of_inner");
		return -1;
	case IPPROTO_GRE:
		type = (unsigned)(p[2] << 8 | p[3]);
		version = p[4] >> 4;
		if (p[0] == 0 && p[1] == 0 && type == (version == 4 ? 0x0800U : 0x86ddU))
			return 4;
		bad("gre_header");
		return -1;
	default:
		return -1; /* not for us */
	}
}

static void take(int tun, const unsigned char *p, size_t n)
{
	struct seen outer, inner;
	int gap;

	if (n < 60 ||
	    (p[0] >> 4 == 4 && p[9] != IPPROTO_IPIP && p[9] != IPPROTO_IPV6 && p[9] != IPPROTO_GRE))
		return;
	if (p[0] >> 4 == 6 && p[6] != IPPROTO_IPIP && p[6] != IPPROTO_IPV6 && p[6] != IPPROTO_GRE)
		return;
	if (!look(p, n, "outer", &outer) || outer.len < outer.header + 24)
		return;
	gap = between(&outer);
	if (gap < 0)
		return;
	if (!look(p + outer.header + gap, outer.len - outer.header - (size_t)gap, "inner", &inner))
		return;
	if (inner.at + inner.len != outer.at + outer.len) {
		bad("length");
		return;
	}
	if (inner.proto != IPPROTO_TCP || !tcp_is_right(&inner)) {
		bad("tcp_checksum");
		return;
	}
	n_packets++;
	n_bytes += inner.len;
	if (is_verbose)
		print_packet(&outer, &inner);
	if (write(tun, inner.at, inner.len) != (ssize_t)inner.len)
		bad("tun_write");
}

static int open_tun(const char *name)
{
	struct ifreq r = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	if (fd >= 0 && ioctl(fd, TUNSETIFF, &r) < 0)
		fd = -1;
	return fd;
}

static int open_packets(const char *interface)
{
	int fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ALL)), bytes = 64 << 20;
	struct sockaddr_ll a = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(interface),
	};

	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
	if (fd >= 0 && (!a.sll_ifindex || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0))
		fd = -1;
	return fd;
}

/* Owners of the protocols, so that the kernel answers no packet with "protocol unreachable". */
static bool claim_protocols(void)
{
	static const int protocols[] = {IPPROTO_IPIP, IPPROTO_IPV6, IPPROTO_GRE};
	struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = {.len = 1, .filter = &drop};

	for (int i = 0; i < 6; i++) {
		int fd = socket(i < 3 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC,
				protocols[i % 3]);

		if (fd < 0 ||
		    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0)
			return false;
	}
	return true;
}

static bool on_command(void)
{
	char line[64];
	ssize_t n = read(0, line, sizeof(line));

	if (n <= 0)
		return false;
	printf("sum packets %lu bad %lu bytes %lu\n", n_packets, n_bad, n_bytes);
	return true;
}

/* Many at a time: a load of checks is some 50,000 packets per second. */
static void take_batch(int tun, int packets)
{
	static unsigned char data[BATCH][1 << 16];
	static struct sockaddr_ll from[BATCH];
	static struct iovec parts[BATCH];
	static struct mmsghdr m[BATCH];
	int n;

	for (int i = 0; i < BATCH; i++) {
		parts[i] = (struct iovec){data[i], sizeof(data[i])};
		m[i].msg_hdr = (struct msghdr){.msg_name = &from[i],
					       .msg_namelen = sizeof(from[i]),
					       .msg_iov = &parts[i],
					       .msg_iovlen = 1};
	}
	n = recvmmsg(packets, m, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++)
		if (from[i].sll_pkttype != PACKET_OUTGOING)
			take(tun, data[i], m[i].msg_len);
}

int main(int argc, char **argv)
{
	int tun, packets;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 3)
		return 2;
	is_verbose = argc > 3 && strcmp(argv[3], "-v") == 0;
	tun = open_tun(argv[2]);
	packets = open_packets(argv[1]);
	if (tun < 0 || packets < 0 || !claim_protocols()) {
		fprintf(stderr, "decap: %s\n", strerror(errno));
		return 1;
	}
	printf("ready\n");
	for (;;) {
		struct pollfd fds[] = {{.fd = packets, .events = POLLIN}, {.events = POLLIN}};

		poll(fds, 2, -1);
		if (fds[1].revents && !on_command())
			return 0;
		if (fds[0].revents & POLLIN)
			take_batch(tun, packets);
	}
}
