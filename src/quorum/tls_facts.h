/* What the latest handshake of each check has shown: certificate's end, version, cipher; and which
 * checks' certificates end soon, which is a warning and never a verdict. Pure: the time comes with
 * the call. agg's thread; it is the only writer of the rows (model/state.h).
 */
#pragma once

#include "model/result.h"
#include "model/state.h"

struct tls_facts {
	struct state_tables *tables;
	uint32_t n_expiring; /* rows with TLS_ROW_EXPIRES */
};

enum tls_facts_change { TLS_FACTS_SAME, TLS_FACTS_EXPIRES_SOON, TLS_FACTS_RENEWED };

/* A result of a check of the adopted generation; one whose handshake did not end is ignored.
 * warn_days: 0 = never warn. wall_s: now, seconds since 1970. */
enum tls_facts_change tls_facts_note(struct tls_facts *f, const struct result *r,
				     uint16_t warn_days, uint64_t wall_s);
/* The check is gone. */
void tls_facts_forget(struct tls_facts *f, uint32_t check);
