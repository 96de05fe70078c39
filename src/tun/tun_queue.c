#include "tun/tun_queue.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/err.h"
#include "base/nfqueue.h"

enum {
	/* netlink and attributes around a packet; the kernel's own are below 200 */
	MESSAGE_OVERHEAD = 512,
	CONTROL_BYTES = 256,
	ACK_WAIT_MS = 1000,
	WANTED_PARTS = NFQA_CAP_LEN + 1,
};

/* --- messages to the kernel ------------------------------------------------------------------- */

static struct nlmsghdr *begin(void *buffer, uint16_t type, uint16_t flags, uint16_t queue)
{
	struct nlmsghdr *h = mnl_nlmsg_put_header(buffer);
	struct nfgenmsg *g;

	h->nlmsg_type = (uint16_t)(NFNL_SUBSYS_QUEUE << 8 | type);
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	g = mnl_nlmsg_put_extra_header(h, sizeof(*g));
	g->nfgen_family = AF_UNSPEC;
	g->version = NFNETLINK_V0;
	g->res_id = htons(queue);
	return h;
}

static int send_message(const struct tun_queue *q, const struct nlmsghdr *h)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

	if (sendto(q->fd, h, h->nlmsg_len, 0, (const struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		return err_origin(-errno);
	return 0;
}

/* A whole message at the start of n bytes. mnl_nlmsg_ok() takes a length beyond 2 GB for a small
 * one. */
static bool is_whole(const struct nlmsghdr *h, size_t n)
{
	return n >= sizeof(*h) && h->nlmsg_len >= sizeof(*h) && h->nlmsg_len <= n;
}

/* The answer to a configuration message; packets that come before it are none of ours yet: they
 * are dropped with the first batch, since that drops everything up to its last. */
static int wait_for_ack(const struct tun_queue *q)
{
	struct timeval limit = {.tv_sec = ACK_WAIT_MS / 1000};

	if (setsockopt(q->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
		return err_origin(-errno);
	for (;;) {
		ssize_t n = recv(q->fd, q->memory, q->buffer_bytes, 0);
		const struct nlmsghdr *h = (const void *)q->memory;
		const struct nlmsgerr *e;

		if (n < 0)
			return err_origin(-errno);
		if (!is_whole(h, (size_t)n) || h->nlmsg_type != NLMSG_ERROR ||
		    mnl_nlmsg_get_payload_len(h) < sizeof(*e))
			continue;
		e = mnl_nlmsg_get_payload(h);
		return e->error < 0 ? err_origin(e->error) : 0;
	}
}

uint64_t tun_queue_kernel_drops(const struct tun_queue *q)
{
	struct nfqueue_row row;

	return nfqueue_read(q->number, &row) > 0 ? row.dropped_full + row.dropped_buffer : 0;
}

/* Bind, copy range, length and flags in one message, so there is no moment with half of them. */
static int bind_queue(struct tun_queue *q, const struct tun_queue_args *args)
{
	unsigned char buffer[CONTROL_BYTES];
	struct nfqnl_msg_config_cmd cmd = {.command = NFQNL_CFG_CMD_BIND};
	struct nfqnl_msg_config_params params = {
		.copy_range = htonl(args->max_packet_bytes),
		.copy_mode = NFQNL_COPY_PACKET,
	};
	struct nlmsghdr *h = begin(buffer, NFQNL_MSG_CONFIG, NLM_F_ACK, args->number);
	struct nfqueue_row row;
	int r;

	mnl_attr_put(h, NFQA_CFG_CMD, sizeof(cmd), &cmd);
	mnl_attr_put(h, NFQA_CFG_PARAMS, sizeof(params), &params);
	mnl_attr_put_u32(h, NFQA_CFG_QUEUE_MAXLEN, htonl(args->max_packets));
	/* all off, also what an earlier kernel default might have set */
	mnl_attr_put_u32(h, NFQA_CFG_FLAGS, 0);
	mnl_attr_put_u32(h, NFQA_CFG_MASK,
			 htonl(NFQA_CFG_F_FAIL_OPEN | NFQA_CFG_F_GSO | NFQA_CFG_F_CONNTRACK));
	TRY(send_message(q, h));
	r = wait_for_ack(q);
	/* the kernel says "not permitted" too if another program has it */
	if (r == -EPERM && nfqueue_read(args->number, &row) > 0)
		return err_origin(-EBUSY);
	return err_trace(r);
}

int tun_queue_drop(struct tun_queue *q)
{
	unsigned char buffer[CONTROL_BYTES];
	struct nfqnl_msg_verdict_hdr verdict = {htonl(NF_DROP), htonl(q->last_id)};
	struct nlmsghdr *h;

	if (!q->owes_verdict)
		return 0;
	h = begin(buffer, NFQNL_MSG_VERDICT_BATCH, 0, q->number);
	mnl_attr_put(h, NFQA_VERDICT_HDR, sizeof(verdict), &verdict);
	TRY(send_message(q, h));
	q->owes_verdict = false;
	return 0;
}

/* --- opening ---------------------------------------------------------------------------------- */

static int reserve(struct tun_queue *q, const struct tun_queue_args *args)
{
	uint32_t need = MIN(args->max_packet_bytes, (uint32_t)UINT16_MAX) + MESSAGE_OVERHEAD;

	/* a smaller buffer would cut packets that the queue was asked for (spec/monalive §4.6) */
	q->buffer_bytes = (MAX(args->receive_bytes, need) + 63) & ~63U;
	q->memory = malloc((size_t)q->buffer_bytes * TUN_QUEUE_BATCH);
	if (!q->memory)
		return err_origin(-ENOMEM);
	for (unsigned i = 0; i < TUN_QUEUE_BATCH; i++) {
		q->buffers[i] =
			(struct iovec){q->memory + (size_t)i * q->buffer_bytes, q->buffer_bytes};
		q->messages[i].msg_hdr = (struct msghdr){
			.msg_iov = &q->buffers[i], .msg_iovlen = 1, .msg_name = &q->senders[i]};
	}
	return 0;
}

/* Sizes and limits; what is refused leaves the kernel's own. */
static void set_options(const struct tun_queue *q, const struct tun_queue_args *args)
{
	int bytes = (int)MIN(args->socket_bytes, (uint32_t)INT32_MAX), on = 1;
	struct timeval write = {
		.tv_sec = (time_t)(args->write_timeout_ns / CLK_S),
		.tv_usec = (suseconds_t)(args->write_timeout_ns % CLK_S / CLK_US),
	};

	if (bytes && setsockopt(q->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
		(void)setsockopt(q->fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	/* losses are found by the packets' numbers; ENOBUFS would only break the batch */
	(void)setsockopt(q->fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof(on));
	(void)setsockopt(q->fd, SOL_SOCKET, SO_SNDTIMEO, &write, sizeof(write));
}

static int open_socket(struct tun_queue *q, const struct tun_queue_args *args)
{
	struct sockaddr_nl own = {.nl_family = AF_NETLINK};

	q->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	if (q->fd < 0)
		return err_origin(-errno);
	set_options(q, args);
	if (bind(q->fd, (const struct sockaddr *)&own, sizeof(own)) < 0)
		return err_origin(-errno);
	return err_trace(bind_queue(q, args));
}

int tun_queue_open(struct tun_queue *q, const struct tun_queue_args *args)
{
	int r;

	*q = (struct tun_queue){.fd = -1, .number = args->number};
	r = reserve(q, args);
	if (r == 0)
		r = open_socket(q, args);
	if (r < 0)
		tun_queue_close(q);
	return err_trace(r);
}

void tun_queue_close(struct tun_queue *q)
{
	if (q->fd >= 0)
		close(q->fd);
	free(q->memory);
	*q = (struct tun_queue){.fd = -1};
}

/* --- receiving -------------------------------------------------------------------------------- */

int tun_queue_receive(struct tun_queue *q)
{
	int n;

	for (unsigned i = 0; i < TUN_QUEUE_BATCH; i++)
		q->messages[i].msg_hdr.msg_namelen = sizeof(q->senders[i]);
	n = recvmmsg(q->fd, q->messages, TUN_QUEUE_BATCH, MSG_DONTWAIT, NULL);
	q->n_messages = MAX(n, 0);
	q->i_message = 0;
	q->left = 0;
	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR || errno == ENOBUFS ? 0 : err_origin(-errno);
}

struct parts {
	const struct nlattr *at[WANTED_PARTS];
};

/* Up to the first attribute that is not whole. mnl_attr_parse() would round the message's end up,
 * and the kernel does not fill a packet's last bytes up to four. */
static void find_parts(const struct nlmsghdr *h, struct parts *p)
{
	const unsigned char *at = mnl_nlmsg_get_payload_offset(h, sizeof(struct nfgenmsg));
	size_t left = h->nlmsg_len - (size_t)(at - (const unsigned char *)h);

	while (left >= sizeof(struct nlattr)) {
		const struct nlattr *a = (const void *)at;
		size_t step = MIN(((size_t)a->nla_len + 3) & ~(size_t)3, left);

		if (a->nla_len < sizeof(*a) || a->nla_len > left)
			return;
		if (mnl_attr_get_type(a) < WANTED_PARTS)
			p->at[mnl_attr_get_type(a)] = a;
		at += step;
		left -= step;
	}
}

static void note_id(struct tun_queue *q, uint32_t id)
{
	uint32_t gap = id - q->last_id - 1;

	/* numbers only grow; a jump beyond half of all is none */
	if (q->has_last_id && gap && gap < UINT32_MAX / 2)
		q->n_lost += gap;
	q->last_id = id;
	q->has_last_id = q->owes_verdict = true;
}

static const void *part(const struct parts *p, unsigned which, size_t least_bytes)
{
	const struct nlattr *a = p->at[which];

	return a && mnl_attr_get_payload_len(a) >= least_bytes ? mnl_attr_get_payload(a) : NULL;
}

/* False: it holds no packet, or not all of it. */
static bool read_packet(struct tun_queue *q, const struct nlmsghdr *h, struct tun_queued *ret)
{
	struct parts p = {0};
	const struct nfqnl_msg_packet_hdr *head;
	const uint32_t *number;
	struct tun_queued out = {0};

	if (mnl_nlmsg_get_payload_len(h) < sizeof(struct nfgenmsg))
		return false;
	find_parts(h, &p);
	head = part(&p, NFQA_PACKET_HDR, sizeof(*head));
	if (!head)
		return false;
	note_id(q, ntohl(head->packet_id));
	number = part(&p, NFQA_MARK, sizeof(*number));
	if (number)
		out.mark = ntohl(*number);
	if (p.at[NFQA_PAYLOAD]) {
		out.data = mnl_attr_get_payload(p.at[NFQA_PAYLOAD]);
		out.len = mnl_attr_get_payload_len(p.at[NFQA_PAYLOAD]);
	}
	/* the kernel had more than max_packet_len: a packet that we lose by our own doing */
	number = part(&p, NFQA_CAP_LEN, sizeof(*number));
	if (number && ntohl(*number) > out.len) {
		q->n_cut++;
		return false;
	}
	*ret = out;
	return true;
}

static bool is_packet(struct tun_queue *q, const struct nlmsghdr *h)
{
	if (h->nlmsg_type == (NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET))
		return true;
	if (h->nlmsg_type == NLMSG_ERROR)
		q->n_errors++;
	return false;
}

/* Moves on to the next datagram of the batch. */
static bool next_datagram(struct tun_queue *q)
{
	const struct mmsghdr *m;

	if (q->i_message >= q->n_messages)
		return false;
	m = &q->messages[q->i_message];
	q->at = q->buffers[q->i_message].iov_base;
	/* other programs may write to our port: only the kernel is listened to */
	q->left = q->senders[q->i_message].nl_pid == 0 ? m->msg_len : 0;
	q->i_message++;
	if (m->msg_hdr.msg_flags & MSG_TRUNC) {
		q->n_cut++;
		q->left = 0;
	}
	return true;
}

bool tun_queue_next(struct tun_queue *q, struct tun_queued *ret)
{
	for (;;) {
		const struct nlmsghdr *h = (const void *)q->at;
		size_t step;

		if (!is_whole(h, q->left)) {
			if (!next_datagram(q))
				return false;
			continue;
		}
		step = MIN(((size_t)h->nlmsg_len + 3) & ~(size_t)3, q->left);
		q->at += step;
		q->left -= step;
		if (is_packet(q, h) && read_packet(q, h, ret))
			return true;
	}
}
