/* The real thread between a ring that the test fills and backends none. */
#include "agg/agg.h"

#include <criterion/criterion.h>
#include <unistd.h>

#include "base/clk.h"
#include "config/diag.h"
#include "config/gen_build.h"
#include "config/services_parse.h"
#include "lib/app_maker.h"
#include "model/result.h"

static const char services[] = "virtual_server 192.0.2.1 80 {\n"
			       "  lvs_method NAT\n  lvs_sched wrr\n  retry 0\n"
			       "  real_server 10.0.0.1 80 {\n    weight 7\n"
			       "    TCP_CHECK {\n      connect_timeout 1\n    }\n  }\n}\n";

static struct app_run app;
static struct slot_books books;
static struct generation *gen;
static struct gen_diff *diff;
static struct wake agg_bell, main_bell;
static struct control control;
static struct port port;
static struct state_tables tables;
static struct counters counters;
static struct beat beat;
static struct summary summary;
static struct agg *agg;

static void build(void)
{
	struct source *src = source_new();
	struct diag *d = diag_new(src);
	struct draft *draft = NULL;

	cr_assert_eq(services_parse_text("s.conf", services, sizeof(services) - 1, app.config, src,
					 d, &draft),
		     0);
	cr_assert_eq(gen_build(draft, NULL, &books, 1, 1, &gen, &diff), 0);
	draft_free(draft);
	diag_free(d);
	source_free(src);
}

static void setup(void)
{
	struct agg_args args = {.ports = &port,
				.n_workers = 1,
				.control = &control,
				.bell = &agg_bell,
				.tables = &tables,
				.counters = &counters,
				.beat = &beat,
				.summary = &summary,
				.cpu = -1};

	app = app_maker_run("");
	cr_assert_not_null(app.config);
	cr_assert_eq(slot_books_init(&books), 0);
	build();
	cr_assert_eq(wake_init(&agg_bell), 0);
	cr_assert_eq(wake_init(&main_bell), 0);
	cr_assert_eq(control_init(&control, &agg_bell, &main_bell), 0);
	cr_assert_eq(port_init(&port, 64, &agg_bell), 0);
	cr_assert_eq(state_tables_init(&tables), 0);
	args.app = app.config;
	cr_assert_eq(agg_new(&args, &agg), 0);
	cr_assert_eq(agg_start(agg), 0);
}

static void teardown(void)
{
	agg_free(agg);
	state_tables_deinit(&tables);
	port_deinit(&port);
	control_deinit(&control);
	wake_deinit(&agg_bell);
	wake_deinit(&main_bell);
	gen_diff_free(diff);
	gen_free(gen);
	slot_books_deinit(&books);
	app_maker_end(&app);
}

TestSuite(agg, .init = setup, .fini = teardown, .timeout = 20);

static void tell(struct control_msg msg)
{
	uint32_t number = control_send(&control, msg);

	while (!control_is_done(&control, number))
		usleep(500);
}

static void adopt(void)
{
	tell((struct control_msg){.kind = CONTROL_ADOPT, .generation = gen, .diff = diff});
}

static void quit(enum quit_kind kind)
{
	tell((struct control_msg){.kind = CONTROL_QUIT, .quit = (uint8_t)kind});
	agg_join(agg);
}

static void give_as(uint32_t sequence, enum check_code code)
{
	struct result *r;

	cr_assert(ring_room(&port.results) > 0);
	r = ring_put(&port.results);
	*r = (struct result){.check = 0,
			     .sequence = sequence,
			     .code = (uint16_t)code,
			     .verdict = (uint8_t)check_code_verdict(code),
			     .layer = (uint8_t)check_code_layer(code),
			     .total_us = 100,
			     .weight = -1,
			     .generation = gen->number};
	ring_publish(&port.results);
	wake_ring(&agg_bell);
}

static void give(enum check_code code)
{
	give_as(gen->check_sequence[0], code);
}

static struct real_row row(void)
{
	struct real_row r;

	while (!seqrow_read(state_real(&tables, 0), &r, sizeof(r)))
		usleep(100);
	return r;
}

static void wait_for(enum state state)
{
	while (row().state != state)
		usleep(500);
}

Test(agg, results_become_published_verdicts)
{
	adopt();
	cr_assert_eq(row().state, STATE_UNDECIDED);
	cr_assert_not(row().flags & REAL_ROW_ENABLED, "nothing is wanted without a verdict");
	give(CODE_OK);
	wait_for(STATE_UP);
	cr_assert(row().flags & REAL_ROW_ENABLED);
	cr_assert_eq(row().wanted_weight, 7);
	give(CODE_REFUSED);
	wait_for(STATE_DOWN);
	cr_assert_not(row().flags & REAL_ROW_ENABLED);
	quit(QUIT_KEEP);
}

Test(agg, summary_follows_within_its_period)
{
	struct summary s = {0};

	adopt();
	give(CODE_OK);
	do
		usleep(1000);
	while (!seqrow_read(&summary, &s, sizeof(s)) || s.reals_up != 1);
	cr_assert_eq(s.generation, gen->number);
	cr_assert_eq(s.is_warm, 1);
	cr_assert_eq(s.response_count, 1);
	quit(QUIT_KEEP);
}

Test(agg, results_of_a_former_owner_of_the_slot_are_dropped)
{
	adopt();
	give(CODE_OK);
	wait_for(STATE_UP);
	give_as(gen->check_sequence[0] + 1, CODE_REFUSED);
	while (counter_get(&counters, CTR_RESULTS_STALE) == 0)
		usleep(500);
	cr_assert_eq(row().state, STATE_UP);
	quit(QUIT_KEEP);
}

Test(agg, operators_override_is_obeyed_at_once)
{
	adopt();
	tell((struct control_msg){.kind = CONTROL_OVERRIDE,
				  .real = 0,
				  .override = real_override_make(OVERRIDE_UP, 0)});
	cr_assert(row().flags & REAL_ROW_ENABLED);
	quit(QUIT_KEEP);
}

Test(agg, d45_withdrawing_stop_ends_soon_without_peers)
{
	uint64_t begin = clk_mono_ns();

	adopt();
	quit(QUIT_WITHDRAW);
	cr_assert_lt(clk_mono_ns() - begin, 3 * CLK_S);
}

Test(agg, it_beats_while_nothing_happens)
{
	uint64_t before;

	adopt();
	before = beat_last(&beat);
	usleep(100000);
	cr_assert_gt(beat_last(&beat), before);
	quit(QUIT_KEEP);
}
