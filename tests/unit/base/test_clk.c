#include "base/clk.h"

#include <criterion/criterion.h>

static const char *utc(uint64_t wall_ns)
{
	static char text[CLK_TEXT_BYTES];

	clk_format_utc(wall_ns, text);
	return text;
}

Test(clk, monotonic_time_does_not_go_back)
{
	uint64_t before = clk_mono_ns();

	for (int i = 0; i < 100000; i++) {
		uint64_t now = clk_mono_ns();

		cr_assert_geq(now, before);
		before = now;
	}
}

Test(clk, wall_time_is_of_this_century)
{
	cr_assert_gt(clk_wall_ns(), UINT64_C(1700000000) * CLK_S);
}

Test(clk, utc_text_has_six_digits_of_the_second)
{
	cr_assert_str_eq(utc(0), "1970-01-01T00:00:00.000000Z");
	cr_assert_str_eq(utc(UINT64_C(1795157518123456789)), "2026-11-20T06:51:58.123456Z");
	cr_assert_str_eq(utc(UINT64_C(951782400) * CLK_S + 999999999),
			 "2000-02-29T00:00:00.999999Z");
}

Test(clk, latest_time_fits)
{
	cr_assert_lt(strlen(utc(UINT64_MAX)), CLK_TEXT_BYTES);
}

Test(clk, thread_time_grows_with_work_alone)
{
	uint64_t cpu_ns = clk_thread_ns(), wall_ns = clk_mono_ns();

	while (clk_thread_ns() - cpu_ns < 5 * CLK_MS)
		;
	cr_assert_geq(clk_mono_ns() - wall_ns, 4 * CLK_MS);
}
