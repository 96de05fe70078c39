/* Published state: rows that agg alone writes (seqrow) and any thread reads. Tables are indexed by
 * slot and never move. Layouts and sizes: decisions I.
 *
 * Readers: api (all rows), sched and workers (the one word of a check, relaxed; a stale read costs
 * at most one retry too many or too few).
 */
#pragma once

#include <stdatomic.h>

#include "base/seqrow.h"
#include "base/table.h"
#include "model/announce_row.h"
#include "model/ids.h"

/* Verdict of a check, real, service; for a prefix: undecided, announced, withdrawn (wanted). */
enum state { STATE_UNDECIDED, STATE_UP, STATE_DOWN };
/* "undecided" "up" "down" */
const char *state_text(enum state s);

enum check_row_flag {
	CHECK_ROW_WEIGHT_KNOWN = 1 << 0, /* a dynamic weight was given at least once */
	CHECK_ROW_IN_USE = 1 << 1,       /* the slot holds a check of the adopted generation */
	CHECK_ROW_UNKNOWN_TOLD = 1 << 2, /* the unknown_max alarm was raised */
	CHECK_ROW_NO_ROUTE = 1 << 3,     /* in a run of no_route results (decisions 14) */
	CHECK_ROW_DRAIN = 1 << 4,        /* the last good answer was one of drain_status */
};

/* Fields of struct check_row.word. */
static inline enum state check_word_state(uint32_t word)
{
	return (enum state)(word & 0xff);
}
static inline uint8_t check_word_flags(uint32_t word)
{
	return (uint8_t)(word >> 8);
}
static inline uint16_t check_word_weight(uint32_t word)
{
	return (uint16_t)(word >> 16);
}
static inline uint32_t check_word_make(enum state s, uint8_t flags, uint16_t weight)
{
	return (uint32_t)s | (uint32_t)flags << 8 | (uint32_t)weight << 16;
}

struct check_row {
	uint32_t seq;
	uint32_t word;   /* state, flags, smoothed weight: check_word_*() */
	uint8_t bad_run; /* saturating */
	uint8_t good_run;
	uint8_t unknown_run;
	uint8_t history_at; /* next place in its history row, 0..15 */
	uint8_t last_code;
	uint8_t last_url;     /* which url decided the last result, from 0 */
	uint16_t last_detail; /* low 16 bits of the result's detail */
	uint32_t last_total_us;
	uint32_t last_end_10ms; /* CLOCK_MONOTONIC / 10 ms; 0: never checked */
	uint32_t since_s;       /* CLOCK_MONOTONIC s of the last transition */
	uint32_t failures;      /* bad results ever */
};
static_assert(sizeof(struct check_row) == 32, "decisions 50");

/* The last 16 results, a ring at check_row.history_at; code 0 (NONE) = no result yet. */
struct history_row {
	struct {
		uint8_t code;
		uint8_t log_duration; /* history.h */
	} at[16];
};
static_assert(sizeof(struct history_row) == 32, "decisions 50");

enum real_row_flag {
	REAL_ROW_IN_USE = 1 << 0,
	REAL_ROW_STATIC = 1 << 1,  /* no checks: up by definition */
	REAL_ROW_ENABLED = 1 << 2, /* wanted: enabled in the balancer (with wanted_weight) */
	REAL_ROW_HELD = 1 << 3,    /* enable acknowledged and flushed: counts in the quorum */
	REAL_ROW_KEPT = 1 << 4,    /* enabled in the balancer from an earlier life, not yet ours */
	REAL_ROW_INHIBITED = 1 << 5,     /* down, kept enabled with weight 0 */
	REAL_ROW_UNLISTED_ONCE = 1 << 6, /* the last complete RealFind reply lacked it */
	REAL_ROW_FROZEN = 1 << 7,        /* a removal is held by blind or panic */
};

/* Why a real is as it is: the line an operator reads. */
enum real_reason {
	REAL_REASON_NO_VERDICT, /* undecided: some check has no verdict yet */
	REAL_REASON_CHECKS_UP,
	REAL_REASON_CHECK_DOWN,
	REAL_REASON_STATIC,
	REAL_REASON_OPERATOR,
	REAL_REASON_REMOVED,
	REAL_REASON_DRAINED, /* up, but one of its checks was answered with a drain_status */
	REAL_REASON__N
};
const char *real_reason_text(enum real_reason r);

/* Operator's override: kind in the low byte, weight in the upper half. */
enum real_override {
	OVERRIDE_NONE,
	OVERRIDE_UP,      /* enabled with the configured weight */
	OVERRIDE_DRAIN,   /* enabled, weight 0 */
	OVERRIDE_DOWN,    /* disabled */
	OVERRIDE_WEIGHT,  /* verdict as checked, weight as given */
	OVERRIDE_PERCENT, /* verdict as checked, weight scaled */
};
static inline enum real_override real_override_kind(uint32_t o)
{
	return (enum real_override)(o & 0xff);
}
static inline uint16_t real_override_value(uint32_t o)
{
	return (uint16_t)(o >> 16);
}
static inline uint32_t real_override_make(enum real_override kind, uint16_t value)
{
	return (uint32_t)kind | (uint32_t)value << 16;
}

