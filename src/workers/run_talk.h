/* The part of a run after its handshake: bytes between socket, TLS and the check's driver. */
#pragma once

#include "workers/run.h"

/* The connection is up: TLS, or the driver's first words. */
MUST_CHECK enum run_step run_talk_begin(struct run_ctx *c, struct run *r);
/* epoll's bits for a run in RUN_TLS or RUN_TALK. Reads at most a bounded amount; if more waits,
 * the event comes again. */
MUST_CHECK enum run_step run_talk_event(struct run_ctx *c, struct run *r, uint32_t events);
/* check_timeout has passed: looks once more, then it is over. */
MUST_CHECK enum run_step run_talk_timeout(struct run_ctx *c, struct run *r);
