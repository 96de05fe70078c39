#include "model/state.h"

#include <criterion/criterion.h>

Test(state, tables_are_zero_and_independent)
{
	struct state_tables t;
	struct real_row row = {.state = STATE_UP, .wanted_weight = 7};

	cr_assert_eq(state_tables_init(&t), 0);
	cr_assert_eq(state_real(&t, MAX_REALS - 1)->state, STATE_UNDECIDED);
	seqrow_publish(state_real(&t, 3), &row, sizeof(row));
	cr_assert_eq(state_real(&t, 3)->wanted_weight, 7);
	cr_assert_eq(state_real(&t, 2)->wanted_weight, 0);
	cr_assert_eq(state_real(&t, 4)->wanted_weight, 0);
	state_tables_deinit(&t);
}

Test(state, check_word_keeps_its_parts)
{
	uint32_t word =
		check_word_make(STATE_DOWN, CHECK_ROW_IN_USE | CHECK_ROW_WEIGHT_KNOWN, 65535);

	cr_assert_eq(check_word_state(word), STATE_DOWN);
	cr_assert_eq(check_word_flags(word), CHECK_ROW_IN_USE | CHECK_ROW_WEIGHT_KNOWN);
	cr_assert_eq(check_word_weight(word), 65535);
}

Test(state, check_word_is_read_from_its_row)
{
	struct state_tables t;
	struct check_row row = {.word = check_word_make(STATE_UP, 0, 12)};

	cr_assert_eq(state_tables_init(&t), 0);
	seqrow_publish(state_check(&t, 9), &row, sizeof(row));
	cr_assert_eq(state_check_word(&t, 9), row.word);
	state_tables_deinit(&t);
}

Test(state, override_keeps_its_parts)
{
	uint32_t o = real_override_make(OVERRIDE_PERCENT, 150);

	cr_assert_eq(real_override_kind(o), OVERRIDE_PERCENT);
	cr_assert_eq(real_override_value(o), 150);
}

Test(state, texts_are_words)
{
	cr_assert_str_eq(state_text(STATE_UNDECIDED), "undecided");
	cr_assert_str_eq(state_text((enum state)9), "?");
	cr_assert_str_eq(real_reason_text(REAL_REASON_STATIC), "static");
	cr_assert_str_eq(real_reason_text((enum real_reason)99), "?");
}

Test(state, prefix_reasons_name_what_holds_it)
{
	static const struct {
		struct prefix_row row;
		const char *text;
	} cases[] = {
		{{.state = STATE_UP}, "services_up"},
		{{.state = STATE_DOWN}, "service_down"},
		{{.state = STATE_UNDECIDED}, "no_verdict"},
		{{.state = STATE_DOWN, .flags = PREFIX_ROW_NO_ADDRESS}, "no_local_address"},
		{{.state = STATE_UP, .flags = PREFIX_ROW_FROZEN}, "withdrawal_frozen"},
		{{.state = STATE_DOWN, .flags = PREFIX_ROW_HOLDING}, "announce_hold"},
		{{.n_joined = 1, .n_joined_up = 1, .flags = PREFIX_ROW_ADDRESS_UNKNOWN},
		 "address_unknown"},
		{{.n_joined = 1, .flags = PREFIX_ROW_ADDRESS_UNKNOWN}, "no_verdict"},
		{{.state = STATE_DOWN,
		  .flags = PREFIX_ROW_HOLDING | PREFIX_ROW_NO_ADDRESS | PREFIX_ROW_FROZEN},
		 "no_local_address"},
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		cr_assert_str_eq(prefix_reason_text(&cases[i].row), cases[i].text);
}
