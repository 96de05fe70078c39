#include "tun/tun_packet.h"

#include "tun_packets.h"

/* Parses a copy in a block of its very size, so that ASan sees one byte too many. */
struct parsed {
	unsigned char *block;
	struct tun_packet p;
	enum tun_refusal r;
};

static struct parsed parse_n(const struct made *m, size_t len, bool strips)
{
	struct parsed out = {.block = malloc(len ? len : 1)};

	memcpy(out.block, m->at, len);
	out.r = tun_packet_parse(out.block, len, strips, &out.p);
	return out;
}

static enum tun_refusal refusal(const struct made *m, bool strips)
{
	struct parsed out = parse_n(m, m->len, strips);

	free(out.block);
	return out.r;
}

static void expect_stripped(bool vip_is_v4, const char *real, enum tunnel_method method)
{
	struct made m = made_marked(vip_is_v4, real, method, 100);
	struct made want = made_bare(vip_is_v4, 100);
	struct parsed got = parse_n(&m, m.len, true);
	struct addr a = gen_fixture_addr(real);

	cr_assert_eq(got.r, TUN_FINE);
	cr_assert_eq(got.p.len, want.len);
	cr_assert_arr_eq(got.p.at, want.at, want.len,
			 "byte for byte the packet without its option");
	cr_assert(addr_eq(&got.p.real, &a));
	cr_assert_eq(got.p.method, method);
	cr_assert_eq(got.p.is_v4, vip_is_v4);
	cr_assert_eq(got.p.proto, IPPROTO_TCP);
	cr_assert_eq(got.p.source_port, 0x1234);
	cr_assert_eq(got.p.destination_port, 80);
	cr_assert_eq(got.p.transport, vip_is_v4 ? 20 : 40);
	free(got.block);
}

Test(tun_packet, option_of_each_family_pair_is_read_and_taken_out)
{
	expect_stripped(true, "10.0.0.1", TUNNEL_IPIP);
	expect_stripped(true, "2001:db8:2::1", TUNNEL_GRE);
	expect_stripped(false, "10.0.0.1", TUNNEL_GRE);
	expect_stripped(false, "2001:db8:2::1", TUNNEL_DR);
}

Test(tun_packet, without_stripping_the_packet_stays_as_it_is)
{
	struct made m = made_marked(true, "10.0.0.1", TUNNEL_IPIP, 10);
	struct parsed got = parse_n(&m, m.len, false);

	cr_assert_eq(got.r, TUN_FINE);
	cr_assert_eq(got.p.at, got.block);
	cr_assert_eq(got.p.len, m.len);
	cr_assert_arr_eq(got.block, m.at, m.len);
	cr_assert_eq(got.p.destination_port, 80);
	free(got.block);
}

Test(tun_packet, bytes_behind_the_packets_own_end_are_cut)
{
	struct made m = made_bare(true, 10);

	m.len += 6;
	struct parsed got = parse_n(&m, m.len, false);

	cr_assert_eq(got.r, TUN_FINE);
	cr_assert_eq(got.p.len, m.len - 6);
	free(got.block);
}

/* The reference does not know one-byte options (spec/monalive §4.6) */
Test(tun_packet, nop_before_the_option_does_not_hide_it)
{
	static const unsigned char options[] = {1, 1, 0x1e, 7, 10, 0, 0, 1, 2};
	struct made m = made_v4(options, sizeof(options)), want = made_bare(true, 0);

	made_tcp(&m, 0);
	struct parsed got = parse_n(&m, m.len, true);

	cr_assert_eq(got.r, TUN_FINE);
	cr_assert_arr_eq(got.p.at, want.at, want.len);
	free(got.block);
}

Test(tun_packet, an_option_behind_the_end_of_the_list_is_none)
{
	static const unsigned char options[] = {0, 0x1e, 7, 10, 0, 0, 1, 2};
	struct made m = made_v4(options, sizeof(options));

	made_tcp(&m, 0);
	cr_assert_eq(refusal(&m, true), TUN_NO_OPTION);
}

Test(tun_packet, odd_ipv4_options_are_refused)
{
	static const struct {
		unsigned char bytes[16];
		size_t n;
	} odd[] = {
		{{0x1e, 0}, 2},                 /* no length at all */
		{{0x1e, 1}, 2},                 /* shorter than itself */
		{{0x44, 0}, 2},                 /* somebody else's */
		{{0x1e, 9, 10, 0, 0, 1, 2}, 7}, /* beyond the header */
		{{0x1e, 6, 10, 0, 0, 1}, 6},    /* no method */
		{{0x1e, 7, 10, 0, 0, 1, 2, 0x1e, 7, 10, 0, 0, 2, 2, 1, 1}, 16}, /* twice */
		{{1, 1, 1, 0x1e}, 4},                                           /* type alone */
	};

	for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
		struct made m = made_v4(odd[i].bytes, odd[i].n);

		made_tcp(&m, 4);
		cr_assert_eq(refusal(&m, true), TUN_MALFORMED, "case %zu", i);
	}
}

Test(tun_packet, packets_without_option_say_so)
{
	struct made v4 = made_bare(true, 4), v6 = made_bare(false, 4);

	cr_assert_eq(refusal(&v4, true), TUN_NO_OPTION);
	cr_assert_eq(refusal(&v6, true), TUN_NO_OPTION);
}

