#include "announce/local_addr_set.h"

#include "local_addr_bytes.h"

static struct local_addr_entry entry(const char *local, const char *address, uint8_t len)
{
	return (struct local_addr_entry){rec_addr(local), rec_addr(address), len};
}

static bool has(const struct local_addr_set *s, const char *text)
{
	struct addr a = rec_addr(text);

	return local_addr_set_has(s, &a);
}

Test(local_addr_set, what_is_added_is_there_until_it_is_removed)
{
	struct local_addr_set s = {0};
	struct local_addr_entry a = entry("192.0.2.10", "192.0.2.10", 32),
				b = entry("2001:db8::10", "2001:db8::10", 128);

	cr_assert(!has(&s, "192.0.2.10"));
	cr_assert_eq(local_addr_set_add(&s, &b), 0);
	cr_assert_eq(local_addr_set_add(&s, &a), 0);
	cr_assert_eq(local_addr_set_add(&s, &a), 0);
	cr_assert_eq(s.n, 2);
	cr_assert(has(&s, "192.0.2.10") && has(&s, "2001:db8::10") && !has(&s, "192.0.2.1"));
	local_addr_set_remove(&s, &a);
	local_addr_set_remove(&s, &a);
	cr_assert(!has(&s, "192.0.2.10") && has(&s, "2001:db8::10"));
	local_addr_set_clear(&s);
	cr_assert(!has(&s, "2001:db8::10"));
	local_addr_set_deinit(&s);
}

/* The kernel takes 192.0.2.10/24 and 192.0.2.10/32 on one interface. */
Test(local_addr_set, an_address_stays_while_one_of_its_entries_does)
{
	struct local_addr_set s = {0};
	struct local_addr_entry all[] = {
		entry("192.0.2.10", "192.0.2.10", 32),
		entry("192.0.2.10", "192.0.2.10", 24),
		entry("192.0.2.10", "192.0.2.99", 32),
	};

	for (int i = 0; i < 3; i++)
		cr_assert_eq(local_addr_set_add(&s, &all[i]), 0);
	for (int i = 0; i < 3; i++) {
		cr_assert(has(&s, "192.0.2.10"));
		local_addr_set_remove(&s, &all[i]);
	}
	cr_assert(!has(&s, "192.0.2.10"));
	local_addr_set_deinit(&s);
}

Test(local_addr_set, agrees_with_a_list_in_any_order)
{
	enum { N = 2000 };
	static bool is_in[N];
	struct local_addr_set s = {0};
	uint32_t seed = 1, n = 0;

	for (int step = 0; step < 20000; step++) {
		struct local_addr_entry e = {.prefix_len = 32};
		uint32_t i;

		seed = seed * 1664525u + 1013904223u;
		i = (seed >> 8) % N;
		e.local = e.address = addr_from_v4_u32(0x0a000000u + i);
		if (seed >> 31) {
			cr_assert_eq(local_addr_set_add(&s, &e), 0);
			n += !is_in[i];
		} else {
			local_addr_set_remove(&s, &e);
			n -= is_in[i];
		}
		is_in[i] = seed >> 31;
		cr_assert_eq(s.n, n);
	}
	for (uint32_t i = 0; i < N; i++) {
		struct addr a = addr_from_v4_u32(0x0a000000u + i);

		cr_assert_eq(local_addr_set_has(&s, &a), is_in[i]);
	}
	local_addr_set_deinit(&s);
}
