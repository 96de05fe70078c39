/* One result at a time: check rows, the missing route, alarms, the summary. */
#include "quorum_fixture.h"

static const char one[] = "vs 1 g1; rs 1 w10; ck f3 r2";

Test(fleet, good_results_bring_a_prefix_up)
{
	struct fx *x = fx_new(NULL, "vs 1 g1; rs 1 w10; ck; rs 2 w10; ck");

	cr_assert_eq(fx_srow(x, 1)->state, STATE_UNDECIDED);
	fx_all_up(x);
	cr_assert_eq(fx_srow(x, 1)->state, STATE_UP);
	cr_assert_eq(fx_srow(x, 1)->weight, 20);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	fx_free(x);
}

Test(fleet, row_holds_the_newest_result_and_history)
{
	struct fx *x = fx_new(NULL, one);
	uint32_t c = fx_check(x, 1, 0);
	const struct history_row *h = state_history(&x->tables, c);
	struct result r = fx_make(x, c, CODE_HTTP_STATUS);

	r.detail = 503;
	r.total_us = 1800;
	fleet_result(x->fleet, &r, x->now);
	for (int i = 0; i < 16; i++)
		fx_good(x, 1);
	fleet_result(x->fleet, &r, x->now);
	cr_assert_eq(fx_crow(x, 1, 0)->last_code, CODE_HTTP_STATUS);
	cr_assert_eq(fx_crow(x, 1, 0)->last_detail, 503);
	cr_assert_eq(fx_crow(x, 1, 0)->last_total_us, 1800);
	cr_assert_eq(fx_crow(x, 1, 0)->last_end_10ms, x->now / 10000000);
	cr_assert_eq(fx_crow(x, 1, 0)->failures, 2);
	cr_assert_eq(fx_crow(x, 1, 0)->history_at, 2);
	cr_assert_eq(h->at[1].code, CODE_HTTP_STATUS);
	cr_assert_eq(h->at[0].code, CODE_OK, "the first one was overwritten");
	fx_free(x);
}

Test(fleet, b15_stale_results_are_counted_and_dropped)
{
	struct fx *x = fx_new(NULL, one);
	struct result r = fx_make(x, fx_check(x, 1, 0), CODE_OK);

	r.sequence++;
	fleet_result(x->fleet, &r, x->now);
	r.sequence--;
	r.check = 4711;
	fleet_result(x->fleet, &r, x->now);
	cr_assert_eq(counter_get(x->counters, CTR_RESULTS_STALE), 2);
	cr_assert_eq(fx_crow(x, 1, 0)->last_end_10ms, 0);
	fx_free(x);
}

Test(fleet, b15_result_of_a_removed_check_is_stale)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1; ck; ck t7");
	struct result r = fx_make(x, fx_check(x, 1, 0), CODE_REFUSED);

	fx_all_up(x);
	fx_adopt(x, "vs 1; rs 1; ck t7");
	fleet_result(x->fleet, &r, x->now);
	fx_retire(x);
	fleet_result(x->fleet, &r, x->now);
	cr_assert_eq(counter_get(x->counters, CTR_RESULTS_STALE), 2);
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_UP);
	fx_free(x);
}

Test(fleet, a_result_that_changes_nothing_touches_nothing_above_its_check)
{
	struct fx *x = fx_new(NULL, one);
	uint32_t seq;

	fx_all_up(x);
	seq = fx_rrow(x, 1)->seq + fx_srow(x, 1)->seq + fx_prow(x, 1)->seq;
	fx_good(x, 1);
	fx_bad(x, 1);
	fx_code(x, 1, 0, CODE_FD_LIMIT);
	cr_assert_eq(fx_rrow(x, 1)->seq + fx_srow(x, 1)->seq + fx_prow(x, 1)->seq, seq);
	cr_assert_eq(fleet_take_dirty_real(x->fleet), SLOT_NONE);
	fx_free(x);
}

