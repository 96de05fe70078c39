/* One life after another (decisions 44): what was, is; nothing flaps. */
#include "agg/snapshot_restore.h"

#include "two_lives.h"

static const char fleet_text[] = "vs 1/80 q5 g1; rs 1 w5; ck f2; rs 2 w5; ck f2;"
				 "vs 2 g1; rs 3; ck; rs 4; ck t1; ck t2";

static struct fx *mixed(void)
{
	struct fx *x = fx_new(NULL, fleet_text);

	fx_all_up(x);
	fx_bad(x, 2);
	fx_bad(x, 2);
	fx_bad(x, 3);
	fx_code(x, 4, 1, CODE_REFUSED);
	fx_deliver(x);
	fx_announce(x);
	return x;
}

Test(snapshot_restore, d44_a_restart_changes_nothing)
{
	struct fx *x = lives_next(mixed(), fleet_text);

	lives_expect_quiet(x);
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_UP);
	cr_assert_eq(fx_rrow(x, 2)->state, STATE_DOWN);
	cr_assert_eq(fx_rrow(x, 3)->state, STATE_DOWN);
	cr_assert_eq(fx_cstate(x, 4, 0), STATE_UP);
	cr_assert_eq(fx_cstate(x, 4, 1), STATE_DOWN);
	cr_assert_eq(fx_srow(x, 1)->state, STATE_UP);
	cr_assert_eq(fx_srow(x, 1)->weight, 5);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	cr_assert_eq(fx_srow(x, 2)->state, STATE_DOWN);
	cr_assert_eq(fx_prow(x, 2)->state, STATE_DOWN);
	fx_expect_wish(x, 1, FLEET_ENABLE, 5);
	fx_expect_wish(x, 2, FLEET_DISABLE, 0);
	cr_assert_eq(fleet_take_dirty_prefix(x->fleet), MIN(fx_prefix(x, 1), fx_prefix(x, 2)),
		     "announced without waiting");
	fx_free(x);
}

/* The balancer kept what it had: one full state with equal values. */
Test(snapshot_restore, d44_the_balancer_agrees_and_hears_equal_values)
{
	struct fx *x = lives_next(mixed(), fleet_text);

	fleet_connection(x->fleet, true);
	fleet_listed(x->fleet, fx_real(x, 1), true, 5, x->now);
	fleet_listed(x->fleet, fx_real(x, 2), false, 0, x->now);
	fleet_listed(x->fleet, fx_real(x, 3), false, 0, x->now);
	fleet_listed(x->fleet, fx_real(x, 4), false, 0, x->now);
	fleet_first_find(x->fleet, x->now);
	lives_expect_quiet(x);
	fx_expect_wish(x, 1, FLEET_ENABLE, 5);
	fx_expect_wish(x, 2, FLEET_DISABLE, 0);
	fx_deliver(x);
	lives_expect_quiet(x);
	fx_free(x);
}

Test(snapshot_restore, d44_a_real_that_was_down_waits_for_its_own_good_results)
{
	struct fx *x = lives_next(mixed(), fleet_text);

	fx_code(x, 4, 0, CODE_OK);
	cr_assert_eq(fx_rrow(x, 4)->state, STATE_DOWN, "not that check");
	fx_expect_wish(x, 4, FLEET_DISABLE, 0);
	fx_code(x, 4, 1, CODE_OK);
	fx_expect_wish(x, 4, FLEET_ENABLE, 1);
	fx_free(x);
}

Test(snapshot_restore, d44_an_old_file_leaves_overrides_and_weights_alone)
{
	static const char text[] = "vs 1 g1; rs 1 w50; ck dyn; rs 2; ck; rs 3; ck drain";
	struct fx *x = fx_new(NULL, text);
	struct snapshot_restored n;
	struct snapshot_bytes *b;

	fx_all_up(x);
	fx_weight(x, 1, 0, 7);
	fx_drain(x, 3, 0);
	fleet_override(x->fleet, fx_real(x, 2), real_override_make(OVERRIDE_DRAIN, 0), x->now);
	fx_deliver(x);
	b = lives_file(x);
	fx_free(x);
	x = lives_begin(NULL, text, b, false, &n);
	cr_assert_eq(n.n_reals, 3);
	cr_assert_eq(n.n_up + n.n_down, 0);
	cr_assert_eq(n.n_overrides, 1);
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_UNDECIDED);
	fx_expect_wish(x, 1, FLEET_NOTHING, 0);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UNDECIDED);
	fx_good(x, 1);
	fx_good(x, 2);
	fx_expect_wish(x, 1, FLEET_ENABLE, 7);
	fx_expect_wish(x, 2, FLEET_ENABLE, 0);
	fx_free(x);
}

Test(snapshot_restore, a_drained_real_stays_drained)
{
	static const char text[] = "vs 1 g1; rs 1 w10; ck drain; rs 2 w10; ck";
	struct fx *x = fx_new(NULL, text);

	fx_all_up(x);
	fx_drain(x, 1, 0);
	fx_deliver(x);
	x = lives_next(x, text);
	lives_expect_quiet(x);
	fx_expect_wish(x, 1, FLEET_ENABLE, 0);
	cr_assert_eq(fx_rrow(x, 1)->reason, REAL_REASON_DRAINED);
	/* the answer may say so no more, if the file does not ask */
	x = lives_next(x, "vs 1 g1; rs 1 w10; ck; rs 2 w10; ck");
	fx_expect_wish(x, 1, FLEET_ENABLE, 10);
	fx_free(x);
}

