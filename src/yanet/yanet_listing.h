/* What RealFind replies say: which real which module lists, for the first time, still, or no
 * longer. Presence comes from here; what the shown state means for sending is the plan's business.
 *
 * A reply that is read while a new generation is adopted, or that breaks off, proves nothing about
 * absence and is void. A real is unlisted when two complete replies in a row, asked at least one
 * sync period apart, lack it (decisions 25); replies asked sooner show presence only. A real that
 * stays in another module leaves the one that lacks it with the first such reply.
 */
#pragma once

#include "yanet/yanet_decode.h"
#include "yanet/yanet_plan.h"

struct yanet_listing {
	struct yanet_plan *plan;
	uint64_t period_ns;
	uint64_t asked_ns;   /* when the running reply was asked for */
	uint64_t counted_ns; /* when the last one was asked that counted for absence; 0: none yet */
	bool is_open;        /* between begin and the end of the sweep, or void */
	bool is_void;
	unsigned module;   /* that the decoder is in; YANET_MODULES_FULL: not one of ours */
	uint32_t service;  /* SLOT_NONE: not one of ours */
	uint32_t sweep_at; /* next slot to look at after the reply */
	uint32_t n_listed; /* configured reals that some module lists */
	uint32_t
		n_foreign; /* listed reals of our services that are not ours: last complete reply */
	uint32_t n_foreign_so_far;
	uint32_t
		n_unnamed; /* modules whose name cannot be sent, or above MAX_MODULES: last reply */
	struct slotset seen[MAX_MODULES];
};

void yanet_listing_init(struct yanet_listing *l, struct yanet_plan *plan, uint64_t period_ns);
void yanet_listing_deinit(struct yanet_listing *l);

/* Call right before yanet_plan_adopt(): removed reals are no longer listed. */
void yanet_listing_adopt(struct yanet_listing *l, const struct gen_diff *diff);

/* A request for everything is sent. */
void yanet_listing_begin(struct yanet_listing *l, uint64_t now_ns);
/* The decoder returned one of these. */
void yanet_listing_module(struct yanet_listing *l, const struct yanet_found_module *m);
void yanet_listing_service(struct yanet_listing *l, const struct yanet_found_service *s);
void yanet_listing_real(struct yanet_listing *l, const struct yanet_found_real *r);
/* The reply will not be complete. */
void yanet_listing_abort(struct yanet_listing *l);

enum { YANET_LISTING_MORE, YANET_LISTING_DONE, YANET_LISTING_VOID };
/* The reply was complete: looks for what it lacked. Call until it returns DONE (everything is as
 * the reply says), or VOID (ask again). */
int yanet_listing_sweep(struct yanet_listing *l, struct yanet_budget *b);
