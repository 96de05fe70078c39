#include "yanet/yanet_listing.h"

#include "fixture.h"
#include "yanet/yanet_fill.h"

enum { REALS = 4, SLOTS = 64, PERIOD = 1000 };

static struct world world;
static struct yanet_plan plan;
static struct yanet_listing listing;
static struct balancer_args args;
static struct yanet_budget budget;

static void setup(void)
{
	world_init(&world, SLOTS);
	world_build(&world, 2, REALS, NULL);
	args = (struct balancer_args){.tables = &world.tables,
				      .counters = &world.counters,
				      .app = &world.app,
				      .hooks = world.hooks};
	yanet_plan_init(&plan, &args);
	yanet_listing_init(&listing, &plan, PERIOD);
	yanet_listing_adopt(&listing, world.diff);
	cr_assert_eq(yanet_plan_adopt(&plan, world.gen, world.diff, 0), 0);
	yanet_plan_connected(&plan);
}

static void teardown(void)
{
	yanet_listing_deinit(&listing);
	yanet_plan_deinit(&plan);
	world_deinit(&world);
}

TestSuite(yanet_listing, .init = setup, .fini = teardown);

static uint32_t slot(uint32_t s, uint32_t r)
{
	return world_slot(&world, s, r);
}

static const struct real_row *row(uint32_t r)
{
	return state_real(&world.tables, slot(0, r));
}

static void module(unsigned m)
{
	struct yanet_found_module found = {.is_usable = true};
	char name[] = "balancer0";

	name[8] = (char)('0' + m);
	cr_assert(yanet_name_make(name, 9, &found.name));
	yanet_listing_module(&listing, &found);
}

static void service(uint32_t s)
{
	struct yanet_found_service found = {.is_usable = true,
					    .proto = L4_TCP,
					    .has_port = true,
					    .port = 443,
					    .vip = world_vip(s)};

	yanet_listing_service(&listing, &found);
}

static void real(uint32_t r, bool enabled, uint32_t weight)
{
	struct yanet_found_real found = {.is_usable = true,
					 .has_port = true,
					 .port = 8443,
					 .is_enabled = enabled,
					 .weight = weight,
					 .ip = world_rip(r)};

	yanet_listing_real(&listing, &found);
}

static int sweep(void)
{
	static uint64_t turn;
	int r;

	do {
		yanet_budget_turn(&budget, ++turn, 1, 0);
		r = yanet_listing_sweep(&listing, &budget);
	} while (r == YANET_LISTING_MORE);
	return r;
}

/* One complete reply, asked at now: module m has the reals of the bit set, all off. */
static void reply_of(uint64_t now_ns, unsigned m, uint32_t reals)
{
	yanet_listing_begin(&listing, now_ns);
	module(m);
	service(0);
	for (uint32_t r = 0; r < REALS; r++) {
		if (reals >> r & 1)
			real(r, false, 3);
	}
	cr_assert_eq(sweep(), YANET_LISTING_DONE);
}

Test(yanet_listing, a_real_is_told_once_when_it_is_first_listed)
{
	reply_of(1, 0, 3);
	cr_assert_eq(world.n_listed[slot(0, 0)], 1);
	cr_assert_eq(world.n_listed[slot(0, 2)], 0);
	cr_assert_eq(row(1)->modules_listing, 1);
	cr_assert_eq(listing.n_listed, 2);
	reply_of(2, 0, 3);
	cr_assert_eq(world.n_listed[slot(0, 0)], 1);
}

Test(yanet_listing, the_first_complete_reply_is_told_once)
{
	yanet_listing_begin(&listing, 1);
	module(0);
	service(0);
	cr_assert_eq(world.n_first_find, 0);
	yanet_listing_abort(&listing);
	cr_assert_not(plan.has_found);
	reply_of(2, 0, 1);
	reply_of(3, 0, 1);
	cr_assert_eq(world.n_first_find, 1);
}

Test(yanet_listing, an_empty_reply_counts_too)
{
	yanet_listing_begin(&listing, 1);
	cr_assert_eq(sweep(), YANET_LISTING_DONE);
	cr_assert_eq(world.n_first_find, 1);
	cr_assert_eq(listing.n_listed, 0);
}

