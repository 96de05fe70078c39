/* main → agg and main → sched: what to do, in order, with an acknowledgement each.
 *
 * main sends a message and waits in its loop until `done` reached its number; the receiver rings
 * main's bell when it has finished one.
 *
 * field  writer    readers   order
 * ring   main      receiver  ring.h
 * done   receiver  main      release after the work; acquire
 */
#pragma once

#include "base/ring.h"
#include "base/wake.h"

struct generation;
struct gen_diff;

enum control_kind {
	CONTROL_ADOPT,         /* generation, diff: use it from now on */
	CONTROL_RETIRE,        /* diff: agg forgets the removed slots */
	CONTROL_OVERRIDE,      /* agg: real := override */
	CONTROL_RELEASE_PANIC, /* agg: let the held removals go */
	CONTROL_QUIT,          /* end the thread; how: enum quit_kind */
};

enum quit_kind { QUIT_WITHDRAW, QUIT_KEEP };

struct control_msg {
	uint32_t number; /* from 1, ascending */
	uint8_t kind;    /* enum control_kind */
	uint8_t quit;    /* enum quit_kind */
	uint16_t spare;
	const struct generation *generation;
	const struct gen_diff *diff;
	uint32_t real;
	uint32_t override; /* real_override_make() */
};

struct control {
	struct ring ring; /* of struct control_msg */
	struct wake *to_receiver;
	struct wake *to_main;
	uint32_t last_number; /* main only */
	_Atomic uint32_t done;
};

MUST_CHECK int control_init(struct control *c, struct wake *to_receiver, struct wake *to_main);
void control_deinit(struct control *c);

/* main: sends; returns its number. There is always room: main waits for each before the next but
 * a few. */
uint32_t control_send(struct control *c, struct control_msg msg);
/* main: has the receiver finished message number? */
bool control_is_done(const struct control *c, uint32_t number);

/* Receiver: next message or NULL; control_finish() when its work is done. */
const struct control_msg *control_peek(struct control *c);
void control_finish(struct control *c);
