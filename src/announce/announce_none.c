/* Backend none: says what it would have done, and counts as accepted at once. */
#include <errno.h>

#include "announce/announce_backend.h"
#include "base/err.h"
#include "base/log.h"
#include "config/gen.h"

struct none {
	struct announcer base;
	const struct generation *gen;
};

static void none_free(struct announcer *a)
{
	free(CONTAINER_OF(a, struct none, base));
}

static int none_adopt(struct announcer *a, const struct generation *gen,
		      const struct gen_diff *diff)
{
	(void)diff;
	CONTAINER_OF(a, struct none, base)->gen = gen;
	return 0;
}

static void none_dirty(struct announcer *a, uint32_t prefix)
{
	const struct generation *gen = CONTAINER_OF(a, struct none, base)->gen;
	enum state state = (enum state)state_prefix(a->args.tables, prefix)->state;

	if (!gen || !gen_prefix_in_use(gen, prefix) || state == STATE_UNDECIDED)
		return;
	LOG(LOG_DEBUG, "announce", state == STATE_UP ? "would_announce" : "would_withdraw",
	    LF_ADDR("prefix", &gen->prefixes[prefix].vip, 0));
	a->args.hooks.sent(a->args.hooks.ctx, prefix, state);
}

static void none_nothing(struct announcer *a)
{
	(void)a;
}

static bool none_is_idle(const struct announcer *a)
{
	(void)a;
	return true;
}

static bool none_peer_is_there(const struct announcer *a, uint16_t group)
{
	(void)a;
	(void)group;
	return false; /* nobody waits for it */
}

static uint32_t none_rows(const struct announcer *a,
			  struct announce_row rows[ANNOUNCE_MAX_BACKENDS])
{
	(void)a;
	(void)rows;
	return 0;
}

static const struct announcer_ops none_ops = {
	.free = none_free,
	.adopt = none_adopt,
	.dirty = none_dirty,
	.warm = none_nothing,
	.withdraw_all = none_nothing,
	.is_idle = none_is_idle,
	.peer_is_there = none_peer_is_there,
	.rows = none_rows,
};

int announce_none_new(const struct announcer_args *args, struct announcer **ret)
{
	struct none *n = calloc(1, sizeof(*n));

	if (!n)
		return err_origin(-ENOMEM);
	n->base = (struct announcer){.ops = &none_ops, .args = *args};
	*ret = &n->base;
	return 0;
}
