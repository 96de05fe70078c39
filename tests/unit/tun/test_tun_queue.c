#include "tun/tun_queue.h"

#include <errno.h>
#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <unistd.h>

#include "tun_packets.h"

static struct tun_queue q;
static int peer;

/* The queue over a socket pair: what the peer writes is what the kernel would have sent. */
static void begin(void)
{
	int fds[2];

	cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
	q.fd = fds[0];
	peer = fds[1];
	q.buffer_bytes = 4096;
	q.memory = malloc((size_t)q.buffer_bytes * TUN_QUEUE_BATCH);
	for (unsigned i = 0; i < TUN_QUEUE_BATCH; i++) {
		q.buffers[i] = (struct iovec){q.memory + i * q.buffer_bytes, q.buffer_bytes};
		q.messages[i].msg_hdr = (struct msghdr){.msg_iov = &q.buffers[i], .msg_iovlen = 1};
	}
}

static void end(void)
{
	tun_queue_close(&q);
	close(peer);
}

TestSuite(tun_queue, .init = begin, .fini = end);

static void put_attr(struct made *m, uint16_t type, const void *data, size_t n)
{
	uint16_t head[2] = {(uint16_t)(4 + n), type};

	made_put(m, head, 4);
	made_put(m, data, n);
	m->len = (m->len + 3) & ~(size_t)3;
}

static void set_length(struct made *m, uint32_t n)
{
	memcpy(m->at, &n, sizeof(n));
}

/* A packet message with this id, mark and payload. */
static struct made message(uint32_t id, uint32_t mark, const char *payload)
{
	struct nlmsghdr h = {.nlmsg_type = NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET};
	struct nfgenmsg g = {.nfgen_family = AF_INET};
	struct nfqnl_msg_packet_hdr p = {.packet_id = htonl(id)};
	struct made m = {.len = 0};

	mark = htonl(mark);
	memset(&m, 0, sizeof(m));
	made_put(&m, &h, sizeof(h));
	made_put(&m, &g, sizeof(g));
	put_attr(&m, NFQA_PACKET_HDR, &p, sizeof(p));
	put_attr(&m, NFQA_MARK, &mark, 4);
	put_attr(&m, NFQA_PAYLOAD, payload, strlen(payload));
	set_length(&m, (uint32_t)m.len);
	return m;
}

static void give(const struct made *m)
{
	cr_assert_eq(send(peer, m->at, m->len, 0), (ssize_t)m->len);
}

static void expect(uint32_t mark, const char *payload)
{
	struct tun_queued p;

	cr_assert(tun_queue_next(&q, &p));
	cr_assert_eq(p.mark, mark);
	cr_assert_eq(p.len, strlen(payload));
	cr_assert_arr_eq(p.data, payload, p.len);
}

static void expect_none(void)
{
	struct tun_queued p;

	cr_assert_not(tun_queue_next(&q, &p));
}

Test(tun_queue, a_batch_is_walked_packet_by_packet)
{
	struct made a = message(1, 10, "first"), b = message(2, 11, "second!");

	give(&a);
	give(&b);
	cr_assert_eq(tun_queue_receive(&q), 2);
	expect(10, "first");
	expect(11, "second!");
	expect_none();
	cr_assert_eq(q.last_id, 2);
	cr_assert(q.owes_verdict);
	cr_assert_eq(tun_queue_receive(&q), 0);
	expect_none();
}

Test(tun_queue, several_messages_in_one_datagram_are_all_taken)
{
	struct made a = message(1, 10, "first"), b = message(2, 11, "second");

	made_put(&a, b.at, b.len);
	give(&a);
	cr_assert_eq(tun_queue_receive(&q), 1);
	expect(10, "first");
	expect(11, "second");
	expect_none();
}

/* The kernel does not fill the last attribute up to four bytes. */
Test(tun_queue, a_message_ends_where_its_payload_ends)
{
	struct made m = message(1, 10, "first");

	m.len -= 3;
	set_length(&m, (uint32_t)m.len);
	give(&m);
	cr_assert_eq(tun_queue_receive(&q), 1);
	expect(10, "first");
	expect_none();
}

Test(tun_queue, an_attribute_that_reaches_beyond_its_message_is_not_taken)
{
	struct made m = message(1, 10, "first");
	struct tun_queued p;
	const uint16_t len = 4 + 8; /* the message rounded up to four would hold it */

	cr_assert_eq(m.at[m.len - 12], 4 + strlen("first"));
	memcpy(m.at + m.len - 12, &len, sizeof(len));
	m.len -= 3;
	set_length(&m, (uint32_t)m.len);
	give(&m);
	cr_assert_eq(tun_queue_receive(&q), 1);
	cr_assert(tun_queue_next(&q, &p));
	cr_assert_eq(p.len, 0, "no payload that could be read");
	expect_none();
	cr_assert(q.owes_verdict, "its packet is dropped all the same");
}

