/* Blind and panic hold (decisions 31-33, design §9.2). */
#include "quorum_fixture.h"

enum { N = 25 };

/* n services "vs i" with one real each */
static const char *many(uint32_t n, const char *check)
{
	static char text[1 << 13];
	size_t at = 0;

	for (uint32_t i = 1; i <= n; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "vs %u g1; rs %u w10; %s;", i,
				       i, check);
	return text;
}

static struct fx *up(const struct fleet_config *config, const char *text)
{
	struct fx *x = fx_new(config, text);

	fx_all_up(x);
	x->n_events = 0;
	return x;
}

/* All reals give a result, one second after the last. */
static void round_of(struct fx *x, uint32_t from, uint32_t to, enum check_code code)
{
	for (uint32_t r = from; r <= to; r++)
		fx_code(x, r, 0, code);
}

/* What the balancer and BIRD were told to take away. */
static uint32_t n_disabled(struct fx *x)
{
	uint32_t n = 0;

	for (uint32_t r = 1; r <= N; r++)
		n += fx_wish(x, r).want == FLEET_DISABLE;
	return n;
}
static uint32_t n_withdrawn(struct fx *x)
{
	uint32_t n = 0;

	for (uint32_t v = 1; v <= N; v++)
		n += fx_prow(x, v)->state == STATE_DOWN;
	return n;
}

Test(fleet_freeze, d31_our_uplink_breaks_and_nothing_is_removed)
{
	struct fx *x = up(NULL, many(N, "ck f3"));

	for (int i = 0; i < 50; i++) {
		x->now += FX_S;
		round_of(x, 1, N, CODE_CONNECT_TIMEOUT);
	}
	cr_assert(fleet_is_blind(x->fleet));
	cr_assert_eq(fx_count(x, 'b', true), 1);
	cr_assert_eq(n_disabled(x), 0);
	cr_assert_eq(n_withdrawn(x), 0);
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_DOWN, "verdicts are computed on");
	cr_assert(fx_rrow(x, 1)->flags & REAL_ROW_FROZEN, "and shown as held");
	cr_assert_eq(fleet_take_dirty_real(x->fleet), SLOT_NONE);
	cr_assert_eq(fleet_take_dirty_prefix(x->fleet), SLOT_NONE);
	cr_assert_eq(counter_get(x->counters, CTR_BLIND_BEGUN), 1);
	x->now += FX_S;
	round_of(x, 1, N, CODE_OK);
	cr_assert(!fleet_is_blind(x->fleet));
	cr_assert_eq(n_disabled(x), 0);
	cr_assert_eq(fleet_take_dirty_real(x->fleet), SLOT_NONE, "nobody was removed on the way");
	cr_assert_eq(fleet_take_dirty_prefix(x->fleet), SLOT_NONE);
	cr_assert(!(fx_rrow(x, 1)->flags & REAL_ROW_FROZEN));
	fx_free(x);
}

Test(fleet_freeze, d31_a_minority_is_removed_at_once)
{
	struct fx *x = up(NULL, many(N, "ck"));

	round_of(x, 1, 19, CODE_CONNECT_TIMEOUT);
	cr_assert(!fleet_is_blind(x->fleet));
	cr_assert_eq(n_disabled(x), 19);
	cr_assert_eq(n_withdrawn(x), 19);
	fx_free(x);
}

/* Nineteen failures of 20 s ago are part of the window or not, as the interval of now says. */
static bool is_blind_after_20_s(struct fx *x)
{
	round_of(x, 1, 19, CODE_CONNECT_TIMEOUT);
	x->now += 20 * FX_S;
	fx_bad(x, 20);
	return fleet_is_blind(x->fleet);
}

Test(fleet_freeze, d31_spans_follow_a_reload)
{
	struct fx *x = up(NULL, many(N, "ck i1000"));

	cr_assert(!is_blind_after_20_s(x));
	round_of(x, 1, N, CODE_OK);
	fx_load(x, many(N, "ck i60000"));
	round_of(x, 1, N, CODE_OK);
	cr_assert(is_blind_after_20_s(x));
	fx_free(x);
}

