/* The addresses of one interface, sorted. agg's thread. */
#pragma once

#include "announce/local_addr_msg.h"

struct local_addr_set {
	struct local_addr_entry *at;
	uint32_t n, cap;
};

void local_addr_set_deinit(struct local_addr_set *s);
void local_addr_set_clear(struct local_addr_set *s);
/* Adding what is there, removing what is not: nothing happens. Add returns 0 or -ENOMEM. */
MUST_CHECK int local_addr_set_add(struct local_addr_set *s, const struct local_addr_entry *e);
void local_addr_set_remove(struct local_addr_set *s, const struct local_addr_entry *e);
/* With any prefix length, any peer. */
bool local_addr_set_has(const struct local_addr_set *s, const struct addr *local);
