/* The inside of struct fleet, for fleet*.c alone.
 *
 *   fleet.c         one result; time; what operator and actuators say
 *   fleet_real.c    one real: verdict, what is wanted of the balancer, its share in its service
 *   fleet_settle.c  services and prefixes whose ground changed
 *   fleet_freeze.c  blind and panic hold: begin, take back, end
 *   fleet_adopt.c   another generation
 *   fleet_restore.c what a snapshot knows
 *
 * An event first changes reals, each between fleet_real_open() and fleet_real_close(); that marks
 * services, and fleet_settle() at the end of the event judges those and then their prefixes. So a
 * service or prefix is judged once per event, on complete sums. Sums are kept by difference: a
 * real's share is taken out before it changes and put back after, and depends on nothing but rows
 * and tables that only fleet writes.
 *
 * Tables that hold what is rare (removals, no_route) cost memory for the slots that need it only.
 */
#pragma once

#include "config/gen.h"
#include "quorum/blind.h"
#include "quorum/fleet.h"
#include "quorum/hosts.h"
#include "quorum/marks.h"
#include "quorum/prefix_rule.h"
#include "quorum/route_rule.h"
#include "quorum/service_rule.h"
#include "quorum/tally.h"

/* Why something is judged: what blind may hold back, and what counts as a failure. */
enum fleet_cause {
	FLEET_BY_RESULT,
	FLEET_BY_PEER, /* balancer or announcer said something */
	FLEET_BY_OPERATOR,
	FLEET_BY_CONFIG,
	FLEET_BY_ADDRESS, /* the prefix's address left its interface, or came back */
};
static inline bool fleet_cause_is_order(enum fleet_cause c)
{
	return c == FLEET_BY_OPERATOR || c == FLEET_BY_CONFIG;
}

/* Withdrawn for this, a prefix has failed (decisions 30). */
static inline bool fleet_cause_is_failure(enum fleet_cause c)
{
	return c == FLEET_BY_RESULT || c == FLEET_BY_PEER;
}

enum removal_kind {
	REMOVAL_NONE,
	REMOVAL_LOWERED, /* up, its dynamic weight fell */
	REMOVAL_OUT,     /* down, taken out of service */
};

/* What a verdict took from a real, so that blind can give it back; lazily touched. */
struct fleet_removal {
	uint64_t at_ns;
	uint32_t prefix; /* of a real that the file dropped: its withdrawal comes first */
	uint32_t next;   /* slot + 1: next dropped real of that prefix */
	uint16_t former_weight;
	uint8_t kind;     /* enum removal_kind */
	bool is_accepted; /* the balancer acknowledged it */
	uint32_t spare;
};
static_assert(sizeof(struct fleet_removal) == 24, "no padding");

enum fleet_service_flag {
	FLEET_SERVICE_IS_MEMBER = 1 << 0, /* counted by its prefix */
	FLEET_SERVICE_RETAKEN = 1 << 1,   /* fell by our own blindness: comes back as it was */
	FLEET_SERVICE_UNSERVED = 1 << 2,  /* told: announced, never served */
};

struct fleet_service {
	struct service_sums sums;
	uint64_t fell_ns; /* up → down, not by order */
	uint32_t flags;   /* enum fleet_service_flag */
	uint32_t spare;
};

enum fleet_prefix_flag {
	FLEET_PREFIX_FAILED = 1 << 0, /* withdrawn for a failure: announce_hold applies */
	FLEET_PREFIX_WAIT_ALL =
		1 << 1, /* a reload left no joined member: all join by their verdicts */
};

struct fleet_prefix {
	uint32_t n_joined_down;
	uint32_t flags;         /* enum fleet_prefix_flag */
	uint64_t ready_ns;      /* since when, while it is in fleet.holding */
	uint64_t fell_ns;       /* withdrawn, not by order */
	uint32_t first_dropped; /* real slot + 1: reals whose disable waits for this withdrawal */
	uint32_t spare;
};

/* A profile's span, computed once per generation (fleet_freeze.c): a seventh of the instructions of
 * a result that changes nothing. */
struct fleet_span {
	uint64_t span_ns;
	uint32_t generation; /* 0: none yet */
	uint32_t spare;
};

struct fleet {
	struct fleet_config config;
	struct fleet_hooks hooks;
	struct state_tables *tables;
	struct counters *counters;
	const struct generation *gen; /* NULL before the first adoption */
	struct hosts hosts;
	struct blind blind;
	struct route_rule routes;
	struct tally tally;

	struct table services;  /* struct fleet_service */
	struct table prefixes;  /* struct fleet_prefix */
	struct table held;      /* uint16_t by real: unscaled weight that the balancer surely has */
	struct table removals;  /* struct fleet_removal by real */
	struct table no_routes; /* uint64_t by check: first no_route of the present run */
	struct table spans;     /* struct fleet_span by profile of gen */

	/* reals */
	struct marks listed;   /* by the balancer */
	struct marks fresh;    /* new in the file: not absent before two RealFinds lack it */
	struct marks restored; /* verdict from a snapshot, not yet compared with the balancer */
	struct marks standing; /* was held, its disable was not yet handed out */
	struct marks frozen;   /* REAL_ROW_FROZEN */
	struct marks removed;  /* removals[].kind is not NONE */
	struct marks dirty_reals;
	/* services */
	struct marks touched_services;
	struct marks rescaled; /* all its enabled reals are dirty */
	struct marks fallen;   /* fell_ns is set */
	struct marks retry;    /* panic may let some of its frozen reals go */
	/* prefixes */
	struct marks touched_prefixes;
	struct marks dirty_prefixes;
	struct marks holding; /* ready, waits for announce_hold */
	struct marks frozen_prefixes;

	uint64_t hold_next_ns;   /* earliest end of an announce_hold, or earlier */
	uint64_t fresh_until_ns; /* UINT64_MAX: nothing is fresh */
	/* Blind has ended because most hosts answer again: what is frozen waits for a bad result of
	 * its own, at most until then. UINT64_MAX: nothing waits. */
	uint64_t thaw_until_ns;
	uint32_t n_out;     /* reals with REMOVAL_OUT: for safety.max_remove */
	bool must_retry;    /* n_out fell below max_remove */
	bool is_releasing;  /* the operator lets panic holds go */
	bool is_confirming; /* this real's verdict was confirmed, or thawing is over */
	bool is_connected;  /* to the balancer */
	bool has_found;     /* it showed its reals, or there is none */
};

static inline struct fleet_service *fleet_service_of(const struct fleet *f, uint32_t service)
{
	return table_row(&f->services, service);
}
static inline struct fleet_prefix *fleet_prefix_of(const struct fleet *f, uint32_t prefix)
{
	return table_row(&f->prefixes, prefix);
}
static inline struct fleet_removal *fleet_removal_of(const struct fleet *f, uint32_t real)
{
	return table_row(&f->removals, real);
}
static inline uint16_t *fleet_held_weight(const struct fleet *f, uint32_t real)
{
	return table_row(&f->held, real);
}
/* Blind holds removals back, or has not yet let all of them go. */
static inline bool fleet_withholds(const struct fleet *f)
{
	return f->blind.is_active || f->thaw_until_ns != UINT64_MAX;
}
/* Seconds for the since fields. */
static inline uint32_t fleet_seconds(uint64_t ns)
{
	return (uint32_t)(ns / UINT64_C(1000000000));
}