/* fall 1: 19 of 25 are gone before the 20th shows what it is. */
Test(fleet_freeze, d32_takes_back_what_was_sent_since_the_first_bad)
{
	struct fx *x = up(NULL, many(N, "ck"));

	round_of(x, 1, 19, CODE_CONNECT_TIMEOUT);
	fx_announce(x);
	fx_deliver(x);
	cr_assert_eq(n_disabled(x), 19);
	fx_bad(x, 20);
	cr_assert(fleet_is_blind(x->fleet));
	cr_assert_eq(n_disabled(x), 0);
	fx_expect_wish(x, 1, FLEET_ENABLE, 10);
	cr_assert_eq(n_withdrawn(x), 19, "prefixes wait until the reals are held again");
	cr_assert_eq(fx_deliver(x), 19);
	cr_assert_eq(n_withdrawn(x), 0);
	cr_assert_eq(fx_srow(x, 1)->state, STATE_UP);
	cr_assert_eq(fx_srow(x, 1)->weight, 10);
	fx_free(x);
}

Test(fleet_freeze, d32_cancels_what_was_not_yet_sent)
{
	struct fx *x = up(NULL, many(N, "ck"));

	round_of(x, 1, 20, CODE_CONNECT_TIMEOUT);
	cr_assert(fleet_is_blind(x->fleet));
	cr_assert_eq(n_disabled(x), 0);
	cr_assert_eq(n_withdrawn(x), 0, "still held: the prefixes are back at once");
	fx_free(x);
}

Test(fleet_freeze, d32_cancels_old_removals_that_could_not_be_sent)
{
	struct fx *x = up(NULL, many(N, "ck i10000"));

	fleet_connection(x->fleet, false);
	fx_bad(x, 1);
	x->now += 60 * FX_S;
	round_of(x, 2, N, CODE_CONNECT_TIMEOUT);
	cr_assert(fleet_is_blind(x->fleet));
	fx_expect_wish(x, 1, FLEET_ENABLE, 10);
	fx_free(x);
}

Test(fleet_freeze, d32_what_went_before_the_first_bad_stays_gone)
{
	struct fx *x = up(NULL, many(N, "ck i10000"));

	fx_bad(x, 1);
	fx_announce(x);
	fx_deliver(x);
	x->now += 60 * FX_S;
	round_of(x, 2, N, CODE_CONNECT_TIMEOUT);
	cr_assert(fleet_is_blind(x->fleet));
	fx_expect_wish(x, 1, FLEET_DISABLE, 0);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_DOWN);
	cr_assert_eq(n_disabled(x), 1);
	fx_free(x);
}

Test(fleet_freeze, d32_after_max_hold_the_verdicts_are_believed)
{
	struct fx *x = up(NULL, many(N, "ck"));
	uint64_t begun = x->now;

	round_of(x, 1, N, CODE_CONNECT_TIMEOUT);
	while (x->now < begun + 59 * FX_S) {
		x->now += FX_S;
		round_of(x, 1, N, CODE_CONNECT_TIMEOUT);
		cr_assert_leq(fleet_next_ns(x->fleet), begun + 60 * FX_S);
	}
	cr_assert_eq(n_disabled(x), 0);
	x->now = begun + 60 * FX_S;
	fleet_tick(x->fleet, x->now);
	cr_assert(!fleet_is_blind(x->fleet));
	cr_assert_eq(n_disabled(x), N);
	cr_assert_eq(n_withdrawn(x), N);
	cr_assert_neq(fx_wish(x, 1).after_prefix, SLOT_NONE, "withdraw first");
	fx_free(x);
}

