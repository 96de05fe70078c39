/* What agg expects of an announce backend: make these prefixes announced, those withdrawn.
 * Backends: bird (Monalive's datagram protocol, announce/bird.c), bird2 (an unmodified BIRD 2,
 * announce/bird2.c), bird_list (the same with a list for its filters, announce/bird_list.c), none;
 * several at once: announce/announce_multi.c. On agg's thread. */
#pragma once

#include "base/evloop.h"
#include "config/app_config.h"
#include "config/gen_diff.h"
#include "model/announce_row.h"
#include "model/counter.h"
#include "model/state.h"

struct announcer;
struct generation;

struct announcer_hooks {
	void *ctx;
	/* The peer accepted this state of the prefix (datagram sent, configuration taken). */
	void (*sent)(void *ctx, uint32_t prefix, enum state state);
	/* One of several backends accepted it, or has forgotten the prefix (undecided). backend:
	 * its bit in enum announcer_backend. NULL: nobody cares. */
	void (*accepted)(void *ctx, uint32_t prefix, unsigned backend, enum state state);
	/* announcer_peer_is_there may say something else now; NULL: nobody cares. */
	void (*peer_changed)(void *ctx);
};

struct announcer_args {
	struct evloop *loop;
	struct state_tables *tables; /* prefix rows: state is what is wanted */
	struct counters *counters;
	const struct app_config *app;
	struct announcer_hooks hooks;
};

/* Makes the backends that app->announcer.backend names. Failing to make a socket is no failure:
 * it is retried and told. */
MUST_CHECK int announcer_new(const struct announcer_args *args, struct announcer **ret);
void announcer_free(struct announcer *a);

/* Prefixes and groups are looked up in gen from now on. A removed prefix is withdrawn until that
 * was sent and was part of one full snapshot; a moved one is announced in its new group first, then
 * withdrawn in the old (decisions 29). Call after fleet_adopt. */
MUST_CHECK int announcer_adopt(struct announcer *a, const struct generation *gen,
			       const struct gen_diff *diff);
/* The wanted state of this prefix changed. A withdrawal goes at once (at most one send per 5 ms and
 * group), an announcement with the next update period. */
void announcer_dirty(struct announcer *a, uint32_t prefix);
/* All first verdicts are known, or the deadline passed: send one full snapshot unasked (undecided
 * prefixes are in no message, decisions 28). */
void announcer_warm(struct announcer *a);

/* Stop: withdraw all that is configured, undecided or not. */
void announcer_withdraw_all(struct announcer *a);
bool announcer_is_idle(const struct announcer *a);
/* False if the group's peer is known to be away: nobody waits for its withdrawals (decisions 36).
 */
bool announcer_peer_is_there(const struct announcer *a, uint16_t group);

/* One row per backend; returns how many. */
uint32_t announcer_rows(const struct announcer *a, struct announce_row rows[ANNOUNCE_MAX_BACKENDS]);

struct announcer_status {
	uint32_t n_groups;
	uint32_t n_groups_synced; /* in every backend */
	uint32_t n_unsent;        /* over all backends */
	const char *last_error;   /* of these rows, if it is not over; "" if none */
};
/* The sum of n rows. */
void announcer_status(const struct announce_row *rows, uint32_t n, struct announcer_status *ret);
