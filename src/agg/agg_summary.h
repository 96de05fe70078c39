/* What the summary says about both actuators, and each announce backend's row. agg's thread. */
#pragma once

#include "announce/announcer.h"
#include "config/app_config.h"
#include "model/summary.h"
#include "yanet/balancer.h"

/* Fills the balancer's and the announcer's fields of s and publishes the announcer's rows into
 * published (ANNOUNCE_MAX_BACKENDS; NULL: nobody reads them). */
void agg_summary_peers(struct summary *s, const struct app_config *app,
		       const struct balancer *balancer, const struct announcer *announcer,
		       struct announce_row *published);