/* Most hosts answer again; the dead ones go with their next bad result, nobody else does. */
Test(fleet_freeze, d32_after_the_end_a_bad_result_lets_the_dead_go)
{
	struct fx *x = up(NULL, many(N, "ck r2"));

	round_of(x, 1, N, CODE_CONNECT_TIMEOUT);
	x->now += FX_S;
	round_of(x, 1, 13, CODE_OK);
	cr_assert(!fleet_is_blind(x->fleet));
	cr_assert_eq(n_disabled(x), 0);
	cr_assert(fx_rrow(x, 1)->flags & REAL_ROW_FROZEN, "one good of two");
	fx_bad(x, 25);
	cr_assert_eq(n_disabled(x), 1);
	cr_assert_eq(fx_prow(x, 25)->state, STATE_DOWN);
	round_of(x, 14, 24, CODE_OK);
	x->now += FX_S;
	round_of(x, 1, 24, CODE_OK);
	cr_assert_eq(n_disabled(x), 1);
	cr_assert(!(fx_rrow(x, 1)->flags & REAL_ROW_FROZEN));
	fx_free(x);
}

Test(fleet_freeze, d32_what_waits_for_its_result_waits_no_longer_than_max_hold)
{
	struct fx *x = up(NULL, many(N, "ck"));
	uint64_t begun = x->now;

	round_of(x, 1, N, CODE_CONNECT_TIMEOUT);
	x->now += 5 * FX_S;
	fleet_tick(x->fleet, x->now);
	cr_assert(!fleet_is_blind(x->fleet), "no results: the window is empty");
	cr_assert_eq(n_disabled(x), 0);
	cr_assert_eq(fleet_next_ns(x->fleet), begun + 60 * FX_S);
	x->now = begun + 60 * FX_S;
	fleet_tick(x->fleet, x->now);
	cr_assert_eq(n_disabled(x), N);
	cr_assert_eq(fleet_next_ns(x->fleet), UINT64_MAX);
	fx_free(x);
}

Test(fleet_freeze, d32_answers_are_believed_after_ten_seconds)
{
	struct fx *x = up(NULL, many(N, "ck"));

	round_of(x, 1, N, CODE_REFUSED);
	cr_assert(fleet_is_blind(x->fleet));
	for (int i = 1; i < 10; i++) {
		x->now += FX_S;
		fleet_tick(x->fleet, x->now);
		round_of(x, 1, N, CODE_REFUSED);
		cr_assert_eq(n_disabled(x), 0);
	}
	x->now += FX_S;
	fleet_tick(x->fleet, x->now);
	cr_assert_eq(n_disabled(x), N);
	fx_free(x);
}

Test(fleet_freeze, d32_enables_and_announcements_go_on)
{
	struct fx *x = up(NULL, many(N, "ck"));

	fx_bad(x, 25);
	fx_announce(x);
	fx_deliver(x);
	x->now += 60 * FX_S;
	round_of(x, 1, 24, CODE_CONNECT_TIMEOUT);
	cr_assert(fleet_is_blind(x->fleet));
	fx_good(x, 25);
	fx_expect_wish(x, 25, FLEET_ENABLE, 10);
	fx_deliver(x);
	cr_assert_eq(fx_prow(x, 25)->state, STATE_UP);
	fx_free(x);
}

Test(fleet_freeze, d32_weight_decreases_are_frozen_and_taken_back)
{
	struct fx *x = fx_new(NULL, many(N, "ck dyn"));

	fx_all_up(x);
	for (uint32_t r = 1; r <= N; r++)
		fx_weight(x, r, 0, 50);
	fx_deliver(x);
	x->now += FX_S;
	fx_bad(x, 3);
	fx_weight(x, 1, 0, 20);
	fx_expect_wish(x, 1, FLEET_ENABLE, 20);
	round_of(x, 4, N, CODE_CONNECT_TIMEOUT);
	cr_assert(fleet_is_blind(x->fleet));
	fx_expect_wish(x, 1, FLEET_ENABLE, 50);
	fx_weight(x, 2, 0, 10);
	fx_expect_wish(x, 2, FLEET_ENABLE, 50);
	cr_assert(fx_rrow(x, 2)->flags & REAL_ROW_FROZEN);
	fx_weight(x, 2, 0, 70);
	fx_expect_wish(x, 2, FLEET_ENABLE, 70);
	x->now += FX_S;
	round_of(x, 3, N, CODE_OK);
	fx_expect_wish(x, 1, FLEET_ENABLE, 20);
	fx_free(x);
}

