#include "quorum/real_rule.h"

#include "quorum_fixture.h"

static void set(struct fx *x, unsigned nth, enum state s)
{
	state_check(&x->tables, fx_check(x, 1, nth))->word = check_word_make(s, 0, 0);
}

Test(real_rule, d22_and_over_all_checks)
{
	static const struct {
		enum state a, b, real;
		uint8_t not_up;
	} rows[] = {
		{STATE_UP, STATE_UP, STATE_UP, 0},
		{STATE_UP, STATE_DOWN, STATE_DOWN, 1},
		{STATE_DOWN, STATE_UNDECIDED, STATE_DOWN, 2},
		{STATE_UP, STATE_UNDECIDED, STATE_UNDECIDED, 1},
		{STATE_UNDECIDED, STATE_UNDECIDED, STATE_UNDECIDED, 2},
	};
	struct fx *x = fx_new(NULL, "vs 1; rs 1; ck t1; ck t2");
	uint8_t not_up;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		set(x, 0, rows[i].a);
		set(x, 1, rows[i].b);
		cr_assert_eq(real_rule_verdict(x->gen, &x->tables, fx_real(x, 1), &not_up),
			     rows[i].real);
		cr_assert_eq(not_up, rows[i].not_up);
	}
	fx_free(x);
}

Test(real_rule, d20_undecided_wants_nothing)
{
	const struct real_spec spec = {.weight = 5, .flags = REAL_INHIBIT};

	cr_assert_eq(real_rule_want(STATE_UNDECIDED, &spec, 5, 0).want, FLEET_NOTHING);
}

Test(real_rule, d24_verdict_and_operator)
{
	const struct real_spec plain = {.weight = 5},
			       inhibit = {.weight = 5, .flags = REAL_INHIBIT};
	struct real_want w = real_rule_want(STATE_UP, &plain, 7, 0);

	cr_assert(w.want == FLEET_ENABLE && w.weight == 7 && !w.is_order);
	cr_assert_eq(real_rule_want(STATE_DOWN, &plain, 7, 0).want, FLEET_DISABLE);
	w = real_rule_want(STATE_DOWN, &inhibit, 7, 0);
	cr_assert(w.want == FLEET_ENABLE && w.weight == 0 && w.is_inhibited);
	w = real_rule_want(STATE_DOWN, &plain, 7, OVERRIDE_UP);
	cr_assert(w.want == FLEET_ENABLE && w.weight == 5 && w.is_order, "configured weight");
	w = real_rule_want(STATE_UP, &plain, 7, OVERRIDE_DRAIN);
	cr_assert(w.want == FLEET_ENABLE && w.weight == 0);
	cr_assert_eq(real_rule_want(STATE_UP, &inhibit, 7, OVERRIDE_DOWN).want, FLEET_DISABLE);
	cr_assert_eq(real_rule_want(STATE_DOWN, &plain, 7, OVERRIDE_WEIGHT).want, FLEET_DISABLE);
}

Test(real_rule, reason_names_what_decides)
{
	cr_assert_eq(real_rule_reason(STATE_UP, true, false, 0), REAL_REASON_STATIC);
	cr_assert_eq(real_rule_reason(STATE_UP, true, false, OVERRIDE_DOWN), REAL_REASON_OPERATOR);
	cr_assert_eq(real_rule_reason(STATE_UP, false, false, OVERRIDE_WEIGHT),
		     REAL_REASON_CHECKS_UP);
	cr_assert_eq(real_rule_reason(STATE_DOWN, false, false, 0), REAL_REASON_CHECK_DOWN);
	cr_assert_eq(real_rule_reason(STATE_UNDECIDED, false, false, 0), REAL_REASON_NO_VERDICT);
	cr_assert_eq(real_rule_reason(STATE_UP, false, true, 0), REAL_REASON_DRAINED);
	cr_assert_eq(real_rule_reason(STATE_UP, false, true, OVERRIDE_PERCENT),
		     REAL_REASON_DRAINED);
	cr_assert_eq(real_rule_reason(STATE_UP, false, true, OVERRIDE_WEIGHT),
		     REAL_REASON_CHECKS_UP);
	cr_assert_eq(real_rule_reason(STATE_UP, false, true, OVERRIDE_UP), REAL_REASON_OPERATOR);
	cr_assert_eq(real_rule_reason(STATE_DOWN, false, true, 0), REAL_REASON_CHECK_DOWN);
}
