/* Check drivers: the conversation with a real server after its connection is up, without sockets,
 * clocks or threads. Bytes in, bytes out, an outcome. The worker owns connecting, TLS, deadlines;
 * simulation and fuzzing call the same drivers.
 *
 * Life of a talk: check_talk_begin → (TLS) → open → input* → interrupted? → close. After a step
 * returned CHECK_DONE, or after interrupted, outcome is final and only close may follow.
 * A TCP_CHECK has no talk: it is good when the handshake is.
 */
#pragma once

#include "base/buf.h"
#include "config/gen.h"
#include "model/job.h"

enum check_step { CHECK_WAIT, CHECK_DONE };

enum check_interrupt {
	CHECK_TIMEOUT, /* check_timeout passed */
	CHECK_EOF,     /* the peer ended its stream in order */
	CHECK_BROKEN,  /* reset or another socket or TLS read error; detail: errno */
};

struct check_outcome {
	uint16_t code;       /* enum check_code */
	uint32_t detail;     /* check_code.tbl */
	int32_t weight;      /* as the server said it; -1: none */
	uint32_t bytes_read; /* of the response, after TLS */
};

struct check_driver;

/* Limits of one response. */
enum { CHECK_MAX_HEADER_BYTES = 64 << 10, CHECK_MAX_BODY_BYTES = 64 << 20 };

/* One conversation. Embedded in the worker's run; reused for the next check without allocation
 * (what a driver keeps, as a digest context, it keeps in here). Zero bytes are a valid new one. */
struct check_talk {
	const struct check_driver *driver;
	const struct generation *generation;
	const struct check_spec *spec;
	const struct check_profile *profile;
	uint16_t job_weight;
	bool was_up;
	struct check_outcome outcome;
	/* the drivers' states; made at first use, freed by check_talk_free */
	struct check_http *http;
	struct check_grpc *grpc;
};

/* Binds the talk to a job of a kind that has a talk: its generation must stay valid until close.
 * Returns 0, -ENOMEM, or -ENOTSUP if the crypto library refuses to make MD5: faults of our own. */
MUST_CHECK int check_talk_begin(struct check_talk *t, const struct job *job);
/* The connection (and the TLS handshake) is up: what to send is appended to out. CHECK_DONE: there
 * is nothing to send, for want of memory. */
enum check_step check_talk_open(struct check_talk *t, struct buf *out);
/* len > 0 bytes from the peer. May append to out. CHECK_DONE may come before the response has
 * ended (check_http.h); what was received behind its end is not looked at. */
enum check_step check_talk_input(struct check_talk *t, const void *data, size_t len,
				 struct buf *out);
/* It ends without the peer's last word: sets the outcome for it. An EOF may be a good end; EPERM,
 * EINVAL, EMSGSIZE, ENOMEM and ENOBUFS as detail of CHECK_BROKEN give an unknown. */
void check_talk_interrupted(struct check_talk *t, enum check_interrupt why, uint32_t detail);
/* The talk is over, whatever came of it. */
void check_talk_close(struct check_talk *t);
/* Frees what the talk kept for reuse. */
void check_talk_free(struct check_talk *t);

/* True if the check speaks through TLS. */
bool check_uses_tls(const struct check_profile *p);
/* The protocol to agree on in the TLS handshake (ALPN), without which there is no talk; NULL: none.
 * Static storage. */
const char *check_alpn(const struct check_profile *p);
/* True if the kind has a talk at all. */
bool check_has_talk(enum check_kind kind);
