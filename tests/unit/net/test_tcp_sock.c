#include "net/tcp_sock.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "lib/peer.h"

enum { WAIT_MS = 2000, QUIET_MS = 20, PORT_RANGE_OPTION = 51 /* IP_LOCAL_PORT_RANGE, 6.3 */ };

static struct addr ip(const char *text)
{
	struct addr a;

	cr_assert_eq(addr_parse(text, strlen(text), &a), ADDR_OK);
	return a;
}

static struct tcp_sock new_sock(bool is_v4, bool is_bound)
{
	struct tcp_sock s;

	cr_assert_eq(tcp_sock_open(&s, is_v4, is_bound).kind, TCP_FAULT_NONE);
	return s;
}

static int get_int(const struct tcp_sock *s, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	cr_assert_eq(getsockopt(s->fd, level, name, &value, &len), 0);
	return value;
}

/* Waits until the connection is up or failed; returns the error, 0 if it is up. */
static int settle(struct tcp_sock *s)
{
	int error = 0;

	for (int i = 0; i < 100; i++) {
		uint32_t events;

		peer_wait(s->fd, POLLOUT, WAIT_MS);
		events = tcp_sock_poll(s, true);
		switch (tcp_sock_progress(s, events, &error)) {
		case TCP_CONNECTED:
			return 0;
		case TCP_FAILED:
			return error;
		default:
			break;
		}
	}
	cr_assert_fail("neither up nor down");
	return -1;
}

static void dial(struct tcp_sock *s, const struct tcp_want *want, const char *to, uint16_t port)
{
	struct addr a = ip(to);
	struct tcp_fault f = tcp_sock_connect(s, want, &a, port);

	cr_assert_eq(f.kind, TCP_FAULT_NONE, "fault %d, errno %d", f.kind, f.error);
}

static void hang_up(struct tcp_sock *s)
{
	cr_assert_eq(tcp_sock_disconnect(s), 0);
}

static const struct tcp_want plain;

Test(tcp_sock, new_one_has_the_lasting_options)
{
	struct tcp_sock s = new_sock(false, false);

	cr_assert_eq(get_int(&s, IPPROTO_IPV6, IPV6_V6ONLY), 1);
	cr_assert_eq(get_int(&s, IPPROTO_TCP, TCP_NODELAY), 1);
	cr_assert_eq(get_int(&s, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT), 1);
	cr_assert_eq(get_int(&s, SOL_SOCKET, SO_RCVBUF), 2 * (64 << 10), "no autotuning");
	tcp_sock_close(&s);
	cr_assert_eq(s.fd, -1);
}

Test(tcp_sock, one_socket_connects_again_and_again)
{
	struct tcp_sock s = new_sock(true, false);
	uint16_t port;
	int listener = peer_listen("127.0.0.1", &port);

	for (int i = 0; i < 50; i++) {
		dial(&s, &plain, "127.0.0.1", port);
		cr_assert_eq(settle(&s), 0);
		hang_up(&s);
		close(peer_accept(listener, WAIT_MS));
	}
	tcp_sock_close(&s);
	close(listener);
}

Test(tcp_sock, ipv6_connects_and_is_refused)
{
	struct tcp_sock s = new_sock(false, false);
	uint16_t port, dead;
	int listener = peer_listen("::1", &port), holder = peer_closed_port("::1", &dead);

	dial(&s, &plain, "::1", dead);
	cr_assert_eq(settle(&s), ECONNREFUSED);
	hang_up(&s);
	cr_assert_eq(tcp_sock_scrub(&s), 0);
	dial(&s, &plain, "::1", port);
	cr_assert_eq(settle(&s), 0);
	tcp_sock_close(&s);
	close(listener);
	close(holder);
}