Test(fleet, d12_fall_counts_over_grid_points_and_unknown_does_not_break_it)
{
	struct fx *x = fx_new(NULL, one);

	fx_all_up(x);
	fx_bad(x, 1);
	fx_code(x, 1, 0, CODE_LATE);
	fx_bad(x, 1);
	fx_code(x, 1, 0, CODE_STALLED);
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_UP);
	fx_bad(x, 1);
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_DOWN);
	fx_free(x);
}

Test(fleet, a2_isolated_failures_do_not_add_up)
{
	struct fx *x = fx_new(NULL, one);

	fx_all_up(x);
	for (int i = 0; i < 100; i++) {
		fx_bad(x, 1);
		fx_bad(x, 1);
		fx_good(x, 1);
	}
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_UP);
	cr_assert_eq(fx_rrow(x, 1)->transitions, 1);
	fx_free(x);
}

/* --- decisions 14 --- */

static const char three[] = "vs 1; rs 1; ck f2; rs 2; ck f2; rs 3 v6; ck f2";

Test(fleet, d14_all_routes_gone_takes_nobody_down)
{
	struct fx *x = fx_new(NULL, three);

	fx_all_up(x);
	for (int i = 0; i < 50; i++) {
		x->now += FX_S;
		for (uint32_t r = 1; r <= 3; r++)
			fx_code(x, r, 0, CODE_NO_ROUTE);
	}
	for (uint32_t r = 1; r <= 3; r++)
		cr_assert_eq(fx_rrow(x, r)->state, STATE_UP);
	cr_assert_eq(counter_get(x->counters, CTR_RESULTS_UNKNOWN), 150);
	fx_free(x);
}

Test(fleet, d14_bad_once_another_host_answered_later)
{
	struct fx *x = fx_new(NULL, three);

	fx_all_up(x);
	x->now += FX_S;
	fx_code(x, 1, 0, CODE_NO_ROUTE);
	x->now += FX_S;
	fx_code(x, 1, 0, CODE_NO_ROUTE);
	cr_assert_eq(fx_crow(x, 1, 0)->bad_run, 0);
	fx_good(x, 2);
	fx_code(x, 1, 0, CODE_NO_ROUTE);
	cr_assert_eq(fx_crow(x, 1, 0)->bad_run, 1);
	cr_assert_eq(fx_crow(x, 1, 0)->unknown_run, 0);
	fx_code(x, 1, 0, CODE_NO_ROUTE);
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_DOWN);
	fx_free(x);
}

Test(fleet, d14_a_refusal_is_an_answer_too)
{
	struct fx *x = fx_new(NULL, three);

	fx_all_up(x);
	x->now += FX_S;
	fx_code(x, 1, 0, CODE_NO_ROUTE);
	x->now += FX_S;
	fx_code(x, 2, 0, CODE_CONNECT_TIMEOUT);
	fx_code(x, 1, 0, CODE_NO_ROUTE);
	cr_assert_eq(fx_crow(x, 1, 0)->bad_run, 0, "silence is none");
	fx_code(x, 2, 0, CODE_REFUSED);
	fx_code(x, 1, 0, CODE_NO_ROUTE);
	cr_assert_eq(fx_crow(x, 1, 0)->bad_run, 1);
	fx_free(x);
}

Test(fleet, d14_other_family_same_host_and_earlier_starts_prove_nothing)
{
	struct fx *x =
		fx_new(NULL, "vs 1; rs 1; ck f2; rs 2; ck f2; rs 3 v6; ck f2; vs 2; rs 1; ck f2");
	uint32_t same_host = x->gen->reals[x->gen->real_order[3]].first_check;
	struct result early;

	fx_all_up(x);
	early = fx_make(x, fx_check(x, 2, 0), CODE_OK);
	x->now += FX_S;
	fx_code(x, 1, 0, CODE_NO_ROUTE);
	x->now += FX_S;
	fx_good(x, 3);
	fx_result(x, same_host, CODE_OK);
	fleet_result(x->fleet, &early, x->now);
	fx_code(x, 1, 0, CODE_NO_ROUTE);
	cr_assert_eq(fx_crow(x, 1, 0)->bad_run, 0);
	fx_free(x);
}

