/* RealFind on a connection of its own: asks for everything each sync period and right after each
 * connect, reads the reply in slices, hands it to the listing, looks for what it lacked. */
#pragma once

#include "yanet/yanet_conn.h"
#include "yanet/yanet_listing.h"

struct yanet_finder_hooks {
	void *ctx;
	/* Call yanet_finder_work() soon. */
	void (*connected)(void *ctx);
	void (*lost)(void *ctx, enum yanet_conn_loss loss);
	/* Something came: call yanet_finder_work() now. */
	void (*input)(void *ctx);
};

enum yanet_finder_state { YANET_FINDER_IDLE, YANET_FINDER_READ, YANET_FINDER_SWEEP };

/* Embedded in the driver; fields are for this module, but for those that status reads. */
struct yanet_finder {
	struct yanet_conn conn;
	struct yanet_listing listing;
	struct yanet_decode decode;
	struct evloop *loop;
	struct yanet_plan *plan;
	struct yanet_finder_hooks hooks;
	enum yanet_finder_state state;
	bool is_reading; /* in yanet_conn_consume() */
	uint64_t period_ns;
	uint64_t due_ns;  /* of the next request */
	uint64_t last_ns; /* end of the last complete reply; 0: none yet */
	uint32_t told_absent, told_foreign, told_modules; /* as logged last */
};

/* Connecting begins with the loop. Returns 0 or -ENOMEM. */
MUST_CHECK int yanet_finder_init(struct yanet_finder *f, struct evloop *loop,
				 struct yanet_plan *plan, const struct yanet_conn_config *config,
				 uint64_t period_ns, const struct yanet_finder_hooks *hooks);
void yanet_finder_deinit(struct yanet_finder *f);

/* Call right before yanet_plan_adopt(). Added reals are looked for at once. */
void yanet_finder_adopt(struct yanet_finder *f, const struct gen_diff *diff);
/* Does what can be done within the budget. Returns when to call it again, besides after input(). */
uint64_t yanet_finder_work(struct yanet_finder *f, struct yanet_budget *b);
/* Configured reals that no module lists; 0 before the first complete reply. */
uint32_t yanet_finder_absent(const struct yanet_finder *f);
