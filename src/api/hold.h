/* Keeping a generation beyond an RCU section, while a client reads an answer made from it
 * (decisions 7). Threads: api, state. */
#pragma once

#include "config/gen.h"

/* The current generation with its hold count raised, or NULL if there is none yet. */
struct generation *hold_take(struct generation *_Atomic *current);
/* NULL is fine. */
void hold_drop(struct generation *g);
