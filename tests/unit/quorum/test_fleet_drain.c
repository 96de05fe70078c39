/* drain_status: an answer that is good and asks for no traffic. The real stays enabled with weight
 * 0, as by the operator's drain (decisions 24), until a good answer that does not ask so. */
#include "quorum_fixture.h"

static uint16_t check_weight(struct fx *x, uint32_t r, unsigned nth)
{
	return check_word_weight(fx_crow(x, r, nth)->word);
}

Test(fleet_drain, a_drained_real_is_enabled_with_weight_0_and_adds_none)
{
	struct fx *x = fx_new(NULL, "vs 1 q10; rs 1 w10; ck drain; rs 2 w10; ck drain");

	fx_all_up(x);
	cr_assert_eq(fx_srow(x, 1)->weight, 20);
	fx_drain(x, 1, 0);
	cr_expect_eq(fx_rrow(x, 1)->state, STATE_UP);
	cr_expect_eq(fx_rrow(x, 1)->reason, REAL_REASON_DRAINED);
	cr_expect_str_eq(real_reason_text(REAL_REASON_DRAINED), "drained_by_answer");
	fx_expect_wish(x, 1, FLEET_ENABLE, 0);
	cr_expect_eq(fx_srow(x, 1)->weight, 10, "at once, not when it is acknowledged");
	cr_expect_eq(fx_srow(x, 1)->alive_count, 2);
	cr_expect_eq(fx_srow(x, 1)->state, STATE_UP);
	cr_expect_eq(fx_count(x, 'd', true), 1);
	fx_deliver(x);
	fx_drain(x, 1, 0);
	cr_expect_eq(fx_deliver(x), 0, "nothing new");
	cr_expect_eq(fx_count(x, 'd', true), 1);
	fx_good(x, 1);
	cr_expect_eq(fx_rrow(x, 1)->reason, REAL_REASON_CHECKS_UP);
	fx_expect_wish(x, 1, FLEET_ENABLE, 10);
	cr_expect_eq(fx_count(x, 'd', false), 1);
	fx_deliver(x);
	cr_expect_eq(fx_srow(x, 1)->weight, 20);
	cr_expect_eq(fx_rrow(x, 1)->transitions, 1, "a drain is no transition");
	fx_free(x);
}

Test(fleet_drain, the_quorum_falls_when_too_many_are_drained)
{
	struct fx *x = fx_new(NULL, "vs 1 q2 g1; rs 1; ck drain; rs 2; ck drain; rs 3; ck drain");

	fx_all_up(x);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	fx_drain(x, 1, 0);
	cr_expect_eq(fx_srow(x, 1)->state, STATE_UP);
	fx_drain(x, 2, 0);
	cr_expect_eq(fx_srow(x, 1)->state, STATE_DOWN);
	cr_expect_eq(fx_prow(x, 1)->state, STATE_DOWN);
	fx_deliver(x);
	fx_good(x, 2);
	fx_deliver(x);
	cr_expect_eq(fx_srow(x, 1)->state, STATE_UP);
	fx_free(x);
}

Test(fleet_drain, a_drained_real_that_comes_up_is_enabled_with_weight_0)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1 w10; ck drain r2; rs 2 w1; ck");

	fx_find(x);
	fleet_connection(x->fleet, true);
	fx_bad(x, 1);
	fx_expect_wish(x, 1, FLEET_DISABLE, 0);
	fx_drain(x, 1, 0);
	fx_expect_wish(x, 1, FLEET_DISABLE, 0);
	fx_drain(x, 1, 0);
	fx_expect_wish(x, 1, FLEET_ENABLE, 0);
	cr_expect_eq(fx_rrow(x, 1)->reason, REAL_REASON_DRAINED);
	fx_deliver(x);
	cr_expect_eq(fx_srow(x, 1)->weight, 0);
	fx_free(x);
}

/* "Until a normal good answer": what is bad or unknown meanwhile ends no drain. */
Test(fleet_drain, only_a_good_answer_ends_it)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1 w10; ck drain f3");

	fx_all_up(x);
	fx_drain(x, 1, 0);
	fx_code(x, 1, 0, CODE_FD_LIMIT);
	fx_bad(x, 1);
	fx_expect_wish(x, 1, FLEET_ENABLE, 0);
	fx_bad(x, 1);
	fx_bad(x, 1);
	fx_expect_wish(x, 1, FLEET_DISABLE, 0);
	cr_expect_eq(fx_rrow(x, 1)->reason, REAL_REASON_CHECK_DOWN);
	fx_good(x, 1);
	fx_expect_wish(x, 1, FLEET_ENABLE, 10);
	fx_free(x);
}

