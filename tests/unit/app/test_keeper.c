/* With or without the right to the queue: the thread runs and beats either way. */
#include "app/keeper.h"

#include <criterion/criterion.h>
#include <poll.h>

#include "base/clk.h"
#include "lib/app_maker.h"
#include "lib/gen_fixture.h"

static struct app_run app;
static struct gen_fixture f;
static const struct service_names no_names;
static struct wake main_bell;
static struct tunnel tunnel;
static struct counters counters, main_counters;
static struct beat beat;
static struct keeper *k;
static uint64_t now_ns;

static void wait_until_idle(void)
{
	for (int i = 0; !keeper_is_idle(k); i++) {
		cr_assert_lt(i, 5000, "no answer");
		poll(NULL, 0, 1);
	}
}

static void begin(void)
{
	struct keeper_args args = {
		.tunnel = &tunnel,
		.counters = &counters,
		.main_counters = &main_counters,
		.beat = &beat,
		.main_bell = &main_bell,
		.cpu = -1,
	};

	app = app_maker_run("check_tun:\n  nfqueue: 4244\n");
	cr_assert_not_null(app.config, "%s", app.report);
	args.app = app.config;
	gen_fixture_init(&f, 1);
	f.gen.service_names = &no_names;
	f.service.vip = gen_fixture_addr("198.51.100.1");
	gen_fixture_check(&f, CHECK_TCP, "198.51.100.1", 80);
	f.reals[0].lvs_method = LVS_TUN;
	cr_assert_eq(wake_init(&main_bell), 0);
	cr_assert_eq(tunnel_init(&tunnel), 0);
	cr_assert_eq(keeper_new(&args, &k), 0);
	cr_assert_eq(keeper_start(k), 0);
	keeper_adopt(k, &f.gen);
	wait_until_idle();
	now_ns = 100 * CLK_S;
}

static void end(void)
{
	keeper_quit(k);
	wait_until_idle();
	keeper_join(k);
	for (int i = 0; keeper_has_left(k); i++) {
		cr_assert_lt(i, 5000, "the left thread lives on");
		poll(NULL, 0, 1);
		keeper_turn(k, now_ns);
	}
	keeper_free(k);
	tunnel_deinit(&tunnel);
	wake_deinit(&main_bell);
	app_maker_end(&app);
}

TestSuite(keeper, .init = begin, .fini = end);

/* One of main's turns, 200 ms after the one before. The thread's own beats, which are rare in this
 * time, are overwritten. */
static bool turn(bool is_still)
{
	now_ns += 200 * CLK_MS;
	beat_mark(&beat, is_still ? 1 : now_ns);
	return keeper_turn(k, now_ns);
}

/* Silent turns until the thread is replaced; 0: not within n. */
static unsigned silent_turns(unsigned n)
{
	for (unsigned i = 1; i <= n; i++)
		if (turn(true))
			return i;
	return 0;
}

Test(keeper, thread_that_beats_is_left_alone)
{
	for (int i = 0; i < 100; i++)
		cr_assert(!turn(false));
	cr_assert(!keeper_has_left(k));
	cr_assert_eq(counter_get(&main_counters, CTR_TUN_RESTARTS), 0);
}

Test(keeper, silent_thread_is_replaced_after_three_seconds)
{
	tunnel_set64(&tunnel.proven_ns[TUNNEL_V4], clk_mono_ns());
	cr_assert_geq(silent_turns(100), 16);
	cr_assert(keeper_has_left(k));
	cr_assert_eq(counter_get(&main_counters, CTR_TUN_RESTARTS), 1);
	wait_until_idle();
	cr_assert_gt(tunnel_get64(&tunnel.stalled_ns), 0, "results of that time are not believed");
	cr_assert_not_null(tunnel_host(&tunnel, 0), "it adopted what the old one had");
}

Test(keeper, two_replacements_are_ten_seconds_apart)
{
	cr_assert_geq(silent_turns(100), 16);
	cr_assert_geq(silent_turns(200), 50);
	cr_assert_eq(counter_get(&main_counters, CTR_TUN_RESTARTS), 2);
}

Test(keeper, standstill_of_main_is_not_held_against_the_thread)
{
	cr_assert_eq(silent_turns(10), 0);
	now_ns += 60 * CLK_S;
	cr_assert_eq(silent_turns(15), 0);
}

Test(keeper, left_thread_that_lives_is_freed)
{
	cr_assert_geq(silent_turns(100), 16);
	for (int i = 0; keeper_has_left(k); i++) {
		cr_assert_lt(i, 5000);
		poll(NULL, 0, 1);
		now_ns += CLK_MS;
		beat_mark(&beat, now_ns);
		cr_assert(!keeper_turn(k, now_ns));
	}
}
