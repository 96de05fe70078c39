/* What one announce backend makes of its work, in a seqrow'd row: agg writes, api reads. */
#pragma once

#include "base/cc.h"

enum {
	ANNOUNCE_MAX_BACKENDS = 3,
	ANNOUNCE_MAX_GROUPS = 64,
	ANNOUNCE_ERROR_BYTES = 200,
	ANNOUNCE_VERSION_BYTES = 16,
};

#define ANNOUNCE_NOT_COUNTED UINT32_MAX

enum announce_family { ANNOUNCE_V4, ANNOUNCE_V6, ANNOUNCE_FAMILY__N };

struct announce_group_row {
	uint32_t is_synced;   /* the peer has all of it, and nothing speaks against it */
	uint32_t is_disabled; /* by the emergency lever */
	uint32_t unsent;      /* announcements and withdrawals not accepted yet */
	/* by family: what the peer has accepted, and what was counted there last;
	 * ANNOUNCE_NOT_COUNTED: never counted, or this backend cannot count */
	uint32_t expected[ANNOUNCE_FAMILY__N], seen[ANNOUNCE_FAMILY__N];
};

struct announce_row {
	uint32_t seq;
	uint32_t backend; /* enum announcer_backend; none: the row is not in use */
	uint32_t is_connected;
	uint32_t is_refused; /* BIRD refuses its configuration */
	uint32_t n_groups;
	uint32_t configure_us; /* how long BIRD took to accept the last configuration */
	uint64_t configured_wall_ns, verified_wall_ns; /* 0: never */
	uint64_t error_wall_ns;                        /* of last_error; 0: never */
	char version[ANNOUNCE_VERSION_BYTES];          /* BIRD's own; "" if not known */
	char last_error[ANNOUNCE_ERROR_BYTES];         /* kept after it is over; "" if none yet */
	uint32_t has_error;                            /* last_error is not over */
	uint32_t spare;
	struct announce_group_row groups[ANNOUNCE_MAX_GROUPS];
};
static_assert(sizeof(struct announce_row) % 4 == 0, "a whole number of words");