Test(snapshot_restore, d44_objects_that_are_gone_are_dropped)
{
	struct fx *x = mixed();
	struct snapshot_bytes *b = lives_file(x);
	struct snapshot_restored n;

	fx_free(x);
	x = lives_begin(NULL, "vs 1/80 q5 g1; rs 1 w5; ck f2; rs 9; ck; vs 7; rs 2; ck", b, true,
			&n);
	cr_assert_eq(n.n_reals, 1);
	cr_assert_eq(n.n_gone, 6, "one real, a service with two and a check, a prefix");
	cr_assert_eq(fx_rrow(x, 1)->state, STATE_UP);
	cr_assert_eq(fx_rrow(x, 9)->state, STATE_UNDECIDED);
	cr_assert_eq(fx_rrow(x, 2)->state, STATE_UNDECIDED, "of another service");
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	lives_expect_quiet(x);
	fx_free(x);
}

Test(snapshot_restore, d27_a_member_that_never_served_is_still_not_joined)
{
	static const char one[] = "vs 1/80 g1; rs 1; ck";
	static const char two[] = "vs 1/80 g1; rs 1; ck; vs 1/81 g1; rs 2; ck";
	struct fx *x = fx_new(NULL, one);

	fx_all_up(x);
	fx_load(x, two);
	cr_assert_eq(fx_prow(x, 1)->n_joined, 1);
	x = lives_next(x, two);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	cr_assert_eq(fx_prow(x, 1)->n_joined, 1);
	cr_assert_eq(fx_prow(x, 1)->n_members, 2);
	fx_bad(x, 2);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	fx_free(x);
}

Test(snapshot_restore, a_real_that_the_operator_forced_up_carries_its_service)
{
	static const char text[] = "vs 1 q5 g1; rs 1 w5; ck; rs 2 w5; ck";
	struct fx *x = fx_new(NULL, text);

	fx_all_up(x);
	fleet_override(x->fleet, fx_real(x, 1), real_override_make(OVERRIDE_UP, 0), x->now);
	fx_bad(x, 1);
	fx_bad(x, 2);
	fx_deliver(x);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	x = lives_next(x, text);
	lives_expect_quiet(x);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	fx_expect_wish(x, 1, FLEET_ENABLE, 5);
	fx_expect_wish(x, 2, FLEET_DISABLE, 0);
	fx_free(x);
}

/* A crash in the middle of blindness: the removals that it held must not happen by the restart. */
Test(snapshot_restore, d44_what_blind_holds_stays)
{
	char text[4096];
	struct fx *x;
	size_t at = 0;

	for (uint32_t i = 1; i <= 25; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "vs %u g1; rs %u w5; ck f2;",
				       i, i);
	x = fx_new(NULL, text);
	fx_all_up(x);
	for (int round = 0; round < 4; round++) {
		x->now += FX_S;
		for (uint32_t r = 1; r <= 25; r++)
			fx_bad(x, r);
	}
	cr_assert(fleet_is_blind(x->fleet));
	cr_assert_eq(fx_rrow(x, 25)->state, STATE_DOWN);
	fx_deliver(x);
	x = lives_next(x, text);
	lives_expect_quiet(x);
	for (uint32_t i = 1; i <= 25; i++) {
		fx_expect_wish(x, i, FLEET_ENABLE, 5);
		cr_assert_eq(fx_prow(x, i)->state, STATE_UP);
	}
	fx_free(x);
}

Test(snapshot_restore, later_records_win)
{
	struct fx *x = fx_new(NULL, fleet_text);
	struct snapshot_bytes *b = snapshot_bytes_new();
	struct snapshot_restored n;
	struct snapshot_take *t;

	fx_all_up(x);
	cr_assert_eq(snapshot_take_new(&x->tables, &t), 0);
	lives_take(t, x, b);
	fx_code(x, 4, 1, CODE_REFUSED);
	fx_deliver(x);
	lives_take(t, x, b);
	fx_code(x, 4, 1, CODE_OK);
	fx_deliver(x);
	lives_take(t, x, b);
	snapshot_take_free(t);
	fx_free(x);
	x = lives_begin(NULL, fleet_text, b, true, &n);
	cr_assert_eq(n.n_reals, 4);
	cr_assert_eq(n.n_up, 4);
	cr_assert_eq(fx_cstate(x, 4, 1), STATE_UP);
	fx_expect_wish(x, 4, FLEET_ENABLE, 1);
	fx_free(x);
}

Test(snapshot_restore, sums_and_tallies_are_those_of_a_life_that_went_on)
{
	struct fx *was = mixed(), *x;
	struct snapshot_restored n;
	struct summary a = {0}, b = {0};

	x = lives_begin(NULL, fleet_text, lives_file(was), true, &n);
	fleet_fill_summary(was->fleet, &a);
	fleet_fill_summary(x->fleet, &b);
	cr_assert_eq(a.reals_up, b.reals_up);
	cr_assert_eq(a.reals_down, b.reals_down);
	cr_assert_eq(a.reals_enabled, b.reals_enabled);
	cr_assert_eq(a.checks_up, b.checks_up);
	cr_assert_eq(a.checks_down, b.checks_down);
	cr_assert_eq(a.services_up, b.services_up);
	cr_assert_eq(a.prefixes_announced, b.prefixes_announced);
	cr_assert_eq(a.prefixes_withdrawn, b.prefixes_withdrawn);
	fx_free(was);
	fx_free(x);
}