Test(fleet, d14_a_run_goes_on_over_unknown_and_ends_with_a_known_result)
{
	struct fx *x = fx_new(NULL, three);

	fx_all_up(x);
	x->now += FX_S;
	fx_code(x, 1, 0, CODE_NO_ROUTE);
	x->now += FX_S;
	fx_good(x, 2);
	fx_code(x, 1, 0, CODE_LATE);
	fx_code(x, 1, 0, CODE_NO_ROUTE);
	cr_assert_eq(fx_crow(x, 1, 0)->bad_run, 1);
	x->now += FX_S;
	fx_good(x, 1);
	x->now += FX_S;
	fx_code(x, 1, 0, CODE_NO_ROUTE);
	cr_assert_eq(fx_crow(x, 1, 0)->bad_run, 0, "a new run needs a new proof");
	fx_free(x);
}

/* --- decisions 16 --- */

Test(fleet, d16_alarm_after_unknown_max_in_a_row)
{
	struct fx *x = fx_new(NULL, one);

	fx_all_up(x);
	for (int i = 0; i < 4; i++)
		fx_code(x, 1, 0, CODE_FD_LIMIT);
	cr_assert_eq(fx_count(x, 'u', -1), 0);
	for (int i = 0; i < 400; i++)
		fx_code(x, 1, 0, CODE_FD_LIMIT);
	cr_assert_eq(fx_count(x, 'u', true), 1);
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_UP);
	fx_good(x, 1);
	cr_assert_eq(fx_count(x, 'u', false), 1);
	for (int i = 0; i < 5; i++)
		fx_code(x, 1, 0, CODE_FD_LIMIT);
	cr_assert_eq(fx_count(x, 'u', true), 2);
	fx_free(x);
}

Test(fleet, d16_counts_reals_whose_state_is_old)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1; ck; rs 2; ck; ck t1; rs 3");

	fx_all_up(x);
	cr_assert_eq(fleet_n_stale(x->fleet, x->now), 0);
	for (int i = 0; i < 3; i++)
		fx_code(x, 2, 1, CODE_TUNNEL);
	cr_assert_eq(fleet_n_stale(x->fleet, x->now), 1);
	x->now += 4 * FX_S;
	cr_assert_eq(fleet_n_stale(x->fleet, x->now), 2, "a static real is never old");
	fx_free(x);
}

/* --- dynamic weight --- */

Test(fleet, d23_minimum_of_the_dynamic_checks)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1 w50; ck dyn t1; ck dyn t2; ck t3");

	fx_all_up(x);
	fx_expect_wish(x, 1, FLEET_ENABLE, 50);
	fx_weight(x, 1, 0, 30);
	fx_expect_wish(x, 1, FLEET_ENABLE, 30);
	fx_weight(x, 1, 1, 40);
	fx_expect_wish(x, 1, FLEET_ENABLE, 30);
	fx_weight(x, 1, 0, 45);
	fx_expect_wish(x, 1, FLEET_ENABLE, 40);
	fx_weight(x, 1, 2, 1);
	fx_expect_wish(x, 1, FLEET_ENABLE, 40);
	fx_free(x);
}

Test(fleet, d23_a_first_weight_of_0_counts)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1 w50; ck dyn");

	fx_all_up(x);
	fx_weight(x, 1, 0, 0);
	fx_expect_wish(x, 1, FLEET_ENABLE, 0);
	cr_assert_eq(fx_srow(x, 1)->state, STATE_DOWN);
	fx_free(x);
}

