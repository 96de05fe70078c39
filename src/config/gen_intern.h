/* The shared parts of a generation while it is built: strings, check profiles and service names,
 * each distinct one once. Scratch memory of one gen_build(); gen_intern_finish() copies what came
 * together into the generation. Main thread.
 */
#pragma once

#include "config/draft.h"

struct gen_intern;

/* before: generation whose profiles are to be recognised; may be NULL; borrowed. Returns NULL if
 * out of memory. */
struct gen_intern *gen_intern_new(const struct generation *before);
void gen_intern_free(struct gen_intern *in);

/* Index of c's parameters among the new generation's profiles, and among those of the one before
 * (SLOT_NONE: it has none like this). c must live until gen_intern_free(). 0 or -ENOMEM. */
MUST_CHECK int gen_intern_profile(struct gen_intern *in, const struct draft_check *c,
				  uint32_t *ret_index, uint32_t *ret_index_before);
/* Index of s's names. s must live until gen_intern_free(). 0 or -ENOMEM. */
MUST_CHECK int gen_intern_names(struct gen_intern *in, const struct draft_service *s,
				uint32_t *ret_index);
/* Sets text, profiles with their index, and service_names of g, in g's arena. 0 or -ENOMEM. */
MUST_CHECK int gen_intern_finish(const struct gen_intern *in, struct generation *g);