Test(fleet_drain, the_smoothed_weight_is_as_it_was)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1 w5; ck dyn drain x10");
	struct result r;

	fx_all_up(x);
	fx_weight(x, 1, 0, 50);
	fx_deliver(x);
	fx_drain(x, 1, 0);
	fx_expect_wish(x, 1, FLEET_ENABLE, 0);
	cr_expect_eq(check_weight(x, 1, 0), 50);
	r = fx_make(x, fx_check(x, 1, 0), CODE_OK);
	r.flags = RESULT_DRAIN;
	r.weight = 3;
	fleet_result(x->fleet, &r, x->now);
	cr_expect_eq(check_weight(x, 1, 0), 50, "what a drain says of weights does not count");
	fx_good(x, 1);
	fx_expect_wish(x, 1, FLEET_ENABLE, 50);
	fx_weight(x, 1, 0, 90);
	fx_expect_wish(x, 1, FLEET_ENABLE, 55);
	fx_free(x);
}

Test(fleet_drain, one_of_several_checks_suffices)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1 w10; ck drain t1; ck drain t2; ck t3");

	fx_all_up(x);
	fx_drain(x, 1, 0);
	fx_drain(x, 1, 1);
	fx_expect_wish(x, 1, FLEET_ENABLE, 0);
	fx_code(x, 1, 0, CODE_OK);
	fx_code(x, 1, 2, CODE_OK);
	fx_expect_wish(x, 1, FLEET_ENABLE, 0);
	fx_code(x, 1, 1, CODE_OK);
	fx_expect_wish(x, 1, FLEET_ENABLE, 10);
	cr_expect_eq(fx_count(x, 'd', true), 1);
	cr_expect_eq(fx_count(x, 'd', false), 1);
	fx_free(x);
}

Test(fleet_drain, the_operators_weight_counts_his_percentage_does_not)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1 w10; ck drain");
	uint32_t real = fx_real(x, 1);

	fx_all_up(x);
	fx_drain(x, 1, 0);
	fleet_override(x->fleet, real, real_override_make(OVERRIDE_WEIGHT, 7), x->now);
	fx_expect_wish(x, 1, FLEET_ENABLE, 7);
	cr_expect_eq(fx_rrow(x, 1)->reason, REAL_REASON_CHECKS_UP);
	fleet_override(x->fleet, real, real_override_make(OVERRIDE_PERCENT, 50), x->now);
	fx_expect_wish(x, 1, FLEET_ENABLE, 0);
	fleet_override(x->fleet, real, OVERRIDE_UP, x->now);
	fx_expect_wish(x, 1, FLEET_ENABLE, 10);
	fleet_override(x->fleet, real, OVERRIDE_NONE, x->now);
	fx_expect_wish(x, 1, FLEET_ENABLE, 0);
	cr_expect_eq(fx_rrow(x, 1)->reason, REAL_REASON_DRAINED);
	fx_free(x);
}

Test(fleet_drain, a_reload_keeps_it_where_answers_can_still_say_so)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1 w10; ck drain; rs 2; ck");

	fx_all_up(x);
	fx_drain(x, 1, 0);
	fx_load(x, "vs 1; rs 1 w10; ck drain; rs 2; ck");
	fx_expect_wish(x, 1, FLEET_ENABLE, 0);
	fx_load(x, "vs 1; rs 1 w20; ck drain f3; rs 2; ck");
	fx_expect_wish(x, 1, FLEET_ENABLE, 0);
	cr_expect_eq(fx_rrow(x, 1)->state, STATE_UP);
	fx_good(x, 1);
	fx_expect_wish(x, 1, FLEET_ENABLE, 20);
	fx_drain(x, 1, 0);
	fx_load(x, "vs 1; rs 1 w20; ck; rs 2; ck");
	fx_expect_wish(x, 1, FLEET_ENABLE, 20);
	fx_free(x);
}

Test(fleet_drain, the_row_says_which_url_decided)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1; ck");
	struct result r;

	fx_all_up(x);
	r = fx_make(x, fx_check(x, 1, 0), CODE_HTTP_STATUS);
	r.flags = 11 << RESULT_URL_SHIFT;
	fleet_result(x->fleet, &r, x->now);
	cr_expect_eq(fx_crow(x, 1, 0)->last_url, 11);
	fx_good(x, 1);
	cr_expect_eq(fx_crow(x, 1, 0)->last_url, 0);
	fx_free(x);
}
