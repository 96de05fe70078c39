#include "yanet/yanet_tombs.h"

#include "fixture.h"

static struct world world;
static struct yanet_tombs tombs;

static void setup(void)
{
	world_init(&world, 64);
	world_build(&world, 1, 4, NULL);
	tombs = (struct yanet_tombs){.wait_until_ns = 100};
	cr_assert_eq(yanet_tombs_reserve(&tombs, 8, 64), 0);
}

static void teardown(void)
{
	yanet_tombs_deinit(&tombs);
	world_deinit(&world);
}

/* real: of service 0; above 3 it is not configured. */
static void bury(uint32_t real, uint32_t modules, bool is_waiting)
{
	struct service_spec s = {.vip = world_vip(0), .port = 443, .flags = SERVICE_HAS_PORT};
	struct real_spec r = {.ip = world_rip(real), .port = 8443, .flags = REAL_HAS_PORT};
	struct yanet_tomb tomb = {.modules = modules, .slot = real};

	cr_assert(yanet_key_make(&s, &r, &tomb.key));
	yanet_tombs_add(&tombs, &tomb, is_waiting);
}

static uint32_t send_all(uint64_t now_ns)
{
	uint32_t at = 0, n = 0;

	for (; yanet_tombs_next(&tombs, now_ns, &at); n++)
		yanet_tombs_mark_sent(&tombs, at);
	return n;
}

TestSuite(yanet_tombs, .init = setup, .fini = teardown);

Test(yanet_tombs, what_is_sent_is_gone_after_the_flush)
{
	bury(10, 1, false);
	bury(11, 1, false);
	cr_assert(yanet_tombs_has_unsent(&tombs, 0));
	cr_assert_eq(send_all(0), 2);
	bury(12, 1, false);
	yanet_tombs_flushed(&tombs);
	cr_assert_eq(tombs.n, 1);
	cr_assert_eq(tombs.at[0].slot, 12);
}

/* A21 for removed reals. */
Test(yanet_tombs, a21_a_lost_connection_sends_them_again)
{
	bury(10, 1, false);
	cr_assert_eq(send_all(0), 1);
	cr_assert_not(yanet_tombs_has_unsent(&tombs, 0));
	yanet_tombs_lost(&tombs);
	cr_assert_eq(send_all(0), 1);
}

Test(yanet_tombs, a_waiting_one_goes_when_it_is_released)
{
	bury(10, 1, true);
	bury(11, 1, false);
	cr_assert_eq(send_all(0), 1);
	cr_assert_not(yanet_tombs_has_unsent(&tombs, 0));
	yanet_tombs_release(&tombs, 10);
	cr_assert(yanet_tombs_has_unsent(&tombs, 0));
	cr_assert_eq(send_all(0), 1);
}

Test(yanet_tombs, a_waiting_one_goes_at_the_latest_in_time)
{
	bury(10, 1, true);
	cr_assert_not(yanet_tombs_has_unsent(&tombs, 99));
	cr_assert(yanet_tombs_has_unsent(&tombs, 100));
	cr_assert_eq(send_all(100), 1);
}

Test(yanet_tombs, a_real_that_comes_back_is_not_disabled)
{
	bury(10, 1, false);
	bury(11, 1, false);
	cr_assert_eq(send_all(0), 2);
	bury(2, 1, true);
	bury(12, 1, false);
	yanet_tombs_revive(&tombs, world.gen);
	cr_assert_eq(tombs.n, 3);
	cr_assert_eq(tombs.n_sent, 2);
	cr_assert_eq(tombs.waiting.n, 0);
	cr_assert_eq(send_all(0), 1);
}

Test(yanet_tombs, a_forgotten_module_takes_its_own_along)
{
	bury(10, 1, false);
	bury(11, 3, false);
	yanet_tombs_forget_modules(&tombs, 1);
	cr_assert_eq(tombs.n, 1);
	cr_assert_eq(tombs.at[0].modules, 2);
}
