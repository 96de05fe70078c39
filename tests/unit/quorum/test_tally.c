#include "quorum/tally.h"

#include <criterion/criterion.h>

static struct tally t;
static struct summary s;

static void attempt(enum check_kind kind, enum check_code code, uint32_t us)
{
	const struct result r = {.code = (uint16_t)code, .total_us = us};

	tally_attempt(&t, kind, &r, check_code_verdict(code));
}

Test(tally, durations_fall_into_their_buckets)
{
	tally_init(&t);
	attempt(CHECK_TCP, CODE_OK, 10000);
	attempt(CHECK_TCP, CODE_OK, 10001);
	attempt(CHECK_TCP, CODE_REFUSED, 999999);
	attempt(CHECK_TCP, CODE_OK, 1000001);
	tally_fill(&t, &s);
	cr_assert_eq(s.response_buckets[0], 1, "10 ms is not above 10 ms");
	cr_assert_eq(s.response_buckets[1], 1);
	cr_assert_eq(s.response_buckets[6], 1);
	cr_assert_eq(s.response_buckets[7], 1);
	cr_assert_eq(s.response_count, 4);
	cr_assert_eq(s.response_sum_us / 1000, 2020);
}

Test(tally, a27_stopping_counts_no_unknown_error)
{
	tally_init(&t);
	attempt(CHECK_HTTP, CODE_CANCELLED, 5);
	attempt(CHECK_HTTP, CODE_LATE, 0);
	tally_fill(&t, &s);
	cr_assert_eq(s.errors[summary_error_index("unknown")], 0);
	cr_assert_eq(s.response_count, 0);
	attempt(CHECK_HTTP, CODE_FD_LIMIT, 5);
	tally_fill(&t, &s);
	cr_assert_eq(s.errors[summary_error_index("unknown")], 1);
}

Test(tally, errors_count_by_the_references_label)
{
	tally_init(&t);
	attempt(CHECK_TCP, CODE_REFUSED, 5);
	attempt(CHECK_HTTP, CODE_HTTP_STATUS, 5);
	attempt(CHECK_HTTPS, CODE_BODY_DIGEST, 5);
	attempt(CHECK_GRPC, CODE_REFUSED, 5);
	attempt(CHECK_TCP, CODE_OK, 5);
	tally_fill(&t, &s);
	cr_assert_eq(s.errors[summary_error_index("tcp_dial")], 1);
	cr_assert_eq(s.errors[summary_error_index("http_status_code")], 1);
	cr_assert_eq(s.errors[summary_error_index("http_digest")], 1);
	cr_assert_eq(s.errors[summary_error_index("grpc_check")], 1);
}

Test(tally, transitions_fall_into_their_buckets)
{
	tally_init(&t);
	tally_transition(&t, 10);
	tally_transition(&t, 11);
	tally_transition(&t, 181);
	tally_fill(&t, &s);
	cr_assert_eq(s.transition_buckets[0], 1);
	cr_assert_eq(s.transition_buckets[1], 1);
	cr_assert_eq(s.transition_buckets[4], 1);
	cr_assert_eq(s.transition_count, 3);
	cr_assert_eq(s.transition_sum_s, 202);
}
