/* The request of an HTTP check as bytes, as the reference sends it (spec/monalive §3.2), but
 * without Accept-Encoding (decisions 18):
 *
 *   GET <path> HTTP/1.1
 *   Host: <virtualhost, else ip:port, the port always shown>
 *   User-Agent: monalive
 *   Connection: close
 *   X-Rs-Alive: 0|1          with dynamic weight only
 *   X-Rs-Weight: <decimal>   with dynamic weight only
 */
#pragma once

#include "base/addr.h"
#include "base/buf.h"

struct check_request {
	const char *path;        /* "" = "/"; "?..." = "/?..." */
	const char *virtualhost; /* "": the address stands for it */
	struct addr ip;
	uint16_t port;
	uint16_t weight;
	bool has_weight; /* dynamic weight is enabled */
	bool was_up;
};

/* Appends the request. Of the path, what no request target may hold is sent percent-encoded and a
 * fragment is not sent, so that no text of a path can end the line. Returns 0 or -ENOBUFS (no room
 * or no memory). */
MUST_CHECK int check_request_append(const struct check_request *r, struct buf *out);
