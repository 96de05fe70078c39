#include "config/draft.h"

#include "base/arena.h"

void draft_free(struct draft *d)
{
	if (d)
		arena_free(d->arena); /* which holds *d too */
}
