#include "quorum/real_rule.h"

enum state real_rule_verdict(const struct generation *g, const struct state_tables *t,
			     uint32_t real, uint8_t *ret_not_up)
{
	uint32_t n_down = 0, n_not_up = 0;

	for (uint32_t c = g->reals[real].first_check; c != SLOT_NONE; c = g->checks[c].next) {
		enum state state = check_word_state(state_check(t, c)->word);

		n_down += state == STATE_DOWN;
		n_not_up += state != STATE_UP;
	}
	*ret_not_up = (uint8_t)MIN(n_not_up, UINT8_MAX);
	if (n_down > 0)
		return STATE_DOWN;
	return n_not_up > 0 ? STATE_UNDECIDED : STATE_UP;
}

static struct real_want by_verdict(enum state state, const struct real_spec *spec, uint16_t weight)
{
	bool is_inhibited = state == STATE_DOWN && (spec->flags & REAL_INHIBIT);

	if (state == STATE_UNDECIDED)
		return (struct real_want){.want = FLEET_NOTHING};
	if (state == STATE_DOWN && !is_inhibited)
		return (struct real_want){.want = FLEET_DISABLE};
	return (struct real_want){
		.want = FLEET_ENABLE,
		.weight = is_inhibited ? 0 : weight,
		.is_inhibited = is_inhibited,
	};
}

struct real_want real_rule_want(enum state state, const struct real_spec *spec,
				uint16_t weight_if_up, uint32_t override)
{
	switch (real_override_kind(override)) {
	case OVERRIDE_UP:
		return (struct real_want){FLEET_ENABLE, spec->weight, false, true};
	case OVERRIDE_DRAIN:
		return (struct real_want){FLEET_ENABLE, 0, false, true};
	case OVERRIDE_DOWN:
		return (struct real_want){FLEET_DISABLE, 0, false, true};
	default:
		return by_verdict(state, spec, weight_if_up);
	}
}

static bool is_forced(uint32_t override)
{
	enum real_override kind = real_override_kind(override);

	return kind == OVERRIDE_UP || kind == OVERRIDE_DRAIN || kind == OVERRIDE_DOWN;
}

enum real_reason real_rule_reason(enum state state, bool is_static, bool is_drained,
				  uint32_t override)
{
	if (is_forced(override))
		return REAL_REASON_OPERATOR;
	if (is_static)
		return REAL_REASON_STATIC;
	if (state == STATE_UP && is_drained && real_override_kind(override) != OVERRIDE_WEIGHT)
		return REAL_REASON_DRAINED;
	if (state == STATE_UP)
		return REAL_REASON_CHECKS_UP;
	return state == STATE_DOWN ? REAL_REASON_CHECK_DOWN : REAL_REASON_NO_VERDICT;
}
