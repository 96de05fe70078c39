#include "quorum/damp.h"

static void grow(uint8_t *run)
{
	*run = (uint8_t)MIN(*run + 1, UINT8_MAX);
}

static enum state after_good(struct check_row *row, uint8_t rise, enum state before)
{
	row->unknown_run = 0;
	row->bad_run = 0;
	grow(&row->good_run);
	return row->good_run >= MAX(rise, 1) ? STATE_UP : before;
}

static enum state after_bad(struct check_row *row, uint8_t fall, enum state before, bool has_past)
{
	uint8_t needed = before == STATE_UNDECIDED && !has_past ? 1 : MAX(fall, 1);

	row->unknown_run = 0;
	row->good_run = 0;
	grow(&row->bad_run);
	row->failures++;
	return row->bad_run >= needed ? STATE_DOWN : before;
}

enum state damp_count(struct check_row *row, enum verdict verdict,
		      const struct check_profile *profile, bool has_past)
{
	enum state before = check_word_state(row->word);

	switch (verdict) {
	case VERDICT_GOOD:
		return after_good(row, profile->rise, before);
	case VERDICT_BAD:
		return after_bad(row, profile->fall, before, has_past);
	case VERDICT_UNKNOWN:
		break;
	}
	grow(&row->unknown_run);
	return before;
}
