/* What changed between two generations, as lists of slots. Unchanged slots are in no list, so an
 * unchanged file costs its readers nothing. */
#pragma once

#include "base/cc.h"

struct slot_list {
	uint32_t *at;
	uint32_t n;
};

struct kind_diff {
	struct slot_list added;   /* slot is new in the new generation */
	struct slot_list removed; /* slot is not in the new generation any more */
	struct slot_list changed; /* same identity, other parameters, members or checks */
};

/* A check is identified by all its parameters: it is added or removed, never changed. A real is
 * changed if its own fields differ or the set of its checks does; a service if its own fields or
 * the set of its reals differ; a prefix if its group or the set of its services differs. */
struct gen_diff {
	struct kind_diff services, reals, checks, prefixes;
};

struct generation;

/* What leads from before (NULL: from nothing) to after. A slot that both use has one identity in
 * both. Every list is in ascending order. Returns 0 or -ENOMEM. */
MUST_CHECK int gen_diff_make(const struct generation *before, const struct generation *after,
			     struct gen_diff **ret_diff);
/* main: made by gen_build(), freed after the last adopter and retirement are done. */
void gen_diff_free(struct gen_diff *d);
/* True if no list has an entry. */
bool gen_diff_is_empty(const struct gen_diff *d);
