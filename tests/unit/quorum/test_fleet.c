#include "quorum_fixture.h"

Test(fleet, smoke)
{
	struct fx *x = fx_new(NULL, "vs 1 g1; rs 1 w10; ck; rs 2 w10; ck");

	cr_assert_eq(fx_srow(x, 1)->state, STATE_UNDECIDED);
	fx_all_up(x);
	cr_assert_eq(fx_srow(x, 1)->state, STATE_UP);
	cr_assert_eq(fx_srow(x, 1)->weight, 20);
	cr_assert_eq(fx_prow(x, 1)->state, STATE_UP);
	fx_free(x);
}
