#include "tun/tun_encap.h"

#include "tun_packets.h"

static unsigned char out[TUN_ENCAP_BYTES];

static size_t encap(const struct made *m, enum tunnel_method method, const char *from,
		    const char *to)
{
	struct addr source = from ? gen_fixture_addr(from) : ADDR_UNSET;
	struct addr destination = gen_fixture_addr(to);

	memset(out, 0xee, sizeof(out));
	return tun_encap(m->at, m->len, method, &source, &destination, out);
}

Test(tun_encap, ipip_is_one_ipv4_header)
{
	static const unsigned char want[] = {0x45, 0x28, 0,  60, 0xbe, 0xef, 0x40, 0, 64, 4,
					     0x67, 0xa4, 10, 0,  0,    9,    10,   0, 0,  1};
	struct made m = made_bare(true, 0);

	cr_assert_eq(encap(&m, TUNNEL_IPIP, "10.0.0.9", "10.0.0.1"), 20);
	cr_assert_eq(made_sum(out, 20), 0, "checksum");
	cr_assert_arr_eq(out, want, 10);
	cr_assert_arr_eq(out + 12, want + 12, 8);
}

Test(tun_encap, ip6_in_ipv4_takes_class_and_no_fragment_bits)
{
	struct made m = made_bare(false, 0);

	cr_assert_eq(encap(&m, TUNNEL_IPIP, "10.0.0.9", "10.0.0.1"), 20);
	cr_assert_eq(out[1], 0x28);
	cr_assert_eq(out[2] << 8 | out[3], 80);
	cr_assert_eq(out[4] << 8 | out[5], 1);
	cr_assert_eq(out[6] | out[7], 0);
	cr_assert_eq(out[9], 41);
	cr_assert_eq(made_sum(out, 20), 0);
}

Test(tun_encap, ip6_in_ip6_takes_class_and_flow_label)
{
	static const unsigned char want[] = {0x62, 0x8a, 0xbc, 0xde, 0, 60, 41, 64};
	struct made m = made_bare(false, 0);
	struct addr to = gen_fixture_addr("2001:db8:2::1");

	cr_assert_eq(encap(&m, TUNNEL_IPIP, "2001:db8:9::9", "2001:db8:2::1"), 40);
	cr_assert_arr_eq(out, want, 8);
	cr_assert_arr_eq(out + 24, to.b, 16);
}

Test(tun_encap, ipv4_in_ip6_takes_the_class_alone)
{
	static const unsigned char want[] = {0x62, 0x80, 0, 0, 0, 40, 4, 64};
	struct made m = made_bare(true, 0);

	cr_assert_eq(encap(&m, TUNNEL_IPIP, "2001:db8:9::9", "2001:db8:2::1"), 40);
	cr_assert_arr_eq(out, want, 8);
}

Test(tun_encap, gre_names_the_inner_protocol_and_nothing_else)
{
	static const unsigned char v4[] = {0, 0, 0x08, 0x00}, v6[] = {0, 0, 0x86, 0xdd};
	struct made inner4 = made_bare(true, 0), inner6 = made_bare(false, 0);

	cr_assert_eq(encap(&inner4, TUNNEL_GRE, "10.0.0.9", "10.0.0.1"), 24);
	cr_assert_eq(out[9], 47);
	cr_assert_eq(out[2] << 8 | out[3], 64);
	cr_assert_arr_eq(out + 20, v4, 4);
	cr_assert_eq(made_sum(out, 20), 0);
	cr_assert_eq(encap(&inner6, TUNNEL_GRE, "10.0.0.9", "10.0.0.1"), 24);
	cr_assert_arr_eq(out + 20, v6, 4);
	cr_assert_eq(encap(&inner4, TUNNEL_GRE, "2001:db8::9", "2001:db8::1"), 44);
	cr_assert_eq(out[6], 47);
	cr_assert_eq(out[4] << 8 | out[5], 44);
	cr_assert_arr_eq(out + 40, v4, 4);
	cr_assert_eq(encap(&inner6, TUNNEL_GRE, "2001:db8::9", "2001:db8::1"), 44);
	cr_assert_arr_eq(out + 40, v6, 4);
}

Test(tun_encap, unset_source_stays_zero)
{
	static const unsigned char zero[16];
	struct made m = made_bare(true, 0);

	encap(&m, TUNNEL_IPIP, NULL, "10.0.0.1");
	cr_assert_arr_eq(out + 12, zero, 4);
	encap(&m, TUNNEL_IPIP, NULL, "2001:db8::1");
	cr_assert_arr_eq(out + 8, zero, 16);
}

Test(tun_encap, more_than_65535_bytes_are_refused)
{
	static unsigned char inner[UINT16_MAX] = {0x45};
	struct addr to = gen_fixture_addr("10.0.0.1");

	cr_assert_eq(tun_encap(inner, 65535 - 20, TUNNEL_IPIP, &to, &to, out), 20);
	cr_assert_eq(tun_encap(inner, 65535 - 19, TUNNEL_IPIP, &to, &to, out), 0);
	cr_assert_eq(tun_encap(inner, 65535 - 23, TUNNEL_GRE, &to, &to, out), 0);
}

Test(tun_encap, overhead_is_what_the_header_takes)
{
	cr_assert_eq(tun_encap_overhead(TUNNEL_IPIP, true), 20);
	cr_assert_eq(tun_encap_overhead(TUNNEL_IPIP, false), 40);
	cr_assert_eq(tun_encap_overhead(TUNNEL_GRE, true), 24);
	cr_assert_eq(tun_encap_overhead(TUNNEL_GRE, false), 44);
	cr_assert_eq(tun_encap_overhead(TUNNEL_DR, true), 0);
}

/* RFC 1071 §3 */
Test(tun_encap, checksum_is_the_internet_checksum)
{
	static const unsigned char data[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
	static const unsigned char odd[] = {0x01, 0x02, 0x03};

	cr_assert_eq(tun_encap_checksum(data, sizeof(data)), (uint16_t)~0xddf2);
	cr_assert_eq(tun_encap_checksum(odd, sizeof(odd)), (uint16_t)~0x0402);
	cr_assert_eq(tun_encap_checksum(odd, 0), 0xffff);
}
