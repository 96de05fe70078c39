#include "base/addr.h"

#include <criterion/criterion.h>
#include <signal.h>

static struct addr parsed(const char *text)
{
	struct addr a;

	cr_assert_eq(addr_parse(text, strlen(text), &a), ADDR_OK, "%s", text);
	return a;
}

static const char *printed(const char *text)
{
	static char out[ADDR_TEXT_BYTES];
	struct addr a = parsed(text);

	cr_assert_eq(addr_format(&a, out), strlen(out));
	return out;
}

Test(addr, texts_are_read_and_printed_as_rfc5952)
{
	static const char *const pairs[][2] = {
		{"192.0.2.1", "192.0.2.1"},
		{"0.0.0.0", "0.0.0.0"},
		{"255.255.255.255", "255.255.255.255"},
		{"::1", "::1"},
		{"::", "::"},
		{"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
		{"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
		{"2001:0:0:1:0:0:0:1", "2001:0:0:1::1"},
		{"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},
		{"fe80::0001", "fe80::1"},
	};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		cr_assert_str_eq(printed(pairs[i][0]), pairs[i][1]);
}

/* spec/monalive §2.3: the mapped form stands for IPv4 */
Test(addr, mapped_form_is_ipv4)
{
	struct addr a = parsed("::ffff:192.0.2.1"), b = parsed("192.0.2.1");

	cr_assert(addr_eq(&a, &b));
	cr_assert(addr_is_v4(&a));
	cr_assert_str_eq(printed("::ffff:c000:201"), "192.0.2.1");
}

Test(addr, anything_else_is_refused_and_changes_nothing)
{
	static const char *const bad[] = {
		"",
		"1",
		"1.2.3",
		"1.2.3.4.5",
		"1.2.3.256",
		"1.2.3.-4",
		" 1.2.3.4",
		"1.2.3.4 ",
		"01.2.3.4",
		"0x1.2.3.4",
		"1.2.3.4/24",
		"1.2.3.4:80",
		"[::1]",
		":::",
		"1::2::3",
		"12345::",
		"fe80::1%eth0",
		"g::",
		"1:2:3:4:5:6:7:8:9",
		"localhost",
		"1.2.3.4\n",
	};
	struct addr a = parsed("192.0.2.9"), before = a;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		cr_assert_eq(addr_parse(bad[i], strlen(bad[i]), &a), ADDR_BAD_TEXT, "%s", bad[i]);
	cr_assert_eq(addr_parse("1.2.3.4\0", 8, &a), ADDR_BAD_TEXT);
	cr_assert(addr_eq(&a, &before));
}

Test(addr, length_bounds_the_text)
{
	struct addr a;
	char out[ADDR_TEXT_BYTES], longest[200];

	cr_assert_eq(addr_parse("192.0.2.123", 9, &a), ADDR_OK);
	addr_format(&a, out);
	cr_assert_str_eq(out, "192.0.2.1");
	memset(longest, '1', sizeof(longest));
	for (size_t len = 1; len < sizeof(longest); len++)
		cr_assert_eq(addr_parse(longest, len, &a), ADDR_BAD_TEXT);
	cr_assert_eq(addr_parse("1111:2222:3333:4444:5555:6666:123.123.123.123", 45, &a), ADDR_OK);
}

Test(addr, port_is_printed_with_brackets_for_ipv6)
{
	char out[ADDR_PORT_TEXT_BYTES];
	struct addr a = parsed("192.0.2.1"), b = parsed("2001:db8::1");
	struct addr longest = parsed("1111:2222:3333:4444:5555:6666:7777:8888");

	cr_assert_eq(addr_format_port(&a, 80, out), 12);
	cr_assert_str_eq(out, "192.0.2.1:80");
	addr_format_port(&b, 65535, out);
	cr_assert_str_eq(out, "[2001:db8::1]:65535");
	cr_assert_eq(addr_format_port(&longest, 65535, out), strlen(out));
}

Test(addr, every_octet_and_port_is_printed_as_the_library_does)
{
	char out[ADDR_PORT_TEXT_BYTES], want[ADDR_PORT_TEXT_BYTES];

	for (uint32_t i = 0; i < 65536; i++) {
		uint32_t v4 = (i & 255) << 24 | (255 - (i & 255)) << 16 | (i >> 8) << 8 | (i & 7);
		struct addr a = addr_from_v4_u32(v4);

		snprintf(want, sizeof(want), "%u.%u.%u.%u:%u", v4 >> 24, v4 >> 16 & 255,
			 v4 >> 8 & 255, v4 & 255, i);
		cr_assert_eq(addr_format_port(&a, (uint16_t)i, out), strlen(want));
		cr_assert_str_eq(out, want);
	}
}

Test(addr, unset_is_the_ipv6_any_address_only)
{
	struct addr unset = ADDR_UNSET, any6 = parsed("::"), any4 = parsed("0.0.0.0");

	cr_assert(addr_is_unset(&unset));
	cr_assert(addr_is_unset(&any6));
	cr_assert_not(addr_is_unset(&any4));
	cr_assert_not(addr_is_v4(&unset));
}

Test(addr, order_is_ipv4_first_then_bytes)
{
	static const char *const sorted[] = {"0.0.0.0", "10.0.0.1", "10.0.0.2",    "255.0.0.0",
					     "::",      "::1",      "2001:db8::1", "ffff::"};

	for (size_t i = 0; i < ARRAY_LEN(sorted); i++) {
		for (size_t j = 0; j < ARRAY_LEN(sorted); j++) {
			struct addr a = parsed(sorted[i]), b = parsed(sorted[j]);
			int order = addr_cmp(&a, &b);

			cr_assert_eq((order > 0) - (order < 0), (i > j) - (i < j));
			cr_assert_eq(addr_eq(&a, &b), i == j);
			cr_assert(i != j || addr_hash(&a, 3) == addr_hash(&b, 3));
		}
	}
}

Test(addr, v4_number_and_address_are_inverse)
{
	struct addr a = parsed("192.0.2.1");

	cr_assert_eq(addr_v4_u32(&a), 0xc0000201);
	struct addr b = addr_from_v4_u32(0xc0000201);

	cr_assert(addr_eq(&a, &b));
}

Test(addr, v4_number_of_an_ipv6_address_stops_the_program, .signal = SIGABRT)
{
	struct addr a = parsed("::1");

	(void)addr_v4_u32(&a);
}

Test(addr, socket_address_has_its_own_family)
{
	struct sockaddr_storage out;
	struct addr a = parsed("::ffff:192.0.2.1"), b = parsed("2001:db8::1");
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	cr_assert_eq(addr_to_sockaddr(&a, 80, &out), sizeof(v4));
	memcpy(&v4, &out, sizeof(v4));
	cr_assert(v4.sin_family == AF_INET && v4.sin_port == htons(80));
	cr_assert_eq(ntohl(v4.sin_addr.s_addr), 0xc0000201);
	cr_assert_eq(addr_to_sockaddr(&b, 443, &out), sizeof(v6));
	memcpy(&v6, &out, sizeof(v6));
	cr_assert(v6.sin6_family == AF_INET6 && v6.sin6_port == htons(443));
	cr_assert(v6.sin6_scope_id == 0 && v6.sin6_flowinfo == 0);
	cr_assert_arr_eq(&v6.sin6_addr, b.b, 16);
}
