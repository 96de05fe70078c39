#include "config/name.h"

#include <criterion/criterion.h>

static struct addr parse(const char *text)
{
	struct addr a;

	cr_assert_eq(addr_parse(text, strlen(text), &a), ADDR_OK);
	return a;
}

static const char *written(const char *vip, int port, enum l4_proto proto)
{
	static char out[NAME_BYTES];
	struct service_spec s = {.vip = parse(vip), .proto = (uint8_t)proto};
	struct generation g = {.services = &s, .end_services = 1};

	if (port >= 0) {
		s.flags = SERVICE_HAS_PORT;
		s.port = (uint16_t)port;
	}
	cr_assert_eq(name_service(&g, 0, out), strlen(out));
	return out;
}

Test(name, services_are_written_as_they_are_typed)
{
	cr_assert_str_eq(written("192.0.2.1", 80, L4_TCP), "tcp/192.0.2.1:80");
	cr_assert_str_eq(written("2001:db8::1", 53, L4_UDP), "udp/[2001:db8::1]:53");
	cr_assert_str_eq(written("192.0.2.1", -1, L4_TCP), "tcp/192.0.2.1");
	cr_assert_str_eq(written("2001:db8::1", -1, L4_TCP), "tcp/2001:db8::1");
}

Test(name, longest_name_fits)
{
	const char *longest = written("abcd:ef01:2345:6789:abcd:ef01:2345:6789", 65535, L4_UDP);

	cr_assert_str_eq(longest, "udp/[abcd:ef01:2345:6789:abcd:ef01:2345:6789]:65535");
}

Test(name, malformed_text_finds_nothing)
{
	static const char *const bad[] = {
		"",         "tcp/",       "192.0.2.1:80", "sctp/192.0.2.1:80", "tcp/x:1",
		"tcp/[::1", "tcp/[::1]x", "tcp/1.2.3.4:", "tcp/1.2.3.4:70000"};
	struct generation g = {0};

	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		cr_assert_eq(name_find_service(&g, bad[i]), SLOT_NONE, "%s", bad[i]);
}
