#include "announce/vip_set.h"

#include <errno.h>

#include "base/err.h"
#include "config/gen.h"

void vip_set_deinit(struct vip_set *s)
{
	free(s->at);
	*s = (struct vip_set){0};
}

static int reserve(struct vip_set *s, uint32_t n)
{
	uint32_t cap = MAX(s->cap, 16u);
	struct addr *more;

	if (n <= s->cap)
		return 0;
	while (cap < n)
		cap *= 2;
	more = realloc(s->at, cap * sizeof(*more));
	if (!more)
		return err_origin(-ENOMEM);
	s->at = more;
	s->cap = cap;
	return 0;
}

/* Index of the first element that is not less than vip. */
static uint32_t lower_bound(const struct vip_set *s, const struct addr *vip)
{
	uint32_t low = 0, high = s->n;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (addr_cmp(&s->at[middle], vip) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool vip_set_has(const struct vip_set *s, const struct addr *vip)
{
	uint32_t i = lower_bound(s, vip);

	return i < s->n && addr_eq(&s->at[i], vip);
}

int vip_set_add(struct vip_set *s, const struct addr *vip)
{
	uint32_t i = lower_bound(s, vip);

	if (i < s->n && addr_eq(&s->at[i], vip))
		return 0;
	TRY(reserve(s, s->n + 1));
	memmove(s->at + i + 1, s->at + i, (s->n - i) * sizeof(*s->at));
	s->at[i] = *vip;
	s->n++;
	return 0;
}

/* The next of two ascending runs; equal heads are taken once. */
static const struct addr *merge_next(const struct addr *a, const struct route *b, int order,
				     uint32_t *i, uint32_t *k)
{
	*i += order <= 0;
	*k += order >= 0;
	return order <= 0 ? a : &b->vip;
}

int vip_set_apply(const struct vip_set *base, const struct route_list *list, struct vip_set *ret)
{
	const struct route *gone = list->at, *come;
	uint32_t n_gone = 0, n_come, i = 0, g = 0, k = 0;

	while (n_gone < list->n && !list->at[n_gone].announce)
		n_gone++;
	come = gone + n_gone;
	n_come = list->n - n_gone;
	TRY(reserve(ret, base->n + n_come));
	ret->n = 0;
	while (i < base->n || k < n_come) {
		int order = i == base->n  ? 1
			    : k == n_come ? -1
					  : addr_cmp(&base->at[i], &come[k].vip);
		const struct addr *vip = merge_next(&base->at[i], &come[k], order, &i, &k);

		while (g < n_gone && addr_cmp(&gone[g].vip, vip) < 0)
			g++;
		if (order < 0 && g < n_gone && addr_eq(&gone[g].vip, vip))
			continue;
		ret->at[ret->n++] = *vip;
	}
	return 0;
}

int vip_set_unknown(const struct vip_set *s, const struct generation *gen, struct vip_set *ret)
{
	bool *is_known = calloc(s->n + 1, sizeof(*is_known));
	int r = 0;

	if (!is_known)
		return err_origin(-ENOMEM);
	for (uint32_t i = 0; i < gen->end_prefixes; i++) {
		if (gen_prefix_in_use(gen, i) && gen->prefixes[i].group > 0 &&
		    vip_set_has(s, &gen->prefixes[i].vip))
			is_known[lower_bound(s, &gen->prefixes[i].vip)] = true;
	}
	for (uint32_t i = 0; r == 0 && i < s->n; i++) {
		if (!is_known[i])
			r = vip_set_add(ret, &s->at[i]);
	}
	free(is_known);
	return r;
}

bool vip_set_eq(const struct vip_set *a, const struct vip_set *b)
{
	return a->n == b->n && (a->n == 0 || memcmp(a->at, b->at, a->n * sizeof(*a->at)) == 0);
}

uint32_t vip_set_n_v4(const struct vip_set *s)
{
	uint32_t low = 0, high = s->n; /* IPv4 sorts first */

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (addr_is_v4(&s->at[middle]))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
