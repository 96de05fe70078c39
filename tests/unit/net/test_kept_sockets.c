/* What kept sockets put on the wire, and what the wire may do to them (spec/kept-sockets §13). The
 * test is the network: an own namespace whose only way out is a tun device, so every packet is read
 * and answered here. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "net/tcp_sock.h"

enum { WAIT_MS = 2000, QUIET_MS = 30, SYN_ACK = TH_SYN | TH_ACK };

struct packet {
	uint32_t src, dst; /* host order */
	uint16_t sport, dport, mss;
	uint32_t seq, ack;
	uint8_t flags, ttl, n_option;
	unsigned char option[40];
	unsigned char raw[128];
};

static int tun;
static const struct tcp_want plain;

static void set_address(uint32_t ip)
{
	struct ifreq r = {.ifr_name = "wire"};
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(ip)};
	struct sockaddr_in mask = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xffffff00)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	memcpy(&r.ifr_addr, &sa, sizeof(sa));
	cr_assert_eq(ioctl(fd, SIOCSIFADDR, &r), 0);
	memcpy(&r.ifr_addr, &mask, sizeof(mask));
	cr_assert_eq(ioctl(fd, SIOCSIFNETMASK, &r), 0);
	r.ifr_flags = IFF_UP | IFF_RUNNING;
	cr_assert_eq(ioctl(fd, SIOCSIFFLAGS, &r), 0);
	close(fd);
}

/* We are 10.7.0.1; the test plays everybody else in 10.7.0.0/24. */
static void begin(void)
{
	struct ifreq r = {.ifr_name = "wire", .ifr_flags = IFF_TUN | IFF_NO_PI};

	if (unshare(CLONE_NEWNET) < 0)
		cr_skip_test("needs CAP_SYS_ADMIN");
	tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	if (tun < 0 || ioctl(tun, TUNSETIFF, &r) < 0)
		cr_skip_test("no tun device");
	set_address(0x0a070001);
}

static void parse_options(const struct tcphdr *t, struct packet *p)
{
	const unsigned char *o = (const unsigned char *)(t + 1);
	const unsigned char *end = (const unsigned char *)t + t->doff * 4;

	while (o < end && *o) {
		if (*o == TCPOPT_MAXSEG)
			p->mss = (uint16_t)(o[2] << 8 | o[3]);
		o += *o == TCPOPT_NOP ? 1 : o[1];
	}
}

/* The next TCP packet that leaves; false if none did within ms. */
static bool next_packet(struct packet *p, int ms)
{
	struct pollfd fd = {.fd = tun, .events = POLLIN};
	unsigned char raw[2048];

	while (poll(&fd, 1, ms) > 0) {
		const struct iphdr *ip = (const void *)raw;
		ssize_t n = read(tun, raw, sizeof(raw));

		if (n < 40 || ip->version != 4 || ip->protocol != IPPROTO_TCP)
			continue;
		const struct tcphdr *t = (const void *)(raw + ip->ihl * 4);

		*p = (struct packet){
			.src = ntohl(ip->saddr),
			.dst = ntohl(ip->daddr),
			.sport = ntohs(t->source),
			.dport = ntohs(t->dest),
			.seq = ntohl(t->seq),
			.ack = ntohl(t->ack_seq),
			.flags = ((const unsigned char *)t)[13],
			.ttl = ip->ttl,
			.n_option = (uint8_t)(ip->ihl * 4 - 20),
		};
		memcpy(p->option, ip + 1, p->n_option);
		memcpy(p->raw, raw, MIN((size_t)n, sizeof(p->raw)));
		if (p->flags & TH_SYN)
			parse_options(t, p);
		return true;
	}
	return false;
}

static struct packet expect(uint8_t flags)
{
	struct packet p = {0};

	cr_assert(next_packet(&p, WAIT_MS), "no packet, flags %x expected", flags);
	cr_assert_eq(p.flags, flags, "flags %x, expected %x", p.flags, flags);
	return p;
}

static void expect_silence(void)
{
	struct packet p = {0};

	cr_assert(!next_packet(&p, QUIET_MS), "unexpected packet, flags %x", p.flags);
}

