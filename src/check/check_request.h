/* The request of an HTTP check, as the reference sends it (spec/monalive §3.2), but without
 * Accept-Encoding (decisions 18):
 *
 *   GET <path> HTTP/1.1
 *   Host: <virtualhost, else ip:port, the port always shown>
 *   User-Agent: monalive
 *   Connection: close
 *   X-Rs-Alive: 0|1          with dynamic weight only
 *   X-Rs-Weight: <decimal>   with dynamic weight only
 *   <headers of the configuration>
 *
 * A configured User-Agent replaces ours. POST, PUT and PATCH say that they have no content.
 */
#pragma once

#include "base/addr.h"
#include "base/buf.h"
#include "net/h2.h"

struct check_request {
	const char *method;      /* "" = GET */
	const char *headers;     /* extras.h */
	const char *path;        /* "" = "/"; "?..." = "/?..." */
	const char *virtualhost; /* "": the address stands for it */
	struct addr ip;
	uint16_t port;
	uint16_t weight;
	bool has_weight; /* dynamic weight is enabled */
	bool was_up;
	bool is_tls; /* HTTP/2 says so */
};

/* Appends the request. Of the path, what no request target may hold is sent percent-encoded and a
 * fragment is not sent, so that no text of a path can end the line. Returns 0 or -ENOBUFS (no room
 * or no memory). */
MUST_CHECK int check_request_append(const struct check_request *r, struct buf *out);

struct check_fields {
	struct buf *text; /* what at[] points into; must be empty, and stay so long */
	struct h2_field at[H2_MAX_REQUEST_FIELDS];
	size_t n;
};
/* The same for HTTP/2, names in lower case. Returns 0 or -ENOBUFS (no room or no memory). */
MUST_CHECK int check_request_fields(const struct check_request *r, struct check_fields *f);
