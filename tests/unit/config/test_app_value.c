#include <criterion/criterion.h>
#include <string.h>

#include "base/clk.h"
#include "config/app_value.h"

static uint64_t duration(const char *text)
{
	uint64_t ns = 0;
	bool is_bare = true;

	cr_assert_eq(app_value_duration(text, strlen(text), &ns, &is_bare), 0, "%s", text);
	cr_assert(!is_bare, "%s", text);
	return ns;
}

static int duration_error(const char *text)
{
	uint64_t ns = 77;
	bool is_bare;
	int r = app_value_duration(text, strlen(text), &ns, &is_bare);

	cr_assert_neq(r, 0, "'%s' was taken as %lu", text, (unsigned long)ns);
	cr_assert_eq(ns, 77, "untouched on failure");
	return r;
}

Test(app_value, duration_takes_all_units_and_combinations)
{
	cr_assert_eq(duration("20ms"), 20 * CLK_MS);
	cr_assert_eq(duration("1.5s"), 1500 * CLK_MS);
	cr_assert_eq(duration("2m"), 120 * CLK_S);
	cr_assert_eq(duration("50us"), 50 * CLK_US);
	cr_assert_eq(duration("50\xc2\xb5s"), 50 * CLK_US);
	cr_assert_eq(duration("50\xce\xbcs"), 50 * CLK_US);
	cr_assert_eq(duration("7ns"), 7);
	cr_assert_eq(duration("1m30s"), 90 * CLK_S);
	cr_assert_eq(duration("1h2m3s4ms5us6ns"), 3723 * CLK_S + 4005006);
	cr_assert_eq(duration("+.5s"), 500 * CLK_MS);
	cr_assert_eq(duration("1.s"), CLK_S);
	cr_assert_eq(duration("0.3333333333333h"), 1199999998800);
	cr_assert_eq(duration("0s"), 0);
}

Test(app_value, bare_number_is_nanoseconds)
{
	uint64_t ns = 0;
	bool is_bare = false;

	cr_assert_eq(app_value_duration("20000000", 8, &ns, &is_bare), 0);
	cr_assert_eq(ns, 20 * CLK_MS);
	cr_assert(is_bare);
	cr_assert_eq(app_value_duration("0", 1, &ns, &is_bare), 0);
	cr_assert_eq(ns, 0);
}

Test(app_value, wrong_durations_are_refused)
{
	cr_assert_eq(duration_error("-5ms"), APP_VALUE_NEGATIVE);
	cr_assert_eq(duration_error("-5"), APP_VALUE_NEGATIVE);
	cr_assert_eq(duration_error("1.5"), APP_VALUE_NO_UNIT);
	cr_assert_eq(duration_error("1s5"), APP_VALUE_NO_UNIT);
	cr_assert_eq(duration_error(""), APP_VALUE_MALFORMED);
	cr_assert_eq(duration_error("+"), APP_VALUE_MALFORMED);
	cr_assert_eq(duration_error("ms"), APP_VALUE_MALFORMED);
	cr_assert_eq(duration_error("."), APP_VALUE_MALFORMED);
	cr_assert_eq(duration_error("5 ms"), APP_VALUE_MALFORMED);
	cr_assert_eq(duration_error("5d"), APP_VALUE_MALFORMED);
	cr_assert_eq(duration_error("1s-1s"), APP_VALUE_MALFORMED);
	cr_assert_eq(duration_error("1e3s"), APP_VALUE_MALFORMED);
	cr_assert_eq(duration_error("99999999999999999999s"), APP_VALUE_TOO_LARGE);
	cr_assert_eq(duration_error("9999999999999h"), APP_VALUE_TOO_LARGE);
	cr_assert_eq(duration_error("2562048h"), APP_VALUE_TOO_LARGE);
	cr_assert_eq(duration_error("9223372036854775808ns"), APP_VALUE_TOO_LARGE);
}

Test(app_value, durations_print_and_read_back)
{
	static const uint64_t values[] = {0,           1,          999,          CLK_US,
					  50 * CLK_MS, 90 * CLK_S, 3600 * CLK_S, INT64_MAX};
	char text[APP_VALUE_DURATION_BYTES];
	uint64_t ns;
	bool is_bare;

	for (unsigned i = 0; i < ARRAY_LEN(values); i++) {
		app_value_format_duration(values[i], text);
		cr_assert_eq(app_value_duration(text, strlen(text), &ns, &is_bare), 0, "%s", text);
		cr_assert_eq(ns, values[i]);
	}
	app_value_format_duration(90 * CLK_S + 5, text);
	cr_assert_str_eq(text, "1m30s5ns");
}

Test(app_value, yaml_11_booleans)
{
	static const char *const yes[] = {"true", "True", "TRUE", "yes", "Yes", "on", "ON", "y"};
	static const char *const no[] = {"false", "no", "NO", "off", "Off", "n", "N"};
	static const char *const neither[] = {"", "1", "0", "truth", "ye", "nope", "~"};
	bool value;

	for (unsigned i = 0; i < ARRAY_LEN(yes); i++)
		cr_assert(app_value_bool(yes[i], strlen(yes[i]), &value) == 0 && value);
	for (unsigned i = 0; i < ARRAY_LEN(no); i++)
		cr_assert(app_value_bool(no[i], strlen(no[i]), &value) == 0 && !value);
	for (unsigned i = 0; i < ARRAY_LEN(neither); i++)
		cr_assert_neq(app_value_bool(neither[i], strlen(neither[i]), &value), 0);
}

static int number(const char *text, uint64_t *ret)
{
	return app_value_number(text, strlen(text), ret);
}

