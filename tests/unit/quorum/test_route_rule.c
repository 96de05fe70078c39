#include <criterion/criterion.h>

#include "quorum/route_rule.h"

Test(route_rule, d14_only_another_host_proves_a_way)
{
	struct route_rule r;

	route_rule_init(&r);
	cr_assert(!route_rule_others_answer(&r, true, 1, 0));
	route_rule_answered(&r, true, 1, 100);
	cr_assert(!route_rule_others_answer(&r, true, 1, 50), "itself");
	cr_assert(route_rule_others_answer(&r, true, 2, 50));
	cr_assert(!route_rule_others_answer(&r, true, 2, 100), "started at the first no_route");
	cr_assert(!route_rule_others_answer(&r, false, 2, 50), "another family");
}

Test(route_rule, keeps_the_newest_of_two_hosts)
{
	struct route_rule r;

	route_rule_init(&r);
	route_rule_answered(&r, true, 1, 100);
	route_rule_answered(&r, true, 2, 90);
	cr_assert(route_rule_others_answer(&r, true, 1, 80));
	cr_assert(!route_rule_others_answer(&r, true, 1, 95));
	route_rule_answered(&r, true, 2, 200);
	cr_assert(route_rule_others_answer(&r, true, 1, 150));
	cr_assert(route_rule_others_answer(&r, true, 2, 95));
	cr_assert(!route_rule_others_answer(&r, true, 2, 150));
	route_rule_answered(&r, true, 2, 120);
	cr_assert(route_rule_others_answer(&r, true, 1, 150), "an older one takes nothing back");
	route_rule_answered(&r, true, 2, 300);
	cr_assert(route_rule_others_answer(&r, true, 3, 250));
}

/* Against the plain definition: some answered check of another host started later. */
Test(route_rule, agrees_with_a_plain_list)
{
	enum { N = 300, HOSTS = 4 };
	uint32_t hosts[N];
	uint64_t starts[N], rng = 99;
	struct route_rule r;

	route_rule_init(&r);
	for (int i = 0; i < N; i++) {
		rng = rng * UINT64_C(6364136223846793005) + 1442695040888963407u;
		hosts[i] = (uint32_t)(rng >> 40) % HOSTS;
		starts[i] = 1 + (rng >> 50) % 1000;
		route_rule_answered(&r, true, hosts[i], starts[i]);
		for (uint32_t h = 0; h < HOSTS; h++) {
			uint64_t newest = 0;

			for (int k = 0; k <= i; k++)
				newest = hosts[k] != h ? MAX(newest, starts[k]) : newest;
			cr_assert_eq(route_rule_others_answer(&r, true, h, newest), false);
			if (newest)
				cr_assert(route_rule_others_answer(&r, true, h, newest - 1));
		}
	}
}

Test(route_rule, answers_are_what_came_from_the_host)
{
	struct result timeout = {.code = CODE_CONNECT_TIMEOUT, .layer = LAYER_CONNECT},
		      late_body = {.code = CODE_BODY_TIMEOUT, .layer = LAYER_BODY, .connect_us = 9},
		      refused = {.code = CODE_REFUSED, .layer = LAYER_CONNECT};

	cr_assert(route_rule_is_answer(&timeout, VERDICT_GOOD));
	cr_assert(!route_rule_is_answer(&timeout, VERDICT_BAD));
	cr_assert(!route_rule_is_answer(&refused, VERDICT_UNKNOWN));
	cr_assert(route_rule_is_answer(&refused, VERDICT_BAD));
	cr_assert(route_rule_is_answer(&late_body, VERDICT_BAD), "the connection was made");
	cr_assert(!route_rule_is_bad_answer(CODE_BODY_TIMEOUT));
	cr_assert(route_rule_is_bad_answer(CODE_HTTP_STATUS));
	cr_assert(route_rule_is_bad_answer(CODE_TLS_ALERT));
	cr_assert(!route_rule_is_bad_answer(CODE_UNREACHABLE));
	cr_assert(!route_rule_is_bad_answer(CODE_OK));
	cr_assert(!route_rule_is_bad_answer(CODE_NO_ROUTE));
}