Test(yanet_listing, d25_two_replies_in_a_row_unlist)
{
	reply_of(PERIOD, 0, 1);
	reply_of(2 * PERIOD, 0, 0);
	cr_assert_eq(world.n_unlisted[slot(0, 0)], 0);
	cr_assert(row(0)->flags & REAL_ROW_UNLISTED_ONCE);
	cr_assert_eq(row(0)->modules_listing, 1, "still sent to");
	reply_of(3 * PERIOD, 0, 0);
	cr_assert_eq(world.n_unlisted[slot(0, 0)], 1);
	cr_assert_eq(row(0)->modules_listing, 0);
	cr_assert_not(row(0)->flags & REAL_ROW_UNLISTED_ONCE);
	cr_assert_eq(listing.n_listed, 0);
	reply_of(4 * PERIOD, 0, 0);
	cr_assert_eq(world.n_unlisted[slot(0, 0)], 1);
}

Test(yanet_listing, d25_replies_closer_than_the_period_do_not_unlist)
{
	reply_of(PERIOD, 0, 1);
	reply_of(2 * PERIOD, 0, 0);
	reply_of(2 * PERIOD + 1, 0, 0);
	reply_of(3 * PERIOD - 1, 0, 0);
	cr_assert_eq(world.n_unlisted[slot(0, 0)], 0);
	reply_of(3 * PERIOD, 0, 0);
	cr_assert_eq(world.n_unlisted[slot(0, 0)], 1);
}

Test(yanet_listing, d25_one_reply_that_has_it_starts_anew)
{
	reply_of(PERIOD, 0, 1);
	reply_of(2 * PERIOD, 0, 0);
	reply_of(2 * PERIOD + 1, 0, 1); /* asked early: shows presence all the same */
	cr_assert_not(row(0)->flags & REAL_ROW_UNLISTED_ONCE);
	reply_of(3 * PERIOD + 1, 0, 0);
	cr_assert_eq(world.n_unlisted[slot(0, 0)], 0);
	cr_assert_eq(world.n_listed[slot(0, 0)], 1, "it was never unlisted");
}

/* It was away for one reply: YANET may have told its data plane nothing (spec §8). */
Test(yanet_listing, a_real_that_comes_back_is_sent_again)
{
	struct yanet_request q;

	world_want(&world, slot(0, 0), BALANCER_ENABLE, 10);
	reply_of(PERIOD, 0, 1);
	slotset_clear(&plan.bulk);
	reply_of(2 * PERIOD, 0, 0);
	reply_of(3 * PERIOD, 0, 1);
	cr_assert(slotset_has(&plan.bulk, slot(0, 0)));
	cr_assert_eq(yanet_encode_init(&q), 0);
	yanet_budget_turn(&budget, UINT64_MAX, 100, 0);
	cr_assert_eq(yanet_fill(&plan, &q, 0, &budget), 1);
	yanet_encode_deinit(&q);
}

Test(yanet_listing, d25_a_restored_real_that_is_not_listed_is_unlisted)
{
	state_real(&world.tables, slot(0, 2))->flags |= REAL_ROW_HELD;
	reply_of(PERIOD, 0, 1);
	cr_assert_eq(world.n_unlisted[slot(0, 2)], 0);
	state_real(&world.tables, slot(0, 2))->flags |= REAL_ROW_HELD;
	reply_of(2 * PERIOD, 0, 1);
	cr_assert_eq(world.n_unlisted[slot(0, 2)], 1);
	cr_assert_eq(listing.n_listed, 1);
}

Test(yanet_listing, d25_a_real_in_another_module_is_not_unlisted)
{
	yanet_listing_begin(&listing, PERIOD);
	for (unsigned m = 0; m < 2; m++) {
		module(m);
		service(0);
		real(0, false, 3);
	}
	cr_assert_eq(sweep(), YANET_LISTING_DONE);
	cr_assert_eq(row(0)->modules_listing, 3);
	for (unsigned i = 2; i < 6; i++)
		reply_of(i * PERIOD, 1, 1);
	cr_assert_eq(row(0)->modules_listing, 2);
	cr_assert_eq(world.n_unlisted[slot(0, 0)], 0);
	cr_assert_eq(yanet_modules_count(&plan.modules), 1);
}

