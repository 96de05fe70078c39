/* The life of one check on the time axis. Pure: events in, the next due time out; no clock, no
 * wheel, no ring. Decisions 10, 11.
 *
 * Grid: phase + k · interval on CLOCK_MONOTONIC, computed from absolute time, so nothing drifts and
 * a reload or a restart finds the same grid. A check waits in the wheel for its next grid point
 * also while its attempt runs; if it still runs then, the point is skipped and counted. During a
 * burst the grid is suspended: the check waits in the wheel for its retry only, and for nothing
 * while the retry runs.
 *
 *   event                  state before       leads to
 *   pace_start             -                  waits for the first grid point after now
 *   pace_fire, grid point  idle               issue; waits for the next grid point
 *                          in flight          skipped
 *                          late (own pause)   passed over, waits for its own next grid point
 *   pace_fire, retry       state is up        issue; not in the wheel
 *                          else, or late      burst ends
 *   pace_done, bad         up, retries left   waits for end + retry delay
 *   pace_done, other       in a burst         burst ends: first grid point after the end
 *                          else               nothing: it waits already
 */
#pragma once

#include "base/wheel.h"
#include "config/gen.h"
#include "model/state.h"

/* A due point that its own turn reaches later than this (or than one interval, if shorter) was
 * missed by a standstill of ours. The value of checks.lag_guard's default: a worker would not
 * start such a job either. */
#define PACE_PAUSE_NS (UINT64_C(200) * 1000 * 1000)

enum pace_flag {
	PACE_USED = 1 << 0,      /* the row has a check */
	PACE_IN_FLIGHT = 1 << 1, /* a job was issued, its done was not seen */
	PACE_BURST = 1 << 2,     /* the grid is suspended */
	PACE_PUT_OFF = 1 << 3,   /* due, but its worker's ring was full */
	PACE_WATCHED = 1 << 4,   /* in flight, and its end may call for a retry */
};

/* One check. All zero: unused. number goes on when the slot is used again, so that a late done of
 * the check before is told apart. */
struct pace {
	struct wheel_node node;
	uint32_t sequence; /* of the slot */
	uint8_t burst;     /* retries issued or due in this burst */
	uint8_t flags;     /* enum pace_flag */
	uint16_t number;   /* of the last job */
};
static_assert(sizeof(struct pace) == 24, "decisions 50");
static_assert(offsetof(struct pace, node) == 0, "the wheel is given rows");

/* What the pace follows; made per event, it is cheaper than its storage. */
struct pace_rule {
	uint64_t interval_ns; /* > 0 */
	uint64_t phase_ns;
	uint64_t jitter_ns; /* < interval */
	uint64_t retry_delay_ns;
	uint32_t slot;
	uint8_t retry; /* most retries per burst */
};
struct pace_rule pace_rule_make(uint32_t slot, const struct check_profile *p);

struct pace_step {
	uint64_t due_ns;    /* put the check into the wheel for this; 0: leave it as it is */
	uint32_t n_skipped; /* grid points that passed while it was in flight or put off */
	uint32_t n_paused;  /* grid points that passed while we stood still */
	bool is_issue;      /* make a job, then call pace_issued() or pace_put_off() */
};

/* First grid point later than t. */
uint64_t pace_grid_after(const struct pace_rule *r, uint64_t t_ns);

/* A check takes the row; returns its first due time. */
MUST_CHECK uint64_t pace_start(struct pace *p, const struct pace_rule *r, uint32_t sequence,
			       uint64_t now_ns);
/* The check left the configuration. A job in flight is forgotten, its done will not match. */
void pace_stop(struct pace *p);

/* The wheel fired: p->node.due_ns <= now. state: the check's verdict as agg shows it. */
MUST_CHECK struct pace_step pace_fire(struct pace *p, const struct pace_rule *r, uint64_t now_ns,
				      enum state state);
/* The job of an is_issue step went out; its number is p->number. */
MUST_CHECK struct pace_step pace_issued(struct pace *p, const struct pace_rule *r, uint64_t now_ns,
					enum state state);
/* The worker's ring was full: the check stays due (its due time is kept, it grows late). Put it
 * into the wheel for the time returned. */
MUST_CHECK uint64_t pace_put_off(struct pace *p);

/* Is this the end of the job in flight? */
bool pace_is_end_of(const struct pace *p, uint16_t number);
/* The end of the job in flight if it leads to nothing, which nearly all do: not bad, and no burst
 * to end. False: it does, and is still to be told to pace_done(). Looks at the row alone; the rule
 * would be fetched from two tables. */
MUST_CHECK bool pace_done_quietly(struct pace *p, enum verdict verdict);
/* The job in flight ended. */
MUST_CHECK struct pace_step pace_done(struct pace *p, const struct pace_rule *r,
				      enum verdict verdict, uint64_t end_ns, enum state state);

/* 1 = at its grid point, 2.. = retry. */
static inline uint8_t pace_attempt(const struct pace *p)
{
	return (uint8_t)(p->burst + 1);
}
