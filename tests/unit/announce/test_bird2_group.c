/* One group's file and what of it was accepted: no BIRD needed. */
#include <dirent.h>
#include <unistd.h>

#include "announce/bird2_group.h"
#include "announce/bird2_routes.h"
#include "base/clk.h"
#include "unit/announce/announce_fixture.h"

static char dir[] = "/tmp/alived-group-XXXXXX";
static struct announce_fixture *fix;
static struct app_config app;
static struct counters counters;
static struct announcer_args args;
static struct bird2_kind kind;
static struct bird2_context context;
static struct bird2_group group, other;
static unsigned n_sent[3];
static uint64_t now = CLK_S;

static void on_sent(void *ctx, uint32_t prefix, enum state state)
{
	(void)ctx;
	(void)prefix;
	n_sent[state]++;
}

static void adopt(struct announce_fixture *f, struct slot_list *(*which)(struct gen_diff *),
		  uint32_t first, uint32_t n)
{
	struct gen_diff *d = fixture_diff(which, first, n);

	cr_assert_eq(route_plan_adopt(context.plan, &f->gen, d), 0);
	context.gen = &f->gen;
	gen_diff_free(d);
}

static void setup(void)
{
	cr_assert(mkdtemp(dir));
	fix = fixture_new(4);
	app.bird2.dir = dir;
	args = (struct announcer_args){.tables = &fix->tables,
				       .counters = &counters,
				       .app = &app,
				       .hooks = {.sent = on_sent}};
	kind = bird2_routes_kind(&app);
	context.kind = &kind;
	context.args = &args;
	context.plan = route_plan_new(&fix->tables, 2, 0);
	adopt(fix, fixture_added, 0, 4);
	bird2_group_init(&group, "default", 1);
	bird2_group_init(&other, "other", 2);
}

static void teardown(void)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while ((e = readdir(d)))
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	rmdir(dir);
	bird2_group_deinit(&group);
	bird2_group_deinit(&other);
	route_plan_free(context.plan);
	fixture_free(fix);
}

TestSuite(bird2_group, .init = setup, .fini = teardown);

static void want(uint32_t prefix, enum state state)
{
	fixture_want(fix, prefix, state);
	(void)route_plan_mark(context.plan, prefix);
}

