/* Check drivers: the conversation with a real server after its connection is up, without sockets,
 * clocks or threads. Bytes in, bytes out, an outcome. The worker owns connecting, TLS, deadlines;
 * simulation and fuzzing call the same drivers.
 *
 * One talk is about one url; a check with several holds one after another, each on a connection of
 * its own (check_n_urls).
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
	bool is_drained;     /* good by a status of drain_status */
};

struct check_driver;
struct check_expect;

/* Limits of one response; of its body, what the check does not set lower. */
enum { CHECK_MAX_HEADER_BYTES = 64 << 10, CHECK_MAX_BODY_BYTES = EXTRAS_MAX_BODY_BYTES };

/* What is asked of a url and expected of its answer. */
struct check_ask {
	const char *path;                            /* "": "/" */
	const char *virtualhost;                     /* "": the address */
	const struct status_set *status;             /* NULL: the profile's status_code */
	const uint8_t *digest;                       /* MD5; NULL: any body */
	const struct pcre2_real_code_8 *expect_body; /* NULL: any body */
};

/* One conversation. Embedded in the worker's run; reused for the next check without allocation
 * (what a driver keeps, as a digest context, it keeps in here). Zero bytes are a valid new one. */
struct check_talk {
	/* Set by the owner before begin; zero is the usual. */
	struct check_expect *expect; /* of the owner's thread; needed where a body is expected */
	uint8_t url;                 /* which one, below check_n_urls() */
	bool speaks_h2;              /* the TLS handshake has agreed on it */

	const struct check_driver *driver;
	const struct generation *generation;
	const struct check_spec *spec;
	const struct check_profile *profile;
	const struct check_extras *extras; /* NULL: none */
	struct check_ask ask;
	uint16_t job_weight;
	bool was_up;
	struct check_outcome outcome;
	/* the drivers' states; made at first use, freed by check_talk_free */
	struct check_http *http;
	struct check_h2 *h2;
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
/* The protocols to offer in the TLS handshake (ALPN), the favourite first, NULL behind the last;
 * NULL: none. Static storage. */
const char *const *check_alpn(const struct generation *g, const struct check_profile *p);
/* True if there is a talk when the peer has chosen this one of them; "": none. */
bool check_takes_alpn(const struct generation *g, const struct check_profile *p,
		      const char *chosen);
/* True if the kind has a talk at all. */
bool check_has_talk(enum check_kind kind);
/* How many urls the check asks for, at least 1. */
uint32_t check_n_urls(const struct generation *g, const struct check_profile *p);
/* The Host value of one of them; "": the address stands for it. */
const char *check_virtualhost(const struct generation *g, const struct check_profile *p,
			      uint32_t url);
