/* A check of several urls, one after another, each on a connection of its own: what is carried from
 * one to the next, and whether an answer came in time (max_response_time). Worker's thread.
 *
 * All of them must be good; the first that is not ends the check. Of the weights they say the
 * smallest counts, as among a real's checks (decisions 23); one that is drained drains the check.
 */
#pragma once

#include "workers/run.h"

/* The url asked for last has answered well; r->opened_ns says when it was asked. RUN_OVER: that was
 * the check, or the answer came too late (r->code). RUN_WAIT: another url is to be asked. */
MUST_CHECK enum run_step run_urls_answered(const struct run_ctx *c, struct run *r, uint64_t now_ns);
/* The check is over: adds what its urls said to the result. */
void run_urls_fill(const struct run *r, struct result *res);
