/* Every verdict: check → real → service → prefix. Pure: no clock, no socket, no thread; agg calls
 * it. Events go in, state rows change, and two dirty lists say which reals and prefixes may need
 * an actuator's attention. Decisions C and D are its rules; each is a test.
 *
 * fleet is the only writer of all rows but for the actuators' fields of real_row (modules_*,
 * acked_weight, REAL_ROW_HELD and _KEPT through the functions below) and prefix_row.sent
 * (likewise).
 */
#pragma once

#include "config/gen_diff.h"
#include "model/counter.h"
#include "model/result.h"
#include "model/state.h"
#include "model/summary.h"

struct fleet;
struct generation;

struct fleet_config {
	uint32_t unknown_max;
	uint64_t announce_hold_ns;
	uint32_t max_remove; /* 0: off */
	bool has_announcer;  /* a backend other than none */
	bool needs_address;  /* prefixes need their address on an interface: fleet_address */
	bool has_balancer;   /* false: backend none, enabled holds at once */
	uint64_t sync_period_ns;
	struct {
		uint64_t max_hold_ns;
		uint64_t max_hold_answered_ns;
		uint32_t min_hosts;
		uint32_t percent;
	} blind;
};

enum fleet_alarm {
	FLEET_ALARM_UNSERVED, /* its prefix is announced, and it never served (decisions 27) */
	FLEET_ALARM_PANIC,    /* panic hold keeps some of its reals */
	FLEET_ALARM_SCALED,   /* weights are sent scaled down (decisions 23) */
};

/* What happened, for log and metrics. All on agg's thread, rows already changed. Any may be NULL.
 */
struct fleet_hooks {
	void *ctx;
	/* result: the one that decided it */
	void (*check_changed)(void *ctx, uint32_t check, enum state from, enum state to,
			      const struct result *result);
	/* held_s: seconds in the state it left; first: it had none before. check SLOT_NONE: not by
	 * a result (reload, operator) */
	void (*real_changed)(void *ctx, uint32_t real, enum state from, enum state to,
			     uint32_t check, const struct result *result, uint32_t held_s);
	/* An answer drains an up real, or no longer does (drain_status). result: NULL if it was not
	 * by one */
	void (*real_drained)(void *ctx, uint32_t real, bool begins, const struct result *result);
	void (*service_changed)(void *ctx, uint32_t service, enum state from, enum state to);
	void (*prefix_changed)(void *ctx, uint32_t prefix, enum state from, enum state to);
	void (*blind_changed)(void *ctx, bool is_blind, uint32_t n_hosts, uint32_t n_bad);
	void (*unknown_alarm)(void *ctx, uint32_t check, const struct result *result, bool begins);
	void (*service_alarm)(void *ctx, uint32_t service, enum fleet_alarm alarm, bool begins);
	/* within fleet_adopt: hooks before it speak of slots of the generation before, hooks after
	 * it of gen */
	void (*generation_changed)(void *ctx, const struct generation *gen);
};

/* tables are borrowed. counters: agg's. Returns NULL if out of memory. */
struct fleet *fleet_new(const struct fleet_config *config, struct state_tables *tables,
			const struct fleet_hooks *hooks, struct counters *counters);
void fleet_free(struct fleet *f);

/* Uses gen from now on. Added slots start as decisions 20-22 say; changed ones are judged anew;
 * removed ones keep their rows, wanted as removed (reals: disabled, prefixes: withdrawn), until
 * fleet_retire. Returns 0 or -ENOMEM (nothing changed). */
MUST_CHECK int fleet_adopt(struct fleet *f, const struct generation *gen,
			   const struct gen_diff *diff, uint64_t now_ns);
/* Forgets the removed slots: rows become zero. */
void fleet_retire(struct fleet *f, const struct gen_diff *diff);

/* One result. Stale ones (slot, sequence not current) are counted and dropped. */
void fleet_result(struct fleet *f, const struct result *result, uint64_t now_ns);
/* Time passes: ends of holds. Call at fleet_next_ns() or later. */
void fleet_tick(struct fleet *f, uint64_t now_ns);
/* When fleet_tick() has something to do; UINT64_MAX: nothing. */
uint64_t fleet_next_ns(const struct fleet *f);

/* Operator's word for one real (state.h real_override_make). */
void fleet_override(struct fleet *f, uint32_t real, uint32_t override, uint64_t now_ns);
void fleet_release_panic(struct fleet *f, uint64_t now_ns);

