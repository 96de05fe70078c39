/* One log line per transition, with its reason. agg's thread. */
#pragma once

#include "quorum/fleet.h"

struct agg_log {
	const struct generation *generation; /* names; the owner keeps it current */
	const struct state_tables *tables;
};

/* Fills the log's hooks of h; ctx must be a struct agg_log. */
void agg_log_check(void *ctx, uint32_t check, enum state from, enum state to,
		   const struct result *result);
void agg_log_real(void *ctx, uint32_t real, enum state from, enum state to, uint32_t check,
		  const struct result *result, uint32_t held_s);
void agg_log_drain(void *ctx, uint32_t real, bool begins, const struct result *result);
void agg_log_service(void *ctx, uint32_t service, enum state from, enum state to);
void agg_log_prefix(void *ctx, uint32_t prefix, enum state from, enum state to);
void agg_log_service_alarm(void *ctx, uint32_t service, enum fleet_alarm alarm, bool begins);
void agg_log_blind(void *ctx, bool is_blind, uint32_t n_hosts, uint32_t n_bad);
void agg_log_unknown(void *ctx, uint32_t check, const struct result *result, bool begins);
