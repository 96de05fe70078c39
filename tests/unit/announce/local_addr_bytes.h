/* rtnetlink as a kernel (6.18, little-endian) sent it to port 1234, and links made to measure. */
#pragma once

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>
#include <linux/rtnetlink.h>

#include "announce/local_addr_msg.h"

enum { REC_PORT = 1234, REC_LIST_SEQ = 9, REC_BYTES = 1024 };

/* `ip addr add 192.0.2.10/32 dev lo`, by another process */
#define REC_ADD_V4                                                                         \
	"4c00000014000000f73d006b4d3e0000022080000100000008000100c000020a08000200c000020a" \
	"070003006c6f0000080008008000000014000600ffffffffffffffffa8b01200a8b01200"
/* the same with `del` */
#define REC_DEL_V4                                                                         \
	"4c00000015000000f73d006b503e0000022080000100000008000100c000020a08000200c000020a" \
	"070003006c6f0000080008008000000014000600ffffffffffffffffa8b01200a8b01200"
/* `ip addr add 192.0.2.11/32 peer 192.0.2.12/32 dev lo` */
#define REC_ADD_PEER                                                                       \
	"4c00000014000000f73d006b4e3e0000022080000100000008000100c000020c08000200c000020b" \
	"070003006c6f0000080008008000000014000600ffffffffffffffffa8b01200a8b01200"
/* `ip addr add 2001:db8::10/128 dev lo preferred_lft 0`: deprecated and tentative, then deprecated
 */
#define REC_ADD_V6_TENTATIVE                                                               \
	"480000001400000000000000000000000a80e000010000001400010020010db80000000000000000" \
	"000000101400060000000000ffffffffa9b01200a9b0120008000800e0000000"
#define REC_ADD_V6                                                                         \
	"480000001400000000000000000000000a80a000010000001400010020010db80000000000000000" \
	"000000101400060000000000ffffffffa9b01200a9b0120008000800a0000000"
/* the list that RTM_GETADDR gave then: 127.0.0.1, 192.0.2.10, 192.0.2.11, 2001:db8::10, ::1 */
#define REC_LIST                                                                           \
	"4c0000001400020009000000d2040000020880fe01000000080001007f000001080002007f000001" \
	"070003006c6f0000080008008000000014000600ffffffffffffffff4eb012004eb01200"         \
	"4c0000001400020009000000d2040000022080000100000008000100c000020a08000200c000020a" \
	"070003006c6f0000080008008000000014000600ffffffffffffffffa8b01200a8b01200"         \
	"4c0000001400020009000000d2040000022080000100000008000100c000020c08000200c000020b" \
	"070003006c6f0000080008008000000014000600ffffffffffffffffa8b01200a8b01200"         \
	"480000001400020009000000d20400000a80a000010000001400010020010db80000000000000000" \
	"000000101400060000000000ffffffffa9b01200a9b0120008000800a0000000"                 \
	"500000001400020009000000d20400000a8080fe0100000014000100000000000000000000000000" \
	"0000000114000600ffffffffffffffff4eb012004eb0120008000800800000000500"             \
	"0b0001000000"
#define REC_LIST_END "140000000300020009000000d204000000000000"
/* RTM_GETLINK with seq 8 for a name that nobody has */
#define REC_NO_LINK                                                                        \
	"3c0000000200000008000000d2040000edffffff2800000012000100080000000000000000000000" \
	"000000000000000000000000080003006e697800"

struct rec {
	size_t len;
	alignas(4) unsigned char b[REC_BYTES];
};

static inline struct rec rec_of(const char *hex)
{
	struct rec r = {.len = strlen(hex) / 2};

	cr_assert_leq(r.len, (size_t)REC_BYTES);
	for (size_t i = 0; i < r.len; i++) {
		char byte[3] = {hex[2 * i], hex[2 * i + 1], 0};

		r.b[i] = (unsigned char)strtoul(byte, NULL, 16);
	}
	return r;
}

/* The same with another sequence number, as the next answer has it; and other flags. */
static inline struct rec rec_answer(const char *hex, uint32_t seq, uint16_t more_flags)
{
	struct rec r = rec_of(hex);

	for (size_t at = 0; at + sizeof(struct nlmsghdr) <= r.len;) {
		struct nlmsghdr h;

		memcpy(&h, r.b + at, sizeof(h));
		h.nlmsg_seq = seq;
		h.nlmsg_flags |= more_flags;
		memcpy(r.b + at, &h, sizeof(h));
		at += NLMSG_ALIGN(h.nlmsg_len);
	}
	return r;
}

static inline struct rec rec_link(uint16_t type, uint8_t family, int index, const char *name,
				  uint32_t seq, uint32_t port)
{
	struct rec r = {.len = 0};
	struct ifinfomsg i = {.ifi_family = family, .ifi_index = index};
	struct rtattr a = {.rta_type = IFLA_IFNAME,
			   .rta_len = (unsigned short)RTA_LENGTH(strlen(name) + 1)};
	struct nlmsghdr h = {.nlmsg_type = type, .nlmsg_seq = seq, .nlmsg_pid = port};

	h.nlmsg_len = (uint32_t)(NLMSG_SPACE(sizeof(i)) + a.rta_len);
	memcpy(r.b, &h, sizeof(h));
	memcpy(r.b + NLMSG_HDRLEN, &i, sizeof(i));
	memcpy(r.b + NLMSG_SPACE(sizeof(i)), &a, sizeof(a));
	memcpy(r.b + NLMSG_SPACE(sizeof(i)) + RTA_LENGTH(0), name, strlen(name) + 1);
	r.len = NLMSG_ALIGN(h.nlmsg_len);
	return r;
}

static inline struct addr rec_addr(const char *text)
{
	struct addr a;

	cr_assert_eq(addr_parse(text, strlen(text), &a), ADDR_OK);
	return a;
}