static bool announces(const struct bird2_group *g, uint32_t prefix)
{
	char path[128], text[4096], route[64];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s.conf", dir, g->name);
	f = fopen(path, "r");
	cr_assert_not_null(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = 0;
	snprintf(route, sizeof(route), "\troute 198.51.100.%u/32 blackhole;\n", prefix);
	return strstr(text, route);
}

/* How many files were written, or -1. */
static int write_group(struct bird2_group *g)
{
	unsigned n;

	return bird2_group_write(g, &context, now, &n) < 0 ? -1 : (int)n;
}

static void warm_up(const struct vip_set *old)
{
	cr_assert_eq(bird2_group_warm_up(&group, &context, old), 0);
	cr_assert(group.is_warm);
}

static void write_and_accept(void)
{
	cr_assert_geq(write_group(&group), 0);
	bird2_group_accept(&group, &context, now);
}

Test(bird2_group, first_file_is_written_even_if_nothing_is_up)
{
	struct vip_set none = {0};

	warm_up(&none);
	cr_assert_eq(write_group(&group), 1);
	cr_assert(!announces(&group, 0));
	cr_assert_eq(n_sent[STATE_UP] + n_sent[STATE_DOWN], 0);
}

Test(bird2_group, decision_28_undecided_prefixes_stay_as_our_old_file_had_them)
{
	struct vip_set old = {0};

	for (uint32_t i = 0; i < 3; i++) {
		struct addr vip = fixture_vip(i);

		cr_assert_eq(vip_set_add(&old, &vip), 0);
	}
	want(1, STATE_DOWN);
	cr_assert(!bird2_group_is_decided(&group, &context));
	warm_up(&old);
	write_and_accept();
	cr_assert(announces(&group, 0), "undecided, it was up");
	cr_assert(!announces(&group, 1), "decided");
	cr_assert(announces(&group, 2));
	cr_assert(!announces(&group, 3), "undecided, it was not up");
	want(2, STATE_DOWN);
	write_and_accept();
	cr_assert(announces(&group, 0) && !announces(&group, 2));
	want(0, STATE_UP);
	want(3, STATE_UP);
	cr_assert(bird2_group_is_decided(&group, &context));
	write_and_accept();
	cr_assert(announces(&group, 0) && announces(&group, 3));
	vip_set_deinit(&old);
}

Test(bird2_group, decision_36_sent_is_told_when_accepted_and_not_before)
{
	struct vip_set none = {0};

	want(0, STATE_UP);
	want(1, STATE_DOWN);
	warm_up(&none);
	cr_assert_eq(write_group(&group), 1);
	cr_assert_eq(n_sent[STATE_UP] + n_sent[STATE_DOWN], 0);
	cr_assert_eq(route_plan_pending(context.plan, 1), 2);
	cr_assert_gt(group.withdrawing_since_ns, 0);
	bird2_group_accept(&group, &context, now);
	cr_assert_eq(n_sent[STATE_UP], 1);
	cr_assert_eq(n_sent[STATE_DOWN], 1);
	cr_assert_eq(group.withdrawing_since_ns, 0);
	cr_assert_eq(route_plan_pending(context.plan, 1), 0);
	cr_assert_eq(write_group(&group), 0, "nothing to do");
	bird2_group_accept(&group, &context, now);
	cr_assert_eq(n_sent[STATE_UP], 1, "told once");
}

Test(bird2_group, change_while_bird_works_is_the_next_change)
{
	struct vip_set none = {0};

	want(0, STATE_UP);
	warm_up(&none);
	write_and_accept();
	want(0, STATE_DOWN);
	cr_assert_eq(write_group(&group), 1);
	want(0, STATE_UP);
	bird2_group_accept(&group, &context, now);
	cr_assert_eq(n_sent[STATE_DOWN], 1);
	cr_assert_eq(route_plan_pending(context.plan, 1), 1);
	cr_assert_eq(write_group(&group), 1);
	cr_assert(announces(&group, 0));
	bird2_group_accept(&group, &context, now);
	cr_assert_eq(n_sent[STATE_UP], 2);
}

Test(bird2_group, refused_withdrawal_that_is_no_longer_wanted_is_written_back)
{
	struct vip_set none = {0};

	want(0, STATE_UP);
	warm_up(&none);
	write_and_accept();
	want(0, STATE_DOWN);
	cr_assert_eq(write_group(&group), 1);
	want(0, STATE_UP);
	cr_assert_eq(write_group(&group), 1);
	cr_assert(announces(&group, 0));
	bird2_group_accept(&group, &context, now);
	cr_assert_eq(n_sent[STATE_DOWN], 0, "it never was withdrawn");
	cr_assert(vip_set_has(&group.accepted, &fix->prefixes[0].vip));
}

Test(bird2_group, removed_prefix_is_withdrawn_and_forgotten)
{
	struct announce_fixture *next = fixture_next(fix);
	struct vip_set none = {0};

	want(0, STATE_UP);
	want(1, STATE_UP);
	warm_up(&none);
	write_and_accept();
	next->prefixes[0].first_service = SLOT_NONE;
	adopt(next, fixture_removed, 0, 1);
	cr_assert(route_plan_has_withdrawal(context.plan, 1));
	cr_assert_eq(write_group(&group), 1);
	cr_assert(!announces(&group, 0) && announces(&group, 1));
	bird2_group_accept(&group, &context, now);
	cr_assert_eq(route_plan_pending(context.plan, 1), 0);
	cr_assert_eq(n_sent[STATE_DOWN], 0, "nobody waits for a slot that is gone");
	context.gen = &fix->gen;
	free(next);
}

Test(bird2_group, decision_29_moved_prefix_is_in_the_new_file_before_it_leaves_the_old)
{
	struct announce_fixture *next = fixture_next(fix);
	struct vip_set none = {0};

	want(0, STATE_UP);
	warm_up(&none);
	cr_assert_eq(bird2_group_warm_up(&other, &context, &none), 0);
	write_and_accept();
	cr_assert_eq(write_group(&other), 1);
	bird2_group_accept(&other, &context, now);
	next->prefixes[0].group = 2;
	adopt(next, fixture_changed, 0, 1);
	cr_assert_geq(write_group(&group), 0);
	cr_assert_geq(write_group(&other), 0);
	cr_assert(announces(&group, 0) && announces(&other, 0));
	bird2_group_accept(&group, &context, now);
	bird2_group_accept(&other, &context, now);
	cr_assert_geq(write_group(&group), 0);
	cr_assert(!announces(&group, 0) && announces(&other, 0));
	context.gen = &fix->gen;
	free(next);
}

Test(bird2_group, file_changed_by_others_is_written_again)
{
	struct vip_set none = {0};
	char path[128];
	FILE *f;

	want(0, STATE_UP);
	warm_up(&none);
	write_and_accept();
	snprintf(path, sizeof(path), "%s/default.conf", dir);
	f = fopen(path, "w");
	fputs("x\n", f);
	fclose(f);
	cr_assert(!bird2_group_is_untouched(&group, &context));
	cr_assert_eq(write_group(&group), 1);
	cr_assert(announces(&group, 0));
	cr_assert_eq(counter_get(&counters, CTR_BIRD_REPAIRS), 1);
	bird2_group_accept(&group, &context, now);
	cr_assert_eq(write_group(&group), 0);
}

Test(bird2_group, file_that_cannot_be_written_is_not_accepted)
{
	char nowhere[] = "/proc/no/such";
	struct vip_set none = {0};

	want(0, STATE_UP);
	warm_up(&none);
	write_and_accept();
	want(0, STATE_DOWN);
	app.bird2.dir = nowhere;
	cr_assert_lt(write_group(&group), 0);
	cr_assert(group.has_failed);
	bird2_group_accept(&group, &context, now);
	cr_assert_eq(n_sent[STATE_DOWN], 0);
	app.bird2.dir = dir;
	cr_assert_eq(write_group(&group), 1);
	cr_assert(!group.has_failed && !announces(&group, 0));
	bird2_group_accept(&group, &context, now);
	cr_assert_eq(n_sent[STATE_DOWN], 1);
}

Test(bird2_group, decision_45_withdrawing_all_empties_the_file_undecided_or_not)
{
	struct vip_set old = {0};
	struct addr vip = fixture_vip(3);

	cr_assert_eq(vip_set_add(&old, &vip), 0);
	want(0, STATE_UP);
	warm_up(&old);
	write_and_accept();
	cr_assert(announces(&group, 0) && announces(&group, 3));
	route_plan_withdraw_all(context.plan);
	write_and_accept();
	cr_assert(!announces(&group, 0) && !announces(&group, 3));
	cr_assert_eq(group.accepted.n, 0);
	vip_set_deinit(&old);
}
