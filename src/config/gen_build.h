/* Draft → generation: slots by identity, interned profiles, index, diff against the one before.
 *
 * Identity (design §6): service = (VIP, port, protocol); real = (service, IP, port); check = real
 * plus all its parameters; prefix = VIP. Same identity, same slot. */
#pragma once

#include "config/draft.h"
#include "config/gen_diff.h"
#include "config/slots.h"

/* main's books for all kinds; the generation that uses them is not part of it. */
struct slot_books {
	struct slots *services, *reals, *checks, *prefixes;
};
MUST_CHECK int slot_books_init(struct slot_books *b);
void slot_books_deinit(struct slot_books *b);

enum { GEN_BUILD_FULL = 1 };
/* Builds the generation that follows before (NULL at start) and the diff between the two. The
 * draft is only read. On failure the books are as they were. Returns 0, GEN_BUILD_FULL (more
 * objects than MAX_* and what rests), -EINVAL (the draft names an identity twice) or -ENOMEM.
 * Main thread. */
MUST_CHECK int gen_build(const struct draft *draft, const struct generation *before,
			 struct slot_books *books, uint64_t now_ns, uint64_t wall_ns,
			 struct generation **ret_gen, struct gen_diff **ret_diff);
/* After agg retired them: gives the removed slots of diff back to the books. */
void gen_build_release(const struct gen_diff *diff, struct slot_books *books, uint64_t now_ns);
/* Gives the added slots back as never used: the generation was built but not adopted. */
void gen_build_abandon(const struct gen_diff *diff, struct slot_books *books);
