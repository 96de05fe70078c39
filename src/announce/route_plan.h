/* Which routes of which announce group differ from what the peer accepted. Pure: no socket, no
 * clock. Level-triggered: a prefix is dirty until its wanted state was sent, so a lost send, a
 * restart of the peer or a flap heals by itself (design §4).
 *
 * Wanted is prefix_row.state; an undecided prefix is in no message (decisions 28). A prefix that is
 * configured no more leaves a tombstone, a withdrawal that stays until it was sent and was part of
 * one full snapshot. agg's thread.
 */
#pragma once

#include "base/addr.h"
#include "config/gen_diff.h"
#include "model/announce_row.h"
#include "model/state.h"

struct generation;
struct route_plan;

struct route {
	struct addr vip;
	bool announce;
	uint32_t prefix;    /* slot; SLOT_NONE: a tombstone */
	uint32_t tombstone; /* its number, when prefix is SLOT_NONE */
};

struct route_list {
	struct route *at;
	uint32_t n;
};

/* n_groups groups, numbered from 1. max_per_min: most announcements of one prefix a minute, 0: any.
 * Returns NULL if out of memory. */
struct route_plan *route_plan_new(const struct state_tables *tables, uint32_t n_groups,
				  uint32_t max_per_min);
void route_plan_free(struct route_plan *p);

/* All groups are one, number 1. Before the first generation. */
void route_plan_merge_groups(struct route_plan *p);

/* gen is used from now on; gen before this one must still be readable. Returns 0 or -ENOMEM. */
MUST_CHECK int route_plan_adopt(struct route_plan *p, const struct generation *gen,
				const struct gen_diff *diff);
/* The wanted state of a prefix changed. Returns its group, 0 if it is none of ours. */
uint16_t route_plan_mark(struct route_plan *p, uint32_t prefix);
/* The group's peer knows nothing, or asked: all decided prefixes and tombstones are dirty. */
void route_plan_mark_all(struct route_plan *p, uint16_t group);
/* What the group's peer was sent is the whole truth to it: tombstones that were sent are needed no
 * more. */
void route_plan_drop_sent_tombstones(struct route_plan *p, uint16_t group);
/* From now on every configured prefix is wanted withdrawn, undecided or not. */
void route_plan_withdraw_all(struct route_plan *p);

/* What the group's peer has to be told now: withdrawals first, each part sorted by address.
 * Announcements only if with_announcements. Valid until the next call. Returns 0 or -ENOMEM. */
MUST_CHECK int route_plan_collect(struct route_plan *p, uint16_t group, bool with_announcements,
				  uint64_t now_ns, struct route_list *ret);
/* The peer accepted these routes of the last collection. */
void route_plan_accepted(struct route_plan *p, uint16_t group, const struct route *routes,
			 uint32_t n, uint64_t now_ns);

/* Routes that may have to be sent, withheld ones included. */
uint32_t route_plan_pending(const struct route_plan *p, uint16_t group);
/* How many routes of each family the group's peer has accepted as announced. */
void route_plan_count(const struct route_plan *p, uint16_t group,
		      uint32_t ret_n[ANNOUNCE_FAMILY__N]);
/* True if a withdrawal is among them. */
bool route_plan_has_withdrawal(const struct route_plan *p, uint16_t group);
