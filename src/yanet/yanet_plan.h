/* Desired minus acknowledged, per real and module: what to send to the balancer next. Pure: no
 * clock, no socket; the driver says what happened and sends what yanet_fill() wrote.
 *
 * The way of one real (each step is one bit of a set, so a lost message costs nothing):
 *
 *   urgent, bulk ──fill──► staged ──flush acknowledged──► settling ──settle──► told
 *        ▲                    │ connection lost                │ wish differs
 *        └────────────────────┴───────────────────────────────-┘
 *
 * urgent   its wish may have changed; sent first
 * bulk     its state is to be sent again whatever we believe: after a connect, and when RealFind
 *          shows it newly or otherwise than told
 * staged   sent; applied in the balancer at some flush, of ours or of somebody else
 * settling flushed; we have not yet looked whether it is still what is wanted
 * told     every module that lists it has flushed told_weight (or the disable), and nothing was
 *          sent since: if the wish comes back to it, nothing needs to be sent
 *
 * real_row.modules_in_sync is the published form: all modules that list the real once they flushed
 * what is wanted, none before. While a real is in bulk, told and in_sync are worth nothing.
 *
 * All functions may call hooks of balancer.h; the hooks may call yanet_plan_dirty() from within.
 */
#pragma once

#include "yanet/balancer.h"
#include "yanet/yanet_budget.h"
#include "yanet/yanet_modules.h"
#include "yanet/yanet_sent.h"
#include "yanet/yanet_tombs.h"

struct yanet_plan {
	const struct balancer_hooks *hooks;
	struct state_tables *tables;
	struct counters *counters;
	const struct generation *gen; /* NULL before the first adoption */
	struct yanet_modules modules;
	struct slotset urgent, bulk, told, told_on;
	uint16_t *told_weight; /* by slot; with told and told_on */
	struct yanet_sent_list staged, settling;
	struct slotset touched;           /* came into sync since the running RealFind was asked */
	struct slotset took[MAX_MODULES]; /* may have an enable of ours */
	struct yanet_tombs tombs;
	uint32_t end;                /* of slots that every set has room for */
	uint32_t urgent_at, bulk_at; /* where the next scan begins */
	bool is_connected;
	bool has_found;   /* one RealFind reply was complete */
	bool is_stopping; /* everything listed is to be disabled */
	bool must_flush;  /* a flush failed, or something may be staged that we forgot */
	bool has_staged_urgent;
	bool is_full; /* staged has no room: flush before anything else is sent */
};

void yanet_plan_init(struct yanet_plan *p, const struct balancer_args *args);
void yanet_plan_deinit(struct yanet_plan *p);

/* gen instead of the one before. A removed real that needs a disable becomes a tombstone; it waits
 * for yanet_plan_dirty() of its old slot, at most until wait_until_ns, if its wish says so now.
 * Returns 0 or -ENOMEM (nothing changed). */
MUST_CHECK int yanet_plan_adopt(struct yanet_plan *p, const struct generation *gen,
				const struct gen_diff *diff, uint64_t wait_until_ns);

/* --- what happened --- */
void yanet_plan_dirty(struct yanet_plan *p, uint32_t real);
void yanet_plan_connected(struct yanet_plan *p);
/* Send the full state again. */
void yanet_plan_resync(struct yanet_plan *p);
void yanet_plan_lost(struct yanet_plan *p);
/* Disable everything that is listed, now and whatever is wished (decisions 45). */
void yanet_plan_stop(struct yanet_plan *p);

/* --- what RealFind shows (yanet_listing.h) --- */
/* The module lists the real, and did not before. */
void yanet_plan_appeared(struct yanet_plan *p, uint32_t real, unsigned module);
/* The module lists the real as before, like this. */
void yanet_plan_compare(struct yanet_plan *p, uint32_t real, unsigned module, bool enabled,
			uint32_t weight);
/* Of the modules that listed the real only these still do, perhaps none. */
void yanet_plan_vanished(struct yanet_plan *p, uint32_t real, uint32_t still);
/* These module numbers are free. */
void yanet_plan_forget_modules(struct yanet_plan *p, uint32_t modules);

/* --- what to do --- */
/* Is there something yanet_fill() might send? */
bool yanet_plan_has_todo(const struct yanet_plan *p, uint64_t now_ns);
/* Is something staged since the last acknowledged flush? */
bool yanet_plan_needs_flush(const struct yanet_plan *p);
/* A flush was acknowledged that was sent after all that is staged was acknowledged. Only while
 * nothing settles. */
void yanet_plan_flushed(struct yanet_plan *p);
/* Looks at what was flushed; true when nothing is left to look at. */
bool yanet_plan_settle(struct yanet_plan *p, struct yanet_budget *b);
static inline bool yanet_plan_is_settling(const struct yanet_plan *p)
{
	return p->settling.n > 0;
}
/* Reals, removed ones too, whose wish is not known to be in force. */
uint32_t yanet_plan_undelivered(const struct yanet_plan *p);

/* --- for yanet_fill.c --- */
/* What is wanted now: the hook's word, or a disable while stopping. */
struct balancer_wish yanet_plan_wish(const struct yanet_plan *p, uint32_t real);
void yanet_plan_set_modules(struct yanet_plan *p, uint32_t real, uint32_t listing,
			    uint32_t in_sync);
