#include "yanet/yanet_budget.h"

#include "base/clk.h"

enum { REALS_PER_LOOK = 16 }; /* the clock costs as much as a small real */

void yanet_budget_turn(struct yanet_budget *b, uint64_t turn_ns, uint32_t reals, uint64_t slice_ns)
{
	if (b->turn_ns == turn_ns)
		return;
	b->turn_ns = turn_ns;
	b->reals = reals;
	b->until_ns = slice_ns ? clk_mono_ns() + slice_ns : UINT64_MAX;
}

bool yanet_budget_take(struct yanet_budget *b)
{
	if (!b->reals)
		return false;
	b->reals--;
	if (b->reals % REALS_PER_LOOK == 0 && b->until_ns != UINT64_MAX &&
	    clk_mono_ns() >= b->until_ns) {
		b->reals = 0;
		return false;
	}
	return true;
}
