/* One connection to the balancer's control plane: a non-blocking unix stream socket that carries
 * one call at a time (spec/yanet §2). A call is the caller's bytes out, then a frame in: its
 * length, then that many bytes, handed over as they arrive.
 *
 * Whatever goes wrong (end of file, also while idle; error; deadline; a length above the cap; bytes
 * nobody asked for) closes the socket, says so once, and leads to a new attempt after a back-off
 * that doubles from 50 ms to 2 s, with jitter, and starts anew after a completed call. Nothing is
 * allocated by what the peer says. All on the loop's thread.
 */
#pragma once

#include "base/evloop.h"

enum yanet_conn_loss {
	YANET_CONN_REFUSED,    /* nobody listens, no such socket, no right */
	YANET_CONN_RESOURCES,  /* no descriptor or memory of our own */
	YANET_CONN_CLOSED,     /* by the peer */
	YANET_CONN_TIMEOUT,    /* the call's deadline passed */
	YANET_CONN_OVERSIZE,   /* a reply above the cap */
	YANET_CONN_UNEXPECTED, /* bytes without a call */
	YANET_CONN_MALFORMED,  /* yanet_conn_fail() by the caller */
	YANET_CONN_LOSS__N
};
/* "refused"; static storage */
const char *yanet_conn_loss_text(enum yanet_conn_loss loss);

struct yanet_conn;

struct yanet_conn_hooks {
	void (*connected)(struct yanet_conn *c);
	/* Also after each attempt that failed. */
	void (*lost)(struct yanet_conn *c, enum yanet_conn_loss loss);
	/* The length of the reply is known: body_bytes follow. */
	void (*reply)(struct yanet_conn *c, uint64_t body_bytes);
	/* Bytes of the body may have come: yanet_conn_peek(). */
	void (*body)(struct yanet_conn *c);
	/* The reply is complete and consumed: the connection is free for the next call. */
	void (*done)(struct yanet_conn *c);
};

struct yanet_conn_config {
	const char *path;     /* of the socket; borrowed */
	uint64_t deadline_ns; /* of a call, without what its size adds */
	uint64_t backoff_min_ns, backoff_max_ns;
	uint64_t reply_bytes_max;
};

enum yanet_conn_state {
	YANET_CONN_DOWN, /* waits for the next attempt */
	YANET_CONN_IDLE,
	YANET_CONN_SEND,   /* the request is being written */
	YANET_CONN_LENGTH, /* the reply's length is awaited */
	YANET_CONN_BODY,
};

enum { YANET_CONN_BUFFER_BYTES = 64 * 1024 };

/* Embedded in its owner's struct; fields are for this module. */
struct yanet_conn {
	struct ev_source source;
	struct ev_timer timer; /* the call's deadline, or the next attempt */
	struct evloop *loop;
	struct yanet_conn_config config;
	const struct yanet_conn_hooks *hooks;
	enum yanet_conn_state state;
	uint64_t backoff_ns;
	const uint8_t *out; /* the caller's: rest of the request */
	size_t out_len;
	uint8_t *in; /* YANET_CONN_BUFFER_BYTES */
	uint32_t in_start, in_end;
	uint64_t body_left;
};

/* Connecting begins with the loop. Returns 0 or -ENOMEM. */
MUST_CHECK int yanet_conn_init(struct yanet_conn *c, struct evloop *loop,
			       const struct yanet_conn_config *config,
			       const struct yanet_conn_hooks *hooks);
void yanet_conn_deinit(struct yanet_conn *c);

static inline bool yanet_conn_is_up(const struct yanet_conn *c)
{
	return c->state != YANET_CONN_DOWN;
}
static inline bool yanet_conn_is_idle(const struct yanet_conn *c)
{
	return c->state == YANET_CONN_IDLE;
}

/* Begins a call on an idle connection. The bytes are borrowed until reply() or lost(). slack_ns is
 * added to the deadline. The connection may be lost when this returns. */
void yanet_conn_call(struct yanet_conn *c, const void *request, size_t len, uint64_t slack_ns);
/* What has come of the body: bytes at *ret_at, valid until the next call of this module. Returns
 * their number, 0 if more has to come first. */
size_t yanet_conn_peek(const struct yanet_conn *c, const uint8_t **ret_at);
/* n of them are used. After the last one: done(). */
void yanet_conn_consume(struct yanet_conn *c, size_t n);
/* The caller does not accept the reply. */
void yanet_conn_fail(struct yanet_conn *c, enum yanet_conn_loss loss);
