#include "base/hash.h"

#include <criterion/criterion.h>

Test(hash, every_length_and_every_byte_counts)
{
	unsigned char data[40] = {0};

	for (size_t len = 1; len <= sizeof(data); len++) {
		uint64_t zero = hash_bytes(data, len, 1);

		cr_assert_neq(zero, hash_bytes(data, len - 1, 1));
		for (size_t i = 0; i < len; i++) {
			data[i] = 1;
			cr_assert_neq(hash_bytes(data, len, 1), zero, "len %zu byte %zu", len, i);
			data[i] = 0;
		}
	}
}

Test(hash, nothing_reads_nothing)
{
	cr_assert_eq(hash_bytes(NULL, 0, 5), hash_bytes("abc", 0, 5));
}

Test(hash, alignment_does_not_matter)
{
	char text[64] = "....the same bytes at another place";

	for (size_t shift = 0; shift < 8; shift++) {
		char copy[64];

		memcpy(copy + shift, text + 4, 31);
		cr_assert_eq(hash_bytes(copy + shift, 31, 7), hash_bytes(text + 4, 31, 7));
	}
}

Test(hash, seeds_differ)
{
	cr_assert_neq(hash_bytes("abc", 3, 1), hash_bytes("abc", 3, 2));
	cr_assert_neq(hash_u64(1, 1), hash_u64(1, 2));
}

/* Our keys are dense: addresses in a row, ports, slots. Low bits index tables. */
Test(hash, dense_keys_spread_over_the_low_bits)
{
	static uint32_t buckets[1024];

	for (uint64_t i = 0; i < 102400; i++)
		buckets[hash_u64(i, 3) % 1024]++;
	for (int i = 0; i < 1024; i++)
		cr_assert(buckets[i] > 50 && buckets[i] < 160, "%u", buckets[i]);
}
