#include "tun/tun_source.h"

#include <criterion/criterion.h>

#include "lib/gen_fixture.h"

static struct tun_source source(const char *v4, const char *v6)
{
	struct tun_source s;

	cr_assert(tun_source_read(v4, v6, &s), "%s %s", v4, v6);
	return s;
}

static void expect(const struct tun_source *s, const char *inner, const char *base,
		   const char *want)
{
	struct addr in = gen_fixture_addr(inner), own = gen_fixture_addr(base);
	struct addr w = gen_fixture_addr(want);
	struct addr got = tun_source_pick(s, addr_is_v4(&own), &in, &own);
	char text[ADDR_TEXT_BYTES];

	addr_format(&got, text);
	cr_assert(addr_eq(&got, &w), "got %s, want %s", text, want);
}

Test(tun_source, without_networks_it_is_our_own_address)
{
	struct tun_source none = source("", ""), v6 = source("", "2001:db8::/64");

	expect(NULL, "192.0.2.1", "10.0.0.9", "10.0.0.9");
	expect(&none, "192.0.2.1", "10.0.0.9", "10.0.0.9");
	expect(&v6, "192.0.2.1", "10.0.0.9", "10.0.0.9");
}

Test(tun_source, ipv4_network_gives_its_address_as_written)
{
	struct tun_source s = source("203.0.113.7/24", "");

	expect(&s, "192.0.2.1", "10.0.0.9", "203.0.113.7");
	expect(&s, "2001:db8::1", "10.0.0.9", "203.0.113.7");
	expect(&s, "192.0.2.1", "2001:db8::9", "2001:db8::9");
}

Test(tun_source, ipv6_network_is_filled_with_the_inner_ipv4_source)
{
	struct tun_source s = source("", "2001:db8:5::/96");

	expect(&s, "192.0.2.1", "2001:db8::9", "2001:db8:5::c000:201");
}

Test(tun_source, ipv6_network_is_filled_with_the_mixed_inner_ipv6_source)
{
	struct tun_source s = source("", "2001:db8:5::/96");

	expect(&s, "2001:db8::aaaa:bbbb:1111:2222", "2001:db8::9", "2001:db8:5::bbbb:9999");
}

Test(tun_source, short_prefixes_keep_our_last_two_bytes)
{
	struct tun_source s = source("", "2001:db8:5::/48");

	expect(&s, "192.0.2.1", "2001:db8::1:abcd", "2001:db8:5:c000:201::abcd");
	s = source("", "2001:db8:5::/80");
	expect(&s, "192.0.2.1", "2001:db8::1:abcd", "2001:db8:5:0:0:c000:201:abcd");
	s = source("", "2001:db8:5::/81");
	expect(&s, "192.0.2.1", "2001:db8::1:abcd", "2001:db8:5::c0:2:100");
}

Test(tun_source, long_prefixes_take_as_many_bytes_as_fit)
{
	struct tun_source s = source("", "2001:db8:5::ff/112");

	expect(&s, "192.0.2.1", "2001:db8::9", "2001:db8:5::c000");
	s = source("", "2001:db8:5::ff/128");
	expect(&s, "192.0.2.1", "2001:db8::9", "2001:db8:5::ff");
	s = source("", "2001:db8:5::ff");
	expect(&s, "192.0.2.1", "2001:db8::9", "2001:db8:5::ff");
}

Test(tun_source, other_text_is_refused)
{
	static const char *const odd[] = {"x",           "10.0.0.0/33",  "10.0.0.0/",
					  "10.0.0.0/x",  "2001:db8::/1", "10.0.0.0/-1",
					  "10.0.0.0/8/9"};
	struct tun_source s;

	for (size_t i = 0; i < ARRAY_LEN(odd); i++)
		cr_assert_not(tun_source_read(odd[i], "", &s), "%s", odd[i]);
	cr_assert_not(tun_source_read("", "10.0.0.0/8", &s));
	cr_assert_not(tun_source_read("", "2001:db8::/129", &s));
}
