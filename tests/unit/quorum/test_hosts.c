#include "quorum/hosts.h"

#include "quorum_fixture.h"

Test(hosts, reals_of_one_address_share_a_host)
{
	struct fx *x = fx_new(NULL, "vs 1; rs 1; ck; rs 2; ck; vs 2; rs 1; ck");
	uint32_t a = x->gen->real_order[0], b = x->gen->real_order[1], c = x->gen->real_order[2];

	cr_assert_eq(state_real(&x->tables, a)->host, state_real(&x->tables, c)->host);
	cr_assert_neq(state_real(&x->tables, a)->host, state_real(&x->tables, b)->host);
	fx_free(x);
}

Test(hosts, last_real_frees_the_number)
{
	struct hosts h;
	struct addr a = fx_ip(1), b = fx_ip(2);
	uint32_t host;

	cr_assert_eq(hosts_init(&h), 0);
	cr_assert_eq(hosts_reserve(&h, 3, NULL, NULL), 0);
	host = hosts_take(&h, &a);
	cr_assert_eq(hosts_take(&h, &a), host);
	cr_assert(!hosts_give(&h, host, &a));
	cr_assert(hosts_give(&h, host, &a));
	cr_assert_eq(h.n_hosts, 0);
	cr_assert_eq(hosts_take(&h, &b), host, "taken again");
	hosts_deinit(&h);
}

/* Grows by doubling while reals stay, and tombs are cleaned away. */
Test(hosts, survive_growth_and_churn)
{
	static char text[1 << 20];
	struct fx *x = fx_new(NULL, "");

	for (uint32_t round = 0; round < 20; round++) {
		uint32_t n = 5 + round * 53 % 700, from = round * 31;
		size_t at = 0;

		text[0] = 0;
		for (uint32_t i = 0; i < n; i++)
			at += (size_t)snprintf(text + at, sizeof(text) - at, "vs %u; rs %u; ck;",
					       i + 1, from + i / 2 + 1);
		fx_load(x, text);
		for (uint32_t i = 0; i + 1 < n; i++) {
			uint32_t one = x->gen->real_order[i], two = x->gen->real_order[i + 1];
			bool same = addr_eq(&x->gen->reals[one].ip, &x->gen->reals[two].ip);

			cr_assert_eq(state_real(&x->tables, one)->host ==
					     state_real(&x->tables, two)->host,
				     same);
		}
	}
	fx_free(x);
}
