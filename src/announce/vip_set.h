/* A sorted set of addresses: what one file announces. Linear merges, no hashing. agg's thread. */
#pragma once

#include "announce/route_plan.h"

struct vip_set {
	struct addr *at; /* ascending by addr_cmp, no two equal */
	uint32_t n, cap;
};

void vip_set_deinit(struct vip_set *s);
/* Adds one; may be called in any order. Returns 0 or -ENOMEM. */
MUST_CHECK int vip_set_add(struct vip_set *s, const struct addr *vip);
bool vip_set_has(const struct vip_set *s, const struct addr *vip);
/* *ret = base, less the list's withdrawals, with its announcements (route_plan_collect's order).
 * ret is another set; its memory is reused. Returns 0 or -ENOMEM. */
MUST_CHECK int vip_set_apply(const struct vip_set *base, const struct route_list *list,
			     struct vip_set *ret);
/* Adds to *ret those of s that no prefix of gen is. Returns 0 or -ENOMEM. */
MUST_CHECK int vip_set_unknown(const struct vip_set *s, const struct generation *gen,
			       struct vip_set *ret);
bool vip_set_eq(const struct vip_set *a, const struct vip_set *b);
/* How many of them are IPv4: the first ones. */
uint32_t vip_set_n_v4(const struct vip_set *s);
