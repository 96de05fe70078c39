#include "yanet/yanet_sent.h"

#include "fixture.h"

static bool add(struct yanet_sent_list *l, uint32_t slot, uint16_t weight)
{
	return yanet_sent_add(l, &(struct yanet_sent){.slot = slot, .weight = weight});
}

Test(yanet_sent, the_newest_entry_of_a_real_counts)
{
	struct yanet_sent_list l = {0};
	struct yanet_sent e;

	cr_assert_eq(slotset_reserve(&l.slots, 64), 0);
	cr_assert(add(&l, 1, 10) && add(&l, 2, 20) && add(&l, 1, 11));
	cr_assert(yanet_sent_take(&l, &e));
	cr_assert(e.slot == 1 && e.weight == 11);
	cr_assert(yanet_sent_take(&l, &e));
	cr_assert(e.slot == 2 && e.weight == 20);
	cr_assert_not(yanet_sent_take(&l, &e), "the older entry of 1 is skipped");
	yanet_sent_deinit(&l);
}

Test(yanet_sent, clear_forgets_and_gives_memory_back)
{
	struct yanet_sent_list l = {0};
	struct yanet_sent e;

	cr_assert_eq(slotset_reserve(&l.slots, 100000), 0);
	for (uint32_t i = 0; i < 100000; i++)
		cr_assert(add(&l, i, 1));
	yanet_sent_clear(&l);
	cr_assert_eq(l.slots.n, 0);
	cr_assert_null(l.at);
	cr_assert_not(yanet_sent_take(&l, &e));
	cr_assert(add(&l, 5, 1));
	yanet_sent_deinit(&l);
}

Test(yanet_sent, the_list_has_a_ceiling)
{
	struct yanet_sent_list l = {0};

	cr_assert_eq(slotset_reserve(&l.slots, 1), 0);
	for (uint32_t i = 0; i < YANET_SENT_MAX; i++)
		cr_assert(add(&l, 0, 1));
	cr_assert_not(add(&l, 0, 1));
	cr_assert_eq(l.n, YANET_SENT_MAX);
	yanet_sent_deinit(&l);
}
