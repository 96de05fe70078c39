#include "model/tunnel_option.h"

#include <criterion/criterion.h>
#include <string.h>

#include "lib/gen_fixture.h"

static void expect(bool vip_is_v4, const char *real, enum tunnel_method method, const void *want,
		   size_t n)
{
	unsigned char got[TUNNEL_OPTION_BYTES];
	struct addr a = gen_fixture_addr(real);

	cr_assert_eq(tunnel_option_build(vip_is_v4, &a, method, got), n);
	cr_assert_arr_eq(got, want, n);
}

/* spec/monalive §4.2, byte by byte */
Test(tunnel_option, v4_vip_and_v4_real_are_7_bytes)
{
	static const unsigned char want[] = {0x1e, 7, 10, 1, 2, 3, 0x02};

	expect(true, "10.1.2.3", TUNNEL_IPIP, want, sizeof(want));
}

Test(tunnel_option, v4_vip_and_v6_real_are_19_bytes)
{
	static const unsigned char want[] = {0x1e, 0x13, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0,   0,
					     0,    0,    0,    0,    0,    0,    0, 5, 0x05};

	expect(true, "2001:db8::5", TUNNEL_GRE, want, sizeof(want));
}

Test(tunnel_option, v6_vip_and_v4_real_are_16_bytes)
{
	static const unsigned char want[] = {0, 1, 0x1e, 5, 10, 1, 2, 3, 0x02, 1, 5, 0, 0, 0, 0, 0};

	expect(false, "10.1.2.3", TUNNEL_IPIP, want, sizeof(want));
}

Test(tunnel_option, v6_vip_and_v6_real_are_24_bytes)
{
	static const unsigned char want[] = {0, 2, 0x1e, 0x11, 0x20, 0x01, 0x0d, 0xb8,
					     0, 0, 0,    0,    0,    0,    0,    0,
					     0, 0, 0,    5,    0x05, 1,    1,    0};

	expect(false, "2001:db8::5", TUNNEL_GRE, want, sizeof(want));
}

Test(tunnel_option, direct_routing_has_a_code_of_its_own)
{
	unsigned char out[TUNNEL_OPTION_BYTES];
	struct addr real = gen_fixture_addr("10.1.2.3");

	tunnel_option_build(true, &real, TUNNEL_DR, out);
	cr_assert_eq(out[6], 0x0d);
}

Test(tunnel_option, what_was_built_is_read_back)
{
	static const char *const reals[] = {"192.0.2.7", "2001:db8::7"};

	for (int v4 = 0; v4 < 2; v4++) {
		for (int i = 0; i < 2; i++) {
			struct addr want = gen_fixture_addr(reals[i]), got;
			unsigned char out[TUNNEL_OPTION_BYTES];
			size_t at = v4 ? 2 : 4;
			uint8_t method;

			tunnel_option_build(v4, &want, TUNNEL_GRE, out);
			cr_assert(tunnel_option_read(out + at, i == 0 ? 5 : 17, &got, &method));
			cr_assert(addr_eq(&got, &want));
			cr_assert_eq(method, TUNNEL_GRE);
		}
	}
}

Test(tunnel_option, other_lengths_are_refused)
{
	unsigned char value[32] = {0};
	struct addr real;
	uint8_t method;

	for (size_t n = 0; n <= sizeof(value); n++)
		cr_assert_eq(tunnel_option_read(value, n, &real, &method), n == 5 || n == 17);
}
