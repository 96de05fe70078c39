#include "model/history.h"

#include <criterion/criterion.h>

Test(history, small_values_are_exact)
{
	for (uint32_t us = 0; us < 16; us++)
		cr_assert_eq(history_us(history_log(us)), us);
}

Test(history, error_is_at_most_a_sixteenth)
{
	for (uint64_t us = 1; us < UINT32_MAX; us += us / 50 + 1) {
		uint32_t back = history_us(history_log((uint32_t)us));
		uint64_t off = back > us ? back - us : us - back;

		cr_assert_leq(off, us / 16 + 1, "%lu came back as %u", us, back);
	}
}

Test(history, code_grows_with_the_value)
{
	uint8_t last = 0;

	for (uint64_t us = 1; us <= UINT32_MAX; us = us * 9 / 8 + 1) {
		uint8_t code = history_log((uint32_t)us);

		cr_assert_geq(code, last);
		last = code;
	}
	cr_assert_leq(history_log(UINT32_MAX), 255);
}

Test(history, every_code_can_be_read)
{
	for (unsigned code = 0; code < 240; code++)
		cr_assert_eq(history_log(history_us((uint8_t)code)), code);
}
