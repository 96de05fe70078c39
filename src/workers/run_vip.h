/* Direct routing: why is a VIP silent? A real whose VIP is missing answers on its own address and
 * says nothing else; seen from here it looks dead (spec/lvs-dr §1).
 *
 * A check of such a real that has no answer by half its time looks at the real itself: one plain
 * connect to its own address and the check's port, beside the check. If that is answered (accepted
 * or refused) and the VIP stays silent, the check's code is no_reply_for_vip instead of
 * connect_timeout: both are bad, and the end comes at the same moment, so no verdict changes.
 * A real may also say that the VIP is unreachable (IPv6 does): then the look is at the end of the
 * check, which is held for it, RUN_VIP_HOLD_MS at most.
 *
 * Once per real while it is bad, again after a minute, and RUN_VIP_MAX at a time and worker.
 * Worker's thread.
 */
#pragma once

#include "workers/run.h"

enum { RUN_VIP_MAX = 4, RUN_VIP_HOLD_MS = 50 };

/* Is this a check that may want to look? Then its connect is to be interrupted at half its time. */
bool run_vip_may_ask(const struct run_ctx *c, const struct run *r);
/* Half its time: looks, unless others do. */
void run_vip_ask(struct run_ctx *c, struct run *r);
/* The connect timed out: r->code may become the better one. */
void run_vip_explain(const struct run_ctx *c, struct run *r);
/* The check is over with r->code since r->over_ns: the same for an unreachable VIP. True if the
 * real has still to answer: come again in a few ms. */
bool run_vip_holds(struct run_ctx *c, struct run *r, uint64_t now_ns);
/* The check ends: closes what was opened; a good check makes room for the next look. */
void run_vip_end(struct run_ctx *c, struct run *r);