Test(tcp_sock, refusal_leaves_nothing_after_the_scrub)
{
	struct tcp_sock s = new_sock(true, false);
	uint16_t port, dead;
	int listener = peer_listen("127.0.0.1", &port);
	int holder = peer_closed_port("127.0.0.1", &dead);

	for (int i = 0; i < 20; i++) {
		dial(&s, &plain, "127.0.0.1", dead);
		cr_assert_eq(settle(&s), ECONNREFUSED);
		hang_up(&s);
		cr_assert_eq(tcp_sock_scrub(&s), 0);
		cr_assert_eq(get_int(&s, SOL_SOCKET, SO_ERROR), 0);
		dial(&s, &plain, "127.0.0.1", port);
		cr_assert_eq(settle(&s), 0);
		hang_up(&s);
	}
	tcp_sock_close(&s);
	close(listener);
	close(holder);
}

/* Connects, ends the connection by end; the server must see a reset. */
static void expect_reset_by(void (*end)(struct tcp_sock *))
{
	struct tcp_sock s = new_sock(true, false);
	uint16_t port;
	int listener = peer_listen("127.0.0.1", &port), accepted;
	char c;

	dial(&s, &plain, "127.0.0.1", port);
	cr_assert_eq(settle(&s), 0);
	accepted = peer_accept(listener, WAIT_MS);
	end(&s);
	cr_assert_eq(peer_recv(accepted, &c, 1, WAIT_MS), -1);
	cr_assert_eq(errno, ECONNRESET);
	close(accepted);
	close(listener);
}

Test(tcp_sock, disconnect_resets_the_server)
{
	expect_reset_by(hang_up);
}

Test(tcp_sock, closing_a_live_connection_resets_it)
{
	expect_reset_by(tcp_sock_close);
}

Test(tcp_sock, unread_bytes_of_the_last_connection_never_appear)
{
	struct tcp_sock s = new_sock(true, false);
	uint16_t port;
	int listener = peer_listen("127.0.0.1", &port), accepted;
	char buf[16];

	dial(&s, &plain, "127.0.0.1", port);
	cr_assert_eq(settle(&s), 0);
	accepted = peer_accept(listener, WAIT_MS);
	cr_assert_eq(send(accepted, "old", 3, 0), 3);
	cr_assert(peer_wait(s.fd, POLLIN, WAIT_MS) & POLLIN);
	hang_up(&s);
	close(accepted);
	dial(&s, &plain, "127.0.0.1", port);
	cr_assert_eq(settle(&s), 0);
	accepted = peer_accept(listener, WAIT_MS);
	cr_assert_eq(recv(s.fd, buf, sizeof(buf), 0), -1);
	cr_assert_eq(errno, EAGAIN);
	cr_assert_eq(send(accepted, "new", 3, 0), 3);
	cr_assert_eq(peer_recv(s.fd, buf, sizeof(buf), WAIT_MS), 3);
	cr_assert_eq(memcmp(buf, "new", 3), 0);
	close(accepted);
	close(listener);
	tcp_sock_close(&s);
}

/* kept-sockets §5: connect() on a live connection returns 0 and does nothing. */
Test(tcp_sock, connect_without_disconnect_is_caught)
{
	struct tcp_sock s = new_sock(true, false);
	uint16_t port, dead;
	int listener = peer_listen("127.0.0.1", &port);
	int holder = peer_closed_port("127.0.0.1", &dead);
	struct addr a = ip("127.0.0.1");
	struct tcp_fault f;

	dial(&s, &plain, "127.0.0.1", port);
	cr_assert_eq(settle(&s), 0);
	f = tcp_sock_connect(&s, &plain, &a, dead);
	cr_assert_eq(f.kind, TCP_FAULT_AT_ONCE);
	tcp_sock_close(&s);
	close(listener);
	close(holder);
}

