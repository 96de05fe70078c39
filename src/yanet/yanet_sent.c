#include "yanet/yanet_sent.h"

enum { FIRST_CAP = 1024, KEPT_CAP = 8192 };

void yanet_sent_deinit(struct yanet_sent_list *l)
{
	free(l->at);
	slotset_deinit(&l->slots);
	*l = (struct yanet_sent_list){0};
}

static bool grow(struct yanet_sent_list *l)
{
	uint32_t cap = l->cap ? 2 * l->cap : FIRST_CAP;
	struct yanet_sent *at;

	if (cap > YANET_SENT_MAX)
		return false;
	at = realloc(l->at, cap * sizeof(*at));
	if (!at)
		return false;
	l->at = at;
	l->cap = cap;
	return true;
}

bool yanet_sent_add(struct yanet_sent_list *l, const struct yanet_sent *e)
{
	if (l->n == l->cap && !grow(l))
		return false;
	l->at[l->n++] = *e;
	slotset_add(&l->slots, e->slot);
	return true;
}

/* An empty list keeps little memory: full states are rare. */
static void shrink(struct yanet_sent_list *l)
{
	if (l->cap <= KEPT_CAP)
		return;
	free(l->at);
	l->at = NULL;
	l->cap = 0;
}

bool yanet_sent_take(struct yanet_sent_list *l, struct yanet_sent *ret)
{
	while (l->n) {
		const struct yanet_sent *e = &l->at[--l->n];

		if (slotset_has(&l->slots, e->slot)) {
			slotset_remove(&l->slots, e->slot);
			*ret = *e;
			return true;
		}
	}
	shrink(l);
	return false;
}

void yanet_sent_clear(struct yanet_sent_list *l)
{
	l->n = 0;
	slotset_clear(&l->slots);
	shrink(l);
}
