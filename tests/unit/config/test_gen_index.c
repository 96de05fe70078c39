#include <criterion/criterion.h>

#include "base/arena.h"
#include "base/hash.h"
#include "config/gen_index.h"

Test(gen_index, empty_table_finds_nothing)
{
	struct gen_index_table t = {.cells = NULL};
	struct arena *a = arena_new();
	uint32_t at = 0;

	cr_assert_eq(gen_index_next(&t, 5, &at), SLOT_NONE);
	cr_assert_eq(gen_index_init(&t, a, 0), 0);
	at = gen_index_start(&t, UINT64_MAX);
	cr_assert_eq(gen_index_next(&t, UINT64_MAX, &at), SLOT_NONE);
	arena_free(a);
}

Test(gen_index, decision_50_cells_are_at_most_two_thirds_full_and_six_bytes_per_entry)
{
	struct arena *a = arena_new();
	struct gen_index_table t;

	for (uint32_t n = 0; n < 3000; n++) {
		cr_assert_eq(gen_index_init(&t, a, n), 0);
		cr_assert(3 * (uint64_t)n <= 2 * (uint64_t)t.n_cells);
		cr_assert(t.n_cells * sizeof(*t.cells) <= 6 * (size_t)n + 8);
	}
	arena_free(a);
}

Test(gen_index, full_table_finds_every_slot_and_ends)
{
	enum { N = 50000 };
	struct arena *a = arena_new();
	struct gen_index_table t;
	uint32_t slot, at;
	unsigned strangers = 0;

	cr_assert_eq(gen_index_init(&t, a, N), 0);
	for (uint32_t i = 0; i < N; i++)
		gen_index_put(&t, hash_u64(i, 1), i);
	for (uint32_t i = 0; i < N; i++) {
		at = gen_index_start(&t, hash_u64(i, 1));
		while ((slot = gen_index_next(&t, hash_u64(i, 1), &at)) != i) {
			cr_assert_neq(slot, SLOT_NONE, "slot %u is lost", i);
			strangers++;
		}
	}
	cr_assert_lt(strangers, N / 100, "the tag keeps strangers out: %u", strangers);
	arena_free(a);
}

Test(gen_index, equal_hashes_are_all_walked)
{
	struct arena *a = arena_new();
	struct gen_index_table t;
	uint32_t at, seen = 0;

	cr_assert_eq(gen_index_init(&t, a, 100), 0);
	for (uint32_t i = 0; i < 100; i++)
		gen_index_put(&t, UINT64_MAX, i);
	at = gen_index_start(&t, UINT64_MAX);
	while (gen_index_next(&t, UINT64_MAX, &at) != SLOT_NONE)
		seen++;
	cr_assert_eq(seen, 100);
	arena_free(a);
}

Test(gen_index, every_part_of_an_identity_changes_its_hash)
{
	const struct addr a = {{1}}, b = {{[15] = 1}};
	const struct check_spec c = {.connect_ip = a, .profile = 1, .real = 2, .connect_port = 3};
	struct check_spec d;

	cr_assert_neq(gen_index_hash_service(&a, true, 0, 0),
		      gen_index_hash_service(&a, false, 0, 0));
	cr_assert_neq(gen_index_hash_service(&a, true, 1, 0),
		      gen_index_hash_service(&a, true, 2, 0));
	cr_assert_neq(gen_index_hash_service(&a, true, 1, 0),
		      gen_index_hash_service(&a, true, 1, 1));
	cr_assert_neq(gen_index_hash_service(&a, true, 1, 0),
		      gen_index_hash_service(&b, true, 1, 0));
	cr_assert_neq(gen_index_hash_real(0, &a, true, 1), gen_index_hash_real(1, &a, true, 1));
	d = c;
	d.next = 9;
	cr_assert_eq(gen_index_hash_check(&c), gen_index_hash_check(&d), "next is no identity");
	d.profile = 2;
	cr_assert_neq(gen_index_hash_check(&c), gen_index_hash_check(&d));
	d = c;
	d.real = 3;
	cr_assert_neq(gen_index_hash_check(&c), gen_index_hash_check(&d));
	d = c;
	d.connect_port = 4;
	cr_assert_neq(gen_index_hash_check(&c), gen_index_hash_check(&d));
	d = c;
	d.flags = CHECK_TUNNELLED;
	cr_assert_neq(gen_index_hash_check(&c), gen_index_hash_check(&d));
	d = c;
	d.kind = CHECK_GRPC;
	cr_assert_neq(gen_index_hash_check(&c), gen_index_hash_check(&d));
}
