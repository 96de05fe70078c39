#include <criterion/criterion.h>

#include "base/clk.h"
#include "config/gen_build.h"
#include "lib/draft_maker.h"

static struct check_profile profile(uint8_t retry, uint8_t fall)
{
	return (struct check_profile){
		.interval_ns = 10 * CLK_S,
		.retry_delay_ns = 3 * CLK_S,
		.check_timeout_ns = CLK_S,
		.retry = retry,
		.fall = fall,
	};
}

Test(gen, decision_31_detection_is_interval_burst_and_timeouts)
{
	struct check_profile p = profile(2, 3);

	/* 10 until the attempt, three attempts of 1, two waits of 3 */
	cr_assert_eq(gen_detection_ns(&p), 19 * CLK_S);
	p.jitter_ns = 2 * CLK_S;
	cr_assert_eq(gen_detection_ns(&p), 21 * CLK_S);
	p = profile(0, 1);
	cr_assert_eq(gen_detection_ns(&p), 11 * CLK_S);
}

Test(gen, decision_12_long_fall_takes_several_bursts)
{
	/* fall 5 in bursts of 2: 2 + 2 + 1; each burst waits for a grid point */
	struct check_profile p = profile(1, 5);

	cr_assert_eq(gen_detection_ns(&p), 3 * 10 * CLK_S + 5 * CLK_S + 2 * 3 * CLK_S);
	/* a fall shorter than the burst ends inside it */
	p = profile(9, 2);
	cr_assert_eq(gen_detection_ns(&p), 10 * CLK_S + 2 * CLK_S + 3 * CLK_S);
}

Test(gen, endless_timers_saturate)
{
	struct check_profile p = profile(100, 255);

	p.retry_delay_ns = UINT64_MAX / 2;
	cr_assert_eq(gen_detection_ns(&p), UINT64_MAX);
	p = profile(0, 255);
	p.interval_ns = UINT64_MAX / 2;
	cr_assert_eq(gen_detection_ns(&p), UINT64_MAX);
}

static struct generation *build(const struct draft *d, struct slot_books *books)
{
	struct generation *g = NULL;
	struct gen_diff *diff = NULL;

	cr_assert_eq(slot_books_init(books), 0);
	cr_assert_eq(gen_build(d, NULL, books, 0, 0, &g, &diff), 0);
	gen_diff_free(diff);
	return g;
}

Test(gen, missing_port_is_not_port_zero)
{
	struct draft *d = draft_maker_new();
	struct draft_service *none = draft_maker_service(d, "192.0.2.1", DRAFT_MAKER_NO_PORT);
	struct draft_service *zero = draft_maker_service(d, "192.0.2.1", 0);
	const struct addr vip = draft_maker_addr("192.0.2.1"), ip = draft_maker_addr("10.0.0.1");
	struct slot_books books;
	struct generation *g;

	draft_maker_real(d, none, "10.0.0.1", DRAFT_MAKER_NO_PORT);
	draft_maker_real(d, none, "10.0.0.1", 0);
	draft_maker_real(d, zero, "10.0.0.1", 0);
	g = build(d, &books);
	cr_assert_eq(gen_find_service(g, &vip, false, 0, L4_TCP), 0);
	cr_assert_eq(gen_find_service(g, &vip, true, 0, L4_TCP), 1);
	cr_assert_eq(gen_find_service(g, &vip, false, 80, L4_TCP), 0, "no port, whatever it says");
	cr_assert_eq(gen_find_service(g, &vip, true, 0, L4_UDP), SLOT_NONE);
	cr_assert_eq(gen_find_service(g, &vip, true, 80, L4_TCP), SLOT_NONE);
	cr_assert_eq(gen_find_real(g, 0, &ip, false, 0), 0);
	cr_assert_eq(gen_find_real(g, 0, &ip, true, 0), 1);
	cr_assert_eq(gen_find_real(g, 1, &ip, true, 0), 2);
	cr_assert_eq(gen_find_real(g, 1, &ip, false, 0), SLOT_NONE);
	cr_assert_eq(gen_find_prefix(g, &vip), SLOT_NONE, "no service has a group");
	gen_free(g);
	slot_books_deinit(&books);
	draft_maker_free(d);
}

Test(gen, slots_beyond_the_end_are_not_in_use)
{
	struct draft *d = draft_maker_new();
	struct slot_books books;
	struct generation *g = build(d, &books);

	cr_assert(!gen_service_in_use(g, 0));
	cr_assert(!gen_real_in_use(g, 0));
	cr_assert(!gen_check_in_use(g, 0));
	cr_assert(!gen_prefix_in_use(g, 0));
	cr_assert_eq(gen_find_prefix(g, &(struct addr){{1}}), SLOT_NONE);
	gen_free(g);
	gen_free(NULL);
	slot_books_deinit(&books);
	draft_maker_free(d);
}
