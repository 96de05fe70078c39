#include "config/services_seen.h"

#include <errno.h>
#include <stdlib.h>

#include "base/err.h"

struct services_seen_slot {
	uint32_t hash;
	uint32_t round;
	const void *item;
};

enum { FIRST_ROOM = 64 };

void services_seen_deinit(struct services_seen *s)
{
	free(s->slots);
	*s = (struct services_seen){0};
}

void services_seen_clear(struct services_seen *s)
{
	s->n = 0;
	if (++s->round == 0) /* after 2^32 rounds old slots would come to life again */
		services_seen_deinit(s);
}

/* The slot of an equal item, or the free one where it belongs. */
static struct services_seen_slot *find(const struct services_seen *s, uint32_t hash,
				       const void *item, services_seen_eq_fn eq)
{
	uint32_t mask = s->room - 1;

	for (uint32_t i = hash & mask;; i = (i + 1) & mask) {
		struct services_seen_slot *slot = &s->slots[i];

		if (!slot->item || slot->round != s->round)
			return slot;
		if (slot->hash == hash && eq && eq(slot->item, item))
			return slot;
	}
}

static int grow(struct services_seen *s)
{
	struct services_seen larger = {.room = s->room ? s->room * 2 : FIRST_ROOM, .n = s->n};

	larger.round = s->round;
	larger.slots = calloc(larger.room, sizeof(*larger.slots));
	if (!larger.slots)
		return err_origin(-ENOMEM);
	for (uint32_t i = 0; i < s->room; i++)
		if (s->slots[i].item && s->slots[i].round == s->round)
			*find(&larger, s->slots[i].hash, s->slots[i].item, NULL) = s->slots[i];
	free(s->slots);
	*s = larger;
	return 0;
}

int services_seen_add(struct services_seen *s, uint64_t hash, const void *item,
		      services_seen_eq_fn eq, const void **ret_found)
{
	struct services_seen_slot *slot;

	if (s->n >= s->room / 2)
		TRY(grow(s));
	slot = find(s, (uint32_t)(hash >> 32), item, eq);
	if (slot->item && slot->round == s->round) {
		*ret_found = slot->item;
		return 0;
	}
	*slot = (struct services_seen_slot){(uint32_t)(hash >> 32), s->round, item};
	s->n++;
	*ret_found = NULL;
	return 0;
}
