/* One packet from the queue: hostile until parsed. Pure, bounded by the length it is given; works
 * in the caller's buffer and never reads or writes outside of it.
 *
 * What the parser does not understand in full is refused: such a packet is dropped and counted,
 * which a check sees as silence and, since nothing was sent for it, as unknown.
 */
#pragma once

#include "base/addr.h"

/* Why a packet was refused. */
enum tun_refusal {
	TUN_FINE,
	TUN_TRUNCATED, /* shorter than its own length says */
	TUN_MALFORMED, /* version, header length, option or extension header */
	TUN_FRAGMENT,  /* pieces carry no option of their own and cannot be checked */
	TUN_NO_OPTION, /* option steering: nothing says which real */
	TUN_REFUSAL__N
};

struct tun_packet {
	unsigned char *at; /* the packet as the real shall get it */
	size_t len;
	bool is_v4;
	uint8_t proto; /* of the transport */
	struct addr source, destination;
	uint16_t source_port, destination_port; /* 0: not TCP or UDP, or cut short */
	size_t transport;                       /* its offset in the packet */
	/* option steering only */
	struct addr real;
	uint8_t method; /* as it stands in the option */
};

/* Parses the len bytes at data. With strips_option the option is looked for, read and removed in
 * place: all IPv4 options, or the whole IPv6 destination options header it stands in; lengths and
 * the IPv4 header checksum are made right, the transport's checksum does not cover them. *ret is
 * written with TUN_FINE only; data may be changed in any case. */
MUST_CHECK enum tun_refusal tun_packet_parse(unsigned char *data, size_t len, bool strips_option,
					     struct tun_packet *ret);
