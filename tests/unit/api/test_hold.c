#include <criterion/criterion.h>

#include "api/hold.h"
#include "base/rcu.h"

Test(hold, decisions_7_count_follows_takes_and_drops)
{
	struct generation g = {.number = 3};
	struct generation *_Atomic current = &g;

	rcu_thread_register();
	cr_assert_eq(hold_take(&current), &g);
	cr_assert_eq(hold_take(&current), &g);
	/* relaxed: one thread */
	cr_assert_eq(atomic_load_explicit(&g.api_holds, memory_order_relaxed), 2);
	hold_drop(&g);
	hold_drop(&g);
	/* relaxed: one thread */
	cr_assert_eq(atomic_load_explicit(&g.api_holds, memory_order_relaxed), 0);
	rcu_thread_unregister();
}

Test(hold, nothing_to_hold_is_null)
{
	struct generation *_Atomic current = NULL;

	rcu_thread_register();
	cr_assert_null(hold_take(&current));
	hold_drop(NULL);
	rcu_thread_unregister();
}
