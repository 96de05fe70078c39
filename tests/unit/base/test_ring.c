#include "base/ring.h"

#include <criterion/criterion.h>

static struct ring r;

static void put(uint64_t v)
{
	cr_assert_gt(ring_room(&r), 0);
	memcpy(ring_put(&r), &v, sizeof(v));
}

static void take(uint64_t expected)
{
	const uint64_t *v = ring_peek(&r);

	cr_assert_not_null(v);
	cr_assert_eq(*v, expected);
	ring_release(&r);
}

/* As after n elements have gone through: the indices run free and wrap at 2^32. */
static void start_at(uint32_t slots, uint32_t n)
{
	cr_assert_eq(ring_init(&r, slots, sizeof(uint64_t)), 0);
	/* relaxed: one thread */
	atomic_store_explicit(&r.tail, n, memory_order_relaxed);
	/* relaxed: one thread */
	atomic_store_explicit(&r.head, n, memory_order_relaxed);
	r.staged = r.head_seen = r.tail_seen = n;
}

Test(ring, size_is_rounded_up_to_a_power_of_two)
{
	static const uint32_t wanted[] = {1, 2, 3, 5, 64, 65}, got[] = {1, 2, 4, 8, 64, 128};

	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		start_at(wanted[i], 0);
		cr_assert_eq(ring_room(&r), got[i]);
		ring_deinit(&r);
	}
	ring_deinit(&r);
}

Test(ring, slots_begin_on_a_cache_line)
{
	start_at(16, 0);
	cr_assert_eq((uintptr_t)r.slots % CACHELINE, 0);
	cr_assert_eq((uintptr_t)&r.tail % CACHELINE, 0);
	cr_assert_neq((uintptr_t)&r.tail / CACHELINE, (uintptr_t)&r.head / CACHELINE);
}

Test(ring, staged_elements_are_invisible_until_published)
{
	start_at(4, 0);
	put(1);
	put(2);
	cr_assert_eq(ring_staged(&r), 2);
	cr_assert_null(ring_peek(&r));
	cr_assert_eq(ring_pending(&r), 0);
	ring_publish(&r);
	cr_assert_eq(ring_staged(&r), 0);
	cr_assert_eq(ring_pending(&r), 2);
	take(1);
	take(2);
	cr_assert_null(ring_peek(&r));
}

Test(ring, peek_without_release_returns_the_same_element)
{
	start_at(4, 0);
	put(1);
	ring_publish(&r);
	cr_assert_eq(ring_peek(&r), ring_peek(&r));
	take(1);
}

Test(ring, full_ring_has_no_room_until_one_is_released)
{
	start_at(4, 0);
	for (uint64_t i = 0; i < 4; i++)
		put(i);
	cr_assert_eq(ring_room(&r), 0);
	ring_publish(&r);
	cr_assert_eq(ring_room(&r), 0);
	take(0);
	cr_assert_eq(ring_room(&r), 1);
	put(4);
	ring_publish(&r);
	for (uint64_t i = 1; i < 5; i++)
		take(i);
}

/* A producer that reserves slots (decisions 3) asks "more than n left?", not "any left?". */
Test(ring, room_freed_by_the_consumer_is_seen_before_the_ring_is_full)
{
	start_at(8, 0);
	for (uint64_t i = 0; i < 7; i++)
		put(i);
	ring_publish(&r);
	cr_assert_eq(ring_room(&r), 1);
	for (uint64_t i = 0; i < 7; i++)
		take(i);
	cr_assert_eq(ring_room(&r), 8);
}

Test(ring, room_is_never_below_half_of_what_is_free)
{
	start_at(64, 0);
	for (uint64_t i = 0; i < 10000; i++) {
		put(i);
		ring_publish(&r);
		take(i);
		cr_assert_geq(ring_room(&r), 32);
	}
}

Test(ring, has_room_looks_again_whatever_it_is_asked_for)
{
	start_at(8, UINT32_MAX - 2);
	cr_assert(ring_has_room(&r, 8));
	cr_assert(!ring_has_room(&r, 9));
	put(1);
	cr_assert(!ring_has_room(&r, 8));
	ring_publish(&r);
	take(1);
	cr_assert(ring_has_room(&r, 8), "seen although the ring never looked full");
	for (uint64_t i = 0; i < 8; i++)
		put(i);
	cr_assert(!ring_has_room(&r, 1));
	cr_assert(ring_has_room(&r, 0));
	ring_deinit(&r);
}

Test(ring, indices_wrap_at_their_end)
{
	start_at(8, UINT32_MAX - 3);
	for (uint64_t round = 0; round < 10; round++) {
		for (uint64_t i = 0; i < 8; i++)
			put(round * 8 + i);
		cr_assert_eq(ring_room(&r), 0);
		cr_assert_eq(ring_staged(&r), 8);
		ring_publish(&r);
		cr_assert_eq(ring_pending(&r), 8);
		for (uint64_t i = 0; i < 8; i++)
			take(round * 8 + i);
		cr_assert_null(ring_peek(&r));
	}
}

Test(ring, single_slot_ring_alternates)
{
	start_at(1, UINT32_MAX);
	for (uint64_t i = 0; i < 5; i++) {
		put(i);
		cr_assert_eq(ring_room(&r), 0);
		ring_publish(&r);
		take(i);
	}
}

Test(ring, elements_of_any_size_do_not_overlap)
{
	cr_assert_eq(ring_init(&r, 5, 7), 0);
	for (int i = 0; i < 8; i++) {
		cr_assert_gt(ring_room(&r), 0);
		memset(ring_put(&r), 'a' + i, 7);
	}
	ring_publish(&r);
	for (int i = 0; i < 8; i++) {
		const char *e = ring_peek(&r);

		for (int k = 0; k < 7; k++)
			cr_assert_eq(e[k], 'a' + i);
		ring_release(&r);
	}
	ring_deinit(&r);
}
