/* Updates that were sent and are not yet known to be in force: first in `staged` (until a flush is
 * acknowledged), then in `settling` (until the plan has looked at each). A real may be in a list
 * more than once; its newest entry counts, so lists are read from their end, and the set says whose
 * newest entry was not read yet. One thread at a time. */
#pragma once

#include "yanet/slotset.h"

struct yanet_sent {
	uint32_t slot;
	uint32_t modules; /* bit set: where it went */
	uint16_t weight;
	bool enable;
};
static_assert(sizeof(struct yanet_sent) == 12, "one per real while a full state is on its way");

struct yanet_sent_list {
	struct yanet_sent *at;
	uint32_t n, cap;
	struct slotset slots;
};

/* More entries than this are flushed first: the memory of one list is bounded by 1.5 MB. */
enum { YANET_SENT_MAX = 128 * 1024 };

void yanet_sent_deinit(struct yanet_sent_list *l);
/* Appends; l->slots has room for the slot. Returns false if the list has no room: flush first. */
MUST_CHECK bool yanet_sent_add(struct yanet_sent_list *l, const struct yanet_sent *e);
/* Takes the last entry that is the newest of its real. Returns false if there is none. */
MUST_CHECK bool yanet_sent_take(struct yanet_sent_list *l, struct yanet_sent *ret);
/* Forgets all entries. */
void yanet_sent_clear(struct yanet_sent_list *l);
