/* What agg expects of a balancer backend: set the state of reals, commit, tell what is there.
 * Backends: yanet (yanet/yanet.h), none (yanet/balancer_none.c). Everything on agg's thread. */
#pragma once

#include "base/evloop.h"
#include "config/app_config.h"
#include "config/gen_diff.h"
#include "model/counter.h"
#include "model/state.h"

struct balancer;
struct generation;

/* What the balancer shall have for one real. */
enum balancer_want { BALANCER_NOTHING, BALANCER_ENABLE, BALANCER_DISABLE };
struct balancer_wish {
	enum balancer_want want;
	uint16_t weight; /* for BALANCER_ENABLE */
};

/* agg's answers and intake. */
struct balancer_hooks {
	void *ctx;
	/* What is wanted for the real at this moment; BALANCER_NOTHING also while a disable has to
	 * wait (agg calls balancer_dirty again when it may go). */
	struct balancer_wish (*wish)(void *ctx, uint32_t real);
	/* RealFind lists the real, for the first time since start or since it was unlisted. */
	void (*listed)(void *ctx, uint32_t real, bool enabled, uint16_t weight);
	/* Two complete replies in a row, at least sync_period apart, lack it. */
	void (*unlisted)(void *ctx, uint32_t real);
	/* The value is acknowledged and flushed in every module that lists the real, and it is what
	 * is wanted at this moment. */
	void (*acked)(void *ctx, uint32_t real, bool enabled, uint16_t weight);
	/* The first complete RealFind reply of this life. */
	void (*first_find)(void *ctx);
	/* Updates can be sent, or cannot any more. May be NULL. */
	void (*connection)(void *ctx, bool is_connected);
};

struct balancer_args {
	struct evloop *loop;
	struct state_tables *tables;
	struct counters *counters;
	const struct app_config *app;
	struct balancer_hooks hooks;
};

/* Makes the backend that app->balancer.backend names; connecting begins with the loop. */
MUST_CHECK int balancer_new(const struct balancer_args *args, struct balancer **ret);
void balancer_free(struct balancer *b);

/* The configuration changed: keys and slots of reals are looked up in gen from now on. For a
 * removed real that a module lists, or that took an enable from us, the disable is remembered with
 * its key and sent until it is acknowledged (decisions 36). Call after fleet_adopt. */
MUST_CHECK int balancer_adopt(struct balancer *b, const struct generation *gen,
			      const struct gen_diff *diff);
/* The wish of this real may have changed. Sends in batches, at once or after the flush period. */
void balancer_dirty(struct balancer *b, uint32_t real);

/* Stop: disable every configured real that is listed, flush, in that order (decisions 45).
 * balancer_is_idle() turns true when all of it is acknowledged or the peer is away. */
void balancer_disable_all(struct balancer *b);
/* Nothing is waiting to be sent or acknowledged. */
bool balancer_is_idle(const struct balancer *b);

struct balancer_status {
	bool is_connected;
	bool has_found; /* a complete RealFind was seen in this life */
	uint32_t n_modules;
	uint32_t n_undelivered; /* reals whose wish is not yet acknowledged */
	uint32_t n_absent;      /* configured reals that no module lists */
	uint32_t n_foreign;     /* listed reals that we do not have, of services that we have */
	uint64_t last_find_ns;
	const char *last_error; /* short text, static storage; "" if none */
};
void balancer_status(const struct balancer *b, struct balancer_status *ret);