Test(fleet_freeze, d33_operator_is_above_blind)
{
	struct fx *x = up(NULL, many(N, "ck"));
	uint32_t r = fx_real(x, 5);

	round_of(x, 1, N, CODE_CONNECT_TIMEOUT);
	fleet_override(x->fleet, r, OVERRIDE_DOWN, x->now);
	fx_expect_wish(x, 5, FLEET_DISABLE, 0);
	cr_assert_eq(fx_prow(x, 5)->state, STATE_DOWN);
	fleet_override(x->fleet, fx_real(x, 6), OVERRIDE_DRAIN, x->now);
	fx_expect_wish(x, 6, FLEET_ENABLE, 0);
	fleet_override(x->fleet, fx_real(x, 7), real_override_make(OVERRIDE_WEIGHT, 4), x->now);
	fx_expect_wish(x, 7, FLEET_ENABLE, 4);
	fleet_override(x->fleet, fx_real(x, 7), OVERRIDE_NONE, x->now);
	fx_expect_wish(x, 7, FLEET_ENABLE, 10);
	cr_assert_eq(n_disabled(x), 1);
	fx_free(x);
}

Test(fleet_freeze, d33_config_removal_is_above_blind)
{
	struct fx *x = up(NULL, many(N, "ck"));
	uint32_t real, prefix;

	round_of(x, 1, N, CODE_CONNECT_TIMEOUT);
	real = fx_real(x, N);
	prefix = fx_prefix(x, N);
	fx_adopt(x, many(N - 1, "ck"));
	cr_assert_eq(fleet_wish_peek(x->fleet, real).want, FLEET_DISABLE);
	cr_assert_eq(state_prefix(&x->tables, prefix)->state, STATE_DOWN);
	for (uint32_t r = 1; r < N; r++)
		cr_assert_eq(fx_wish(x, r).want, FLEET_ENABLE, "the others stay frozen");
	cr_assert(fleet_is_blind(x->fleet));
	fx_free(x);
}

Test(fleet_freeze, d32_a_reload_does_not_let_frozen_reals_go)
{
	struct fx *x = up(NULL, many(N, "ck"));

	round_of(x, 1, N, CODE_CONNECT_TIMEOUT);
	fx_load(x, many(N, "ck f2"));
	cr_assert_eq(n_disabled(x), 0);
	cr_assert_eq(n_withdrawn(x), 0);
	fx_free(x);
}

Test(fleet_freeze, d32_a_loss_in_the_balancer_withdraws_nothing_while_blind)
{
	char text[1 << 14];
	struct fx *x = up(NULL, many(N, "ck"));

	round_of(x, 1, N, CODE_CONNECT_TIMEOUT);
	fleet_unlisted(x->fleet, fx_real(x, 4), x->now);
	cr_assert_eq(fx_srow(x, 4)->state, STATE_DOWN);
	cr_assert_eq(fx_prow(x, 4)->state, STATE_UP);
	cr_assert(fx_prow(x, 4)->flags & PREFIX_ROW_FROZEN);
	snprintf(text, sizeof(text), "%s vs 4/81 g1; rs 4; ck", many(N, "ck"));
	fx_load(x, text);
	cr_assert_eq(fx_prow(x, 4)->state, STATE_UP, "a reload does not let it go");
	x->now += FX_S;
	round_of(x, 1, N, CODE_OK);
	cr_assert_eq(fx_prow(x, 4)->state, STATE_DOWN);
	cr_assert(!(fx_prow(x, 4)->flags & PREFIX_ROW_FROZEN));
	fx_free(x);
}

