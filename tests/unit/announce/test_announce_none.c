#include "announce/announcer.h"

#include "unit/announce/announce_fixture.h"

static struct announce_fixture *fix;
static struct app_config app; /* zero: backend none */
static struct counters counters;
static struct announcer *none;
static enum state told;
static unsigned n_told;

static void on_sent(void *ctx, uint32_t prefix, enum state state)
{
	(void)ctx;
	(void)prefix;
	told = state;
	n_told++;
}

static void setup(void)
{
	struct announcer_args args = {
		.counters = &counters, .app = &app, .hooks = {.sent = on_sent}};
	struct gen_diff *d = fixture_diff(fixture_added, 0, 2);

	fix = fixture_new(2);
	args.tables = &fix->tables;
	cr_assert_eq(announcer_new(&args, &none), 0);
	cr_assert_eq(announcer_adopt(none, &fix->gen, d), 0);
	gen_diff_free(d);
}

static void teardown(void)
{
	announcer_free(none);
	fixture_free(fix);
}

TestSuite(announce_none, .init = setup, .fini = teardown);

Test(announce_none, what_is_wanted_counts_as_accepted_at_once)
{
	fixture_want(fix, 1, STATE_UP);
	announcer_dirty(none, 1);
	cr_assert_eq(told, STATE_UP);
	fixture_want(fix, 1, STATE_DOWN);
	announcer_dirty(none, 1);
	cr_assert_eq(told, STATE_DOWN);
	cr_assert_eq(n_told, 2);
}

Test(announce_none, d28_undecided_and_unknown_prefixes_are_not_told)
{
	announcer_dirty(none, 0);
	announcer_dirty(none, 9);
	cr_assert_eq(n_told, 0);
}

Test(announce_none, nobody_waits_for_it)
{
	struct announce_row rows[ANNOUNCE_MAX_BACKENDS];
	struct announcer_status status;

	announcer_warm(none);
	announcer_withdraw_all(none);
	cr_assert(announcer_is_idle(none));
	cr_assert_not(announcer_peer_is_there(none, 1));
	announcer_status(rows, announcer_rows(none, rows), &status);
	cr_assert_eq(status.n_groups + status.n_unsent, 0);
	cr_assert_str_eq(status.last_error, "");
}
