/* One request over HTTP/2 on a connection of its own, over memory: bytes in, bytes out, no socket.
 * libnghttp2 inside. Used again for the next connection; one thread.
 *
 * What the peer can cost is bounded per connection, whatever it sends: bytes that are no body,
 * frames that carry no body (SETTINGS, PING, WINDOW_UPDATE, CONTINUATION, empty DATA ...), fields,
 * bytes of fields, body, and the library's memory. Beyond a bound the connection is over: H2_LIMIT.
 */
#pragma once

#include "base/buf.h"

enum {
	H2_MAX_CONTROL_BYTES = 128 << 10,
	H2_MAX_FRAMES = 256,
	H2_MAX_FIELDS = 256,
	H2_MAX_FIELD_BYTES = 64 << 10, /* names and values, 32 added for each (RFC 9113 §6.5.2) */
	H2_MAX_MEMORY_BYTES = 512 << 10,
	H2_MAX_REQUEST_BYTES = 64 << 10,
	H2_MAX_REQUEST_FIELDS = 256,
	/* of control bytes: further ones for each so many bytes of body, which come in frames */
	H2_BODY_PER_CONTROL_BYTE = 32,
};

enum h2_end {
	H2_GOES_ON,
	H2_COMPLETE,  /* the response has ended in order */
	H2_RESET,     /* RST_STREAM by the peer; detail: its error code */
	H2_GOAWAY,    /* the peer takes no request here; detail: its error code */
	H2_MALFORMED, /* against the protocol; detail: the error code we would tell */
	H2_LIMIT,     /* detail: enum h2_limit */
	H2_NO_MEMORY, /* ours */
	H2_NO_ROOM,   /* out would not hold what is to be sent: the peer does not read */
};

enum h2_limit {
	H2_LIMIT_NONE,
	H2_LIMIT_CONTROL_BYTES,
	H2_LIMIT_FRAMES,
	H2_LIMIT_FIELDS,
	H2_LIMIT_FIELD_BYTES,
	H2_LIMIT_BODY,
	H2_LIMIT_MEMORY,
};

/* A header field; names in lower case. */
struct h2_field {
	const char *name, *value;
	size_t name_len, value_len;
};
#define H2_FIELD(name, value, len) ((struct h2_field){(name), (value), sizeof(name) - 1, (len)})
#define H2_FIELD_TEXT(name, value) H2_FIELD(name, value, sizeof(value) - 1)

struct h2_request {
	const struct h2_field *fields; /* pseudo-headers first; need not outlive h2_open() */
	size_t n_fields;               /* up to H2_MAX_REQUEST_FIELDS */
	const void *body;              /* likewise */
	size_t body_len;
	uint32_t max_body_bytes; /* of the response */
};

/* What hears the response, while h2_input() runs. */
struct h2_sink {
	/* A field of the final response's head or of its trailers; interim responses are left out,
	 * and so is :status. */
	void (*field)(void *arg, const struct h2_field *field, bool is_trailer);
	/* len > 0 bytes of the body. */
	void (*body)(void *arg, const uint8_t *data, size_t len);
	void *arg;
};

struct h2;

/* NULL: out of memory. */
struct h2 *h2_new(void);
void h2_free(struct h2 *h);

/* Begins a connection; one before it must be closed. Appends the preface, our SETTINGS and the
 * request to out. Returns 0, -ENOMEM or -ENOBUFS (too long, or no room in out); then it is closed.
 */
MUST_CHECK int h2_open(struct h2 *h, const struct h2_request *request, const struct h2_sink *sink,
		       struct buf *out);
/* len > 0 bytes from the peer; may append to out. An end is final: only h2_close() may follow. */
enum h2_end h2_input(struct h2 *h, const void *data, size_t len, struct buf *out);
/* Of the last end. */
uint32_t h2_detail(const struct h2 *h);
/* The final response's status; 0: none yet. */
uint16_t h2_status(const struct h2 *h);
/* True once the final response's head is complete and in order. */
bool h2_has_head(const struct h2 *h);
/* Of the response's body, so far. */
uint32_t h2_body_bytes(const struct h2 *h);
/* True if the peer said GOAWAY without refusing our request; *ret_code: its error code. */
bool h2_was_told_to_leave(const struct h2 *h, uint32_t *ret_code);
/* Frees what the connection held. Harmless without one. */
void h2_close(struct h2 *h);
