/* What is made of BIRD's counts; when they are asked for is in test_bird2_talk.c. */
#include "announce/bird2_verify.h"

#include "announce/bird2_routes.h"
#include "unit/announce/announce_fixture.h"
#include "unit/announce/fake_bird.h"

static char dir[] = "/tmp/alived-verify-XXXXXX";
static struct fake_bird fake;
static struct app_config app;
static struct counters counters;
static struct evloop *loop;
static struct announcer_args args;
static struct bird2_kind kind;
static struct bird2_context context = {.args = &args, .kind = &kind};
static struct bird2_group groups[2];
static struct announce_error error;
static struct bird2_verify verify;
static unsigned n_events, n_must;

static void on_event(void *ctx, bool must_configure)
{
	(void)ctx;
	n_events++;
	n_must += must_configure;
}

static void setup(void)
{
	struct bird2_verify_args a = {.context = &context,
				      .groups = groups,
				      .n_groups = 2,
				      .error = &error,
				      .fn = on_event};

	cr_assert(mkdtemp(dir));
	loop = evloop_new();
	fake_bird_start(&fake, dir);
	app.bird2.ctl_sock = fake.path.sun_path;
	app.bird2.dir = dir;
	args = (struct announcer_args){.loop = loop, .counters = &counters, .app = &app};
	bird2_group_init(&groups[0], "default", 1);
	bird2_group_init(&groups[1], "edge", 2);
	groups[0].is_warm = groups[1].is_warm = true;
	kind = bird2_routes_kind(&app);
	bird2_verify_init(&verify, &a);
	cr_assert_eq(bird2_verify_due(&verify), BIRD2_NEVER, "not connected");
	FAKE_BIRD_UNTIL(&fake, loop, verify.ctl.state == BIRDC_IDLE);
	cr_assert_eq(n_events, 1, "who waits for it has to know");
}

static void teardown(void)
{
	bird2_verify_deinit(&verify);
	fake_bird_stop(&fake);
	evloop_free(loop);
	for (unsigned i = 0; i < 2; i++)
		bird2_group_deinit(&groups[i]);
	rmdir(dir);
}

TestSuite(bird2_verify, .init = setup, .fini = teardown);

/* One look, asked and answered; returns whether a round began with it. */
static bool look(void)
{
	bool has_begun;

	bird2_verify_soon(&verify);
	has_begun = bird2_verify_ask(&verify);
	FAKE_BIRD_UNTIL(&fake, loop, verify.ctl.state == BIRDC_IDLE);
	return has_begun;
}

/* Both families of both groups. */
static void look_at_all(void)
{
	for (unsigned i = 0; i < 4; i++)
		cr_assert_eq(look(), i == 0);
}

Test(bird2_verify, nothing_is_asked_before_it_is_due)
{
	cr_assert_gt(bird2_verify_due(&verify), evloop_now(loop) + 9 * CLK_S);
	cr_assert(!bird2_verify_ask(&verify));
	cr_assert_eq(verify.ctl.state, BIRDC_IDLE);
}

Test(bird2_verify, each_protocol_is_counted_and_compared)
{
	struct addr vip = fixture_vip(1);

	cr_assert_eq(vip_set_add(&groups[0].accepted, &vip), 0);
	look_at_all();
	cr_assert_eq(fake.n_count, 4);
	cr_assert_str_eq(fake.last, "show route protocol 'hc_edge_6' count");
	cr_assert_eq(counter_get(&counters, CTR_BIRD_REPAIRS), 1, "one of four differs");
	cr_assert_eq(n_must, 1, "a configure repairs it");
	cr_assert(!bird2_verify_is_well(&verify));
	cr_assert_str_eq(error.text, "BIRD differs: group default, IPv4 routes: 0, should be 1 ");
	cr_assert_leq(bird2_verify_due(&verify), evloop_now(loop) + CLK_S, "did that help?");
	vip_set_deinit(&groups[0].accepted);
	look_at_all();
	cr_assert_eq(n_must, 1);
	cr_assert(bird2_verify_is_well(&verify) && error.is_over);
	cr_assert_gt(bird2_verify_due(&verify), evloop_now(loop) + 9 * CLK_S);
}

