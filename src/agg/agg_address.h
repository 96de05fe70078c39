/* announcer.require_local_address: what the interface has becomes what the fleet knows of its
 * prefixes. agg's thread. */
#pragma once

#include "announce/local_addr.h"

struct app_config;
struct fleet;
struct generation;

struct agg_address {
	struct evloop *loop;
	struct fleet *fleet;
	struct local_addr *watch; /* NULL: addresses are not needed */
	const struct generation *gen;
};

/* Returns 0 or -ENOMEM. */
MUST_CHECK int agg_address_init(struct agg_address *a, struct evloop *loop,
				const struct app_config *app, struct fleet *fleet);
void agg_address_deinit(struct agg_address *a);
/* Call after fleet_adopt. */
void agg_address_adopt(struct agg_address *a, const struct generation *gen);
