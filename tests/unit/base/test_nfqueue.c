#include <criterion/criterion.h>

#include "base/nfqueue.h"

Test(nfqueue, queue_is_found_by_number)
{
	const char *table = "    7   4711     0 2 65531     0     0        3  1\n"
			    "   77  98765    12 2 65531     5     6      100  1\n";
	struct nfqueue_row q;

	cr_assert(nfqueue_find(table, 77, &q));
	cr_assert_eq(q.waiting, 12);
	cr_assert_eq(q.dropped_full, 5);
	cr_assert_eq(q.dropped_buffer, 6);
	cr_assert(nfqueue_find(table, 7, &q));
	cr_assert_eq(q.waiting + q.dropped_full + q.dropped_buffer, 0);
	cr_assert(!nfqueue_find(table, 777, &q));
	cr_assert(!nfqueue_find("", 0, &q));
	cr_assert(!nfqueue_find("   77  98765    12 2\n    3\n", 77, &q), "a line cut short");
}

Test(nfqueue, a_queue_that_nobody_opened_is_not_there)
{
	struct nfqueue_row q;

	/* or the kernel has no such queues */
	cr_assert_leq(nfqueue_read(65431, &q), 0);
}