Test(bird2_verify, count_of_before_a_configure_is_void_and_asked_again)
{
	fake.n_routes = 7;
	bird2_verify_soon(&verify);
	cr_assert(bird2_verify_ask(&verify));
	bird2_verify_void(&verify);
	FAKE_BIRD_UNTIL(&fake, loop, verify.ctl.state == BIRDC_IDLE);
	cr_assert_eq(verify.at, 0);
	cr_assert_eq(counter_get(&counters, CTR_BIRD_REPAIRS), 0);
	cr_assert_gt(bird2_verify_due(&verify), evloop_now(loop) + CLK_S / 2, "not at once");
	fake.n_routes = 0;
	look_at_all();
	cr_assert(bird2_verify_is_well(&verify));
	cr_assert_eq(fake.n_count, 5);
}

/* Somebody else's configure does that too. */
Test(bird2_verify, count_that_bird_stopped_is_asked_again)
{
	bird2_verify_soon(&verify);
	cr_assert(bird2_verify_ask(&verify));
	fake.counts_hang = true;
	FAKE_BIRD_UNTIL(&fake, loop, fake.n_count == 1);
	fake_bird_answer(&fake, &fake.connections[0], "8004 Stopped due to reconfiguration\n");
	FAKE_BIRD_UNTIL(&fake, loop, verify.ctl.state == BIRDC_IDLE);
	cr_assert_eq(verify.at, 0);
	cr_assert_eq(groups[0].seen[ANNOUNCE_V4], ANNOUNCE_NOT_COUNTED);
	cr_assert_eq(counter_get(&counters, CTR_BIRD_REPAIRS), 0);
}

Test(bird2_verify, refused_count_is_a_difference)
{
	bird2_verify_soon(&verify);
	cr_assert(bird2_verify_ask(&verify));
	fake.counts_hang = true;
	FAKE_BIRD_UNTIL(&fake, loop, fake.n_count == 1);
	fake_bird_answer(&fake, &fake.connections[0], "9001 hc_default_4 is not a protocol\n");
	FAKE_BIRD_UNTIL(&fake, loop, verify.ctl.state == BIRDC_IDLE);
	cr_assert_eq(counter_get(&counters, CTR_BIRD_REPAIRS), 1);
	cr_assert_eq(verify.at, 1);
}

Test(bird2_verify, bird_that_does_not_answer_is_told_until_it_does)
{
	cr_assert(!look() || verify.at == 1);
	fake.counts_hang = true;
	bird2_verify_soon(&verify);
	cr_assert(!bird2_verify_ask(&verify));
	FAKE_BIRD_UNTIL(&fake, loop, fake.n_count == 2);
	fake_bird_hang_up(&fake);
	FAKE_BIRD_UNTIL(&fake, loop, verify.ctl.state == BIRDC_IDLE);
	cr_assert_eq(verify.at, 0, "a round begins anew");
	cr_assert(!bird2_verify_is_well(&verify) && !error.is_over);
	cr_assert_str_eq(error.text, "BIRD's routes are not counted: closed by BIRD");
	fake.counts_hang = false;
	look_at_all();
	cr_assert(bird2_verify_is_well(&verify) && error.is_over);
}

/* The backend's other connection says that, and better. */
Test(bird2_verify, bird_that_went_away_in_the_middle_is_not_told_twice)
{
	fake.counts_hang = true;
	bird2_verify_soon(&verify);
	cr_assert(bird2_verify_ask(&verify));
	FAKE_BIRD_UNTIL(&fake, loop, fake.n_count == 1);
	fake_bird_die(&fake);
	bird2_verify_forget(&verify);
	FAKE_BIRD_UNTIL(&fake, loop, verify.ctl.state == BIRDC_AWAY);
	cr_assert_str_eq(error.text, "");
	cr_assert(bird2_verify_is_well(&verify));
}

Test(bird2_verify, lost_connection_at_rest_is_no_news)
{
	fake_bird_hang_up(&fake);
	FAKE_BIRD_UNTIL(&fake, loop, verify.ctl.state == BIRDC_AWAY);
	cr_assert_eq(bird2_verify_due(&verify), BIRD2_NEVER);
	cr_assert(bird2_verify_is_well(&verify));
	cr_assert_str_eq(error.text, "");
}

Test(bird2_verify, group_that_is_cold_or_disabled_is_not_compared)
{
	fake.n_routes = 3;
	groups[0].is_warm = false;
	groups[1].is_disabled = true;
	look_at_all();
	cr_assert(bird2_verify_is_well(&verify));
	cr_assert_eq(groups[0].seen[ANNOUNCE_V4], ANNOUNCE_NOT_COUNTED);
}
