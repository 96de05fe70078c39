/* One prefix: announced, withdrawn or undecided by its joined members (decisions 27, 28). Pure;
 * what is frozen or held back is not known here. */
#pragma once

#include "model/state.h"

struct prefix_counts {
	uint32_t n_members;
	uint32_t n_joined, n_joined_up, n_joined_down;
};

/* It has a joined member, and all of them are up. */
bool prefix_rule_is_ready(const struct prefix_counts *c);
/* The state that follows `before`. */
enum state prefix_rule_state(const struct prefix_counts *c, enum state before);
