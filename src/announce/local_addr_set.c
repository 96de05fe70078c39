#include "announce/local_addr_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

void local_addr_set_deinit(struct local_addr_set *s)
{
	free(s->at);
	*s = (struct local_addr_set){0};
}

void local_addr_set_clear(struct local_addr_set *s)
{
	s->n = 0;
}

static int compare(const struct local_addr_entry *a, const struct local_addr_entry *b)
{
	int r = addr_cmp(&a->local, &b->local);

	if (r == 0)
		r = addr_cmp(&a->address, &b->address);
	return r ? r : (int)a->prefix_len - (int)b->prefix_len;
}

/* The first place that is not before e. What comes in order is found at once. */
static uint32_t place_of(const struct local_addr_set *s, const struct local_addr_entry *e)
{
	uint32_t low = 0, high = s->n;

	if (s->n && compare(&s->at[s->n - 1], e) < 0)
		return s->n;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (compare(&s->at[middle], e) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct local_addr_set *s, uint32_t i, const struct local_addr_entry *e)
{
	return i < s->n && compare(&s->at[i], e) == 0;
}

static int make_room(struct local_addr_set *s)
{
	uint32_t cap = s->cap ? 2 * s->cap : 64;
	struct local_addr_entry *more;

	if (s->n < s->cap)
		return 0;
	more = realloc(s->at, cap * sizeof(*more));
	if (!more)
		return err_origin(-ENOMEM);
	s->at = more;
	s->cap = cap;
	return 0;
}

int local_addr_set_add(struct local_addr_set *s, const struct local_addr_entry *e)
{
	uint32_t i = place_of(s, e);

	if (is_at(s, i, e))
		return 0;
	TRY(make_room(s));
	memmove(&s->at[i + 1], &s->at[i], (s->n - i) * sizeof(*s->at));
	s->at[i] = *e;
	s->n++;
	return 0;
}

void local_addr_set_remove(struct local_addr_set *s, const struct local_addr_entry *e)
{
	uint32_t i = place_of(s, e);

	if (!is_at(s, i, e))
		return;
	s->n--;
	memmove(&s->at[i], &s->at[i + 1], (s->n - i) * sizeof(*s->at));
}

bool local_addr_set_has(const struct local_addr_set *s, const struct addr *local)
{
	/* the least of its entries */
	const struct local_addr_entry least = {.local = *local, .address = addr_from_v4_u32(0)};
	uint32_t i = place_of(s, &least);

	return i < s->n && addr_eq(&s->at[i].local, local);
}