Test(yanet_listing, services_and_modules_keep_their_reals_apart)
{
	yanet_listing_begin(&listing, 1);
	module(0);
	service(0);
	real(0, false, 3);
	service(1);
	real(1, false, 3);
	module(1);
	real(2, false, 3); /* no service yet: belongs to nobody */
	cr_assert_eq(sweep(), YANET_LISTING_DONE);
	cr_assert_eq(world.n_listed[slot(0, 0)], 1);
	cr_assert_eq(world.n_listed[slot(1, 1)], 1);
	cr_assert_eq(world.n_listed_all, 2);
}

Test(yanet_listing, foreign_reals_of_our_services_are_counted)
{
	yanet_listing_begin(&listing, 1);
	module(0);
	service(0);
	real(17, true, 3);
	real(18, true, 3);
	service(9); /* not ours: nobody's business */
	real(0, true, 3);
	cr_assert_eq(sweep(), YANET_LISTING_DONE);
	cr_assert_eq(listing.n_foreign, 2);
	cr_assert_eq(world.n_listed_all, 0);
}

/* The services file of YANET repeats a service: the reals come twice (spec §5). */
Test(yanet_listing, duplicates_are_tolerated)
{
	yanet_listing_begin(&listing, 1);
	module(0);
	service(0);
	real(0, true, 3);
	real(0, false, 4);
	service(0);
	real(0, true, 5);
	cr_assert_eq(sweep(), YANET_LISTING_DONE);
	cr_assert_eq(world.n_listed[slot(0, 0)], 1);
	cr_assert_eq(listing.n_listed, 1);
}

Test(yanet_listing, what_cannot_be_used_is_ignored)
{
	struct yanet_found_module no_name = {.is_usable = false};
	struct yanet_found_real no_ip = {.is_usable = false};

	yanet_listing_begin(&listing, 1);
	yanet_listing_module(&listing, &no_name);
	service(0);
	real(0, true, 3);
	module(0);
	yanet_listing_service(&listing, &(struct yanet_found_service){.is_usable = false});
	real(0, true, 3);
	service(0);
	yanet_listing_real(&listing, &no_ip);
	cr_assert_eq(sweep(), YANET_LISTING_DONE);
	cr_assert_eq(world.n_listed_all, 0);
	cr_assert_eq(listing.n_unnamed, 1);
	cr_assert_eq(listing.n_foreign, 0);
}

Test(yanet_listing, a_reply_that_broke_off_proves_no_absence)
{
	reply_of(PERIOD, 0, 1);
	for (unsigned i = 2; i < 6; i++) {
		yanet_listing_begin(&listing, i * PERIOD);
		yanet_listing_abort(&listing);
	}
	cr_assert_not(row(0)->flags & REAL_ROW_UNLISTED_ONCE);
	cr_assert_eq(world.n_unlisted[slot(0, 0)], 0);
}

static bool only_0(uint32_t s, uint32_t r)
{
	return s == 0 && r == 0;
}

Test(yanet_listing, a_reload_makes_the_running_reply_void)
{
	uint32_t kept = slot(0, 0);

	reply_of(PERIOD, 0, 3);
	cr_assert_eq(listing.n_listed, 2);
	yanet_listing_begin(&listing, 2 * PERIOD);
	module(0);
	service(0);
	world_build(&world, 1, REALS, only_0);
	yanet_listing_adopt(&listing, world.diff);
	cr_assert_eq(yanet_plan_adopt(&plan, world.gen, world.diff, 0), 0);
	cr_assert_eq(listing.n_listed, 1);
	real(0, false, 3);
	cr_assert_eq(sweep(), YANET_LISTING_VOID);
	cr_assert_not(state_real(&world.tables, kept)->flags & REAL_ROW_UNLISTED_ONCE);
	reply_of(3 * PERIOD, 0, 1);
	cr_assert_eq(listing.n_listed, 1);
	cr_assert_eq(world.n_listed[kept], 1);
}
