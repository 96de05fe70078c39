/* The tunnel thread: takes the packets of tunnelled checks out of the netfilter queue and sends
 * them to their reals as the balancer sends user traffic. docs/internals/tunnel.md tells the way of
 * a packet.
 *
 * Without the queue, the right to it or the raw sockets it runs on and tries again every 5 s; the
 * checks that need it are unknown until then. decisions 39-42.
 */
#pragma once

#include "config/app_config.h"
#include "config/gen.h"
#include "model/beat.h"
#include "model/control.h"
#include "model/counter.h"
#include "model/tunnel.h"

struct tun;

struct tun_args {
	const struct app_config *app;
	struct control *control; /* messages ADOPT and QUIT */
	struct wake *bell;       /* this thread's own: rung by main */
	struct tunnel *tunnel;   /* written here from tun_start() on */
	struct counters *counters;
	struct beat *beat;
	/* An earlier thread was left: *tunnel is set up and being read. */
	bool takes_over;
	int cpu; /* -1: not pinned */
};

/* Makes the thread's state and sets up *args->tunnel from the configuration. args are copied, what
 * they point to is borrowed until tun_free. */
MUST_CHECK int tun_new(const struct tun_args *args, struct tun **ret);
MUST_CHECK int tun_start(struct tun *t);
/* Makes what the thread needs of a generation, before main sends it CONTROL_ADOPT: the message
 * itself carries nothing. One at a time. Main thread. Returns 0 or -ENOMEM: then the message may
 * be sent all the same, and new reals stay unknown. */
MUST_CHECK int tun_stage(struct tun *t, const struct generation *g);
/* After CONTROL_QUIT. */
void tun_join(struct tun *t);
void tun_free(struct tun *t);

/* Gives up on a thread that shows no sign of life: takes the queue from it, and should it come back
 * it ends at its next turn. Nothing is sent to it any more. Main thread. */
void tun_leave(struct tun *t);
/* It came back and ended: it may be joined and freed. Never true of a thread that died. */
bool tun_has_ended(const struct tun *t);
