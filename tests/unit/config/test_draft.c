#include <criterion/criterion.h>

#include "base/arena.h"
#include "config/draft.h"

Test(draft, freeing_frees_the_arena_it_lies_in)
{
	struct arena *arena = arena_new();
	struct draft *d = arena_alloc(arena, sizeof(*d));

	d->arena = arena;
	d->services = arena_alloc(arena, sizeof(*d->services));
	draft_free(d); /* a leak is reported by the sanitizer run */
	draft_free(NULL);
}
