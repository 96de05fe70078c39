#include "quorum/prefix_rule.h"

bool prefix_rule_is_ready(const struct prefix_counts *c)
{
	return c->n_joined > 0 && c->n_joined_up == c->n_joined;
}

enum state prefix_rule_state(const struct prefix_counts *c, enum state before)
{
	if (prefix_rule_is_ready(c))
		return STATE_UP;
	/* joined members without a verdict decide nothing, and nobody joined: it stays as it is */
	return c->n_joined_down > 0 ? STATE_DOWN : before;
}
