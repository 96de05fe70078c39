#include "yanet/slotset.h"

#include "fixture.h"

Test(slotset, members_come_out_in_order)
{
	static const uint32_t members[] = {0, 1, 63, 64, 127, 300, 639};
	struct slotset s = {0};
	uint32_t at = 0;

	cr_assert_eq(slotset_reserve(&s, 640), 0);
	for (unsigned i = 0; i < ARRAY_LEN(members); i++) {
		slotset_add(&s, members[ARRAY_LEN(members) - 1 - i]);
		slotset_add(&s, members[ARRAY_LEN(members) - 1 - i]);
	}
	cr_assert_eq(s.n, ARRAY_LEN(members));
	for (unsigned i = 0; i < ARRAY_LEN(members); i++) {
		at = slotset_next(&s, at);
		cr_assert_eq(at++, members[i]);
	}
	cr_assert_eq(slotset_next(&s, at), SLOT_NONE);
	slotset_remove(&s, 64);
	slotset_remove(&s, 64);
	cr_assert_eq(s.n, ARRAY_LEN(members) - 1);
	cr_assert_eq(slotset_next(&s, 64), 127);
	slotset_deinit(&s);
}

Test(slotset, growing_keeps_members)
{
	struct slotset s = {0};

	cr_assert_not(slotset_has(&s, 5));
	cr_assert_eq(slotset_reserve(&s, 10), 0);
	slotset_add(&s, 9);
	cr_assert_eq(slotset_reserve(&s, 100000), 0);
	cr_assert_eq(slotset_reserve(&s, 10), 0);
	cr_assert(slotset_has(&s, 9));
	cr_assert_not(slotset_has(&s, 99999));
	cr_assert_not(slotset_has(&s, 1u << 30));
	cr_assert_eq(slotset_next(&s, 10), SLOT_NONE);
	slotset_deinit(&s);
}

Test(slotset, fill_ends_where_it_should)
{
	struct slotset s = {0};

	cr_assert_eq(slotset_reserve(&s, 200), 0);
	slotset_add(&s, 150);
	slotset_fill(&s, 70);
	cr_assert_eq(s.n, 71);
	cr_assert(slotset_has(&s, 69) && !slotset_has(&s, 70) && slotset_has(&s, 150));
	slotset_clear(&s);
	slotset_fill(&s, 128);
	cr_assert_eq(s.n, 128);
	slotset_deinit(&s);
}

Test(slotset, move_and_count_any_join)
{
	struct slotset a = {0}, b = {0}, none = {0};
	const struct slotset *sets[] = {&a, &none, &b};

	cr_assert_eq(slotset_reserve(&a, 200), 0);
	cr_assert_eq(slotset_reserve(&b, 100), 0);
	slotset_add(&a, 1);
	slotset_add(&a, 199);
	slotset_add(&b, 1);
	slotset_add(&b, 99);
	cr_assert_eq(slotset_count_any(sets, 3), 3);
	slotset_move(&a, &b);
	cr_assert_eq(a.n, 3);
	cr_assert_eq(b.n, 0);
	cr_assert(slotset_has(&a, 99) && !slotset_has(&b, 99));
	cr_assert_eq(slotset_count_any(sets, 3), 3);
	slotset_deinit(&a);
	slotset_deinit(&b);
}

Test(slotset, subtract_removes_the_others_members)
{
	struct slotset a = {0}, b = {0};

	cr_assert_eq(slotset_reserve(&a, 200), 0);
	cr_assert_eq(slotset_reserve(&b, 100), 0);
	slotset_fill(&a, 200);
	slotset_add(&b, 0);
	slotset_add(&b, 70);
	slotset_subtract(&a, &b);
	cr_assert_eq(a.n, 198);
	cr_assert(!slotset_has(&a, 70) && slotset_has(&a, 71) && slotset_has(&a, 199));
	slotset_subtract(&b, &b);
	cr_assert_eq(b.n, 0);
	slotset_deinit(&a);
	slotset_deinit(&b);
}