struct real_row {
	uint32_t seq;
	uint32_t modules_listing; /* bit i: module i of the RealFind table lists it */
	uint32_t modules_in_sync; /* bit i: module i acknowledged and flushed what is wanted */
	uint16_t wanted_weight;   /* unscaled; 0 unless REAL_ROW_ENABLED */
	uint16_t acked_weight;    /* of the last flushed update; meaning only with HELD or KEPT */
	uint8_t state;            /* enum state */
	uint8_t flags;            /* enum real_row_flag */
	uint8_t reason;           /* enum real_reason */
	uint8_t checks_not_up;    /* saturating at 255 */
	uint32_t transitions;
	uint32_t since_s;
	uint32_t host;       /* host row for blind, SLOT_NONE if none */
	uint32_t dirty_next; /* link of the actuator's dirty list: slot + 1, 0 = not linked */
	uint32_t override;   /* real_override_make() */
};
static_assert(sizeof(struct real_row) == 40, "decisions 50");

enum service_row_flag {
	SERVICE_ROW_IN_USE = 1 << 0,
	SERVICE_ROW_EVER_UP = 1 << 1,
	SERVICE_ROW_JOINED = 1 << 2, /* counts for its prefix */
	SERVICE_ROW_PANIC = 1 << 3,  /* panic hold is active */
};

struct service_row {
	uint32_t seq;
	uint8_t state; /* enum state */
	uint8_t flags; /* enum service_row_flag */
	uint16_t spare;
	uint32_t weight;         /* W: held, up, unscaled */
	uint32_t weight_pending; /* could still come: undecided, or up and not yet held */
	uint32_t alive_count;    /* reals enabled, inhibited ones too */
	uint32_t n_up;
	uint32_t n_undecided;
	uint32_t n_absent; /* in no module */
	uint32_t transitions;
	uint32_t since_s;
	uint32_t scale_num; /* sent weight = wanted × num / den; 0/0: unscaled */
	uint32_t scale_den;
	uint32_t enabled_weight; /* Σ wanted weights of enabled reals in YANET: for the scale */
	uint32_t reals_listed;
	uint32_t spare2[2];
};
static_assert(sizeof(struct service_row) == 64, "decisions 50");

enum prefix_row_flag {
	PREFIX_ROW_IN_USE = 1 << 0,
	PREFIX_ROW_WAS_ANNOUNCED = 1 << 1, /* announced in this life or restored */
	PREFIX_ROW_FROZEN = 1 << 2,        /* a withdrawal is held by blind */
	/* announcer.require_local_address: */
	PREFIX_ROW_NO_ADDRESS = 1 << 3,      /* not on the interface: withdrawn */
	PREFIX_ROW_ADDRESS_UNKNOWN = 1 << 4, /* the interface was not yet seen */
	PREFIX_ROW_HOLDING = 1 << 5,         /* ready, waits for announce_hold */
};

struct prefix_row {
	uint32_t seq;
	uint8_t state;  /* enum state: undecided, up = announce, down = withdraw */
	uint8_t flags;  /* enum prefix_row_flag */
	uint16_t group; /* announce group it is announced in, index into the generation's groups */
	uint32_t n_members; /* services with a group */
	uint32_t n_joined;
	uint32_t n_joined_up;
	uint32_t transitions;
	uint32_t since_s;
	uint8_t sent; /* enum state: what the announcer's peer accepted last */
	/* the same of each backend, by its bit in enum announcer_backend; only if there are several
	 */
	uint8_t accepted[ANNOUNCE_MAX_BACKENDS];
};
static_assert(sizeof(struct prefix_row) == 32, "a whole number of words");

/* Why a prefix is as it is: the line an operator reads. */
const char *prefix_reason_text(const struct prefix_row *row);

enum tls_row_flag {
	TLS_ROW_RESUMED = 1 << 0, /* the latest handshake resumed a session */
	TLS_ROW_EXPIRES = 1 << 1, /* its certificate has ended or ends within expire_warn */
};

/* What the latest handshake of a check has shown; touched for checks with TLS only. */
struct tls_row {
	uint32_t seq;
	uint32_t cert_expiry_s; /* since 1970, 0: unknown */
	uint16_t version;       /* 0x0303; 0: no handshake yet */
	uint16_t cipher;        /* IANA number */
	uint8_t flags;          /* enum tls_row_flag */
	uint8_t spare[3];
};
static_assert(sizeof(struct tls_row) == 16, "decisions 50");

/* All published tables. main makes and frees them; agg writes; everybody may read. */
struct state_tables {
	struct table checks;   /* struct check_row */
	struct table history;  /* struct history_row; written with relaxed atomics */
	struct table reals;    /* struct real_row */
	struct table services; /* struct service_row */
	struct table prefixes; /* struct prefix_row */
	struct table tls;      /* struct tls_row, by check */
};

MUST_CHECK int state_tables_init(struct state_tables *t);
void state_tables_deinit(struct state_tables *t);

static inline struct check_row *state_check(const struct state_tables *t, uint32_t slot)
{
	return table_row(&t->checks, slot);
}
static inline struct history_row *state_history(const struct state_tables *t, uint32_t slot)
{
	return table_row(&t->history, slot);
}
static inline struct real_row *state_real(const struct state_tables *t, uint32_t slot)
{
	return table_row(&t->reals, slot);
}
static inline struct service_row *state_service(const struct state_tables *t, uint32_t slot)
{
	return table_row(&t->services, slot);
}
static inline struct prefix_row *state_prefix(const struct state_tables *t, uint32_t slot)
{
	return table_row(&t->prefixes, slot);
}

static inline struct tls_row *state_tls(const struct state_tables *t, uint32_t check)
{
	return table_row(&t->tls, check);
}

/* The one word of a check. Any thread. */
static inline uint32_t state_check_word(const struct state_tables *t, uint32_t slot)
{
	_Atomic uint32_t *word = (_Atomic uint32_t *)&state_check(t, slot)->word;

	/* relaxed: a hint; stale values are allowed */
	return atomic_load_explicit(word, memory_order_relaxed);
}
