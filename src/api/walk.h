/* A walk over a generation in file order, one service, real or check at a time, each with its
 * published row: what every big answer is made of (decisions 49). The view says what to write for
 * each; the walk never builds a whole document.
 *
 * A row that stays torn (decisions 8) is left out, with everything below it. A row that the
 * deciding thread has not taken up yet reads as zero: undecided.
 *
 * Thread: api only, while it holds the generation.
 */
#pragma once

#include "api/jsonout.h"
#include "config/gen.h"
#include "model/state.h"

struct app_config;
struct walk;

struct walk_service {
	uint32_t slot;
	const struct service_spec *spec;
	struct service_row row;
};

struct walk_real {
	uint32_t slot;
	const struct real_spec *spec;
	struct real_row row;
};

struct walk_check {
	uint32_t slot;
	const struct check_spec *spec;
	const struct check_profile *profile;
	struct check_row row;
};

typedef void (*walk_fn)(struct walk *w);

/* Each function writes one piece to w->out; NULL: nothing to write. Without real there is no walk
 * into services, without check none into reals. */
struct walk_view {
	walk_fn begin; /* of each pass */
	walk_fn service, service_end;
	walk_fn real, real_end;
	walk_fn check;
	walk_fn end;       /* of each pass */
	unsigned n_passes; /* 0 = 1; for formats that group by key, as metrics */
};

enum walk_phase {
	WALK_BEGIN,
	WALK_SERVICE,
	WALK_REAL,
	WALK_CHECK,
	WALK_DONE,
};

struct walk {
	/* set by the caller */
	const struct generation *gen;
	const struct state_tables *tables;
	const struct app_config *app;
	const struct walk_view *view;
	struct jsonout out;
	uint64_t wall_ns, mono_ns; /* one moment on both clocks: that of the answer */
	uint32_t only_service;     /* slot, or SLOT_NONE: all of them */
	/* where it stands; the view reads it */
	struct walk_service service;
	struct walk_real real;
	struct walk_check check;
	unsigned pass;
	uint32_t n_torn; /* rows left out so far */
	/* the walk's own */
	enum walk_phase phase;
	uint32_t i_service, i_real, next_check;
};

/* Writes the next piece, if there is one for this step. Returns false after the last. */
bool walk_step(struct walk *w);

/* Wall time of a row's times, 0 for "never". */
uint64_t walk_wall_of_10ms(const struct walk *w, uint32_t mono_10ms);
uint64_t walk_wall_of_s(const struct walk *w, uint32_t mono_s);
