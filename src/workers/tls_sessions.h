/* TLS sessions that a worker keeps from one check to the next, one per check that resumes: always
 * the newest, as a live object (about 6 KB). Rows by check slot; pages come with the first session
 * on them. Worker's thread only.
 *
 * A session is offered again only to the same check (slot and sequence) with the same setting,
 * names included (key), so that what it stands for is what a full handshake would verify now; and
 * never past the end of the certificate that it was made with, if certificates are verified.
 */
#pragma once

#include "base/table.h"
#include "config/extras.h"

struct generation;
struct ssl_session_st;

enum {
	TLS_SESSIONS_FULL_EACH = 10, /* SESSION_REUSE_AUTO: one full handshake in so many */
	TLS_SESSIONS_SWEEP_ROWS = 4,
};

struct tls_sessions {
	struct table rows;
	uint32_t end; /* rows ever used: 0..end-1 */
	uint32_t cursor;
	uint32_t n_kept;
};

/* Whose session, made how. */
struct tls_sessions_owner {
	uint32_t check; /* slot */
	uint32_t sequence;
	uint64_t key;        /* hash of all that a handshake depends on */
	uint8_t reuse;       /* enum session_reuse, not off */
	bool ends_with_cert; /* certificates are verified */
};

/* How a connection ended. */
struct tls_sessions_end {
	struct ssl_session_st *session; /* newest one, taken over; NULL: none */
	uint32_t cert_expiry_s;         /* 0: unknown */
	bool was_resumed;
	bool was_good;      /* the check was */
	bool was_tls_fault; /* it failed in the TLS layer */
};

MUST_CHECK int tls_sessions_init(struct tls_sessions *s);
void tls_sessions_deinit(struct tls_sessions *s);

/* The session to offer, borrowed until tls_sessions_put; NULL: make a full handshake. */
struct ssl_session_st *tls_sessions_get(struct tls_sessions *s, const struct tls_sessions_owner *o,
					uint32_t wall_s);
/* After a failure the next handshake is a full one: after any with AUTO, after one of TLS with ON.
 */
void tls_sessions_put(struct tls_sessions *s, const struct tls_sessions_owner *o,
		      const struct tls_sessions_end *end);
/* Looks at the next few rows and frees what belongs to no check of gen. Called with each job, it
 * comes past every row again and again. */
void tls_sessions_sweep(struct tls_sessions *s, const struct generation *gen);
