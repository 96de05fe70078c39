#include "quorum/weight_rule.h"

enum { SLOTS_PER_REAL = 100 };

uint16_t weight_rule_smooth(bool is_known, uint16_t old, int32_t given, uint32_t percent)
{
	uint16_t new = (uint16_t)MIN(given, UINT16_MAX);
	uint64_t step = MAX((uint64_t)old * percent / 100, UINT64_C(1));

	if (!is_known || percent == 0)
		return new;
	if (new > old)
		return (uint16_t)MIN(old + step, (uint64_t) new);
	return step < old ? (uint16_t)MAX(old - step, (uint64_t) new) : new;
}

bool weight_rule_dynamic(const struct generation *g, const struct state_tables *t, uint32_t real,
			 uint16_t *ret_weight)
{
	uint32_t least = UINT32_MAX;

	for (uint32_t c = g->reals[real].first_check; c != SLOT_NONE; c = g->checks[c].next) {
		uint32_t word = state_check(t, c)->word;

		if ((gen_profile(g, c)->flags & PROFILE_DYNAMIC_WEIGHT) &&
		    (check_word_flags(word) & CHECK_ROW_WEIGHT_KNOWN))
			least = MIN(least, check_word_weight(word));
	}
	if (least == UINT32_MAX)
		return false;
	*ret_weight = (uint16_t)least;
	return true;
}

uint16_t weight_rule_overridden(uint16_t weight, uint32_t override)
{
	uint16_t value = real_override_value(override);
	uint64_t part;

	switch (real_override_kind(override)) {
	case OVERRIDE_WEIGHT:
		return value;
	case OVERRIDE_PERCENT:
		part = (uint64_t)weight * value / 100;
		if (part == 0 && weight > 0 && value > 0)
			part = 1;
		return (uint16_t)MIN(part, UINT64_C(65535));
	default:
		return weight;
	}
}

bool weight_rule_is_drained(const struct generation *g, const struct state_tables *t, uint32_t real)
{
	for (uint32_t c = g->reals[real].first_check; c != SLOT_NONE; c = g->checks[c].next)
		if (check_word_flags(state_check(t, c)->word) & CHECK_ROW_DRAIN)
			return true;
	return false;
}

uint16_t weight_rule_if_up(const struct generation *g, const struct state_tables *t, uint32_t real,
			   uint32_t override)
{
	const struct real_spec *spec = &g->reals[real];
	uint16_t weight = spec->weight;

	if ((spec->flags & REAL_HAS_DYNAMIC) && !weight_rule_dynamic(g, t, real, &weight))
		weight = spec->weight;
	if (weight_rule_is_drained(g, t, real))
		weight = 0;
	return weight_rule_overridden(weight, override);
}

struct weight_scale weight_rule_scale(uint64_t enabled, uint32_t reals_listed)
{
	uint64_t room = (uint64_t)reals_listed * SLOTS_PER_REAL;

	if (enabled <= room || room == 0)
		return (struct weight_scale){0, 0};
	while (enabled > UINT32_MAX) {
		/* the divisor is rounded up and the other down: the sum never exceeds the room */
		enabled = enabled / 2 + 1;
		room /= 2;
	}
	return (struct weight_scale){(uint32_t)room, (uint32_t)enabled};
}

uint16_t weight_rule_scaled(uint16_t weight, struct weight_scale scale)
{
	uint64_t scaled;

	if (scale.den == 0 || weight == 0)
		return weight;
	scaled = (uint64_t)weight * scale.num / scale.den;
	return (uint16_t)MAX(scaled, UINT64_C(1));
}

uint16_t weight_rule_unscaled(uint16_t sent, struct weight_scale scale)
{
	uint64_t weight;

	if (scale.den == 0)
		return sent;
	weight = (uint64_t)sent * scale.den / MAX(scale.num, 1u);
	return (uint16_t)MIN(weight, UINT64_C(65535));
}
