/* The table of one announce backend; announcer.h documents each call. */
#pragma once

#include "announce/announcer.h"

struct announcer_ops {
	void (*free)(struct announcer *a);
	int (*adopt)(struct announcer *a, const struct generation *gen,
		     const struct gen_diff *diff);
	void (*dirty)(struct announcer *a, uint32_t prefix);
	void (*warm)(struct announcer *a);
	void (*withdraw_all)(struct announcer *a);
	bool (*is_idle)(const struct announcer *a);
	bool (*peer_is_there)(const struct announcer *a, uint16_t group);
	/* Fills rows, at least one of them; returns how many. */
	uint32_t (*rows)(const struct announcer *a,
			 struct announce_row rows[ANNOUNCE_MAX_BACKENDS]);
};

/* First member of each backend's own struct. */
struct announcer {
	const struct announcer_ops *ops;
	struct announcer_args args;
};

static inline void announcer_peer_changed(const struct announcer *a)
{
	if (a->args.hooks.peer_changed)
		a->args.hooks.peer_changed(a->args.hooks.ctx);
}

MUST_CHECK int bird_new(const struct announcer_args *args, struct announcer **ret);
MUST_CHECK int bird2_new(const struct announcer_args *args, struct announcer **ret);
MUST_CHECK int bird_list_new(const struct announcer_args *args, struct announcer **ret);
MUST_CHECK int announce_none_new(const struct announcer_args *args, struct announcer **ret);
