#include "agg/agg_summary.h"

#include "base/seqrow.h"

static void fill_balancer(struct summary *s, const struct balancer *balancer)
{
	struct balancer_status status;

	balancer_status(balancer, &status);
	s->balancer_connected = status.is_connected;
	s->balancer_modules = status.n_modules;
	s->balancer_undelivered = status.n_undelivered;
	s->balancer_absent = status.n_absent;
	s->balancer_foreign = status.n_foreign;
}

static void fill_announcer(struct summary *s, const struct announcer *announcer,
			   struct announce_row *published)
{
	struct announce_row rows[ANNOUNCE_MAX_BACKENDS];
	uint32_t n = announcer_rows(announcer, rows);
	struct announcer_status status;

	announcer_status(rows, n, &status);
	s->announcer_groups = status.n_groups;
	s->announcer_groups_synced = status.n_groups_synced;
	s->announcer_unsent = status.n_unsent;
	for (uint32_t i = 0; published && i < n; i++)
		seqrow_publish(&published[i], &rows[i], sizeof(rows[i]));
}

void agg_summary_peers(struct summary *s, const struct app_config *app,
		       const struct balancer *balancer, const struct announcer *announcer,
		       struct announce_row *published)
{
	s->balancer_backend = app->balancer.backend;
	s->announcer_backend = app->announcer.backend;
	fill_balancer(s, balancer);
	fill_announcer(s, announcer, published);
}
