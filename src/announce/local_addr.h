/* Which addresses are on one interface now, by rtnetlink events on agg's event loop; nothing is
 * polled (announcer.require_local_address). Everything is listed at the start, when the interface
 * appears, and whenever the kernel had to drop events. agg's thread. */
#pragma once

#include "base/addr.h"

struct evloop;
struct local_addr;

struct local_addr_hooks {
	void *ctx;
	/* local_addr_has() may differ for this address; NULL: for any. Only when it is known. */
	void (*changed)(void *ctx, const struct addr *local);
};

/* Returns 0 or -ENOMEM. A socket that cannot be made is told, and tried again. */
MUST_CHECK int local_addr_new(struct evloop *loop, const char *ifname,
			      const struct local_addr_hooks *hooks, struct local_addr **ret);
void local_addr_free(struct local_addr *l);
/* False until the first list is complete: nothing is known. */
bool local_addr_is_known(const struct local_addr *l);
/* The address is on the interface, and passed duplicate address detection. */
bool local_addr_has(const struct local_addr *l, const struct addr *local);
