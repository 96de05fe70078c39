/* HTTP_GET and SSL_GET over HTTP/1.1: one request, one response (spec/monalive §3.2), judged by
 * check_judge.h.
 *
 * A response is complete at its Content-Length or last chunk; only one with neither needs the end
 * of the stream. What the peer does after a complete response, a reset included, is of no interest.
 */
#pragma once

struct check_driver;
struct check_http;

extern const struct check_driver check_http_driver;

/* NULL is fine. */
void check_http_free(struct check_http *h);
