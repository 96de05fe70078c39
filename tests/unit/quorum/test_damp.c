#include <criterion/criterion.h>

#include "quorum/damp.h"

static struct check_row row(enum state s)
{
	return (struct check_row){.word = check_word_make(s, 0, 0)};
}

/* Feeds "gbu" and returns the state after the last one. */
static enum state feed(struct check_row *r, const char *verdicts, uint8_t rise, uint8_t fall,
		       bool has_past)
{
	const struct check_profile p = {.rise = rise, .fall = fall};

	for (; *verdicts; verdicts++) {
		enum verdict v = *verdicts == 'g'   ? VERDICT_GOOD
				 : *verdicts == 'b' ? VERDICT_BAD
						    : VERDICT_UNKNOWN;
		enum state s = damp_count(r, v, &p, has_past);

		r->word = check_word_make(s, 0, 0);
	}
	return check_word_state(r->word);
}

Test(damp, d12_fall_bads_in_a_row_go_down)
{
	struct check_row r = row(STATE_UP);

	cr_assert_eq(feed(&r, "bb", 1, 3, false), STATE_UP);
	cr_assert_eq(feed(&r, "b", 1, 3, false), STATE_DOWN);
}

Test(damp, a2_good_ends_a_bad_run)
{
	struct check_row r = row(STATE_UP);

	cr_assert_eq(feed(&r, "bbgbbgbb", 1, 3, false), STATE_UP);
	cr_assert_eq(r.bad_run, 2);
	cr_assert_eq(r.failures, 6);
}

Test(damp, rise_goods_in_a_row_go_up)
{
	struct check_row r = row(STATE_DOWN);

	cr_assert_eq(feed(&r, "ggbgg", 3, 1, false), STATE_DOWN);
	cr_assert_eq(feed(&r, "g", 3, 1, false), STATE_UP);
}

Test(damp, d12_unknown_neither_adds_nor_resets)
{
	struct check_row r = row(STATE_UP);

	cr_assert_eq(feed(&r, "bubuu", 1, 3, false), STATE_UP);
	cr_assert_eq(r.bad_run, 2);
	cr_assert_eq(r.unknown_run, 2);
	cr_assert_eq(feed(&r, "b", 1, 3, false), STATE_DOWN);
	cr_assert_eq(r.unknown_run, 0);
	r = row(STATE_DOWN);
	cr_assert_eq(feed(&r, "gug", 2, 3, false), STATE_UP);
}

Test(damp, d16_unknown_keeps_the_verdict_without_limit)
{
	struct check_row r = row(STATE_UP);

	for (int i = 0; i < 1000; i++)
		cr_assert_eq(feed(&r, "u", 1, 1, false), STATE_UP);
	cr_assert_eq(r.unknown_run, UINT8_MAX, "saturates");
}

Test(damp, d21_first_bad_decides_without_a_past)
{
	struct check_row r = row(STATE_UNDECIDED);

	cr_assert_eq(feed(&r, "ub", 1, 3, false), STATE_DOWN);
}

Test(damp, d21_with_a_past_it_takes_fall)
{
	struct check_row r = row(STATE_UNDECIDED);

	cr_assert_eq(feed(&r, "bb", 1, 3, true), STATE_UNDECIDED);
	cr_assert_eq(feed(&r, "b", 1, 3, true), STATE_DOWN);
}

Test(damp, d21_rise_goods_decide_up)
{
	struct check_row r = row(STATE_UNDECIDED);

	cr_assert_eq(feed(&r, "g", 2, 3, false), STATE_UNDECIDED);
	cr_assert_eq(feed(&r, "g", 2, 3, false), STATE_UP);
}

Test(damp, runs_saturate)
{
	struct check_row r = row(STATE_UP);

	for (int i = 0; i < 300; i++)
		feed(&r, "g", 1, 255, false);
	cr_assert_eq(r.good_run, UINT8_MAX);
	for (int i = 0; i < 254; i++)
		cr_assert_eq(feed(&r, "b", 1, 255, false), STATE_UP);
	cr_assert_eq(feed(&r, "b", 1, 255, false), STATE_DOWN);
	for (int i = 0; i < 10; i++)
		feed(&r, "b", 1, 255, false);
	cr_assert_eq(r.bad_run, UINT8_MAX);
}
