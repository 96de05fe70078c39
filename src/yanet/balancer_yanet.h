/* The YANET backend: two connections on agg's loop (decisions 34), the plan and the listing between
 * them. The essay is in balancer_yanet.c. */
#pragma once

#include "yanet/balancer.h"

struct balancer_yanet_tuning {
	uint64_t deadline_ns; /* of each call, plus what its size adds */
	uint64_t backoff_min_ns, backoff_max_ns;
	uint64_t reply_bytes_max;
	uint64_t slice_ns; /* of one turn; 0: no limit by time */
	uint32_t slice_reals;
};
/* 5 s; 50 ms to 2 s; 256 MiB; 500 µs, 512 reals */
extern const struct balancer_yanet_tuning balancer_yanet_defaults;

/* Tests use other tunings. The connections are made when the loop turns. */
MUST_CHECK int balancer_yanet_new(const struct balancer_args *args,
				  const struct balancer_yanet_tuning *tuning,
				  struct balancer **ret);
