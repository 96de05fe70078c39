/* Compares what BIRD has with what it took, every 10 s: the routes of each group are counted, and
 * the lists' numbers asked for. On a control connection of its own, for BIRD walks its tables to
 * count, with a full BGP table for long, and serves its other connections meanwhile: a withdrawal's
 * `configure` never waits behind a count. agg's thread. */
#pragma once

#include "announce/announce_error.h"
#include "announce/bird2_group.h"
#include "announce/birdc.h"

#define BIRD2_NEVER UINT64_MAX

/* Something happened: must_configure if BIRD differs, which a configure repairs. */
typedef void (*bird2_verify_fn)(void *ctx, bool must_configure);

struct bird2_verify_args {
	const struct bird2_context *context;
	struct bird2_group *groups;
	uint32_t n_groups;
	struct announce_error *error; /* of the backend */
	bird2_verify_fn fn;
	void *ctx;
};

struct bird2_verify {
	struct bird2_verify_args args;
	struct birdc ctl;

	uint64_t due_ns;   /* when the next look may be */
	uint32_t at;       /* group * looks + look: what is looked at now, or next */
	uint64_t n_routes; /* counted so far */
	bool is_asking;    /* and the answer matters */
	bool is_void;      /* BIRD was given something else since it was asked */
	bool is_mute;      /* BIRD did not answer, in this round */

	bool has_mismatch, was_mismatch; /* in this round, in the one before */
	/* the routes are others', and BIRD has not all: in this round, in the one before */
	bool has_missing, was_missing;
	uint64_t ended_wall_ns; /* of the last round; 0: never */
};

/* Connects with the loop's next turn. What args points to outlives it. */
void bird2_verify_init(struct bird2_verify *v, const struct bird2_verify_args *args);
void bird2_verify_deinit(struct bird2_verify *v);

/* When the next look is due, BIRD2_NEVER while one is on its way or BIRD is away. Whether BIRD is
 * at rest is for the caller to know. */
uint64_t bird2_verify_due(const struct bird2_verify *v);
/* Asks, if it is due. Returns true if a round began. */
bool bird2_verify_ask(struct bird2_verify *v);
/* What is being counted says nothing any more, since the files change: it is asked again. */
void bird2_verify_void(struct bird2_verify *v);
/* The next look is due now. */
void bird2_verify_soon(struct bird2_verify *v);
/* Another run of BIRD: the round begins anew, in 10 s, and nobody waits for an answer. */
void bird2_verify_forget(struct bird2_verify *v);
/* Nothing differed, and nothing was missing, in the last round; and BIRD answers. */
bool bird2_verify_is_well(const struct bird2_verify *v);
