/* The state file as bytes (decisions 44): what one life of the daemon leaves to the next.
 *
 * A file is a base frame and then delta frames, each a head and records. A delta holds what changed
 * since; the later record of an object wins. Objects are named by what identifies them in the
 * configuration, never by slot. A record of a real belongs to the service record before it, one of
 * a check to the real before it. Numbers are in the writer's byte order: a file of another kind of
 * machine is refused.
 *
 * The head of a frame is written after its records, so a frame whose head is zero bytes, or that is
 * longer than the file, was never finished: it and what follows do not count. Anything else that
 * is wrong makes the whole file worthless.
 *
 * Pure. Any thread.
 */
#pragma once

#include "base/addr.h"
#include "config/gen.h"

enum { SNAPSHOT_PIECE_BYTES = 64 << 10, SNAPSHOT_VERSION = 1 };

enum snapshot_kind { SNAPSHOT_BASE = 1, SNAPSHOT_DELTA };

/* When: age is told by the boot clock within one boot, by the wall clock otherwise. */
struct snapshot_stamp {
	uint64_t wall_ns;
	uint64_t boot_ns;    /* CLOCK_BOOTTIME */
	uint8_t boot_id[16]; /* zero: not known */
};

struct snapshot_head {
	uint8_t magic[8];
	uint32_t byte_order;
	uint16_t version;
	uint8_t kind;         /* enum snapshot_kind */
	uint8_t is_withdrawn; /* the life that wrote it took back what it had announced */
	uint64_t payload_bytes;
	struct snapshot_stamp stamp;
	uint64_t checksum; /* of the head with 0 here, then of the payload, piece by piece */
};
static_assert(sizeof(struct snapshot_head) == 64, "no padding: written as it is");

/* --- records: written as they are, all tags and sizes below --- */

enum snapshot_tag {
	SNAPSHOT_SERVICE = 'S',
	SNAPSHOT_REAL = 'R',
	SNAPSHOT_CHECK = 'C',
	SNAPSHOT_PREFIX = 'P',
};

enum snapshot_flag {
	SNAPSHOT_HAS_PORT = 1 << 0,     /* service, real */
	SNAPSHOT_JOINED = 1 << 1,       /* service */
	SNAPSHOT_ANNOUNCED = 1 << 2,    /* prefix: it was, at some time */
	SNAPSHOT_WEIGHT_KNOWN = 1 << 3, /* check */
	SNAPSHOT_DRAIN = 1 << 4,        /* check: its last good answer drains the real */
};

struct snapshot_service {
	uint8_t tag, state, flags, proto;
	uint16_t port, spare;
	struct addr vip;
};
static_assert(sizeof(struct snapshot_service) == 24, "no padding");

/* held_weight: unscaled; 0 if the balancer did not acknowledge an enable. */
struct snapshot_real {
	uint8_t tag, state, flags, spare;
	uint16_t port, held_weight;
	uint32_t override; /* real_override_make() */
	struct addr ip;
};
static_assert(sizeof(struct snapshot_real) == 28, "no padding");

/* Only checks that have a dynamic weight, drain or differ from their real. */
struct snapshot_check {
	uint8_t tag, state, flags, spare;
	uint16_t weight, spare2;
	uint32_t identity[2]; /* snapshot_check_identity() */
};
static_assert(sizeof(struct snapshot_check) == 16, "no padding");

struct snapshot_prefix {
	uint8_t tag, state, flags, spare;
	struct addr vip;
};
static_assert(sizeof(struct snapshot_prefix) == 20, "no padding");

union snapshot_record {
	uint8_t tag;
	struct snapshot_service service;
	struct snapshot_real real;
	struct snapshot_check check;
	struct snapshot_prefix prefix;
};

/* All parameters of a check as one number, equal in every generation and process. */
uint64_t snapshot_check_identity(const struct generation *g, uint32_t check);

/* --- writing one frame --- */

/* Takes one piece of the payload, of SNAPSHOT_PIECE_BYTES but for the last. Returns 0 or a negative
 * errno. */
typedef int (*snapshot_sink_fn)(void *ctx, const void *bytes, size_t len);

struct snapshot_out {
	struct snapshot_head head;
	snapshot_sink_fn sink;
	void *ctx;
	int error; /* sticky: the rest is dropped */
	size_t len;
	uint8_t piece[SNAPSHOT_PIECE_BYTES];
};

void snapshot_begin(struct snapshot_out *o, enum snapshot_kind kind, bool is_withdrawn,
		    const struct snapshot_stamp *stamp);
/* record: one of the structs above with its tag set. */
void snapshot_put(struct snapshot_out *o, const void *record);
/* Hands the last piece to the sink and makes o->head complete. Returns 0 or what the sink returned
 * at first. */
MUST_CHECK int snapshot_end(struct snapshot_out *o);

/* The same for a payload that lies in memory: head gets its checksum. */
void snapshot_seal(struct snapshot_head *head, const uint8_t *payload);

/* --- reading --- */

enum snapshot_verdict {
	SNAPSHOT_OK = 0,
	SNAPSHOT_EMPTY,   /* no byte, or a base that was never finished */
	SNAPSHOT_FOREIGN, /* not ours, or of another kind of machine */
	SNAPSHOT_FUTURE,  /* a version that we do not know */
	SNAPSHOT_CORRUPT,
	SNAPSHOT__N
};
const char *snapshot_verdict_text(enum snapshot_verdict v);

struct snapshot {
	const uint8_t *data; /* the caller's */
	size_t len;          /* of the frames that count */
	/* of the newest frame */
	struct snapshot_stamp stamp;
	bool is_withdrawn;
};

/* Checks every byte of the frames that count. Returns enum snapshot_verdict. */
MUST_CHECK int snapshot_open(const uint8_t *data, size_t len, struct snapshot *ret);

struct snapshot_cursor {
	const struct snapshot *of;
	size_t at, frame_end;
};
#define SNAPSHOT_FIRST(s) ((struct snapshot_cursor){.of = (s)})
/* The next record of an opened snapshot; false at the end. */
MUST_CHECK bool snapshot_next(struct snapshot_cursor *c, union snapshot_record *ret);

/* False: the clocks say nothing (set back meanwhile). */
MUST_CHECK bool snapshot_age_ns(const struct snapshot_stamp *then, const struct snapshot_stamp *now,
				uint64_t *ret_ns);