/* A start behind a broken uplink: the balancer still has everything enabled. */
Test(fleet_freeze, d31_kept_reals_carry_traffic_too)
{
	struct fx *x = fx_new(NULL, many(N, "ck f2"));

	for (uint32_t r = 1; r <= N; r++)
		fleet_listed(x->fleet, fx_real(x, r), true, 10, x->now);
	fleet_first_find(x->fleet, x->now);
	for (int i = 0; i < 5; i++) {
		x->now += FX_S;
		round_of(x, 1, N, CODE_CONNECT_TIMEOUT);
	}
	cr_assert(fleet_is_blind(x->fleet));
	cr_assert_eq(n_disabled(x), 0);
	cr_assert_eq(n_withdrawn(x), 0);
	cr_assert_eq(fx_srow(x, 1)->state, STATE_UNDECIDED);
	fx_expect_wish(x, 1, FLEET_NOTHING, 0);
	fx_free(x);
}

Test(fleet_freeze, d31_reals_out_of_service_do_not_count)
{
	struct fx *x = up(NULL, many(N, "ck i10000"));

	round_of(x, 1, 12, CODE_CONNECT_TIMEOUT);
	fx_deliver(x);
	for (int i = 0; i < 20; i++) {
		x->now += 10 * FX_S;
		round_of(x, 1, 12, CODE_CONNECT_TIMEOUT);
		round_of(x, 13, N, CODE_OK);
	}
	/* 13 carry traffic: too few to judge by, so 11 of them going is believed */
	round_of(x, 13, 23, CODE_CONNECT_TIMEOUT);
	cr_assert(!fleet_is_blind(x->fleet));
	cr_assert_eq(n_disabled(x), 23);
	fx_free(x);
}

Test(fleet_freeze, d31_hosts_that_the_file_dropped_do_not_count)
{
	struct fx *x = up(NULL, many(N, "ck"));

	round_of(x, 11, N, CODE_CONNECT_TIMEOUT);
	round_of(x, 1, 10, CODE_OK);
	fx_load(x, many(10, "ck"));
	round_of(x, 1, 5, CODE_CONNECT_TIMEOUT);
	cr_assert(!fleet_is_blind(x->fleet));
	fx_free(x);
}

Test(fleet_freeze, d31_what_was_just_removed_is_judged_by_its_newest_result)
{
	struct fx *x = up(NULL, many(N, "ck r2"));

	round_of(x, 1, 15, CODE_CONNECT_TIMEOUT);
	round_of(x, 16, N, CODE_OK);
	round_of(x, 1, 15, CODE_OK);
	cr_assert_eq(n_disabled(x), 15, "one good of two");
	round_of(x, 16, 20, CODE_CONNECT_TIMEOUT);
	cr_assert(!fleet_is_blind(x->fleet));
	fx_free(x);
}

Test(fleet_freeze, d31_several_reals_of_one_host_count_once)
{
	char text[4096];
	size_t at = 0;
	struct fx *x;

	for (uint32_t i = 1; i <= 40; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "vs %u; rs %u; ck;", i,
				       i % 4 + 1);
	x = up(NULL, text);
	for (uint32_t c = 0; c < x->gen->end_checks; c++)
		fx_result(x, c, CODE_CONNECT_TIMEOUT);
	cr_assert(!fleet_is_blind(x->fleet));
	fx_free(x);
}

Test(fleet_freeze, d32_unknown_is_no_part_of_the_window)
{
	struct fx *x = up(NULL, many(N, "ck f1"));

	round_of(x, 1, 15, CODE_CONNECT_TIMEOUT);
	round_of(x, 16, N, CODE_FD_LIMIT);
	cr_assert(!fleet_is_blind(x->fleet));
	fx_free(x);
}

Test(fleet_freeze, d30_no_announce_hold_after_blind)
{
	struct fleet_config config = fx_config();
	struct fx *x;

	config.announce_hold_ns = 3600 * FX_S;
	x = up(&config, many(N, "ck"));
	round_of(x, 1, 19, CODE_CONNECT_TIMEOUT);
	fx_announce(x);
	fx_deliver(x);
	fx_bad(x, 20);
	fx_deliver(x);
	cr_assert_eq(n_withdrawn(x), 0);
	fx_free(x);
}

