#include "announce/bird_record.h"

#include <criterion/criterion.h>
#include <signal.h>

static struct addr parse(const char *text)
{
	struct addr a;

	cr_assert_eq(addr_parse(text, strlen(text), &a), ADDR_OK);
	return a;
}

static void expect_vector(const char *file, const uint8_t *bytes, size_t len)
{
	uint8_t golden[256];
	char path[128];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "tests/vectors/bird/%s", file);
	f = fopen(path, "rb");
	cr_assert(f, "%s is missing", path);
	n = fread(golden, 1, sizeof(golden), f);
	fclose(f);
	cr_assert_eq(n, len);
	cr_assert_arr_eq(golden, bytes, len);
}

Test(bird_record, ipv4_announce_matches_golden_bytes)
{
	struct addr a = parse("192.0.2.10");
	uint8_t out[BIRD_RECORD_BYTES];

	bird_record_write(out, &a, true);
	expect_vector("v4_enable.bin", out, sizeof(out));
}

Test(bird_record, ipv4_withdraw_matches_golden_bytes)
{
	struct addr a = parse("192.0.2.10");
	uint8_t out[BIRD_RECORD_BYTES];

	bird_record_write(out, &a, false);
	expect_vector("v4_disable.bin", out, sizeof(out));
}

Test(bird_record, ipv6_withdraw_matches_golden_bytes)
{
	struct addr a = parse("2001:db8::10");
	uint8_t out[BIRD_RECORD_BYTES];

	bird_record_write(out, &a, false);
	expect_vector("v6_disable.bin", out, sizeof(out));
}

Test(bird_record, batch_matches_golden_bytes)
{
	struct addr a = parse("192.0.2.10"), b = parse("198.51.100.7"), c = parse("2001:db8::10");
	uint8_t out[3 * BIRD_RECORD_BYTES];

	bird_record_write(out, &a, true);
	bird_record_write(out + BIRD_RECORD_BYTES, &b, false);
	bird_record_write(out + 2 * BIRD_RECORD_BYTES, &c, true);
	expect_vector("batch3.bin", out, sizeof(out));
}

Test(bird_record, mapped_address_is_written_as_ipv4)
{
	struct addr a = parse("::ffff:192.0.2.10");
	uint8_t out[BIRD_RECORD_BYTES];

	bird_record_write(out, &a, true);
	expect_vector("v4_enable.bin", out, sizeof(out));
}

Test(bird_record, unset_address_cannot_be_written, .signal = SIGABRT)
{
	uint8_t out[BIRD_RECORD_BYTES];
	struct addr unset = ADDR_UNSET;

	bird_record_write(out, &unset, true); /* would be the default route */
}