static uint32_t sum16(const void *data, size_t len, uint32_t sum)
{
	const unsigned char *b = data;

	for (size_t i = 0; i < len; i++)
		sum += i & 1 ? b[i] : (uint32_t)b[i] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void inject(uint8_t protocol, uint32_t from, uint32_t to, const void *body, size_t len)
{
	unsigned char raw[256] = {0};
	struct iphdr *ip = (void *)raw;

	*ip = (struct iphdr){.version = 4, .ihl = 5, .ttl = 64, .protocol = protocol};
	ip->tot_len = htons((uint16_t)(20 + len));
	ip->saddr = htonl(from);
	ip->daddr = htonl(to);
	ip->check = fold(sum16(ip, 20, 0));
	memcpy(raw + 20, body, len);
	cr_assert_eq(write(tun, raw, 20 + len), (ssize_t)(20 + len));
}

/* The far side of p says something: flags, and n bytes of data. */
static void answer(const struct packet *p, uint8_t flags, uint32_t seq, size_t n)
{
	unsigned char body[64] = {0};
	struct tcphdr *t = (void *)body;
	uint32_t sum;

	t->source = htons(p->dport);
	t->dest = htons(p->sport);
	t->seq = htonl(seq);
	t->ack_seq = htonl(p->seq + 1);
	t->doff = 5;
	t->window = htons(65000);
	body[13] = flags;
	memset(body + 20, 'x', n);
	sum = (p->src >> 16) + (p->src & 0xffff) + (p->dst >> 16) + (p->dst & 0xffff) +
	      IPPROTO_TCP + 20 + (uint32_t)n;
	t->check = fold(sum16(body, 20 + n, sum));
	inject(IPPROTO_TCP, p->dst, p->src, body, 20 + n);
}

/* A router says that p's destination cannot be reached. */
static void unreachable(const struct packet *p)
{
	unsigned char body[8 + 28] = {ICMP_DEST_UNREACH, ICMP_HOST_UNREACH};
	uint16_t check;

	memcpy(body + 8, p->raw, 28);
	check = fold(sum16(body, sizeof(body), 0));
	memcpy(body + 2, &check, 2);
	inject(IPPROTO_ICMP, 0x0a0700fe, p->src, body, sizeof(body));
}

static struct tcp_sock new_sock(void)
{
	struct tcp_sock s;

	cr_assert_eq(tcp_sock_open(&s, true, false).kind, TCP_FAULT_NONE);
	return s;
}

/* Connects to 10.7.0.LAST:80; returns the SYN. */
static struct packet dial(struct tcp_sock *s, const struct tcp_want *want, uint8_t last)
{
	struct addr a = addr_from_v4_u32(0x0a070000u | last);
	struct tcp_fault f = tcp_sock_connect(s, want, &a, 80);

	if (f.kind == TCP_FAULT_OPTION && f.error == EPERM)
		cr_skip_test("needs CAP_NET_RAW");
	cr_assert_eq(f.kind, TCP_FAULT_NONE, "fault %d, errno %d", f.kind, f.error);
	return expect(TH_SYN);
}

static enum tcp_progress progress(struct tcp_sock *s, int *ret_error)
{
	return tcp_sock_progress(s, tcp_sock_poll(s, true), ret_error);
}

static void end_failed(struct tcp_sock *s)
{
	cr_assert_eq(tcp_sock_disconnect(s), 0);
	cr_assert_eq(tcp_sock_scrub(s), 0);
}

Test(kept_sockets, mss_stands_in_the_syn_of_every_use)
{
	static const uint16_t wanted[] = {900, 900, 0, 700, 700};
	struct tcp_sock s;

	begin();
	s = new_sock();
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		struct tcp_want want = {.mss = wanted[i]};
		struct packet syn = dial(&s, &want, 2);

		cr_assert_eq(syn.mss, wanted[i] ? wanted[i] : 1460, "use %zu: %u", i, syn.mss);
		answer(&syn, SYN_ACK, 1000, 0);
		expect(TH_ACK);
		cr_assert_eq(tcp_sock_disconnect(&s), 0);
		expect(TH_RST | TH_ACK);
	}
	tcp_sock_close(&s);
}

Test(kept_sockets, disconnect_before_any_answer_sends_nothing)
{
	struct tcp_sock s;

	begin();
	s = new_sock();
	dial(&s, &plain, 2);
	end_failed(&s);
	expect_silence();
	tcp_sock_close(&s);
}

/* SYN, SYN-ACK, RST: our side never completes the handshake. */
Test(kept_sockets, half_open_sends_a_reset_instead_of_the_ack)
{
	struct tcp_want late = {.late_ack = true};
	struct tcp_sock s;
	int error;

	begin();
	s = new_sock();
	for (int i = 0; i < 3; i++) {
		struct packet syn = dial(&s, &late, 2);

		answer(&syn, SYN_ACK, 1000, 0);
		cr_assert_eq(progress(&s, &error), TCP_CONNECTED);
		expect_silence();
		cr_assert_eq(tcp_sock_disconnect(&s), 0);
		expect(TH_RST | TH_ACK);
	}
	tcp_sock_close(&s);
}

/* The option travels with every packet of its connection, the RST included, and with none of the
 * next. */
Test(kept_sockets, reset_carries_ttl_and_option_of_its_connection)
{
	struct tcp_want want = {
		.hops = 2,
		.mss = 1400,
		.n_option = 8,
		.option = {0x1e, 7, 192, 0, 2, 9, 2, 0},
	};
	struct packet syn, rst;
	struct tcp_sock s;

	begin();
	s = new_sock();
	syn = dial(&s, &want, 2);
	cr_assert_eq(syn.ttl, 2);
	cr_assert_eq(syn.n_option, 8);
	cr_assert_eq(memcmp(syn.option, want.option, 7), 0);
	answer(&syn, SYN_ACK, 1000, 0);
	expect(TH_ACK);
	cr_assert_eq(tcp_sock_disconnect(&s), 0);
	rst = expect(TH_RST | TH_ACK);
	cr_assert_eq(rst.ttl, 2);
	cr_assert_eq(rst.n_option, 8);
	cr_assert_eq(memcmp(rst.option, want.option, 7), 0);
	syn = dial(&s, &plain, 3);
	cr_assert_eq(syn.ttl, 64);
	cr_assert_eq(syn.n_option, 0);
	tcp_sock_close(&s);
}