/* A missing address is a fact of our own machine, and no result. */
Test(fleet_freeze, d33_blind_does_not_keep_a_prefix_without_its_address)
{
	struct fleet_config config = fx_config();
	struct fx *x;

	config.needs_address = true;
	x = fx_new(&config, many(N, "ck"));
	fx_find(x);
	for (uint32_t i = 1; i <= N; i++)
		fleet_address(x->fleet, fx_prefix(x, i), true, x->now);
	round_of(x, 1, N, CODE_OK);
	fx_deliver(x);
	fx_announce(x);
	x->now += FX_S;
	round_of(x, 1, N, CODE_CONNECT_TIMEOUT);
	fx_deliver(x);
	cr_assert(fleet_is_blind(x->fleet));
	cr_assert_eq(n_withdrawn(x), 0);
	fleet_address(x->fleet, fx_prefix(x, 1), false, x->now);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_DOWN);
	cr_assert_eq(n_withdrawn(x), 1, "and no other");
	fx_free(x);
}

Test(fleet_freeze, d32_frozen_weight_brings_no_service_up)
{
	char text[1 << 14];
	struct fx *x;

	snprintf(text, sizeof(text), "%s vs 100 q15 g1; rs 100 w10; ck; rs 101 w10; ck",
		 many(N, "ck"));
	x = fx_new(NULL, text);
	fx_find(x);
	round_of(x, 1, N, CODE_OK);
	fx_good(x, 100);
	fx_bad(x, 101);
	fx_deliver(x);
	fx_announce(x);
	cr_assert_eq(fx_srow(x, 100)->state, STATE_DOWN);
	x->now += FX_S;
	round_of(x, 1, N, CODE_CONNECT_TIMEOUT);
	fx_bad(x, 100);
	fx_good(x, 101);
	fx_deliver(x);
	cr_assert(fleet_is_blind(x->fleet));
	cr_assert_eq(fx_srow(x, 100)->weight, 20, "10 of it only by the freeze");
	cr_assert_eq(fx_prow(x, 100)->state, STATE_DOWN);
	fx_free(x);
}

/* --- panic --- */

static const char ten[] = "vs 1 g1 p50;"
			  "rs 1; ck; rs 2; ck; rs 3; ck; rs 4; ck; rs 5; ck;"
			  "rs 6; ck; rs 7; ck; rs 8; ck; rs 9; ck; rs 10; ck";

static uint32_t n_gone(struct fx *x, uint32_t n)
{
	uint32_t gone = 0;

	for (uint32_t r = 1; r <= n; r++)
		gone += fx_wish(x, r).want == FLEET_DISABLE;
	return gone;
}

Test(fleet_freeze, panic_holds_what_exceeds_the_threshold)
{
	struct fx *x = up(NULL, ten);

	round_of(x, 1, 10, CODE_REFUSED);
	cr_assert_eq(n_gone(x, 10), 5);
	cr_assert_eq(fx_srow(x, 1)->weight, 5);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP, "panic hold is above the quorum");
	cr_assert(fx_srow(x, 1)->flags & SERVICE_ROW_PANIC);
	cr_assert_eq(fx_count(x, 'a', true), 1);
	fx_free(x);
}

Test(fleet_freeze, panic_lets_one_go_for_each_that_returns)
{
	struct fx *x = up(NULL, ten);

	round_of(x, 1, 7, CODE_REFUSED);
	cr_assert_eq(n_gone(x, 10), 5);
	fx_good(x, 1);
	cr_assert_eq(n_gone(x, 10), 5, "6 went instead");
	fx_expect_wish(x, 6, FLEET_DISABLE, 0);
	fx_good(x, 7);
	fx_good(x, 2);
	cr_assert(!(fx_srow(x, 1)->flags & SERVICE_ROW_PANIC));
	cr_assert_eq(fx_count(x, 'a', false), 1);
	cr_assert_eq(n_gone(x, 10), 4);
	fx_free(x);
}

