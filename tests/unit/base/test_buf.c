#include "base/buf.h"

#include <criterion/criterion.h>
#include <errno.h>

Test(buf, bytes_come_out_as_they_went_in)
{
	struct buf b = BUF_INIT(100000);
	unsigned char next_in = 0, next_out = 0;

	for (size_t round = 1; round < 400; round++) {
		unsigned char *p = buf_reserve(&b, round);

		cr_assert_not_null(p);
		for (size_t i = 0; i < round; i++)
			p[i] = next_in++;
		buf_fill(&b, round);
		for (size_t i = buf_len(&b) - round / 3; i > 0; i--) {
			cr_assert_eq(*buf_head(&b), next_out++);
			buf_consume(&b, 1);
		}
	}
	buf_deinit(&b);
	buf_deinit(&b);
}

Test(buf, ceiling_counts_unread_bytes_only)
{
	struct buf b = BUF_INIT(10);

	for (int i = 0; i < 1000; i++) {
		cr_assert_eq(buf_append(&b, "0123456789", 10), 0);
		cr_assert_eq(buf_append(&b, "x", 1), -ENOBUFS);
		cr_assert_null(buf_reserve(&b, 1));
		cr_assert_eq(buf_len(&b), 10);
		buf_consume(&b, 10);
	}
	buf_deinit(&b);
}

Test(buf, memory_stays_within_twice_the_ceiling)
{
	struct buf b = BUF_INIT(5000);

	for (int i = 0; i < 10000; i++) {
		cr_assert_eq(buf_append(&b, "0123456789abcdefg", 17), 0);
		if (buf_len(&b) > 4900)
			buf_consume(&b, 1234);
	}
	cr_assert_leq(b.cap, 10000);
	buf_deinit(&b);
}

Test(buf, impossible_sizes_are_refused)
{
	struct buf b = BUF_INIT(1000);

	cr_assert_eq(buf_append(&b, "abc", 3), 0);
	cr_assert_null(buf_reserve(&b, SIZE_MAX));
	cr_assert_null(buf_reserve(&b, SIZE_MAX - 1));
	cr_assert_eq(buf_len(&b), 3);
	buf_deinit(&b);
}

Test(buf, nothing_may_be_appended_to_nothing)
{
	struct buf b = BUF_INIT(1000);

	cr_assert_eq(buf_append(&b, NULL, 0), 0);
	cr_assert_eq(buf_len(&b), 0);
	cr_assert_eq(buf_append(&b, "ab", 2), 0);
	cr_assert_eq(buf_append(&b, NULL, 0), 0);
	cr_assert_eq(buf_len(&b), 2);
	buf_deinit(&b);
}

Test(buf, partly_filled_reservation_counts_what_was_filled)
{
	struct buf b = BUF_INIT(1000);

	memcpy(buf_reserve(&b, 900), "abc", 3);
	buf_fill(&b, 3);
	cr_assert_eq(buf_len(&b), 3);
	cr_assert_not_null(buf_reserve(&b, 997));
	cr_assert_null(buf_reserve(&b, 998));
	cr_assert_arr_eq(buf_head(&b), "abc", 3);
	buf_deinit(&b);
}

Test(buf, reset_gives_memory_back_and_goes_on)
{
	struct buf b = BUF_INIT(1000);

	cr_assert_eq(buf_append(&b, "abc", 3), 0);
	buf_reset(&b);
	cr_assert_null(b.mem);
	cr_assert_eq(buf_len(&b), 0);
	cr_assert_eq(buf_append(&b, "de", 2), 0);
	cr_assert_arr_eq(buf_head(&b), "de", 2);
	buf_deinit(&b);
}

Test(buf, formatted_text_is_appended_and_the_ceiling_holds)
{
	struct buf b = BUF_INIT(8);

	cr_assert_eq(buf_putf(&b, "%s%u", "abc", 12u), 0);
	cr_assert_eq(buf_putf(&b, "%s", "defg"), -ENOBUFS);
	cr_assert_eq(buf_len(&b), 5);
	cr_assert_arr_eq(buf_head(&b), "abc12", 5);
	buf_deinit(&b);
}
