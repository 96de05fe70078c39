#include "api/hold.h"

#include "base/rcu.h"

struct generation *hold_take(struct generation *_Atomic *current)
{
	struct generation *g;

	rcu_enter();
	g = rcu_get(current);
	if (g) {
		/* relaxed: main reads the count after a grace period, which orders it after this
		 * section */
		atomic_fetch_add_explicit(&g->api_holds, 1, memory_order_relaxed);
	}
	rcu_leave();
	return g;
}

void hold_drop(struct generation *g)
{
	if (!g)
		return;
	/* release: our reads of the generation are over before main sees the count fall; pairs with
	 * main's acquire load of it */
	atomic_fetch_sub_explicit(&g->api_holds, 1, memory_order_release);
}
