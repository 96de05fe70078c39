/* The backend that has no balancer: it says in the log, at debug, what it would have done, and
 * acknowledges it. It counts as connected and as having listed everything. */
#pragma once

#include "yanet/balancer.h"

MUST_CHECK int balancer_none_new(const struct balancer_args *args, struct balancer **ret);