Test(fleet, a19_a_weight_that_was_not_given_changes_nothing)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1 w50; ck dyn");

	fx_all_up(x);
	fx_weight(x, 1, 0, 20);
	fx_weight(x, 1, 0, -1);
	fx_weight(x, 1, 0, INT32_MIN);
	fx_expect_wish(x, 1, FLEET_ENABLE, 20);
	fx_free(x);
}

Test(fleet, d23_weight_moves_by_the_coefficient)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1 w50; ck dyn x40");

	fx_all_up(x);
	fx_weight(x, 1, 0, 10);
	fx_weight(x, 1, 0, 20);
	fx_expect_wish(x, 1, FLEET_ENABLE, 14);
	fx_free(x);
}

/* --- summary --- */

Test(fleet, a27_first_transition_observes_nothing)
{
	struct fx *x = fx_new(NULL, one);
	struct summary s = {0};

	fx_all_up(x);
	fleet_fill_summary(x->fleet, &s);
	cr_assert_eq(s.transition_count, 0);
	x->now += 25 * FX_S;
	for (int i = 0; i < 3; i++)
		fx_bad(x, 1);
	fleet_fill_summary(x->fleet, &s);
	cr_assert_eq(s.transition_count, 1);
	cr_assert_eq(s.transition_buckets[1], 1);
	cr_assert_eq(s.transition_sum_s, 25);
	cr_assert_eq(x->held_s, 25);
	fx_free(x);
}

Test(fleet, a27_removed_services_are_counted_no_more)
{
	struct fx *x = fx_new(NULL, "vs 1 g1; rs 1; ck; vs 2 g1; rs 2; ck; rs 3");
	struct summary s = {0};

	fx_all_up(x);
	fx_load(x, "vs 1 g1; rs 1; ck");
	fleet_fill_summary(x->fleet, &s);
	cr_assert_eq(s.reals_up, 1);
	cr_assert_eq(s.reals_enabled, 1);
	cr_assert_eq(s.checks_up, 1);
	cr_assert_eq(s.services_up, 1);
	cr_assert_eq(s.prefixes_announced, 1);
	cr_assert_eq(s.generation, x->gen->number);
	fx_load(x, "");
	fleet_fill_summary(x->fleet, &s);
	cr_assert_eq(s.reals_up + s.reals_down + s.reals_undecided + s.reals_enabled, 0);
	cr_assert_eq(s.checks_up + s.checks_down + s.checks_undecided, 0);
	cr_assert_eq(s.services_up + s.services_down + s.services_undecided, 0);
	cr_assert_eq(s.prefixes_announced + s.prefixes_withdrawn + s.prefixes_undecided, 0);
	fx_free(x);
}

Test(fleet, warm_when_every_real_and_prefix_has_a_verdict)
{
	struct fx *x = fx_new(NULL, "vs 1 g1; rs 1; ck; rs 2; ck");
	struct summary s = {0};

	fleet_fill_summary(x->fleet, &s);
	cr_assert(!s.is_warm);
	fx_find(x);
	fx_good(x, 1);
	fx_good(x, 2);
	fleet_fill_summary(x->fleet, &s);
	cr_assert(!s.is_warm);
	fx_deliver(x);
	fleet_fill_summary(x->fleet, &s);
	cr_assert(s.is_warm);
	fx_free(x);
}

Test(fleet, hooks_may_be_missing)
{
	struct fx *x = fx_new(NULL, one);
	struct fleet *f = fleet_new(&x->config, &x->tables, NULL, x->counters);

	cr_assert(f);
	cr_assert_eq(fleet_next_ns(f), UINT64_MAX);
	fleet_tick(f, x->now);
	fleet_override(f, 0, OVERRIDE_UP, x->now);
	fleet_first_find(f, x->now);
	cr_assert_eq(fleet_take_dirty_real(f), SLOT_NONE);
	fleet_free(f);
	fleet_free(NULL);
	fx_free(x);
}
