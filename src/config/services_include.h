/* include PATTERN: other files, read as if they stood here (spec/keepalived §2). */
#pragma once

#include "config/services_run.h"

/* Parses one file into the blocks that are open. Returns 0 or -ENOMEM. */
typedef int (*services_include_fn)(struct services_run *run, const struct source_file *file);

/* Parses the files that an include statement names, in lexical order. Relative patterns start at
 * the directory of the file that holds the statement. No match is fine for a pattern, a warning
 * for a plain name, an error for the strict forms; an unreadable file, a loop and a chain of more
 * than RUN_MAX_INCLUDE_DEPTH files are errors. Returns 0 (also after an error, which is reported)
 * or -ENOMEM. */
MUST_CHECK int services_include(struct services_run *run, const struct services_lex_statement *st,
				services_include_fn parse);
/* Fills in the identity of the file at path; an unreadable one keeps zeroes. */
void services_include_identify(struct services_chain *c, const char *path);
