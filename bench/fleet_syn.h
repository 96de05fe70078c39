/* The fleet's clock: the kernel's time stamp of each SYN on lo, out of a packet ring. So half-open
 * checks are counted too, and this process's own lateness is in no figure.
 *
 * A packet tap costs the sender a microsecond per packet (on loopback the receiving half runs on
 * its CPU), so it is for rows about time, not for those about CPU. Nobody is woken by the ring: it
 * is emptied from a timer. */
#pragma once

#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <sys/mman.h>
#include <time.h>

#include "fleet_talk.h"

enum {
	SYN_FRAME_BYTES = 128,
	SYN_BLOCK_BYTES = 1 << 16,
	SYN_BLOCKS = 256,
	SYN_FRAMES = SYN_BLOCKS * (SYN_BLOCK_BYTES / SYN_FRAME_BYTES),
	SYN_DRAIN_MS = 10,
	SYN_IP_BYTES = 20, /* a SYN with IP options is none of a check in the clear */
};

static int syn_fd = -1;
static unsigned char *syn_ring;
static uint32_t syn_at;

/* IPv4 without options, TCP, SYN without ACK. */
static bool filter_syns(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x45, 0, 6),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 0, 4),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, SYN_IP_BYTES + 13),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x02, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SYN_IP_BYTES + 20),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = {.len = ARRAY_LEN(code), .filter = code};

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) == 0;
}

/* False, with errno, where it is not allowed. */
static bool open_syns(void)
{
	struct sockaddr_ll lo = {.sll_family = AF_PACKET,
				 .sll_protocol = htons(ETH_P_IP),
				 .sll_ifindex = (int)if_nametoindex("lo")};
	struct tpacket_req req = {.tp_block_size = SYN_BLOCK_BYTES,
				  .tp_block_nr = SYN_BLOCKS,
				  .tp_frame_size = SYN_FRAME_BYTES,
				  .tp_frame_nr = SYN_FRAMES};
	int version = TPACKET_V2, one = 1;

	syn_fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (syn_fd < 0 || !filter_syns(syn_fd) ||
	    setsockopt(syn_fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) < 0 ||
	    setsockopt(syn_fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) < 0 ||
	    setsockopt(syn_fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req)) < 0)
		return false;
	syn_ring = mmap(NULL, (size_t)SYN_BLOCK_BYTES * SYN_BLOCKS, PROT_READ | PROT_WRITE,
			MAP_SHARED, syn_fd, 0);
	if (syn_ring == MAP_FAILED || bind(syn_fd, (struct sockaddr *)&lo, sizeof(lo)) < 0)
		return false;
	counts_syns = true;
	return true;
}

static uint64_t now_of(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * CLK_S + (uint64_t)t.tv_nsec;
}

/* From this clock to the wall's. We may be put off the CPU between two looks at them: the best of a
 * few tries counts. */
static uint64_t wall_shift_ns(void)
{
	uint64_t shift = 0, least = UINT64_MAX;

	for (int i = 0; i < 5 && least > 2 * CLK_US; i++) {
		uint64_t before = clk_mono_ns(), wall = now_of(CLOCK_REALTIME),
			 took = clk_mono_ns() - before;

		if (took < least) {
			least = took;
			shift = wall - before;
		}
	}
	return shift;
}

static void note_syn(const unsigned char *ip, uint64_t at_ns)
{
	uint32_t to =
		(uint32_t)ip[16] << 24 | (uint32_t)ip[17] << 16 | (uint32_t)ip[18] << 8 | ip[19];
	struct addr a = addr_from_v4_u32(to);
	uint32_t i = find_target(&a, (uint16_t)(ip[SYN_IP_BYTES + 2] << 8 | ip[SYN_IP_BYTES + 3]));

	if (i != UINT32_MAX)
		note_arrival(i, at_ns);
}

/* The ring is in order; the stamps are of the wall clock, which may be set meanwhile. */
static void drain_syns(void)
{
	uint64_t shift;

	if (!counts_syns)
		return;
	shift = wall_shift_ns();
	for (;;) {
		struct tpacket2_hdr *h = (void *)(syn_ring + (size_t)syn_at * SYN_FRAME_BYTES);
		uint32_t status = __atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE);

		if (!(status & TP_STATUS_USER))
			return;
		note_syn((unsigned char *)h + h->tp_net, h->tp_sec * CLK_S + h->tp_nsec - shift);
		__atomic_store_n(&h->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
		syn_at = (syn_at + 1) % SYN_FRAMES;
	}
}

/* Packets that found the ring full, since the last question. */
static uint32_t lost_syns(void)
{
	struct tpacket_stats s = {0};
	socklen_t len = sizeof(s);

	if (!counts_syns || getsockopt(syn_fd, SOL_PACKET, PACKET_STATISTICS, &s, &len) < 0)
		return 0;
	return s.tp_drops;
}
