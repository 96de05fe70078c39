/* What is special about a tunnelled check: what its socket carries, and whether its end can be
 * believed (decisions 39). Worker's thread. */
#pragma once

#include "workers/run.h"

/* May it start? Else it is over (run_over): the way is not proven, or the real has no mark. */
MUST_CHECK enum run_step run_tunnel_begin(const struct run_ctx *c, struct run *r);
/* Mark, option, hops and segment size of its socket. */
void run_tunnel_want(const struct run_ctx *c, const struct run *r, struct tcp_want *want);
/* The check is over with r->code since r->over_ns. RUN_WAIT: the tunnel's word is still out, ask
 * again in RUN_TUNNEL_ASK_MS. RUN_OVER: code and detail are final. */
enum { RUN_TUNNEL_ASK_MS = 5 };
MUST_CHECK enum run_step run_tunnel_end(const struct run_ctx *c, struct run *r, uint64_t now_ns);
