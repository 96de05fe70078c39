#include "announce/vip_set.h"
#include "unit/announce/announce_fixture.h"

static struct addr of(const char *text)
{
	struct addr a;

	cr_assert_eq(addr_parse(text, strlen(text), &a), ADDR_OK);
	return a;
}

static void has_exactly(const struct vip_set *s, unsigned n, const char *const *texts)
{
	cr_assert_eq(s->n, n);
	for (unsigned i = 0; i < n; i++) {
		struct addr a = of(texts[i]);

		cr_assert(addr_eq(&s->at[i], &a), "%u", i);
		cr_assert(vip_set_has(s, &a));
	}
}

Test(vip_set, added_addresses_are_sorted_and_single)
{
	static const char *const mixed[] = {"2001:db8::2", "192.0.2.9", "2001:db8::1", "192.0.2.10",
					    "192.0.2.9"};
	static const char *const sorted[] = {"192.0.2.9", "192.0.2.10", "2001:db8::1",
					     "2001:db8::2"};
	struct vip_set s = {0};
	struct addr other = of("192.0.2.11");

	cr_assert(!vip_set_has(&s, &other));
	for (unsigned i = 0; i < ARRAY_LEN(mixed); i++) {
		struct addr a = of(mixed[i]);

		cr_assert_eq(vip_set_add(&s, &a), 0);
	}
	has_exactly(&s, 4, sorted);
	cr_assert(!vip_set_has(&s, &other));
	cr_assert_eq(vip_set_n_v4(&s), 2);
	vip_set_deinit(&s);
	cr_assert_eq(s.n, 0);
}

static struct route route(const char *text, bool announce)
{
	return (struct route){.vip = of(text), .announce = announce};
}

Test(vip_set, changes_are_applied)
{
	static const char *const want[] = {"192.0.2.1", "192.0.2.3", "192.0.2.5", "2001:db8::1"};
	static const char *const first[] = {"192.0.2.2", "192.0.2.3", "192.0.2.4"};
	struct route changes[] = {
		route("192.0.2.2", false),  route("192.0.2.4", false), route("192.0.2.9", false),
		route("192.0.2.1", true),   route("192.0.2.3", true),  route("192.0.2.5", true),
		route("2001:db8::1", true),
	};
	struct route_list list = {.at = changes, .n = ARRAY_LEN(changes)};
	struct route_list nothing = {.at = NULL, .n = 0};
	struct vip_set base = {0}, got = {0}, same = {0};

	for (unsigned i = 0; i < ARRAY_LEN(first); i++) {
		struct addr a = of(first[i]);

		cr_assert_eq(vip_set_add(&base, &a), 0);
	}
	cr_assert_eq(vip_set_apply(&base, &list, &got), 0);
	has_exactly(&got, 4, want);
	cr_assert(!vip_set_eq(&got, &base));
	cr_assert_eq(vip_set_apply(&got, &nothing, &same), 0);
	cr_assert(vip_set_eq(&got, &same));
	list.n = 3;
	cr_assert_eq(vip_set_apply(&base, &list, &got), 0);
	has_exactly(&got, 1, first + 1);
	vip_set_deinit(&base);
	vip_set_deinit(&got);
	vip_set_deinit(&same);
}

/* The same as a naive set, over random sets and changes. */
Test(vip_set, random_changes_give_what_a_naive_set_gives)
{
	struct vip_set base = {0}, got = {0};
	bool want[64] = {false};
	uint32_t seed = 12345;

	for (unsigned round = 0; round < 2000; round++) {
		struct route changes[64];
		struct route_list list = {.at = changes, .n = 0};
		uint64_t gone = 0, come = 0;

		for (unsigned i = 0; i < 64; i++) {
			seed = seed * 1664525u + 1013904223u;
			if (seed >> 30 == 0)
				gone |= UINT64_C(1) << i;
			else if (seed >> 30 == 1)
				come |= UINT64_C(1) << i;
		}
		for (unsigned pass = 0; pass < 2; pass++) {
			for (unsigned i = 0; i < 64; i++) {
				if (((pass ? come : gone) >> i & 1) == 0)
					continue;
				want[i] = pass;
				changes[list.n++] =
					(struct route){.vip = fixture_vip(i), .announce = pass};
			}
		}
		cr_assert_eq(vip_set_apply(&base, &list, &got), 0);
		for (unsigned i = 0; i < 64; i++) {
			struct addr vip = fixture_vip(i);

			cr_assert_eq(vip_set_has(&got, &vip), want[i], "round %u, %u", round, i);
		}
		struct vip_set swap = base;
		base = got;
		got = swap;
	}
	vip_set_deinit(&base);
	vip_set_deinit(&got);
}

Test(vip_set, unknown_ones_are_those_of_no_prefix)
{
	struct announce_fixture *fix = fixture_new(3);
	struct vip_set s = {0}, unknown = {0};
	struct addr a;

	fix->prefixes[2].group = 0; /* configured, but announced nowhere */
	for (uint32_t i = 0; i < 5; i++) {
		a = fixture_vip(i);
		cr_assert_eq(vip_set_add(&s, &a), 0);
	}
	cr_assert_eq(vip_set_unknown(&s, &fix->gen, &unknown), 0);
	cr_assert_eq(unknown.n, 3);
	a = fixture_vip(2);
	cr_assert(vip_set_has(&unknown, &a));
	a = fixture_vip(1);
	cr_assert(!vip_set_has(&unknown, &a));
	vip_set_deinit(&s);
	vip_set_deinit(&unknown);
	fixture_free(fix);
}

Test(vip_set, ipv4_ones_are_counted_at_every_size)
{
	struct vip_set s = {0};
	struct addr six = {{0x20, 1}};

	cr_assert_eq(vip_set_n_v4(&s), 0);
	for (uint32_t i = 0; i < 20; i++) {
		struct addr a = fixture_vip(i);

		cr_assert_eq(vip_set_add(&s, &a), 0);
		cr_assert_eq(vip_set_n_v4(&s), i + 1);
	}
	for (uint32_t i = 0; i < 20; i++) {
		six.b[15] = (uint8_t)i;
		cr_assert_eq(vip_set_add(&s, &six), 0);
		cr_assert_eq(vip_set_n_v4(&s), 20);
	}
	vip_set_deinit(&s);
}
