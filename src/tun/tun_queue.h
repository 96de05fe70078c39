/* The netfilter queue: binds it, receives packets in batches, drops them in batches.
 *
 * Nothing that enters this queue ever leaves it but by being dropped: what the checks need was
 * copied and sent by then. No bypass, no fail-open, no segmentation offload: each of them would let
 * a check out without its tunnel, or broken. Tun thread only; no allocation after open.
 */
#pragma once

#include <sys/socket.h>
#include <linux/netlink.h>

#include "base/cc.h"

enum { TUN_QUEUE_BATCH = 64 };

struct tun_queue {
	int fd; /* -1: closed */
	uint16_t number;
	uint32_t buffer_bytes; /* per message */
	unsigned char *memory;
	struct mmsghdr messages[TUN_QUEUE_BATCH];
	struct iovec buffers[TUN_QUEUE_BATCH];
	struct sockaddr_nl senders[TUN_QUEUE_BATCH];
	/* the batch at hand */
	int n_messages, i_message;
	const unsigned char *at; /* next netlink message in it */
	size_t left;
	/* packets are numbered by the kernel; a gap is a loss on its way to us */
	uint32_t last_id;
	bool has_last_id, owes_verdict;
	/* since open */
	uint64_t n_lost, n_errors, n_cut;
};

struct tun_queue_args {
	uint16_t number;
	uint32_t max_packets, max_packet_bytes;
	uint32_t socket_bytes, receive_bytes;
	uint64_t write_timeout_ns; /* 0: none */
};

struct tun_queued {
	uint32_t mark;
	unsigned char *data;
	size_t len;
};

/* Returns 0 or a negative errno: -EPERM without CAP_NET_ADMIN, -EBUSY if another program reads
 * the queue, -EPROTONOSUPPORT without kernel support. */
MUST_CHECK int tun_queue_open(struct tun_queue *q, const struct tun_queue_args *args);
void tun_queue_close(struct tun_queue *q);

/* Receives a batch; the one before must have been walked to its end. Returns how many messages it
 * holds, 0 if none waited, or a negative errno: close and open again. */
MUST_CHECK int tun_queue_receive(struct tun_queue *q);
/* Next packet of the batch; data stays valid until the next receive and may be written to. */
MUST_CHECK bool tun_queue_next(struct tun_queue *q, struct tun_queued *ret);
/* Drops in the kernel whatever was received so far. What fails is made up for by the next call.
 * Returns 0 or a negative errno. */
MUST_CHECK int tun_queue_drop(struct tun_queue *q);

/* Packets that the kernel itself lost because the queue or our buffer was full, from
 * /proc/net/netfilter/nfnetlink_queue; 0 if it cannot be read. Reset by open. */
uint64_t tun_queue_kernel_drops(const struct tun_queue *q);
