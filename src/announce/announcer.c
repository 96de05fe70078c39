#include "announce/announcer.h"

#include "announce/announce_backend.h"

int announcer_new(const struct announcer_args *args, struct announcer **ret)
{
	switch (args->app->announcer.backend) {
	case ANNOUNCER_BIRD:
		return bird_new(args, ret);
	case ANNOUNCER_BIRD2:
		return bird2_new(args, ret);
	case ANNOUNCER_NONE:
		break;
	}
	return announce_none_new(args, ret);
}

void announcer_free(struct announcer *a)
{
	if (a)
		a->ops->free(a);
}

int announcer_adopt(struct announcer *a, const struct generation *gen, const struct gen_diff *diff)
{
	return a->ops->adopt(a, gen, diff);
}

void announcer_dirty(struct announcer *a, uint32_t prefix)
{
	a->ops->dirty(a, prefix);
}

void announcer_warm(struct announcer *a)
{
	a->ops->warm(a);
}

void announcer_withdraw_all(struct announcer *a)
{
	a->ops->withdraw_all(a);
}

bool announcer_is_idle(const struct announcer *a)
{
	return a->ops->is_idle(a);
}

bool announcer_peer_is_there(const struct announcer *a, uint16_t group)
{
	return a->ops->peer_is_there(a, group);
}

void announcer_status(const struct announcer *a, struct announcer_status *ret)
{
	a->ops->status(a, ret);
}
