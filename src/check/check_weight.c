#include "check/check_weight.h"

enum state {
	ST_PREFIX,
	ST_LEAD, /* blanks before the number */
	ST_SIGN, /* after a sign: a digit must follow */
	ST_DIGITS,
	ST_TRAIL,  /* blanks after it */
	ST_END,    /* the line is over and held a number */
	ST_NOTHING /* it holds none */
};

static const char prefix[] = "rs_weight=";

static bool is_space(unsigned char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static uint8_t on_prefix(struct check_weight *w, unsigned char c)
{
	if (c != (unsigned char)prefix[w->n_matched])
		return ST_NOTHING;
	return prefix[++w->n_matched] ? ST_PREFIX : ST_LEAD;
}

static uint8_t on_digit(struct check_weight *w, unsigned char c)
{
	if (c < '0' || c > '9' || __builtin_mul_overflow(w->value, 10, &w->value) ||
	    __builtin_add_overflow(w->value, (uint64_t)(c - '0'), &w->value) ||
	    w->value > INT64_MAX)
		return ST_NOTHING;
	return ST_DIGITS;
}

static uint8_t on_lead(struct check_weight *w, unsigned char c)
{
	if (is_space(c))
		return ST_LEAD;
	w->is_negative = c == '-';
	return c == '-' || c == '+' ? ST_SIGN : on_digit(w, c);
}

static uint8_t next(struct check_weight *w, unsigned char c)
{
	switch ((enum state)w->state) {
	case ST_PREFIX:
		return on_prefix(w, c);
	case ST_LEAD:
		return on_lead(w, c);
	case ST_DIGITS:
		return is_space(c) ? ST_TRAIL : on_digit(w, c);
	case ST_SIGN:
		return on_digit(w, c);
	case ST_TRAIL:
		return is_space(c) ? ST_TRAIL : ST_NOTHING;
	case ST_END:
	case ST_NOTHING:
		break;
	}
	return w->state;
}

static bool has_number(const struct check_weight *w)
{
	return w->state == ST_DIGITS || w->state == ST_TRAIL || w->state == ST_END;
}

void check_weight_begin(struct check_weight *w)
{
	*w = (struct check_weight){.state = ST_PREFIX};
}

void check_weight_feed(struct check_weight *w, const void *data, size_t len)
{
	const unsigned char *at = data, *end = at + len;

	for (; at < end && w->state != ST_END && w->state != ST_NOTHING; at++) {
		if (*at == '\n')
			w->state = has_number(w) ? ST_END : ST_NOTHING;
		else
			w->state = next(w, *at);
	}
}

int32_t check_weight_end(const struct check_weight *w)
{
	if (!has_number(w) || (w->is_negative && w->value))
		return CHECK_WEIGHT_NONE;
	return (int32_t)MIN(w->value, (uint64_t)CHECK_WEIGHT_MAX);
}

int32_t check_weight_of_text(const char *text, size_t len)
{
	struct check_weight w = {.state = ST_LEAD};

	check_weight_feed(&w, text, len);
	return check_weight_end(&w);
}