Test(fleet_freeze, panic_is_released_by_the_operator)
{
	struct fx *x = up(NULL, ten);

	round_of(x, 1, 10, CODE_REFUSED);
	fleet_release_panic(x->fleet, x->now);
	cr_assert_eq(n_gone(x, 10), 10);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_DOWN);
	cr_assert(!(fx_srow(x, 1)->flags & SERVICE_ROW_PANIC));
	fx_free(x);
}

Test(fleet_freeze, release_of_panic_does_not_end_blind)
{
	struct fx *x = up(NULL, many(N, "ck"));

	round_of(x, 1, N, CODE_CONNECT_TIMEOUT);
	fleet_release_panic(x->fleet, x->now);
	cr_assert_eq(n_disabled(x), 0);
	fx_free(x);
}

Test(fleet_freeze, panic_follows_a_reload_of_its_threshold)
{
	struct fx *x = up(NULL, "vs 1 p50; rs 1; ck; rs 2; ck");

	round_of(x, 1, 2, CODE_REFUSED);
	cr_assert_eq(n_gone(x, 2), 1);
	fx_load(x, "vs 1; rs 1; ck; rs 2; ck");
	cr_assert_eq(n_gone(x, 2), 2);
	fx_free(x);
}

Test(fleet_freeze, inhibited_reals_count_as_gone_for_panic)
{
	struct fx *x = up(NULL, "vs 1 p50; rs 1 inh; ck; rs 2 inh; ck");

	round_of(x, 1, 2, CODE_REFUSED);
	fx_expect_wish(x, 1, FLEET_ENABLE, 0);
	fx_expect_wish(x, 2, FLEET_ENABLE, 1);
	fx_free(x);
}

Test(fleet_freeze, max_remove_limits_the_daemon)
{
	struct fleet_config config = fx_config();
	struct fx *x;

	config.max_remove = 3;
	config.blind.max_hold_ns = 0;
	x = up(&config, many(N, "ck"));
	round_of(x, 1, 10, CODE_REFUSED);
	cr_assert_eq(n_disabled(x), 3);
	cr_assert_eq(n_withdrawn(x), 3);
	fx_good(x, 2);
	cr_assert_eq(n_disabled(x), 3, "the next one goes");
	fx_expect_wish(x, 4, FLEET_DISABLE, 0);
	fleet_release_panic(x->fleet, x->now);
	cr_assert_eq(n_disabled(x), 9);
	fx_good(x, 1);
	fx_bad(x, 11);
	cr_assert_eq(n_disabled(x), 8, "8 are out: no room yet");
	fx_free(x);
}

Test(fleet_freeze, max_remove_ignores_what_never_served)
{
	struct fleet_config config = fx_config();
	struct fx *x;

	config.max_remove = 1;
	x = fx_new(&config, many(5, "ck"));
	fx_find(x);
	round_of(x, 1, 5, CODE_REFUSED);
	cr_assert_eq(n_gone(x, 5), 5);
	fx_free(x);
}

Test(fleet_freeze, the_end_of_blind_leaves_panic_in_force)
{
	struct fx *x;
	char text[1 << 14];
	size_t at = (size_t)snprintf(text, sizeof(text), "vs 1 g1 p50;");

	for (uint32_t r = 1; r <= N; r++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "rs %u; ck;", r);
	x = up(NULL, text);
	round_of(x, 1, N, CODE_CONNECT_TIMEOUT);
	cr_assert_eq(n_gone(x, N), 0);
	x->now += 60 * FX_S;
	fleet_tick(x->fleet, x->now);
	cr_assert(!fleet_is_blind(x->fleet));
	cr_assert_eq(n_gone(x, N), N / 2);
	cr_assert(fx_srow(x, 1)->flags & SERVICE_ROW_PANIC);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	fx_free(x);
}
