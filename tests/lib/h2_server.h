/* An HTTP/2 server in memory for tests: libnghttp2's own, one request, one prepared answer.
 * Failures that tests do not expect abort. Also frames by hand, for what no library would send. One
 * thread. */
#pragma once

#include <nghttp2/nghttp2.h>

#include "base/buf.h"

enum { H2_SERVER_FIELDS = 8, H2_SERVER_TEXT_BYTES = 4096 };

struct h2_server_field {
	const char *name, *value;
};

struct h2_server_answer {
	struct h2_server_field head[H2_SERVER_FIELDS]; /* :status first; the first NULL ends it */
	struct h2_server_field trailers[H2_SERVER_FIELDS];
	const void *body;
	size_t body_len;
	bool ends_with_head; /* END_STREAM there: neither body nor trailers */
};

struct h2_server {
	nghttp2_session *session;
	const struct h2_server_answer *answer;
	size_t body_at;
	char fields[H2_SERVER_TEXT_BYTES]; /* of the request: "name: value\n" each */
	size_t fields_len;
	uint8_t body[H2_SERVER_TEXT_BYTES];
	size_t body_len;
};

void h2_server_init(struct h2_server *s, const struct h2_server_answer *answer);
void h2_server_deinit(struct h2_server *s);
/* Takes bytes of the client; answers when its request is complete. */
void h2_server_take(struct h2_server *s, const void *data, size_t len);
/* Moves what the server has to send to the end of out. */
void h2_server_give(struct h2_server *s, struct buf *out);

/* Appends one frame. */
void h2_server_frame(struct buf *out, uint8_t type, uint8_t flags, uint32_t stream,
		     const void *payload, size_t len);
/* The same, with a length in its header that need not be the payload's. */
void h2_server_frame_header(struct buf *out, uint32_t len, uint8_t type, uint8_t flags,
			    uint32_t stream);