Test(tcp_sock, late_ack_keeps_the_server_half_open)
{
	struct tcp_sock s = new_sock(true, false);
	struct tcp_want late = {.late_ack = true};
	uint16_t port;
	int listener = peer_listen("127.0.0.1", &port), accepted;

	for (int i = 0; i < 3; i++) {
		dial(&s, &late, "127.0.0.1", port);
		cr_assert_eq(settle(&s), 0, "up with the SYN-ACK");
		cr_assert_eq(peer_accept(listener, QUIET_MS), -1, "the server waits for an ACK");
		hang_up(&s);
		dial(&s, &plain, "127.0.0.1", port);
		cr_assert_eq(settle(&s), 0);
		accepted = peer_accept(listener, WAIT_MS);
		cr_assert_geq(accepted, 0, "switched off again");
		close(accepted);
		hang_up(&s);
	}
	close(listener);
	tcp_sock_close(&s);
}

Test(tcp_sock, late_ack_travels_with_the_first_data)
{
	struct tcp_sock s = new_sock(true, false);
	struct tcp_want late = {.late_ack = true};
	uint16_t port;
	int listener = peer_listen("127.0.0.1", &port), accepted;
	char c;

	dial(&s, &late, "127.0.0.1", port);
	cr_assert_eq(settle(&s), 0);
	cr_assert_eq(send(s.fd, "q", 1, MSG_NOSIGNAL), 1);
	accepted = peer_accept(listener, WAIT_MS);
	cr_assert_geq(accepted, 0);
	cr_assert_eq(peer_recv(accepted, &c, 1, WAIT_MS), 1);
	close(accepted);
	close(listener);
	tcp_sock_close(&s);
}

/* The server's segment size shows what our SYN announced; kept-sockets §1: it is lost at each
 * disconnect and getsockopt hides that. */
Test(tcp_sock, mss_is_announced_by_every_connection_that_wants_it)
{
	static const uint16_t wanted[] = {900, 900, 0, 700};
	struct tcp_sock s = new_sock(true, false);
	uint16_t port;
	int listener = peer_listen("127.0.0.1", &port);

	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		struct tcp_want want = {.mss = wanted[i]};
		struct tcp_sock server = {0};
		int mss;

		dial(&s, &want, "127.0.0.1", port);
		cr_assert_eq(settle(&s), 0);
		server.fd = peer_accept(listener, WAIT_MS);
		mss = get_int(&server, IPPROTO_TCP, TCP_MAXSEG);
		if (wanted[i])
			cr_assert(mss <= wanted[i] && mss > wanted[i] - 60, "use %zu: %d", i, mss);
		else
			cr_assert_gt(mss, 2000, "use %zu: %d", i, mss);
		close(server.fd);
		hang_up(&s);
	}
	close(listener);
	tcp_sock_close(&s);
}

static void expect_source(int listener, const char *source)
{
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	char text[INET_ADDRSTRLEN];
	int accepted;

	cr_assert(peer_wait(listener, POLLIN, WAIT_MS));
	accepted = accept(listener, (struct sockaddr *)&from, &len);
	cr_assert_geq(accepted, 0);
	inet_ntop(AF_INET, &from.sin_addr, text, sizeof(text));
	cr_assert_str_eq(text, source);
	close(accepted);
}

Test(tcp_sock, source_is_bound_again_when_it_differs)
{
	static const char *const sources[] = {"127.0.0.2", "127.0.0.2", "127.0.0.3", "127.0.0.2"};
	struct tcp_sock s = new_sock(true, true);
	uint16_t port;
	int listener = peer_listen("127.0.0.1", &port);

	for (size_t i = 0; i < ARRAY_LEN(sources); i++) {
		struct tcp_want want = {.source = ip(sources[i])};

		dial(&s, &want, "127.0.0.1", port);
		cr_assert_eq(settle(&s), 0);
		hang_up(&s);
		expect_source(listener, sources[i]);
	}
	close(listener);
	tcp_sock_close(&s);
}

