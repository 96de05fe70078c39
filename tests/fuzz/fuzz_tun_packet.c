/* Queued packets, bare and as netlink messages: nothing in them may be read or written beyond its
 * end, and what the parser accepts must be a packet whose own lengths are right.
 *
 * First byte: bit 0 mark steering, bit 1 the rest is a netlink message, bit 2 wrong mark. */
#include <stdint.h>
#include <string.h>

#include "tun/tun_relay.h"

enum { REALS = 4 };

static struct addr real_ip(unsigned i)
{
	struct addr v6 = {{0x20, 0x01, 0x0d, 0xb8, [15] = (uint8_t)i}};

	return i % 2 ? v6 : addr_from_v4_u32(0x0a000000 + i);
}

static struct tun_relay *make(void)
{
	static struct service_spec service;
	static struct service_names names;
	static struct real_spec reals[REALS];
	static struct tunnel tunnel;
	static struct counters counters;
	static struct beat beat;
	static struct tun_relay r;
	struct generation g = {.end_services = 1, .end_reals = REALS, .n_reals = REALS};

	service.vip = addr_from_v4_u32(0xc6336401);
	for (unsigned i = 0; i < REALS; i++)
		reals[i] = (struct real_spec){.ip = real_ip(i), .lvs_method = (uint8_t)(i % 3)};
	g.services = &service;
	g.service_names = &names;
	g.reals = reals;
	g.text = "";
	ASSERT(tunnel_init(&tunnel) == 0);
	tunnel.beat = &beat;
	tunnel.mark_base = 1;
	tunnel.mark_mask = 0xff;
	r.tunnel = &tunnel;
	r.counters = &counters;
	ASSERT(tun_map_new(&g, NULL, &r.map) == 0);
	r.proof.fds[0] = r.proof.fds[1] = -1;
	r.link.neigh.query_fd = r.link.neigh.event_fd = -1;
	for (int i = 0; i < 3; i++)
		r.raw.lanes[i].fd = r.raw.lanes[i].route_fd = -1;
	return &r;
}

static void ignore(void *ctx, uint32_t host, int error)
{
	(void)ctx;
	(void)host;
	(void)error;
}

static void check_packet(const unsigned char *data, size_t len, const struct tun_packet *p)
{
	ASSERT(p->at >= data && p->at + p->len <= data + len);
	ASSERT(p->transport <= p->len);
	if (p->is_v4)
		ASSERT((size_t)(p->at[2] << 8 | p->at[3]) == p->len);
	else
		ASSERT((size_t)(p->at[4] << 8 | p->at[5]) + 40 == p->len);
}

static void parse(unsigned char *data, size_t len, bool strips)
{
	struct tun_packet p;
	unsigned char *copy = malloc(len ? len : 1);

	memcpy(copy, data, len);
	if (tun_packet_parse(copy, len, strips, &p) == TUN_FINE) {
		check_packet(copy, len, &p);
		if (strips && p.is_v4)
			ASSERT(tun_encap_checksum(p.at, 20) == 0);
	}
	free(copy);
}

static void feed_queue(struct tun_relay *r, unsigned char *data, size_t len)
{
	struct tun_queue *q = &r->queue;
	struct tun_queued packet;

	q->buffers[0] = (struct iovec){data, len};
	q->messages[0].msg_len = (unsigned)len;
	q->n_messages = 1;
	q->i_message = 0;
	q->left = 0;
	while (tun_queue_next(q, &packet)) {
		ASSERT(packet.len == 0 ||
		       (packet.data >= data && packet.data + packet.len <= data + len));
		tun_relay_packet(r, packet.mark, packet.data, packet.len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct tun_relay *r;
	unsigned char *copy;
	uint32_t mark;

	if (size == 0)
		return 0;
	if (!r)
		r = make();
	copy = malloc(size > 1 ? size - 1 : 1);
	memcpy(copy, data + 1, size - 1);
	r->tunnel->by_mark = data[0] & 1;
	mark = r->tunnel->by_mark ? 1U + data[0] / 8 % REALS : UINT32_MAX;
	if (data[0] & 4)
		mark ^= 0x55;
	parse(copy, size - 1, !r->tunnel->by_mark);
	if (data[0] & 2)
		feed_queue(r, copy, size - 1);
	else
		tun_relay_packet(r, mark, copy, size - 1);
	tun_raw_flush(&r->raw, ignore, NULL);
	free(copy);
	return 0;
}
