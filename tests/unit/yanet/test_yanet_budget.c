#include "yanet/yanet_budget.h"

#include "fixture.h"

Test(yanet_budget, one_turn_allows_so_many_reals)
{
	struct yanet_budget b = {0};

	yanet_budget_turn(&b, 1, 3, 0);
	cr_assert(yanet_budget_take(&b) && yanet_budget_take(&b) && yanet_budget_take(&b));
	cr_assert_not(yanet_budget_take(&b));
	/* the same turn does not refill it */
	yanet_budget_turn(&b, 1, 3, 0);
	cr_assert_not(yanet_budget_take(&b));
	yanet_budget_turn(&b, 2, 3, 0);
	cr_assert(yanet_budget_take(&b));
}

Test(yanet_budget, time_ends_it_too)
{
	struct yanet_budget b = {0};
	unsigned n = 0;

	yanet_budget_turn(&b, 1, 1000, 1);
	while (yanet_budget_take(&b))
		n++;
	cr_assert_lt(n, 1000, "a nanosecond is over at the first look at the clock");
	cr_assert_eq(b.reals, 0);
}
