#include "yanet/balancer.h"

#include "base/err.h"
#include "yanet/balancer_none.h"
#include "yanet/balancer_ops.h"
#include "yanet/balancer_yanet.h"

int balancer_new(const struct balancer_args *args, struct balancer **ret)
{
	switch (args->app->balancer.backend) {
	case BALANCER_YANET:
		TRY(balancer_yanet_new(args, &balancer_yanet_defaults, ret));
		return 0;
	case BALANCER_NONE:
		break;
	}
	TRY(balancer_none_new(args, ret));
	return 0;
}

void balancer_free(struct balancer *b)
{
	if (b)
		b->ops->free(b);
}

int balancer_adopt(struct balancer *b, const struct generation *gen, const struct gen_diff *diff)
{
	TRY(b->ops->adopt(b, gen, diff));
	return 0;
}

void balancer_dirty(struct balancer *b, uint32_t real)
{
	b->ops->dirty(b, real);
}

void balancer_disable_all(struct balancer *b)
{
	b->ops->disable_all(b);
}

bool balancer_is_idle(const struct balancer *b)
{
	return b->ops->is_idle(b);
}

void balancer_status(const struct balancer *b, struct balancer_status *ret)
{
	b->ops->status(b, ret);
}
