#include <criterion/criterion.h>

#include "config/services_seen.h"

static bool same_number(const void *a, const void *b)
{
	return *(const int *)a == *(const int *)b;
}

static const int *add(struct services_seen *s, uint64_t hash, const int *item)
{
	const void *found;

	cr_assert_eq(services_seen_add(s, hash, item, same_number, &found), 0);
	return found;
}

Test(services_seen, an_equal_item_is_found)
{
	struct services_seen s = {0};
	int a = 1, b = 1, c = 2;

	cr_assert_null(add(&s, UINT64_C(7) << 32, &a));
	cr_assert_eq(add(&s, UINT64_C(7) << 32, &b), &a);
	cr_assert_null(add(&s, UINT64_C(7) << 32, &c)); /* same hash, other item */
	services_seen_deinit(&s);
}

Test(services_seen, growth_keeps_all)
{
	struct services_seen s = {0};
	static int items[5000];

	for (int i = 0; i < 5000; i++) {
		items[i] = i;
		cr_assert_null(add(&s, (uint64_t)(i % 700) << 32, &items[i]));
	}
	for (int i = 0; i < 5000; i++)
		cr_assert_eq(add(&s, (uint64_t)(i % 700) << 32, &(int){i}), &items[i]);
	cr_assert_eq(s.n, 5000);
	services_seen_deinit(&s);
}

Test(services_seen, clear_forgets_without_touching_memory)
{
	struct services_seen s = {0};
	int a = 1;

	cr_assert_null(add(&s, 1, &a));
	services_seen_clear(&s);
	cr_assert_eq(s.n, 0);
	cr_assert_null(add(&s, 1, &a));
	cr_assert_eq(add(&s, 1, &a), &a);
	s.round = UINT32_MAX;
	services_seen_clear(&s); /* the count of rounds begins anew */
	cr_assert_null(add(&s, 1, &a));
	services_seen_deinit(&s);
}
