/* One question after another over BIRD's control socket, for people who wait. One thread. */
#pragma once

#include <stdio.h>

#include "base/cc.h"

enum {
	CTL_BIRDC_TIMEOUT_S = 5, /* for each piece of an answer */
	CTL_BIRDC_LINE_BYTES = 1024,
	CTL_BIRDC_FIRST_ERROR = 8000, /* final codes from here on are refusals */
};

struct ctl_birdc {
	FILE *stream;                     /* NULL: not connected */
	char final[CTL_BIRDC_LINE_BYTES]; /* text of the last final line */
};

/* Connects and takes the greeting. Returns 0 or a negative errno; -EPROTO: that is no BIRD. */
MUST_CHECK int ctl_birdc_open(struct ctl_birdc *b, const char *path);
void ctl_birdc_close(struct ctl_birdc *b);

typedef void (*ctl_birdc_fn)(void *ctx, const char *text);
/* Gives each line of data, without its code, to fn. Returns the final line's code, its text in
 * b->final, or a negative errno: the connection is of no use any more. */
MUST_CHECK int ctl_birdc_ask(struct ctl_birdc *b, const char *command, ctl_birdc_fn fn, void *ctx);

/* Part, for tests: one answer out of a stream. */
MUST_CHECK int ctl_birdc_read(FILE *stream, char final[CTL_BIRDC_LINE_BYTES], ctl_birdc_fn fn,
			      void *ctx);
