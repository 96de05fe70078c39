#include "base/cc.h"

#include <criterion/criterion.h>
#include <signal.h>

Test(cc, assertion_that_holds_is_evaluated_once)
{
	int n = 0;

	ASSERT(++n == 1);
	cr_assert_eq(n, 1);
}

Test(cc, failed_assertion_aborts, .signal = SIGABRT)
{
	ASSERT(1 + 1 == 3);
}

Test(cc, take_leaves_null_behind)
{
	int x;
	int *p = &x, *q = TAKE(p);

	cr_assert_null(p);
	cr_assert_eq(q, &x);
}

struct outer {
	char before[5];
	int inner;
};

Test(cc, container_is_found_from_its_member)
{
	struct outer o;

	cr_assert_eq(CONTAINER_OF(&o.inner, struct outer, inner), &o);
}

static int n_cleaned;

static void clean(int *p)
{
	n_cleaned += *p;
}

static void leave_early(bool early)
{
	_cleanup_(clean) int x = 3;

	if (early)
		return;
	x = 4;
}

Test(cc, cleanup_runs_on_every_way_out)
{
	leave_early(true);
	leave_early(false);
	cr_assert_eq(n_cleaned, 7);
}
