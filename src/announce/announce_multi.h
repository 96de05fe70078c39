/* Several backends behind one contract (announcer.h). Each has its own plan, its own acknowledged
 * state and its own retries; only what agg hears is put together here.
 *
 * A state of a prefix counts as accepted when every backend whose peer is there has accepted it. A
 * peer that goes away meanwhile is waited for no longer. agg's thread. */
#pragma once

#include "announce/announcer.h"

/* Makes one backend. */
typedef int (*announce_multi_fn)(enum announcer_backend backend, const struct announcer_args *args,
				 struct announcer **ret);

/* One of each of args->app->announcer.backend's bits. Returns 0 or a negative errno. */
MUST_CHECK int announce_multi_new(const struct announcer_args *args, announce_multi_fn make,
				  struct announcer **ret);
