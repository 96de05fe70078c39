/* What is made of BIRD's answers; the pace of it is in test_bird2.c. */
#include "announce/bird2_routes.h"
#include "announce/bird2_talk.h"
#include "unit/announce/announce_fixture.h"
#include "unit/announce/fake_bird.h"

static char dir[] = "/tmp/alived-talk-XXXXXX";
static struct fake_bird fake;
static struct app_config app;
static struct counters counters;
static struct evloop *loop;
static struct announcer_args args;
static struct bird2_kind kind;
static struct bird2_context context = {.args = &args, .kind = &kind};
static struct bird2_group groups[2];
static struct bird2_talk talk;
static unsigned n_events, n_taken;

static void on_event(void *ctx, bool was_taken)
{
	(void)ctx;
	n_events++;
	n_taken += was_taken;
}

static void setup(void)
{
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
	bird2_talk_init(&talk, &context, groups, 2, on_event, NULL);
	cr_assert_eq(bird2_talk_configure_due(&talk), BIRD2_NEVER, "not connected");
	FAKE_BIRD_UNTIL(&fake, loop, talk.ctl.state == BIRDC_IDLE);
}

static void teardown(void)
{
	bird2_talk_deinit(&talk);
	fake_bird_stop(&fake);
	evloop_free(loop);
	rmdir(dir);
}

TestSuite(bird2_talk, .init = setup, .fini = teardown);

static void configure(void)
{
	bird2_talk_configure(&talk);
	FAKE_BIRD_UNTIL(&fake, loop, talk.command == BIRD2_SILENT);
}

Test(bird2_talk, every_connection_begins_with_a_configure)
{
	cr_assert(bird2_talk_needs_configure(&talk));
	cr_assert_eq(bird2_talk_configure_due(&talk), 0);
	configure();
	cr_assert(!bird2_talk_needs_configure(&talk));
	cr_assert_eq(n_taken, 1);
	cr_assert_eq(counter_get(&counters, CTR_BIRD_CONFIGURES), 1);
	fake_bird_hang_up(&fake);
	FAKE_BIRD_UNTIL(&fake, loop, talk.ctl.state == BIRDC_AWAY);
	cr_assert(bird2_talk_needs_configure(&talk));
}

Test(bird2_talk, file_written_while_bird_reads_needs_another_configure)
{
	bird2_talk_wrote(&talk);
	bird2_talk_configure(&talk);
	bird2_talk_wrote(&talk);
	FAKE_BIRD_UNTIL(&fake, loop, talk.command == BIRD2_SILENT);
	cr_assert_eq(n_taken, 1);
	cr_assert(bird2_talk_needs_configure(&talk));
	configure();
	cr_assert(!bird2_talk_needs_configure(&talk));
}

Test(bird2_talk, refusals_wait_longer_and_longer_but_not_with_a_withdrawal)
{
	static const unsigned want[] = {1, 2, 4, 8, 16, 30, 30};

	fake.configure = FAKE_REFUSED;
	for (unsigned i = 0; i < ARRAY_LEN(want); i++) {
		configure();
		cr_assert_eq(talk.refused_ms, want[i] * 1000);
		cr_assert_geq(bird2_talk_configure_due(&talk),
			      evloop_now(loop) + want[i] * CLK_S / 2);
	}
	groups[1].withdrawing_since_ns = 1;
	configure();
	cr_assert_eq(talk.refused_ms, 2000);
	cr_assert_eq(n_taken, 0);
	cr_assert_eq(counter_get(&counters, CTR_BIRD_REFUSALS), ARRAY_LEN(want) + 1);
	bird2_talk_hurry(&talk);
	cr_assert_eq(bird2_talk_configure_due(&talk), 0, "the stop tries at once");
	fake.configure = FAKE_TAKEN;
	configure();
	cr_assert_eq(talk.refused_ms, 0);
	cr_assert_eq(n_taken, 1);
}

Test(bird2_talk, lever_is_for_blocked_groups_only)
{
	app.bird2.disables_group = true;
	fake.configure = FAKE_REFUSED;
	groups[1].withdrawing_since_ns = clk_mono_ns();
	configure();
	cr_assert_eq(bird2_talk_ask_due(&talk), groups[1].withdrawing_since_ns + 3 * CLK_S);
	groups[1].withdrawing_since_ns = 1; /* long ago */
	cr_assert_leq(bird2_talk_ask_due(&talk), evloop_now(loop));
	bird2_talk_ask(&talk);
	FAKE_BIRD_UNTIL(&fake, loop, talk.command == BIRD2_SILENT);
	cr_assert_str_eq(fake.last, "disable \"hc_edge_?\"");
	cr_assert(groups[1].is_disabled && !groups[0].is_disabled);
	cr_assert_eq(bird2_talk_ask_due(&talk), BIRD2_NEVER);
	fake.configure = FAKE_TAKEN;
	configure();
	cr_assert(!groups[1].is_disabled, "a configure enables it again");
}

Test(bird2_talk, lever_stays_where_it_is_by_default)
{
	fake.configure = FAKE_REFUSED;
	groups[1].withdrawing_since_ns = 1;
	configure();
	cr_assert_eq(bird2_talk_ask_due(&talk), BIRD2_NEVER);
}

Test(bird2_talk, answer_that_is_neither_yes_nor_no_leaves_the_outcome_open)
{
	fake.configure = "0006 Shutting down\n";
	bird2_talk_wrote(&talk);
	configure();
	cr_assert_eq(n_taken, 0);
	cr_assert_eq(talk.ctl.state, BIRDC_AWAY);
	cr_assert(bird2_talk_needs_configure(&talk));
}

Test(bird2_talk, round_begins_with_a_pulse_and_waits_for_bird_at_rest)
{
	talk.verify.due_ns = 1;
	cr_assert_eq(bird2_talk_ask_due(&talk), BIRD2_NEVER, "no configure was taken yet");
	configure();
	FAKE_BIRD_UNTIL(&fake, loop, talk.verify.ctl.state == BIRDC_IDLE);
	talk.verify.due_ns = 1;
	cr_assert_eq(bird2_talk_ask_due(&talk), 1);
	fake.counts_hang = true;
	bird2_talk_ask(&talk);
	cr_assert_eq(talk.command, BIRD2_PULSE);
	FAKE_BIRD_UNTIL(&fake, loop, talk.command == BIRD2_SILENT && fake.n_count == 1);
	cr_assert_eq(fake.n_status, 1);
	cr_assert_eq(bird2_talk_ask_due(&talk), BIRD2_NEVER, "one look at a time");
}

Test(bird2_talk, configure_goes_while_a_count_hangs)
{
	configure();
	FAKE_BIRD_UNTIL(&fake, loop, talk.verify.ctl.state == BIRDC_IDLE);
	talk.verify.due_ns = 1;
	fake.counts_hang = true;
	bird2_talk_ask(&talk);
	FAKE_BIRD_UNTIL(&fake, loop, talk.command == BIRD2_SILENT && fake.n_count == 1);
	bird2_talk_wrote(&talk);
	configure();
	cr_assert_eq(n_taken, 2);
	cr_assert_eq(talk.verify.ctl.state, BIRDC_BUSY);
}
