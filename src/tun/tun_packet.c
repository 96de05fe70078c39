#include "tun/tun_packet.h"

#include <netinet/in.h>
#include <string.h>

#include "model/tunnel_option.h"
#include "tun/tun_encap.h"

enum {
	V4_BYTES = 20,
	V6_BYTES = 40,
	MAX_EXTENSIONS = 8,
	V4_END = 0, /* IPv4 option types */
	V4_NOP = 1,
	V6_PAD1 = 0, /* IPv6 option types */
};

static uint16_t get16(const unsigned char *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(unsigned char *p, size_t v)
{
	p[0] = (unsigned char)(v >> 8);
	p[1] = (unsigned char)v;
}

/* --- options ---------------------------------------------------------------------------------- */

/* Walks n bytes of options. has_end: type 0 ends the list (IPv4); else it is one byte of padding
 * (IPv6). counts_head: the length byte counts type and length too (IPv4). */
struct options {
	const unsigned char *at;
	size_t n;
	bool is_v4;
};

/* Our option among them: TUN_FINE, TUN_NO_OPTION or TUN_MALFORMED. */
static enum tun_refusal find_option(struct options o, struct tun_packet *p)
{
	size_t head = o.is_v4 ? 2 : 0, i = 0;
	bool is_found = false;

	while (i < o.n) {
		size_t len;

		if (o.at[i] == V4_END && o.is_v4)
			break;
		if (o.at[i] == (o.is_v4 ? V4_NOP : V6_PAD1)) {
			i++;
			continue;
		}
		if (o.n - i < 2 || o.at[i + 1] < head || o.at[i + 1] - head > o.n - i - 2)
			return TUN_MALFORMED;
		len = o.at[i + 1] - head;
		if (o.at[i] == TUNNEL_OPTION_TYPE) {
			if (is_found ||
			    !tunnel_option_read(o.at + i + 2, len, &p->real, &p->method))
				return TUN_MALFORMED;
			is_found = true;
		}
		i += len + 2;
	}
	return is_found ? TUN_FINE : TUN_NO_OPTION;
}

/* --- IPv4 ------------------------------------------------------------------------------------- */

static struct addr addr4(const unsigned char *p)
{
	struct addr a = {{[10] = 0xff, 0xff}};

	memcpy(a.b + 12, p, 4);
	return a;
}

static void strip_v4(struct tun_packet *p, size_t header)
{
	size_t n = header - V4_BYTES;

	memmove(p->at + n, p->at, V4_BYTES);
	p->at += n;
	p->len -= n;
	p->at[0] = 0x45;
	put16(p->at + 2, p->len);
	put16(p->at + 10, 0);
	put16(p->at + 10, tun_encap_checksum(p->at, V4_BYTES));
}

static enum tun_refusal parse_v4(struct tun_packet *p, bool strips_option)
{
	size_t header, total;

	if (p->len < V4_BYTES)
		return TUN_TRUNCATED;
	header = (p->at[0] & 0xfU) * 4;
	total = get16(p->at + 2);
	if (header < V4_BYTES || total < header)
		return TUN_MALFORMED;
	if (total > p->len)
		return TUN_TRUNCATED;
	if (get16(p->at + 6) & 0x3fff) /* more fragments, or an offset */
		return TUN_FRAGMENT;
	p->len = total;
	p->is_v4 = true;
	p->proto = p->at[9];
	p->source = addr4(p->at + 12);
	p->destination = addr4(p->at + 16);
	p->transport = header;
	if (strips_option) {
		struct options o = {p->at + V4_BYTES, header - V4_BYTES, true};
		enum tun_refusal r = find_option(o, p);

		if (r != TUN_FINE)
			return r;
		strip_v4(p, header);
		p->transport = V4_BYTES;
	}
	return TUN_FINE;
}

/* --- IPv6 ------------------------------------------------------------------------------------- */

static void strip_v6(struct tun_packet *p, size_t from, size_t n, size_t next_header)
{
	p->at[next_header] = p->at[from];
	memmove(p->at + n, p->at, from);
	p->at += n;
	p->len -= n;
	put16(p->at + 4, p->len - V6_BYTES);
}

static bool is_extension(uint8_t type)
{
	return type == IPPROTO_HOPOPTS || type == IPPROTO_ROUTING || type == IPPROTO_DSTOPTS;
}

/* Walks the extension headers to the transport; takes our option out on the way. */
static enum tun_refusal walk_v6(struct tun_packet *p, bool strips_option)
{
	size_t next_header = 6, at = V6_BYTES; /* next_header: offset of the byte that names at */
	enum tun_refusal found = TUN_NO_OPTION;

	for (int i = 0; is_extension(p->at[next_header]); i++) {
		uint8_t type = p->at[next_header];
		size_t bytes;

		if (i == MAX_EXTENSIONS || p->len - at < 8)
			return TUN_MALFORMED;
		bytes = (p->at[at + 1] + 1U) * 8;
		if (bytes > p->len - at)
			return TUN_MALFORMED;
		if (strips_option && type == IPPROTO_DSTOPTS && found == TUN_NO_OPTION) {
			struct options o = {p->at + at + 2, bytes - 2, false};

			found = find_option(o, p);
			if (found == TUN_MALFORMED)
				return found;
			if (found == TUN_FINE) {
				/* the header is gone: what followed it is at the same place */
				strip_v6(p, at, bytes, next_header);
				continue;
			}
		}
		next_header = at;
		at += bytes;
	}
	if (p->at[next_header] == IPPROTO_FRAGMENT)
		return TUN_FRAGMENT;
	p->proto = p->at[next_header];
	p->transport = at;
	return strips_option ? found : TUN_FINE;
}

static enum tun_refusal parse_v6(struct tun_packet *p, bool strips_option)
{
	size_t payload;

	if (p->len < V6_BYTES)
		return TUN_TRUNCATED;
	payload = get16(p->at + 4);
	if (payload == 0) /* a jumbogram, or nothing at all */
		return TUN_MALFORMED;
	if (payload > p->len - V6_BYTES)
		return TUN_TRUNCATED;
	p->len = V6_BYTES + payload;
	p->is_v4 = false;
	memcpy(p->source.b, p->at + 8, 16);
	memcpy(p->destination.b, p->at + 24, 16);
	return walk_v6(p, strips_option);
}

/* --- both ------------------------------------------------------------------------------------- */

static void read_ports(struct tun_packet *p)
{
	p->source_port = p->destination_port = 0;
	if ((p->proto != IPPROTO_TCP && p->proto != IPPROTO_UDP) || p->len - p->transport < 4)
		return;
	p->source_port = get16(p->at + p->transport);
	p->destination_port = get16(p->at + p->transport + 2);
}

enum tun_refusal tun_packet_parse(unsigned char *data, size_t len, bool strips_option,
				  struct tun_packet *ret)
{
	struct tun_packet p = {.at = data, .len = len};
	enum tun_refusal r;

	if (len == 0)
		return TUN_TRUNCATED;
	switch (data[0] >> 4) {
	case 4:
		r = parse_v4(&p, strips_option);
		break;
	case 6:
		r = parse_v6(&p, strips_option);
		break;
	default:
		return TUN_MALFORMED;
	}
	if (r != TUN_FINE)
		return r;
	read_ports(&p);
	*ret = p;
	return TUN_FINE;
}