Test(app_value, numbers_in_four_bases)
{
	uint64_t v = 0;

	cr_assert(number("0", &v) == 0 && v == 0);
	cr_assert(number("10485760", &v) == 0 && v == 10485760);
	cr_assert(number("10_485_760", &v) == 0 && v == 10485760);
	cr_assert(number("0x00ffFFff", &v) == 0 && v == 0xffffff);
	cr_assert(number("0o17", &v) == 0 && v == 15);
	cr_assert(number("0b101", &v) == 0 && v == 5);
	cr_assert(number("18446744073709551615", &v) == 0 && v == UINT64_MAX);
	cr_assert_eq(number("18446744073709551616", &v), APP_VALUE_TOO_LARGE);
	cr_assert_eq(number("0x1ffffffffffffffff", &v), APP_VALUE_TOO_LARGE);
	cr_assert_eq(number("-1", &v), APP_VALUE_NEGATIVE);
	cr_assert_eq(number("010", &v), APP_VALUE_OCTAL, "8 or 10? nobody can tell");
	cr_assert_eq(number("", &v), APP_VALUE_MALFORMED);
	cr_assert_eq(number("-", &v), APP_VALUE_MALFORMED);
	cr_assert_eq(number("0x", &v), APP_VALUE_MALFORMED);
	cr_assert_eq(number("0xg", &v), APP_VALUE_MALFORMED);
	cr_assert_eq(number("0b2", &v), APP_VALUE_MALFORMED);
	cr_assert_eq(number("1_", &v), APP_VALUE_MALFORMED);
	cr_assert_eq(number("_1", &v), APP_VALUE_MALFORMED);
	cr_assert_eq(number("1.0", &v), APP_VALUE_MALFORMED);
	cr_assert_eq(number("a", &v), APP_VALUE_MALFORMED);
}

static int listen_on(const char *text, char out[ADDR_PORT_TEXT_BYTES])
{
	return app_value_listen(text, strlen(text), out);
}

Test(app_value, listen_addresses_become_canonical)
{
	char out[ADDR_PORT_TEXT_BYTES];

	cr_assert_eq(listen_on("[0:0::1]:14080", out), 0);
	cr_assert_str_eq(out, "[::1]:14080");
	cr_assert_eq(listen_on("127.0.0.1:0", out), 0);
	cr_assert_str_eq(out, "127.0.0.1:0");
	cr_assert_eq(listen_on(":65535", out), 0);
	cr_assert_str_eq(out, "[::]:65535");
	cr_assert_eq(listen_on("localhost:80", out), 0);
	cr_assert_str_eq(out, "127.0.0.1:80");
}

Test(app_value, wrong_listen_addresses_are_refused)
{
	char out[ADDR_PORT_TEXT_BYTES];

	cr_assert_eq(listen_on("127.0.0.1", out), APP_VALUE_NO_PORT);
	cr_assert_eq(listen_on("[::1]", out), APP_VALUE_NO_PORT);
	cr_assert_eq(listen_on("::1:80", out), APP_VALUE_NO_BRACKETS);
	cr_assert_eq(listen_on("127.0.0.1:65536", out), APP_VALUE_BAD_PORT);
	cr_assert_eq(listen_on("127.0.0.1:", out), APP_VALUE_BAD_PORT);
	cr_assert_eq(listen_on("127.0.0.1:http", out), APP_VALUE_BAD_PORT);
	cr_assert_eq(listen_on("127.0.0.1:-1", out), APP_VALUE_BAD_PORT);
	cr_assert_eq(listen_on("[127.0.0.1]:80", out), APP_VALUE_MALFORMED);
	cr_assert_eq(listen_on("[::1:80", out), APP_VALUE_MALFORMED);
	cr_assert_eq(listen_on("[]:80", out), APP_VALUE_MALFORMED);
	cr_assert_eq(listen_on("[:80", out), APP_VALUE_MALFORMED);
	cr_assert_eq(listen_on("[fe80::1%eth0]:80", out), APP_VALUE_MALFORMED);
	cr_assert_eq(listen_on("example.net:80", out), APP_VALUE_MALFORMED);
}

static int cpus(const char *text, uint8_t bits[2])
{
	bits[0] = bits[1] = 0;
	return app_value_cpus(text, strlen(text), bits, 16);
}

Test(app_value, cpu_lists_set_bits)
{
	uint8_t bits[2];

	cr_assert(cpus("0", bits) == 0 && bits[0] == 1 && bits[1] == 0);
	cr_assert(cpus("1-3,15", bits) == 0 && bits[0] == 0x0e && bits[1] == 0x80);
	cr_assert(cpus("7-8", bits) == 0 && bits[0] == 0x80 && bits[1] == 1);
	cr_assert_eq(cpus("16", bits), APP_VALUE_TOO_LARGE);
	cr_assert_eq(cpus("0-99999", bits), APP_VALUE_TOO_LARGE);
	cr_assert_eq(cpus("3-1", bits), APP_VALUE_MALFORMED);
	cr_assert_eq(cpus("", bits), APP_VALUE_MALFORMED);
	cr_assert_eq(cpus("1,", bits), APP_VALUE_MALFORMED);
	cr_assert_eq(cpus("-1", bits), APP_VALUE_MALFORMED);
	cr_assert_eq(cpus("1-", bits), APP_VALUE_MALFORMED);
	cr_assert_eq(cpus("all", bits), APP_VALUE_MALFORMED);
}

Test(app_value, every_result_has_a_text)
{
	for (int r = APP_VALUE_OK; r <= APP_VALUE_NO_BRACKETS; r++)
		cr_assert_gt(strlen(app_value_text((enum app_value_result)r)), 3);
}