Test(tcp_sock, source_that_is_not_ours_is_a_bind_fault)
{
	struct tcp_sock s = new_sock(true, true);
	struct tcp_want want = {.source = ip("203.0.113.77")};
	struct addr to = ip("127.0.0.1"), local = ip("127.0.0.9"), v6 = ip("::1");
	struct tcp_fault f = tcp_sock_connect(&s, &want, &to, 9);

	cr_assert_eq(f.kind, TCP_FAULT_BIND);
	cr_assert_eq(f.error, EADDRNOTAVAIL);
	cr_assert_eq(tcp_sock_test_source(&want.source), EADDRNOTAVAIL);
	cr_assert_eq(tcp_sock_test_source(&local), 0);
	cr_assert_eq(tcp_sock_test_source(&v6), 0);
	tcp_sock_close(&s);
}

Test(tcp_sock, mark_follows_the_connection_and_is_cleared)
{
	struct tcp_sock s = new_sock(true, false);
	struct tcp_want marked = {.mark = 0xfffffffe};
	struct addr a = ip("127.0.0.1");
	uint16_t port;
	int listener = peer_listen("127.0.0.1", &port);
	struct tcp_fault f = tcp_sock_connect(&s, &marked, &a, port);

	if (f.kind == TCP_FAULT_OPTION && f.error == EPERM)
		cr_skip_test("needs CAP_NET_ADMIN");
	cr_assert_eq(f.kind, TCP_FAULT_NONE);
	cr_assert_eq((uint32_t)get_int(&s, SOL_SOCKET, SO_MARK), marked.mark);
	hang_up(&s);
	cr_assert_eq((uint32_t)get_int(&s, SOL_SOCKET, SO_MARK), marked.mark, "the RST has it");
	dial(&s, &plain, "127.0.0.1", port);
	cr_assert_eq(get_int(&s, SOL_SOCKET, SO_MARK), 0);
	tcp_sock_close(&s);
	close(listener);
}

Test(tcp_sock, hops_and_option_bytes_are_set_and_cleared)
{
	struct tcp_sock s = new_sock(true, false);
	struct tcp_want want = {.hops = 2, .n_option = 8, .option = {0x1e, 7, 192, 0, 2, 1, 2, 0}};
	struct addr a = ip("127.0.0.1");
	int usual = get_int(&s, IPPROTO_IP, IP_TTL);
	unsigned char bytes[40];
	socklen_t len = sizeof(bytes);
	uint16_t port;
	int listener = peer_listen("127.0.0.1", &port);
	struct tcp_fault f = tcp_sock_connect(&s, &want, &a, port);

	if (f.kind == TCP_FAULT_OPTION && f.error == EPERM)
		cr_skip_test("needs CAP_NET_RAW");
	cr_assert_eq(f.kind, TCP_FAULT_NONE);
	cr_assert_eq(get_int(&s, IPPROTO_IP, IP_TTL), 2);
	cr_assert_eq(getsockopt(s.fd, IPPROTO_IP, IP_OPTIONS, bytes, &len), 0);
	cr_assert_eq(len, 8);
	cr_assert_eq(memcmp(bytes, want.option, 8), 0);
	hang_up(&s);
	dial(&s, &plain, "127.0.0.1", port);
	len = sizeof(bytes);
	cr_assert_eq(getsockopt(s.fd, IPPROTO_IP, IP_OPTIONS, bytes, &len), 0);
	cr_assert_eq(len, 0);
	cr_assert_eq(get_int(&s, IPPROTO_IP, IP_TTL), usual);
	tcp_sock_close(&s);
	close(listener);
}

/* An error queue that is not empty raises EPOLLERR on a healthy connection (kept-sockets §1). The
 * time stamp reports of a send fill it here. */