Test(tun_packet, fragments_are_refused)
{
	static const unsigned char v6_fragment[8] = {IPPROTO_TCP, 0, 0, 1, 0, 0, 0, 7};
	struct made more = made_bare(true, 8), last = made_bare(true, 8);
	struct made v6 = made_v6(IPPROTO_FRAGMENT);

	more.at[6] = 0x20;
	last.at[7] = 9;
	made_put(&v6, v6_fragment, sizeof(v6_fragment));
	made_tcp(&v6, 0);
	cr_assert_eq(refusal(&more, false), TUN_FRAGMENT);
	cr_assert_eq(refusal(&last, false), TUN_FRAGMENT);
	cr_assert_eq(refusal(&v6, false), TUN_FRAGMENT);
}

/* B5: one malformed IPv6 packet kills the reference */
Test(tun_packet, b5_ipv6_payload_length_beyond_the_packet_is_refused)
{
	struct made m = made_marked(false, "10.0.0.1", TUNNEL_IPIP, 0);

	made_u16(m.at + 4, m.len);
	cr_assert_eq(refusal(&m, true), TUN_TRUNCATED);
	made_u16(m.at + 4, 0);
	cr_assert_eq(refusal(&m, true), TUN_MALFORMED);
}

Test(tun_packet, b5_extension_length_255_does_not_loop)
{
	struct made m = made_v6(IPPROTO_DSTOPTS);
	unsigned char extension[8] = {IPPROTO_DSTOPTS, 255};

	made_put(&m, extension, sizeof(extension));
	made_tcp(&m, 0);
	cr_assert_eq(refusal(&m, true), TUN_MALFORMED);
}

Test(tun_packet, b5_options_beyond_their_header_are_refused)
{
	static const unsigned char odd[][8] = {
		{IPPROTO_TCP, 0, 0x1e, 5, 10, 0, 0, 1}, /* one byte short */
		{IPPROTO_TCP, 0, 0x1e, 255, 1, 1, 1, 1},
		{IPPROTO_TCP, 0, 1, 3, 0, 0, 0, 0x1e}, /* a type without length */
	};

	for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
		struct made m = made_v6(IPPROTO_DSTOPTS);

		made_put(&m, odd[i], sizeof(odd[i]));
		made_tcp(&m, 0);
		cr_assert_eq(refusal(&m, true), TUN_MALFORMED, "case %zu", i);
	}
}

Test(tun_packet, ipv6_option_behind_other_headers_is_found)
{
	static const unsigned char hop[8] = {IPPROTO_ROUTING, 0, 1, 4};
	static const unsigned char routing[8] = {IPPROTO_DSTOPTS, 0};
	unsigned char option[TUNNEL_OPTION_BYTES];
	struct addr real = gen_fixture_addr("10.0.0.1");
	size_t n = tunnel_option_build(false, &real, TUNNEL_GRE, option);
	struct made m = made_v6(IPPROTO_HOPOPTS), want = made_v6(IPPROTO_HOPOPTS);

	option[0] = IPPROTO_TCP;
	made_put(&m, hop, 8);
	made_put(&m, routing, 8);
	made_put(&m, option, n);
	made_tcp(&m, 30);
	made_put(&want, hop, 8);
	made_put(&want, routing, 8);
	made_tcp(&want, 30);
	want.at[48] = IPPROTO_TCP; /* what the routing header names now */
	struct parsed got = parse_n(&m, m.len, true);

	cr_assert_eq(got.r, TUN_FINE);
	cr_assert_eq(got.p.len, want.len);
	cr_assert_arr_eq(got.p.at, want.at, want.len);
	cr_assert_eq(got.p.transport, 56);
	cr_assert_eq(got.p.proto, IPPROTO_TCP);
	free(got.block);
}

Test(tun_packet, endless_extension_headers_are_refused)
{
	static const unsigned char extension[8] = {IPPROTO_HOPOPTS, 0, 1, 4};
	struct made m = made_v6(IPPROTO_HOPOPTS);

	for (int i = 0; i < 100; i++)
		made_put(&m, extension, sizeof(extension));
	made_finish(&m);
	cr_assert_eq(refusal(&m, false), TUN_MALFORMED);
}

Test(tun_packet, every_cut_of_every_kind_is_refused)
{
	for (int kind = 0; kind < 4; kind++) {
		struct made m = made_marked(kind & 1, kind & 2 ? "10.0.0.1" : "2001:db8::9",
					    TUNNEL_IPIP, 5);

		for (size_t n = 0; n < m.len; n++) {
			struct parsed got = parse_n(&m, n, true);

			cr_assert_neq(got.r, TUN_FINE, "kind %d cut at %zu", kind, n);
			free(got.block);
		}
	}
}

Test(tun_packet, other_versions_are_refused)
{
	struct made m = made_bare(true, 40);

	for (unsigned version = 0; version < 16; version++) {
		if (version == 4 || version == 6)
			continue;
		m.at[0] = (unsigned char)(version << 4 | 5);
		cr_assert_eq(refusal(&m, false), TUN_MALFORMED);
	}
}

Test(tun_packet, ipv4_header_length_that_cannot_be_is_refused)
{
	struct made m = made_bare(true, 0);

	m.at[0] = 0x44;
	cr_assert_eq(refusal(&m, false), TUN_MALFORMED);
	m.at[0] = 0x4f; /* 60 of 40 bytes */
	cr_assert_eq(refusal(&m, false), TUN_MALFORMED);
}

Test(tun_packet, a_transport_without_its_ports_has_none)
{
	struct made m = made_v4(NULL, 0);

	made_put(&m, "\1\2\3", 3);
	made_finish(&m);
	struct parsed got = parse_n(&m, m.len, false);

	cr_assert_eq(got.r, TUN_FINE);
	cr_assert_eq(got.p.source_port | got.p.destination_port, 0);
	free(got.block);
}
