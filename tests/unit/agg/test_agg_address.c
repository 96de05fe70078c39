/* Between the interface and the fleet: what lo has becomes what the prefixes are. The fleet is
 * real, and so is lo. */
#include "agg/agg_address.h"

#include <criterion/criterion.h>

#include "base/clk.h"
#include "base/evloop.h"
#include "config/diag.h"
#include "config/gen_build.h"
#include "config/services_parse.h"
#include "lib/app_maker.h"
#include "quorum/fleet.h"

/* 127.0.0.1 is on lo; 192.0.2.1 is not */
static const char services[] =
	"virtual_server 127.0.0.1 80 {\n  announce_group default\n  lvs_method NAT\n"
	"  lvs_sched wrr\n  real_server 10.0.0.1 80 {\n  }\n}\n"
	"virtual_server 192.0.2.1 80 {\n  announce_group default\n  lvs_method NAT\n"
	"  lvs_sched wrr\n  real_server 10.0.0.1 80 {\n  }\n}\n";

static struct app_run app;
static struct slot_books books;
static struct generation *gen;
static struct gen_diff *diff;
static struct state_tables tables;
static struct counters *counters;
static struct fleet *fleet;
static struct evloop *loop;
static struct agg_address address;

static void build(void)
{
	struct source *src = source_new();
	struct diag *d = diag_new(src);
	struct draft *draft = NULL;

	cr_assert_eq(services_parse_text("s.conf", services, sizeof(services) - 1, app.config, src,
					 d, &draft),
		     0);
	cr_assert_eq(slot_books_init(&books), 0);
	cr_assert_eq(gen_build(draft, NULL, &books, 1, 1, &gen, &diff), 0);
	draft_free(draft);
	diag_free(d);
	source_free(src);
}

static void start(const char *yaml)
{
	static const struct fleet_hooks no_hooks;
	struct fleet_config config = {.has_announcer = true};

	app = app_maker_run(yaml);
	cr_assert_not_null(app.config);
	config.needs_address = app.config->announcer.require_local_address[0];
	counters = aligned_alloc(CACHELINE, sizeof(*counters));
	memset(counters, 0, sizeof(*counters));
	cr_assert_eq(state_tables_init(&tables), 0);
	fleet = fleet_new(&config, &tables, &no_hooks, counters);
	loop = evloop_new();
	cr_assert(fleet && loop);
	cr_assert_eq(agg_address_init(&address, loop, app.config, fleet), 0);
	build();
	cr_assert_eq(fleet_adopt(fleet, gen, diff, 1000 * CLK_S), 0);
	agg_address_adopt(&address, gen);
}

static void stop(void)
{
	agg_address_deinit(&address);
	evloop_free(loop);
	fleet_free(fleet);
	gen_diff_free(diff);
	gen_free(gen);
	slot_books_deinit(&books);
	state_tables_deinit(&tables);
	free(counters);
	app_maker_end(&app);
}

static const struct prefix_row *row(const char *text)
{
	struct addr vip;

	cr_assert_eq(addr_parse(text, strlen(text), &vip), ADDR_OK);
	return state_prefix(&tables, gen_find_prefix(gen, &vip));
}

Test(agg_address, prefixes_follow_the_interface)
{
	start("announcer:\n  require_local_address: lo\n");
	cr_assert_eq(row("127.0.0.1")->state, STATE_UNDECIDED);
	for (int i = 0; i < 100 && !local_addr_is_known(address.watch); i++)
		evloop_turn(loop, 10 * CLK_MS);
	cr_assert_eq(row("127.0.0.1")->state, STATE_UP);
	cr_assert_eq(row("192.0.2.1")->state, STATE_DOWN);
	cr_assert_str_eq(prefix_reason_text(row("192.0.2.1")), "no_local_address");
	stop();
}

Test(agg_address, without_the_key_nobody_looks)
{
	start("");
	cr_assert_null(address.watch);
	cr_assert_eq(row("192.0.2.1")->state, STATE_UP);
	stop();
}
