/* HTTP_GET and SSL_GET: one GET, one response (spec/monalive §3.2, decisions 17, 18, 23).
 *
 * Judged in this order: status → body read to its end → digest → weight. Three answers end the talk
 * before the response has: a wrong status and a body over its limit at the header, and an encoded
 * body that is to be digested at its first byte. Nothing that could follow would make them good.
 * A response is complete at its Content-Length or last chunk; only one with neither needs the end
 * of the stream. What the peer does after a complete response, a reset included, is of no interest.
 */
#pragma once

struct check_driver;
struct check_http;

extern const struct check_driver check_http_driver;

/* NULL is fine. */
void check_http_free(struct check_http *h);