Test(tcp_sock, dirty_error_queue_is_no_failure)
{
	struct tcp_sock s = new_sock(true, false);
	int stamps = SOF_TIMESTAMPING_TX_SCHED | SOF_TIMESTAMPING_TX_SOFTWARE |
		     SOF_TIMESTAMPING_SOFTWARE;
	uint16_t port;
	int error, listener = peer_listen("127.0.0.1", &port);

	dial(&s, &plain, "127.0.0.1", port);
	cr_assert_eq(settle(&s), 0);
	cr_assert_eq(setsockopt(s.fd, SOL_SOCKET, SO_TIMESTAMPING, &stamps, sizeof(stamps)), 0);
	cr_assert_eq(send(s.fd, "x", 1, MSG_NOSIGNAL), 1);
	cr_assert(peer_wait(s.fd, 0, WAIT_MS) & POLLERR);
	cr_assert_eq(tcp_sock_progress(&s, EPOLLOUT | EPOLLERR, &error), TCP_CONNECTED);
	cr_assert_eq(tcp_sock_poll(&s, true), EPOLLOUT, "drained");
	cr_assert_eq(send(s.fd, "x", 1, MSG_NOSIGNAL), 1);
	cr_assert(peer_wait(s.fd, 0, WAIT_MS) & POLLERR);
	hang_up(&s);
	cr_assert_eq(tcp_sock_scrub(&s), 0);
	cr_assert(!(tcp_sock_poll(&s, true) & EPOLLERR));
	tcp_sock_close(&s);
	close(listener);
}

Test(tcp_sock, progress_reads_the_bits_as_rule_7_says)
{
	struct tcp_sock s = new_sock(true, false);
	uint16_t port;
	int error = 0, listener = peer_listen("127.0.0.1", &port);

	dial(&s, &plain, "127.0.0.1", port);
	cr_assert_eq(settle(&s), 0);
	cr_assert_eq(tcp_sock_progress(&s, EPOLLOUT, &error), TCP_CONNECTED);
	cr_assert_eq(tcp_sock_progress(&s, EPOLLOUT | EPOLLIN | EPOLLRDHUP, &error), TCP_CONNECTED);
	cr_assert_eq(tcp_sock_progress(&s, 0, &error), TCP_PENDING);
	cr_assert_eq(tcp_sock_progress(&s, EPOLLIN, &error), TCP_PENDING);
	hang_up(&s);
	/* OUT with HUP is an unconnected socket, never an up */
	error = 0;
	cr_assert_eq(tcp_sock_progress(&s, EPOLLOUT | EPOLLHUP, &error), TCP_FAILED);
	cr_assert_eq(error, ECONNRESET);
	error = -1;
	cr_assert_eq(tcp_sock_progress(&s, EPOLLOUT | EPOLLHUP, &error), TCP_FAILED);
	cr_assert_eq(error, 0, "no reason given: the caller cannot tell");
	tcp_sock_close(&s);
	close(listener);
}

static void confine_port(int fd, uint16_t port)
{
	uint32_t range = (uint32_t)port << 16 | port;

	if (setsockopt(fd, IPPROTO_IP, PORT_RANGE_OPTION, &range, sizeof(range)) < 0)
		cr_skip_test("IP_LOCAL_PORT_RANGE: Linux 6.3");
}

static void expect_self(const char *to)
{
	struct addr a = ip(to);
	struct tcp_sock s = new_sock(addr_is_v4(&a), false);
	uint16_t port, other;
	int holder = peer_closed_port(to, &port), listener = peer_listen(to, &other);

	close(holder);
	confine_port(s.fd, port);
	dial(&s, &plain, to, port);
	cr_assert_eq(settle(&s), 0, "the SYNs crossed: TCP says connected, nobody listens");
	cr_assert(tcp_sock_is_self(&s, &a, port));
	hang_up(&s);
	dial(&s, &plain, to, other);
	cr_assert_eq(settle(&s), 0);
	cr_assert(!tcp_sock_is_self(&s, &a, other));
	tcp_sock_close(&s);
	close(listener);
}

Test(tcp_sock, connection_to_itself_is_recognised)
{
	expect_self("127.0.0.1");
}

Test(tcp_sock, connection_to_itself_is_recognised_ipv6)
{
	expect_self("::1");
}
