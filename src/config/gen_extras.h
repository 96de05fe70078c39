/* A draft's extras → the generation's: copied into its arena, patterns compiled, equal TLS settings
 * and files one object each. Main thread.
 */
#pragma once

#include "config/draft.h"

/* What is not the arena's, or must be wiped before that is freed. */
struct gen_extras_owned {
	struct pcre2_real_code_8 **codes; /* each once */
	struct tls_file *files;
	uint32_t n_codes, n_files;
};

/* Sets extras, n_extras and owned of g. from: n of the draft's, each text once. Returns 0, -ENOMEM,
 * or -EINVAL for a pattern that does not compile; g may be freed in each case. */
MUST_CHECK int gen_extras_make(struct generation *g, const struct draft_extras *const *from,
			       uint32_t n);
/* Wipes and frees what is owned; g's arena is still there. */
void gen_extras_free(struct generation *g);
