#include "yanet/balancer_none.h"

#include <errno.h>

#include "base/clk.h"
#include "base/err.h"
#include "config/gen.h"
#include "yanet/balancer_ops.h"
#include "yanet/slotset.h"
#include "yanet/yanet_budget.h"

enum { REALS_PER_TURN = 512, SLICE_US = 500 };

/* Acknowledgements go out from the loop, never from within balancer_dirty(): a caller that works
 * off a list is not called back in the middle of it, and a real that its own acknowledgement makes
 * dirty costs one more turn, not a recursion. */
struct none {
	struct balancer b;
	struct balancer_args args;
	struct ev_timer kick;
	struct slotset dirty;
	struct yanet_budget budget;
	const struct generation *gen;
	bool has_found;
};

static struct none *none_of(struct balancer *b)
{
	return CONTAINER_OF(b, struct none, b);
}

static void say(const struct none *n, uint32_t real, const struct balancer_wish *w)
{
	const struct real_spec *r = &n->gen->reals[real];
	const struct service_spec *s = &n->gen->services[r->service];

	LOG(LOG_DEBUG, "balancer", "balancer_none", LF_ADDR("service", &s->vip, s->port),
	    LF_ADDR("real", &r->ip, r->port), LF_BOOL("enable", w->want == BALANCER_ENABLE),
	    LF_U64("weight", w->weight));
}

static void acknowledge(struct none *n, uint32_t real)
{
	const struct balancer_hooks *hooks = &n->args.hooks;
	struct balancer_wish w;

	if (!gen_real_in_use(n->gen, real))
		return;
	w = hooks->wish(hooks->ctx, real);
	if (w.want == BALANCER_NOTHING)
		return;
	say(n, real, &w);
	hooks->acked(hooks->ctx, real, w.want == BALANCER_ENABLE,
		     w.want == BALANCER_ENABLE ? w.weight : 0);
}

static void on_kick(struct ev_timer *t)
{
	struct none *n = CONTAINER_OF(t, struct none, kick);
	uint64_t now = evloop_now(n->args.loop);
	uint32_t real, from = 0;

	if (!n->has_found) {
		n->has_found = true;
		n->args.hooks.first_find(n->args.hooks.ctx);
	}
	yanet_budget_turn(&n->budget, now, REALS_PER_TURN, SLICE_US * CLK_US);
	while ((real = slotset_next(&n->dirty, from)) != SLOT_NONE &&
	       yanet_budget_take(&n->budget)) {
		slotset_remove(&n->dirty, real);
		acknowledge(n, real);
		from = real + 1;
	}
	if (n->dirty.n)
		evloop_timer_at(n->args.loop, t, now);
}

static void none_free(struct balancer *b)
{
	struct none *n = none_of(b);

	evloop_timer_stop(&n->kick);
	slotset_deinit(&n->dirty);
	free(n);
}

static int none_adopt(struct balancer *b, const struct generation *gen, const struct gen_diff *diff)
{
	struct none *n = none_of(b);

	(void)diff;
	TRY(slotset_reserve(&n->dirty, MAX(gen->end_reals, n->gen ? n->gen->end_reals : 0)));
	n->gen = gen;
	evloop_timer_at(n->args.loop, &n->kick, evloop_now(n->args.loop));
	return 0;
}

static void none_dirty(struct balancer *b, uint32_t real)
{
	struct none *n = none_of(b);

	if (!n->gen || !gen_real_in_use(n->gen, real))
		return;
	slotset_add(&n->dirty, real);
	evloop_timer_at(n->args.loop, &n->kick, evloop_now(n->args.loop));
}

static void none_disable_all(struct balancer *b)
{
	LOG(LOG_DEBUG, "balancer", "balancer_none", LF_STR("what", "disable_all"));
	slotset_clear(&none_of(b)->dirty);
}

static bool none_is_idle(const struct balancer *b)
{
	return CONTAINER_OF(b, const struct none, b)->dirty.n == 0;
}

static void none_status(const struct balancer *b, struct balancer_status *ret)
{
	const struct none *n = CONTAINER_OF(b, const struct none, b);

	*ret = (struct balancer_status){
		.is_connected = true,
		.has_found = true,
		.n_undelivered = n->dirty.n,
		.last_error = "",
	};
}

static const struct balancer_ops none_ops = {
	.free = none_free,
	.adopt = none_adopt,
	.dirty = none_dirty,
	.disable_all = none_disable_all,
	.is_idle = none_is_idle,
	.status = none_status,
};

int balancer_none_new(const struct balancer_args *args, struct balancer **ret)
{
	struct none *n = calloc(1, sizeof(*n));

	if (!n)
		return err_origin(-ENOMEM);
	n->b.ops = &none_ops;
	n->args = *args;
	n->kick.fn = on_kick;
	*ret = &n->b;
	return 0;
}
