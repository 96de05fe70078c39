#include "agg/agg_address.h"

#include "base/evloop.h"
#include "config/app_config.h"
#include "config/gen.h"
#include "quorum/fleet.h"

static void look_at(const struct agg_address *a, uint32_t prefix)
{
	const struct addr *vip = &a->gen->prefixes[prefix].vip;

	fleet_address(a->fleet, prefix, local_addr_has(a->watch, vip), evloop_now(a->loop));
}

static void look_at_all(const struct agg_address *a)
{
	for (uint32_t i = 0; a->gen && i < a->gen->end_prefixes; i++) {
		if (gen_prefix_in_use(a->gen, i))
			look_at(a, i);
	}
}

static void on_changed(void *ctx, const struct addr *local)
{
	const struct agg_address *a = ctx;
	uint32_t prefix = a->gen && local ? gen_find_prefix(a->gen, local) : SLOT_NONE;

	if (!local)
		look_at_all(a);
	else if (prefix != SLOT_NONE)
		look_at(a, prefix);
}

int agg_address_init(struct agg_address *a, struct evloop *loop, const struct app_config *app,
		     struct fleet *fleet)
{
	const struct local_addr_hooks hooks = {.ctx = a, .changed = on_changed};
	const char *ifname = app->announcer.require_local_address;

	*a = (struct agg_address){.loop = loop, .fleet = fleet};
	return *ifname ? local_addr_new(loop, ifname, &hooks, &a->watch) : 0;
}

void agg_address_deinit(struct agg_address *a)
{
	local_addr_free(a->watch);
}

void agg_address_adopt(struct agg_address *a, const struct generation *gen)
{
	a->gen = gen;
	if (a->watch && local_addr_is_known(a->watch))
		look_at_all(a);
}
