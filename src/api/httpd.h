/* One HTTP listener of the API: connections, requests and answers over libmicrohttpd.
 *
 * The library runs inside the api thread's event loop (external polling, its epoll descriptor is
 * one source of ours), so nothing here needs a lock. What it does not do is done here: a deadline
 * for a complete request and one for a whole answer, however busily the client dribbles; a cap on
 * bodies; answers given later.
 *
 * A request reaches the handler once, complete. The handler, or somebody after httpd_suspend(),
 * answers it once. Thread: api; httpd_new() and httpd_free() also main while that thread is not
 * running.
 */
#pragma once

#include "api/listen.h"
#include "api/pump.h"
#include "base/buf.h"
#include "base/evloop.h"

struct counters;
struct httpd;

struct httpd_limits {
	uint64_t request_ns; /* from connecting, or the last answer, to the request's last byte */
	uint64_t answer_ns;  /* from the answer's first byte to its last: decisions 7 */
	unsigned connections;
};
enum { HTTPD_REQUEST_S = 10, HTTPD_ANSWER_S = 30, HTTPD_CONNECTIONS = 64 };
enum { HTTPD_BODY_BYTES = 64 * 1024, HTTPD_ID_BYTES = 37 };

struct httpd_request {
	const char *method;
	const char *path; /* decoded, without parameters; both valid within the handler only */
	const char *body;
	size_t body_len;
	enum listen_peer peer;
	char id[HTTPD_ID_BYTES]; /* X-Request-ID: a random UUID */
};
/* The value of a parameter of the address, decoded, or NULL. Within the handler. */
const char *httpd_param(const struct httpd_request *r, const char *key);

typedef void (*httpd_handler_fn)(void *ctx, struct httpd_request *r);

struct httpd_args {
	struct evloop *loop;
	int fd;                            /* listening; taken over on success */
	const char *path;                  /* of a unix socket, else NULL; borrowed */
	const struct httpd_limits *limits; /* borrowed; read at any time */
	struct counters *counters;
	httpd_handler_fn handler;
	void *ctx;
};
MUST_CHECK int httpd_new(const struct httpd_args *args, struct httpd **ret);
/* Cuts what is open. No request may be suspended. */
void httpd_free(struct httpd *h);

/* Once per loop turn: lets the library work, enforces the deadlines. */
void httpd_run(struct httpd *h);
/* How long the loop may sleep before the next httpd_run(). */
uint64_t httpd_wait_ns(const struct httpd *h);

/* Answers with a copy of the bytes. 503 carries Retry-After. */
void httpd_answer(struct httpd_request *r, unsigned status, const char *content_type,
		  const void *body, size_t len);

/* Answers 200 with what the source makes. The source is taken over in any case. */
void httpd_answer_stream(struct httpd_request *r, const char *content_type,
			 const struct pump_source *source);

/* Within the handler: the answer comes later. r stays valid until it is answered and resumed. */
void httpd_suspend(struct httpd_request *r);
/* After the answer to a suspended request. */
void httpd_resume(struct httpd_request *r);
