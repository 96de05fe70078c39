/* HTTP_GET and SSL_GET over HTTP/2: one request, one response on a connection of its own
 * (net/h2.h), judged by check_judge.h.
 *
 * A response is complete with END_STREAM; its trailers are read and say nothing. What ends the
 * stream otherwise (RST_STREAM, GOAWAY, a broken frame, a limit) has a code of its own. A peer that
 * said GOAWAY and then closes without an answer is leaving: told as GOAWAY.
 */
#pragma once

#include "check/check.h"

struct check_h2;
struct h2;

extern const struct check_driver check_h2_driver;

/* NULL is fine. */
void check_h2_free(struct check_h2 *h);

/* For each driver that speaks HTTP/2: the end of a connection (enum h2_end, but H2_COMPLETE) as an
 * outcome. Returns CHECK_DONE. */
enum check_step check_h2_ended(struct check_talk *t, const struct h2 *h2, unsigned end);
/* If the peer has said GOAWAY before it closed or broke the connection, that is the outcome: sets
 * it and returns true. */
bool check_h2_has_left(struct check_talk *t, const struct h2 *h2);
