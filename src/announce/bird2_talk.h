/* What backend bird2 says to BIRD, and what it makes of the answers: one `configure` at a time,
 * `show status` while one is in progress, and `disable` as the emergency lever. Knows which written
 * files BIRD has taken. Says when BIRD's state is verified (bird2_verify.h). agg's thread. */
#pragma once

#include "announce/announce_error.h"
#include "announce/bird2_verify.h"
#include "announce/birdc.h"

enum bird2_command {
	BIRD2_SILENT,
	BIRD2_CONFIGURE,
	BIRD2_STATUS,
	BIRD2_WAKE,
	BIRD2_PULSE, /* is it there? */
	BIRD2_DISABLE,
};

/* Something happened: was_taken if BIRD took a configuration, with all files written when it was
 * asked. */
typedef void (*bird2_talk_fn)(void *ctx, bool was_taken);

struct bird2_talk {
	const struct announcer_args *args;
	const struct bird2_context *context;
	struct bird2_group *groups;
	uint32_t n_groups;
	bird2_talk_fn fn;
	void *ctx;
	struct birdc ctl;
	struct bird2_verify verify;

	enum bird2_command command; /* the running one */

	/* files written, of these in the configuration asked for, and taken by BIRD */
	uint64_t n_writes, asked_writes, taken_writes;
	bool must_configure; /* whatever the files say */
	bool is_hurried;     /* the daemon stops */
	bool is_away_told;

	bool is_refused;
	uint32_t refused_ms;
	uint64_t refused_at_ns, refused_until_ns;

	uint64_t poll_ns, poll_until_ns; /* 0: not polling */
	uint64_t wake_from_ns;           /* when BIRD took a configuration that it may sleep over */
	unsigned n_wakes;                /* given since */
	struct announce_error error;

	uint64_t command_ns;         /* when the running one was given */
	uint32_t configure_us;       /* the last accepted one */
	uint64_t configured_wall_ns; /* 0: never */
};

/* Connects with the loop's next turn. context and groups outlive it. */
void bird2_talk_init(struct bird2_talk *t, const struct bird2_context *context,
		     struct bird2_group *groups, uint32_t n_groups, bird2_talk_fn fn, void *ctx);
void bird2_talk_deinit(struct bird2_talk *t);

/* Fills what the row says of the connection, and of errors. */
void bird2_talk_fill(const struct bird2_talk *t, struct announce_row *row);

/* A file was written or removed: BIRD has to be told. */
void bird2_talk_wrote(struct bird2_talk *t);
/* The daemon stops: one more try at once, and the lever without waiting. */
void bird2_talk_hurry(struct bird2_talk *t);

bool bird2_talk_needs_configure(const struct bird2_talk *t);
/* When it may be given: 0 now, BIRD2_NEVER while BIRD is away. */
uint64_t bird2_talk_configure_due(const struct bird2_talk *t);
/* Nothing may be running; BIRD is there. */
void bird2_talk_configure(struct bird2_talk *t);

/* When there is something else to ask. Nothing may be running. */
uint64_t bird2_talk_ask_due(const struct bird2_talk *t);
void bird2_talk_ask(struct bird2_talk *t);
