/* main's books about slots of one kind: which are free, which rest, their sequence numbers. */
#pragma once

#include "base/cc.h"
#include "model/ids.h"

enum { SLOT_REST_S = 60 };

struct slots;

/* Numbers below max. Returns NULL if out of memory. Main thread only, like everything here. */
struct slots *slots_new(uint32_t max);
void slots_free(struct slots *s);

enum { SLOTS_FULL = 1 };
/* Takes the lowest free slot that has rested. Returns 0 or SLOTS_FULL, or -ENOMEM. */
MUST_CHECK int slots_take(struct slots *s, uint64_t now_ns, uint32_t *ret_slot);
/* Gives a slot back: its sequence number grows, it rests SLOT_REST_S. */
void slots_give(struct slots *s, uint32_t slot, uint64_t now_ns);
/* Gives back a slot that nobody ever saw (a build that failed): no rest, same sequence. */
void slots_untake(struct slots *s, uint32_t slot);
/* Starts at 0. */
uint32_t slots_sequence(const struct slots *s, uint32_t slot);
/* One more than the highest slot ever taken. */
uint32_t slots_end(const struct slots *s);
