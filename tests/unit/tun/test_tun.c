#include "tun/tun.h"

#include <poll.h>

#include "base/clk.h"
#include "lib/app_maker.h"
#include "tun_packets.h"

static struct app_run app;
static struct wake bell, main_bell;
static struct control control;
static struct tunnel tunnel;
static struct counters counters;
static struct beat beat;
static struct tun *t;

static void begin(const char *yaml)
{
	struct tun_args args = {
		.control = &control,
		.bell = &bell,
		.tunnel = &tunnel,
		.counters = &counters,
		.beat = &beat,
		.cpu = -1,
	};

	app = app_maker_run(yaml);
	cr_assert_not_null(app.config, "%s", app.report);
	cr_assert_eq(wake_init(&bell), 0);
	cr_assert_eq(wake_init(&main_bell), 0);
	cr_assert_eq(control_init(&control, &bell, &main_bell), 0);
	cr_assert_eq(tunnel_init(&tunnel), 0);
	args.app = app.config;
	cr_assert_eq(tun_new(&args, &t), 0);
}

static void tell(enum control_kind kind)
{
	uint32_t number = control_send(&control, (struct control_msg){.kind = (uint8_t)kind});

	for (int i = 0; !control_is_done(&control, number); i++) {
		cr_assert_lt(i, 5000, "no answer");
		poll(NULL, 0, 1);
	}
}

static void end(void)
{
	tell(CONTROL_QUIT);
	tun_join(t);
	tun_free(t);
	tunnel_deinit(&tunnel);
	control_deinit(&control);
	wake_deinit(&bell);
	wake_deinit(&main_bell);
	app_maker_end(&app);
}

Test(tun, configuration_sets_up_what_is_shared)
{
	begin("check_tun:\n  nfqueue: 4242\n  steering: mark\n  mark_base: 5\n  mark_mask: "
	      "0xffff\n");
	cr_assert(tunnel.by_mark);
	cr_assert_eq(tunnel.mark_base, 5);
	cr_assert_eq(tunnel.mark_mask, 0xffff);
	cr_assert_eq(tunnel.queue, 4242);
	cr_assert_eq(tun_start(t), 0);
	end();
}

/* With or without the right to the queue: it beats, adopts and ends. */
Test(tun, adoption_publishes_the_reals)
{
	static struct gen_fixture f;
	static const struct service_names no_names;

	begin("check_tun:\n  nfqueue: 4243\n");
	gen_fixture_init(&f, 1);
	f.gen.service_names = &no_names;
	gen_fixture_check(&f, CHECK_TCP, "192.0.2.1", 80);
	f.reals[0].ip = gen_fixture_addr("127.0.0.9");
	cr_assert_eq(tun_start(t), 0);
	cr_assert_eq(tun_stage(t, &f.gen), 0);
	tell(CONTROL_ADOPT);
	cr_assert_eq(tunnel_host(&tunnel, 0), tunnel_real(&tunnel, 0));
	cr_assert_gt(tunnel_get16(&tunnel_real(&tunnel, 0)->mss), 0);
	f.reals[0].ip = gen_fixture_addr("127.0.0.10");
	cr_assert_eq(tun_stage(t, &f.gen), 0);
	cr_assert_eq(tun_stage(t, &f.gen), 0, "a stage that was not adopted is replaced");
	tell(CONTROL_ADOPT);
	cr_assert_gt(beat_last(&beat), 0);
	end();
}

Test(tun, an_adoption_without_a_stage_keeps_the_map)
{
	begin("check_tun:\n  nfqueue: 4244\n");
	cr_assert_eq(tun_start(t), 0);
	tell(CONTROL_ADOPT);
	end();
}

Test(tun, what_never_started_is_freed)
{
	begin("check_tun:\n  nfqueue: 4245\n");
	tun_free(t);
	tun_free(NULL);
}
