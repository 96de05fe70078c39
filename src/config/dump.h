/* The services file that YANET reads, as JSON (spec/monalive §10.4): written beside its place
 * first, renamed when the generation is active. */
#pragma once

#include "config/gen.h"

struct app_config;
struct dump;

/* Writes PATH's temporary file (same directory, mode 0600). Streams: no DOM. Returns 0 with
 * *ret_dump or a negative errno, with nothing left behind. Main thread. */
MUST_CHECK int dump_prepare(const char *path, const struct generation *g,
			    const struct app_config *app, struct dump **ret_dump);
/* fsync, rename over PATH, fsync of the directory. Frees d in every case. Returns 0 or a negative
 * errno, after which PATH is as it was. */
MUST_CHECK int dump_commit(struct dump *d);
/* Removes the temporary file and frees d. NULL is fine. */
void dump_abandon(struct dump *d);
/* The scheduler as the dump writes it: mh → experiment or wrr, wlc with ops → wrr, else as it is.
 */
const char *dump_scheduler(const char *scheduler, bool ops, const struct app_config *app);
