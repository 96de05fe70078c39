#include "base/arena.h"

#include <criterion/criterion.h>

Test(arena, pieces_are_zeroed_aligned_and_apart)
{
	struct arena *a = arena_new();
	unsigned char *before = NULL;

	cr_assert_not_null(a);
	for (size_t bytes = 0; bytes < 3000; bytes += 13) {
		unsigned char *p = arena_alloc(a, bytes);

		cr_assert_not_null(p);
		cr_assert_eq((uintptr_t)p % 16, 0);
		for (size_t i = 0; i < bytes; i++)
			cr_assert_eq(p[i], 0);
		memset(p, 0xee, bytes);
		if (before && bytes > 13)
			cr_assert_eq(before[bytes - 14], 0xee);
		before = p;
	}
	arena_free(a);
}

Test(arena, large_piece_gets_a_block_of_its_own)
{
	struct arena *a = arena_new();
	char *small = arena_alloc(a, 16), *large = arena_alloc(a, 40 << 20);

	cr_assert_not_null(small);
	cr_assert_not_null(large);
	large[(40 << 20) - 1] = 1;
	cr_assert_geq(arena_bytes(a), 40 << 20);
	cr_assert_not_null(arena_alloc(a, 16));
	arena_free(a);
}

Test(arena, many_small_pieces_waste_little)
{
	struct arena *a = arena_new();

	for (int i = 0; i < 1000000; i++)
		cr_assert_not_null(arena_alloc(a, 64));
	cr_assert_leq(arena_bytes(a), 2 * 64000000);
	arena_free(a);
}

/* Must return: sizes near the end of the type once doubled a block size to zero, for ever. */
Test(arena, impossible_sizes_are_refused, .timeout = 10)
{
	struct arena *a = arena_new();

	cr_assert_null(arena_alloc(a, SIZE_MAX));
	cr_assert_null(arena_alloc(a, SIZE_MAX / 2 + 1));
	cr_assert_null(arena_alloc(a, SIZE_MAX / 2));
	cr_assert_null(arena_alloc(a, SIZE_MAX / 4));
	cr_assert_not_null(arena_alloc(a, 1));
	arena_free(a);
}

Test(arena, copies_end_with_nul)
{
	struct arena *a = arena_new();
	const char text[] = "half a word";
	char *copy = arena_strndup(a, text, 4);

	cr_assert_str_eq(copy, "half");
	cr_assert_str_eq(arena_strndup(a, "", 0), "");
	arena_free(a);
}

Test(arena, null_is_freed)
{
	arena_free(NULL);
}
