/* Both files → configuration, generation, diff, dump: everything of a start or a reload that can
 * fail, done before anything is touched. Main thread. */
#pragma once

#include "config/app_config.h"
#include "config/dump.h"
#include "config/gen_build.h"

struct load_report {
	char *text; /* diagnostics for a terminal; malloc'd, "" if none */
	char *json; /* the same as a JSON array */
	unsigned n_errors, n_warnings;
};
void load_report_free(struct load_report *r);

enum { LOAD_BAD = 1 };

/* alived.yaml. Returns 0 or LOAD_BAD (the report says why) or a negative errno; the report is
 * filled in either case but the last. */
MUST_CHECK int load_app_config(const char *path, struct load_report *report,
			       struct app_config **ret_config);

struct loaded {
	struct generation *generation;
	struct gen_diff *diff;
	struct dump *dump; /* NULL: no dump_path */
};

/* services.conf, on top of the generation before (NULL at start). with_dump false leaves the dump
 * alone (alived -t). Returns as above. */
MUST_CHECK int load_services(const char *path, const struct app_config *app,
			     const struct generation *before, struct slot_books *books,
			     bool with_dump, struct load_report *report, struct loaded *ret);