Test(tun_queue, a_gap_in_the_numbers_is_a_loss)
{
	uint32_t ids[] = {UINT32_MAX, 0, 1, 5};

	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		struct made m = message(ids[i], 1, "x");

		give(&m);
	}
	cr_assert_eq(tun_queue_receive(&q), 4);
	for (int i = 0; i < 4; i++)
		expect(1, "x");
	cr_assert_eq(q.n_lost, 3, "2, 3 and 4; numbers wrap");
}

Test(tun_queue, the_first_number_is_no_gap)
{
	struct made m = message(1000, 1, "x");

	give(&m);
	cr_assert_eq(tun_queue_receive(&q), 1);
	expect(1, "x");
	cr_assert_eq(q.n_lost, 0);
}

Test(tun_queue, a_cut_message_is_counted_and_skipped)
{
	struct made m = message(1, 1, "hello"), n = message(2, 2, "later");

	q.buffers[0].iov_len = m.len - 4;
	give(&m);
	give(&n);
	cr_assert_eq(tun_queue_receive(&q), 2);
	expect(2, "later");
	expect_none();
	cr_assert_eq(q.n_cut, 1);
}

Test(tun_queue, a_packet_that_the_kernel_cut_is_a_loss)
{
	struct made m = message(1, 1, "hello"), whole = message(2, 2, "whole");
	uint32_t six = htonl(6), five = htonl(5);

	put_attr(&m, NFQA_CAP_LEN, &six, 4);
	set_length(&m, (uint32_t)m.len);
	put_attr(&whole, NFQA_CAP_LEN, &five, 4);
	set_length(&whole, (uint32_t)whole.len);
	give(&m);
	give(&whole);
	cr_assert_eq(tun_queue_receive(&q), 2);
	expect(2, "whole");
	expect_none();
	cr_assert_eq(q.n_cut, 1);
	cr_assert_eq(q.last_id, 2);
}

Test(tun_queue, errors_of_the_kernel_are_counted)
{
	struct {
		struct nlmsghdr h;
		struct nlmsgerr e;
	} error = {.h = {.nlmsg_len = sizeof(error), .nlmsg_type = NLMSG_ERROR},
		   .e = {.error = -ENOENT}};
	struct made good = message(1, 1, "x");

	cr_assert_eq(send(peer, &error, sizeof(error), 0), sizeof(error));
	give(&good);
	cr_assert_eq(tun_queue_receive(&q), 2);
	expect(1, "x");
	cr_assert_eq(q.n_errors, 1);
}

Test(tun_queue, other_messages_and_lengths_are_skipped)
{
	struct made length = message(1, 1, "x"), type = message(2, 1, "x"),
		    bare = message(3, 1, "x");
	struct made tiny = {.at = "abc", .len = 3}, good = message(9, 1, "x");

	set_length(&length, 0x80000000);
	type.at[4] = 99;
	bare.len = 20; /* netlink and nfnetlink header alone */
	set_length(&bare, 20);
	give(&length);
	give(&type);
	give(&bare);
	give(&tiny);
	give(&good);
	cr_assert_eq(tun_queue_receive(&q), 5);
	expect(1, "x");
	expect_none();
	cr_assert_eq(q.last_id, 9);
}

Test(tun_queue, messages_of_other_programs_are_not_heard)
{
	struct made m = message(1, 1, "x");

	give(&m);
	cr_assert_eq(tun_queue_receive(&q), 1);
	q.senders[0].nl_pid = 4711;
	expect_none();
	cr_assert_not(q.owes_verdict);
}

Test(tun_queue, without_packets_no_verdict_is_owed)
{
	cr_assert_eq(tun_queue_drop(&q), 0);
}

Test(tun_queue, a_failed_verdict_stays_owed)
{
	struct made m = message(1, 1, "x");

	give(&m);
	cr_assert_eq(tun_queue_receive(&q), 1);
	expect(1, "x");
	cr_assert_lt(tun_queue_drop(&q), 0, "this socket cannot be sent to a netlink address");
	cr_assert(q.owes_verdict);
}

Test(tun_queue, a_closed_queue_is_an_error)
{
	close(q.fd);
	q.fd = -1;
	cr_assert_eq(tun_queue_receive(&q), -EBADF);
}
