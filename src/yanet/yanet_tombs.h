/* Disables of reals that are no longer configured (decisions 36). The key is copied, since the
 * generation that held it dies. Each is sent to the modules that listed the real or took an enable
 * of it, and dropped when a flush after it is acknowledged, or when the real comes back into the
 * configuration. One thread at a time. */
#pragma once

#include "yanet/slotset.h"
#include "yanet/yanet_key.h"

struct yanet_tomb {
	struct yanet_key key;
	uint32_t modules;
	uint32_t slot; /* that it had */
};

struct yanet_tombs {
	struct yanet_tomb *at; /* [0, n_sent): sent, not yet flushed; [n_sent, n): to be sent */
	uint32_t n, n_sent, cap;
	struct slotset waiting; /* slots whose disable waits for a withdrawal (decisions 36) */
	uint64_t wait_until_ns; /* the longest that any of them waits */
};

void yanet_tombs_deinit(struct yanet_tombs *t);
/* Makes room for n more, and for slots below end. Returns 0 or -ENOMEM (nothing changed). */
MUST_CHECK int yanet_tombs_reserve(struct yanet_tombs *t, uint32_t n, uint32_t end);
/* There was room. */
void yanet_tombs_add(struct yanet_tombs *t, const struct yanet_tomb *tomb, bool is_waiting);
/* Drops those whose real is in gen. */
void yanet_tombs_revive(struct yanet_tombs *t, const struct generation *gen);
/* The disable of the real that had this slot may go. */
void yanet_tombs_release(struct yanet_tombs *t, uint32_t slot);
/* Is there one that may be sent now? */
bool yanet_tombs_has_unsent(const struct yanet_tombs *t, uint64_t now_ns);
/* The next one to send, or NULL; the caller sends it and calls yanet_tombs_mark_sent(). *from
 * starts at 0 and is moved on. */
const struct yanet_tomb *yanet_tombs_next(const struct yanet_tombs *t, uint64_t now_ns,
					  uint32_t *from);
void yanet_tombs_mark_sent(struct yanet_tombs *t, uint32_t i);
/* A flush is acknowledged: what was sent is done. */
void yanet_tombs_flushed(struct yanet_tombs *t);
/* The connection is lost: everything is to be sent. */
void yanet_tombs_lost(struct yanet_tombs *t);
/* These module numbers are free. */
void yanet_tombs_forget_modules(struct yanet_tombs *t, uint32_t modules);