/* --- from the balancer's driver --- */
/* The connection was made or lost. Until this is called: not connected. Held survives it; only what
 * was taken down meanwhile needs an acknowledgement to be held again (decisions 25). */
void fleet_connection(struct fleet *f, bool is_connected);
/* RealFind shows the real for the first time in this life, enabled or not (KEPT, decisions 21). */
void fleet_listed(struct fleet *f, uint32_t real, bool enabled, uint16_t weight, uint64_t now_ns);
/* Two complete replies lack it: no longer held, absent. */
void fleet_unlisted(struct fleet *f, uint32_t real, uint64_t now_ns);
/* weight: as it was sent, scaled. What was wanted is flushed in every module that lists it: held if
 * enabled. */
void fleet_acked(struct fleet *f, uint32_t real, bool enabled, uint16_t weight, uint64_t now_ns);
/* First complete RealFind reply: quorum 0 services may come up, absent reals count as absent. */
void fleet_first_find(struct fleet *f, uint64_t now_ns);
/* --- from the interface of announcer.require_local_address --- */
/* Whether the prefix's address is there. Until this is called nothing new is announced. Missing:
 * withdrawn, whatever blind or announce_hold say; no failure of its services. */
void fleet_address(struct fleet *f, uint32_t prefix, bool is_there, uint64_t now_ns);
/* --- from the announcer's driver --- */
/* The peer accepted this state of the prefix. */
void fleet_prefix_sent(struct fleet *f, uint32_t prefix, enum state sent);
/* One of several backends, by its bit, accepted it: for those who look; nothing follows from it. */
void fleet_prefix_accepted(struct fleet *f, uint32_t prefix, unsigned backend, enum state state);

/* What the balancer shall have for this real now. */
enum fleet_want { FLEET_NOTHING, FLEET_ENABLE, FLEET_DISABLE };
struct fleet_wish {
	enum fleet_want want;
	uint16_t weight; /* scaled (decisions 23), for FLEET_ENABLE */
	/* the disable waits for this prefix's withdrawal (decisions 36); SLOT_NONE: goes at once */
	uint32_t after_prefix;
};
/* For him who sends it: a disable or a lower weight counts as sent from now on, and has to be
 * followed by an acknowledgement before the real counts again as it did (decisions 25). */
struct fleet_wish fleet_wish_of(struct fleet *f, uint32_t real);
/* The same for him who only looks. */
struct fleet_wish fleet_wish_peek(const struct fleet *f, uint32_t real);

/* Takes one real or prefix whose wish may have changed since it was taken last; SLOT_NONE: none
 * is left. A slot is in its list once. Removed slots come too. */
uint32_t fleet_take_dirty_real(struct fleet *f);
uint32_t fleet_take_dirty_prefix(struct fleet *f);

bool fleet_is_blind(const struct fleet *f);

/* Fills what the fleet knows: generation, counts by state, is_blind, is_warm (every real and prefix
 * has a verdict), histograms, errors. Other fields are left alone. O(1). */
void fleet_fill_summary(const struct fleet *f, struct summary *ret_summary);
/* Reals with a check that had no known result within 3 intervals (decisions 16). Looks at every
 * check: for alarms. */
uint32_t fleet_n_stale(const struct fleet *f, uint64_t now_ns);

/* --- from a snapshot (decisions 44) ---
 * Right after the first fleet_adopt, before anything is taken from the dirty lists: weights, reals,
 * checks, services, prefixes in this order, and fleet_restored at the end. Verdicts
 * (STATE_UNDECIDED: none) and held weights only if the snapshot counts for verdicts. */
void fleet_restore_weight(struct fleet *f, uint32_t check, uint16_t weight);
/* The check's last good answer was one of its drain_status. */
void fleet_restore_drain(struct fleet *f, uint32_t check);
/* held_weight: unscaled, of the last acknowledged enable; 0 if it was not held. All checks of the
 * real take its verdict. */
void fleet_restore_real(struct fleet *f, uint32_t real, enum state state, uint16_t held_weight,
			uint32_t override, uint64_t now_ns);
/* A check that differed from its real. Does nothing where that would change the real's verdict: the
 * check that made the difference may be gone. */
void fleet_restore_check(struct fleet *f, uint32_t check, enum state state);
void fleet_restore_service(struct fleet *f, uint32_t service, enum state state, bool is_joined,
			   uint64_t now_ns);
void fleet_restore_prefix(struct fleet *f, uint32_t prefix, enum state state, bool was_announced,
			  uint64_t now_ns);
void fleet_restored(struct fleet *f, uint64_t now_ns);
