#include "agg/agg_summary.h"

#include <criterion/criterion.h>

#include "base/evloop.h"
#include "lib/app_maker.h"

Test(agg_summary, actuators_and_rows_are_shown)
{
	static struct announce_row published[ANNOUNCE_MAX_BACKENDS];
	static struct counters counters;
	struct app_run app = app_maker_run("balancer: {backend: none}\n"
					   "announcer: {backend: [bird, bird2]}\n"
					   "bird: {sock_dir: /nonexistent}\n"
					   "bird2: {dir: /proc/no, ctl_sock: /nonexistent/ctl}\n");
	struct state_tables tables;
	struct evloop *loop = evloop_new();
	struct balancer_args b = {.loop = loop, .tables = &tables, .counters = &counters};
	struct announcer_args n = {.loop = loop, .tables = &tables, .counters = &counters};
	struct balancer *balancer;
	struct announcer *announcer;
	struct summary s = {0};

	cr_assert_eq(state_tables_init(&tables), 0);
	b.app = n.app = app.config;
	cr_assert_eq(balancer_new(&b, &balancer), 0);
	cr_assert_eq(announcer_new(&n, &announcer), 0);
	agg_summary_peers(&s, app.config, balancer, announcer, published);
	cr_assert_eq(s.announcer_backend, ANNOUNCER_BIRD | ANNOUNCER_BIRD2);
	cr_assert_eq(s.announcer_groups, 1);
	cr_assert_eq(s.announcer_groups_synced, 0);
	cr_assert_eq(s.balancer_backend, BALANCER_NONE);
	cr_assert_eq(published[0].backend, ANNOUNCER_BIRD);
	cr_assert_eq(published[1].backend, ANNOUNCER_BIRD2);
	cr_assert_eq(published[1].is_connected, 0);
	cr_assert_eq(published[2].backend, ANNOUNCER_NONE);
	agg_summary_peers(&s, app.config, balancer, announcer, NULL);
	announcer_free(announcer);
	balancer_free(balancer);
	evloop_free(loop);
	state_tables_deinit(&tables);
	app_maker_end(&app);
}