/* IPv4 queues the ICMP error for good and raises EPOLLERR on every later connection of the socket;
 * its soft error shows on the next silent one. Neither may outlive the scrub. */
Test(kept_sockets, icmp_error_of_one_real_does_not_reach_the_next)
{
	struct tcp_sock s;
	int error = 0;

	begin();
	s = new_sock();
	for (int i = 0; i < 5; i++) {
		struct packet syn = dial(&s, &plain, 2);

		unreachable(&syn);
		cr_assert_eq(progress(&s, &error), TCP_FAILED);
		cr_assert_eq(error, EHOSTUNREACH);
		end_failed(&s);
		dial(&s, &plain, 3);
		cr_assert_eq(tcp_sock_poll(&s, true), 0, "silent: no bits at all");
		cr_assert_eq(progress(&s, &error), TCP_PENDING);
		end_failed(&s);
		syn = dial(&s, &plain, 4);
		answer(&syn, SYN_ACK, 1000, 0);
		expect(TH_ACK);
		cr_assert_eq(tcp_sock_poll(&s, true), EPOLLOUT, "no EPOLLERR");
		cr_assert_eq(tcp_sock_disconnect(&s), 0);
		expect(TH_RST | TH_ACK);
	}
	tcp_sock_close(&s);
}

Test(kept_sockets, icmp_error_that_comes_after_the_disconnect_is_nobodys)
{
	struct packet old;
	struct tcp_sock s;
	int error = 0;

	begin();
	s = new_sock();
	old = dial(&s, &plain, 2);
	end_failed(&s);
	dial(&s, &plain, 3);
	unreachable(&old);
	cr_assert_eq(progress(&s, &error), TCP_PENDING);
	cr_assert_eq(tcp_sock_poll(&s, true), 0);
	tcp_sock_close(&s);
}

/* The old real answers at last: the kernel resets it without a socket, mark or option. */
Test(kept_sockets, late_answer_of_the_old_real_is_no_answer_of_the_new_one)
{
	struct packet old, syn;
	struct tcp_sock s;
	int error = 0;

	begin();
	s = new_sock();
	old = dial(&s, &plain, 2);
	end_failed(&s);
	syn = dial(&s, &plain, 3);
	answer(&old, SYN_ACK, 5000, 0);
	cr_assert_eq(expect(TH_RST).dst, old.dst);
	cr_assert_eq(progress(&s, &error), TCP_PENDING, "a false up");
	answer(&syn, SYN_ACK, 9000, 0);
	cr_assert_eq(expect(TH_ACK).dst, syn.dst);
	cr_assert_eq(progress(&s, &error), TCP_CONNECTED);
	tcp_sock_close(&s);
}

/* Our RST was lost and the old real goes on talking. */
Test(kept_sockets, late_data_of_the_old_real_is_never_read)
{
	struct packet old, syn;
	struct tcp_sock s;
	char c;

	begin();
	s = new_sock();
	old = dial(&s, &plain, 2);
	answer(&old, SYN_ACK, 5000, 0);
	expect(TH_ACK);
	cr_assert_eq(tcp_sock_disconnect(&s), 0);
	expect(TH_RST | TH_ACK);
	syn = dial(&s, &plain, 3);
	answer(&syn, SYN_ACK, 9000, 0);
	expect(TH_ACK);
	answer(&old, TH_ACK | TH_PUSH, 5001, 8);
	cr_assert_eq(expect(TH_RST).dst, old.dst);
	cr_assert_eq(recv(s.fd, &c, 1, 0), -1);
	cr_assert_eq(errno, EAGAIN);
	answer(&syn, TH_ACK | TH_PUSH, 9001, 8);
	expect(TH_ACK);
	cr_assert_eq(recv(s.fd, &c, 1, 0), 1);
	tcp_sock_close(&s);
}

Test(kept_sockets, refusal_is_the_dialled_reals_own)
{
	struct packet syn;
	struct tcp_sock s;
	int error = 0;

	begin();
	s = new_sock();
	syn = dial(&s, &plain, 2);
	answer(&syn, TH_RST | TH_ACK, 0, 0);
	cr_assert_eq(progress(&s, &error), TCP_FAILED);
	cr_assert_eq(error, ECONNREFUSED);
	end_failed(&s);
	syn = dial(&s, &plain, 3);
	answer(&syn, SYN_ACK, 9000, 0);
	expect(TH_ACK);
	cr_assert_eq(progress(&s, &error), TCP_CONNECTED);
	tcp_sock_close(&s);
}
