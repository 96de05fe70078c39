#include "announce/announcer.h"

#include "announce/announce_backend.h"
#include "announce/announce_multi.h"

static int make_one(enum announcer_backend backend, const struct announcer_args *args,
		    struct announcer **ret)
{
	switch (backend) {
	case ANNOUNCER_BIRD:
		return bird_new(args, ret);
	case ANNOUNCER_BIRD2:
		return bird2_new(args, ret);
	case ANNOUNCER_BIRD_LIST:
		return bird_list_new(args, ret);
	case ANNOUNCER_NONE:
	case ANNOUNCER_ALL:
		break;
	}
	return announce_none_new(args, ret);
}

int announcer_new(const struct announcer_args *args, struct announcer **ret)
{
	uint32_t set = args->app->announcer.backend;

	if (set & (set - 1))
		return announce_multi_new(args, make_one, ret);
	return make_one((enum announcer_backend)set, args, ret);
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

uint32_t announcer_rows(const struct announcer *a, struct announce_row rows[ANNOUNCE_MAX_BACKENDS])
{
	return a->ops->rows(a, rows);
}

static bool is_synced_everywhere(const struct announce_row *rows, uint32_t n, uint32_t group)
{
	for (uint32_t i = 0; i < n; i++) {
		/* a list is one group for all of them */
		if (!rows[i].groups[MIN(group, rows[i].n_groups - 1)].is_synced)
			return false;
	}
	return true;
}

void announcer_status(const struct announce_row *rows, uint32_t n, struct announcer_status *ret)
{
	*ret = (struct announcer_status){.last_error = ""};
	for (uint32_t i = 0; i < n; i++) {
		ret->n_groups = MAX(ret->n_groups, rows[i].n_groups);
		if (rows[i].has_error)
			ret->last_error = rows[i].last_error;
		for (uint32_t g = 0; g < rows[i].n_groups; g++)
			ret->n_unsent += rows[i].groups[g].unsent;
	}
	for (uint32_t g = 0; g < ret->n_groups; g++)
		ret->n_groups_synced += is_synced_everywhere(rows, n, g);
}
