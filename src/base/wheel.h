/* Hierarchical timer wheel over 32-bit ids: no pointers, no allocation per timer.
 *
 * The caller owns the per-timer memory: a wheel_node embedded at a fixed offset of each row of a
 * table, found by id. So the scheduler's wheel links rows of its pace table and a worker's links
 * its runs. One thread at a time; no clock inside: the caller says what time it is.
 *
 * Resolution is one tick; a timer never fires early, and fires in the first wheel_advance() whose
 * time has reached its tick. Order within one tick is not defined. Timers farther away than the
 * wheel's span wait in its last level and are placed again as it turns.
 */
#pragma once

#include "base/cc.h"

enum {
	WHEEL_LEVELS = 5,
	WHEEL_BITS = 8,
	WHEEL_SLOTS = 1 << WHEEL_BITS,
	/* a list per slot, one of timers that are due, one of timers that were armed too late */
	WHEEL_LISTS = WHEEL_LEVELS * WHEEL_SLOTS + 2,
};
#define WHEEL_NONE    UINT32_MAX
#define WHEEL_MAX_IDS (UINT32_MAX / 2) /* ids are below it */

/* Lives in the caller's row. next == prev == 0 in a row of zero bytes means "not in the wheel":
 * links are stored as id + 1; prev of the first in a list names the list (top bit set). */
struct wheel_node {
	uint64_t due_ns;
	uint32_t next;
	uint32_t prev;
};
static_assert(sizeof(struct wheel_node) == 16, "part of the scheduler's 24-byte row");

struct wheel {
	uint64_t tick_ns;
	uint64_t now_tick; /* every tick below it has been fired */
	uint64_t end_tick; /* wheel_advance() came up to it: ticks below it are to fire */
	unsigned char *rows;
	uint32_t row_bytes;
	uint32_t n_timers;
	uint64_t occupied[WHEEL_LEVELS][WHEEL_SLOTS / 64]; /* one bit per slot */
	uint32_t heads[WHEEL_LISTS];                       /* id + 1; 0: empty */
};

/* rows: address of row 0's wheel_node; row_bytes: distance between rows. */
void wheel_init(struct wheel *w, void *rows, uint32_t row_bytes, uint64_t tick_ns, uint64_t now_ns);

/* Arms timer id for due_ns (moves it if it is armed). A time that has passed fires with the next
 * advance. O(1). */
void wheel_arm(struct wheel *w, uint32_t id, uint64_t due_ns);
/* Disarms; does nothing if it is not armed. O(1). */
void wheel_disarm(struct wheel *w, uint32_t id);
bool wheel_is_armed(const struct wheel *w, uint32_t id);

/* Moves time on to now_ns (a time before the last one changes nothing). Then wheel_pop() returns
 * the ids that became due, one by one, each disarmed (due_ns keeps its value), and WHEEL_NONE at
 * the end. A timer armed meanwhile for a tick that was already fired waits for the next advance,
 * so a loop that arms every id again at once still ends. */
void wheel_advance(struct wheel *w, uint64_t now_ns);
uint32_t wheel_pop(struct wheel *w);

/* When to advance again: not later than the tick of the earliest timer (sooner if a far slot must
 * be placed again), 0 if one is due already, UINT64_MAX if nothing is armed. Cheap (scans
 * bitmaps). */
uint64_t wheel_next_ns(const struct wheel *w);

/* Checks every link, level and bitmap; false if something is inconsistent. Tests only. */
bool wheel_validate(const struct wheel *w);
