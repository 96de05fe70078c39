/* services.conf → draft: lexer, includes, keyword tables, inheritance, validation.
 *
 * Grammar: Monalive's as a superset (spec/monalive §2), comments anywhere, brace on its own line,
 * several statements around braces on one line, relative and absolute includes with a depth limit,
 * quotes. Unknown keywords are errors with the nearest known one; keywords of keepalived that mean
 * nothing here are accepted and named in one summary warning. Pure but for reading included files.
 */
#pragma once

#include "config/draft.h"

struct app_config;
struct diag;

enum { SERVICES_BAD = 1 };

/* Parses the file at path. All problems go to d (made over src). Returns 0 with *ret_draft (free
 * with draft_free), SERVICES_BAD if d has errors, or a negative errno if out of memory. An
 * unreadable file is an error in d and SERVICES_BAD. Main thread. */
MUST_CHECK int services_parse(const char *path, const struct app_config *app, struct source *src,
			      struct diag *d, struct draft **ret_draft);
/* The same for text in memory, under a made-up path. An include is an error in it: no file is
 * read. */
MUST_CHECK int services_parse_text(const char *path, const char *text, size_t len,
				   const struct app_config *app, struct source *src, struct diag *d,
				   struct draft **ret_draft);
