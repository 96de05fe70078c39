/* The state thread: what it makes of changes, failures and orders. Rows are written by the test. */
#include "app/snapshot_keep.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/snapshot_file.h"
#include "base/clk.h"
#include "base/rcu.h"
#include "lib/gen_fixture.h"

static char dir[64], path[128];
static struct gen_fixture fixture;
static struct state_tables tables;
static struct generation *_Atomic current;
static _Atomic uint32_t changes;
static struct snapshot_row row;
static struct snapshot_keep *keep;
static struct snapshot_stamp inherited;
static uint64_t inherited_until_ns;
static const uint32_t order[1];
static uint32_t real_order[GEN_FIXTURE_CHECKS];

static void set_real(enum state state)
{
	struct real_row r = {.flags = REAL_ROW_IN_USE, .state = (uint8_t)state};

	seqrow_publish(state_real(&tables, 0), &r, sizeof(r));
	/* release: as agg does it */
	atomic_fetch_add_explicit(&changes, 1, memory_order_release);
}

static void setup(void)
{
	struct service_row s = {.flags = SERVICE_ROW_IN_USE};

	rcu_thread_register();
	snprintf(dir, sizeof(dir), "/tmp/alived-keep-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/state", dir);
	gen_fixture_init(&fixture, 1);
	(void)gen_fixture_check(&fixture, CHECK_TCP, "10.0.0.1", 80);
	fixture.service.n_reals = 1;
	fixture.gen.service_order = order;
	fixture.gen.n_services = 1;
	fixture.gen.real_order = real_order;
	cr_assert_eq(state_tables_init(&tables), 0);
	seqrow_publish(state_service(&tables, 0), &s, sizeof(s));
	set_real(STATE_UP);
	(void)rcu_swap(&current, &fixture.gen);
}

static void teardown(void)
{
	char temporary[160];

	snprintf(temporary, sizeof(temporary), "%s.new", path);
	unlink(temporary);
	unlink(path);
	rmdir(dir);
	state_tables_deinit(&tables);
	rcu_thread_unregister();
}

TestSuite(snapshot_keep, .init = setup, .fini = teardown, .timeout = 30);

static void start(uint64_t period_ns)
{
	const struct snapshot_keep_args args = {
		.path = path,
		.period_ns = period_ns,
		.tables = &tables,
		.current = &current,
		.changes = &changes,
		.row = &row,
		.inherited = inherited,
		.inherited_until_ns = inherited_until_ns,
	};

	cr_assert_eq(snapshot_keep_start(&args, &keep), 0);
}

static void finish(void)
{
	snapshot_keep_finish(keep);
	while (!snapshot_keep_is_done(keep))
		usleep(100);
	snapshot_keep_free(keep);
}

static struct snapshot_row row_now(void)
{
	struct snapshot_row r = {.seq = 0};

	while (!seqrow_read(&row, &r, sizeof(r)))
		;
	return r;
}

static void wait_writes(uint64_t n)
{
	while (row_now().writes < n)
		usleep(500);
}

/* The verdict that the file has last for the real; -1: none. */
static int verdict(bool *ret_withdrawn)
{
	struct snapshot_past past;
	struct snapshot_cursor c;
	union snapshot_record r;
	int found = -1;

	if (!snapshot_keep_read(path, CLK_S * 3600, &past))
		return -1;
	*ret_withdrawn = past.snapshot.is_withdrawn;
	cr_assert_eq(past.with_verdicts, !past.snapshot.is_withdrawn);
	c = SNAPSHOT_FIRST(&past.snapshot);
	while (snapshot_next(&c, &r)) {
		if (r.tag == SNAPSHOT_REAL)
			found = r.real.state;
	}
	snapshot_keep_forget(&past);
	return found;
}

Test(snapshot_keep, a_change_is_in_the_file_within_100_ms)
{
	bool withdrawn;

	start(CLK_S * 3600);
	wait_writes(1);
	for (int i = 0; i < 10; i++) {
		uint64_t writes = row_now().writes, begin = clk_mono_ns();

		set_real(i % 2 ? STATE_UP : STATE_DOWN);
		wait_writes(writes + 1);
		/* a machine with more to do than this is allowed for */
		cr_assert_lt(clk_mono_ns() - begin, 400 * CLK_MS);
		cr_assert_eq(verdict(&withdrawn), i % 2 ? STATE_UP : STATE_DOWN);
		cr_assert_not(withdrawn);
	}
	cr_assert_eq(row_now().bases, 1, "the rest are additions");
	finish();
}

/* decisions 44: what was restored and not yet checked again stays as old as it is, so that a daemon
 * that crashes at every start does not keep old verdicts young for ever. */
Test(snapshot_keep, d44_unconfirmed_verdicts_keep_the_age_of_the_file_they_came_from)
{
	struct snapshot_past past;

	inherited = snapshot_file_stamp();
	inherited.boot_ns -= 100 * CLK_S;
	inherited.wall_ns -= 100 * CLK_S;
	inherited_until_ns = clk_mono_ns() + CLK_S;
	start(CLK_S * 3600);
	wait_writes(1);
	cr_assert(snapshot_keep_read(path, CLK_S * 3600, &past));
	cr_assert_geq(past.age_ns, 100 * CLK_S);
	snapshot_keep_forget(&past);

	while (clk_mono_ns() <= inherited_until_ns)
		usleep(1000);
	set_real(STATE_DOWN);
	wait_writes(2);
	cr_assert(snapshot_keep_read(path, CLK_S * 3600, &past));
	cr_assert_lt(past.age_ns, 100 * CLK_S);
	snapshot_keep_forget(&past);
	finish();
}

Test(snapshot_keep, many_changes_are_few_writes)
{
	uint64_t end;

	start(CLK_S * 3600);
	wait_writes(1);
	end = clk_mono_ns() + 500 * CLK_MS;
	while (clk_mono_ns() < end)
		set_real(STATE_DOWN);
	cr_assert_leq(row_now().writes, 1 + 12);
	finish();
}

Test(snapshot_keep, without_a_change_the_period_counts)
{
	struct snapshot_row r;

	start(200 * CLK_MS);
	usleep(1100 * 1000);
	r = row_now();
	cr_assert_geq(r.writes, 3);
	cr_assert_leq(r.writes, 7);
	cr_assert_eq(r.bases, 1);
	cr_assert_eq(r.is_kept, 1);
	finish();
}

Test(snapshot_keep, the_last_word_is_written_at_the_end)
{
	bool withdrawn = true;

	start(CLK_S * 3600);
	wait_writes(1);
	set_real(STATE_DOWN);
	finish();
	cr_assert_eq(verdict(&withdrawn), STATE_DOWN);
	cr_assert_not(withdrawn);
}

Test(snapshot_keep, d44_a_withdrawing_stop_is_in_the_file_before_it_is_over)
{
	bool withdrawn = false;

	start(CLK_S * 3600);
	wait_writes(1);
	snapshot_keep_withdrawing(keep);
	wait_writes(2);
	cr_assert_eq(verdict(&withdrawn), STATE_UP);
	cr_assert(withdrawn);
	finish();
	cr_assert_eq(verdict(&withdrawn), STATE_UP);
	cr_assert(withdrawn);
}

Test(snapshot_keep, another_configuration_makes_a_new_file)
{
	static struct gen_fixture next;

	start(CLK_S * 3600);
	wait_writes(1);
	next = fixture;
	next.gen.number = 2;
	next.gen.services = &next.service;
	(void)rcu_swap(&current, &next.gen);
	wait_writes(2);
	cr_assert_eq(row_now().bases, 2);
	finish();
	/* relaxed: the thread has ended */
	cr_assert_eq(atomic_load_explicit(&fixture.gen.api_holds, memory_order_relaxed), 0);
}

Test(snapshot_keep, a_missing_directory_is_counted_and_tried_again)
{
	bool withdrawn;

	cr_assert_eq(rmdir(dir), 0);
	start(CLK_S * 3600);
	while (row_now().errors == 0)
		usleep(500);
	cr_assert_eq(row_now().last_error, ENOENT);
	cr_assert_eq(row_now().is_kept, 0);
	for (int i = 0; i < 100; i++)
		set_real(STATE_DOWN);
	usleep(300 * 1000);
	cr_assert_eq(row_now().errors, 1, "once a second, whatever changes");
	cr_assert_eq(mkdir(dir, 0700), 0);
	wait_writes(1);
	cr_assert_eq(row_now().last_error, 0);
	cr_assert_eq(verdict(&withdrawn), STATE_DOWN);
	finish();
}

static void put_file(const void *bytes, size_t len)
{
	FILE *f = fopen(path, "we");

	cr_assert_not_null(f);
	cr_assert_eq(fwrite(bytes, 1, len, f), len);
	fclose(f);
}

Test(snapshot_keep, what_cannot_be_read_is_nothing)
{
	static const char text[200] = "this is something else altogether";
	struct snapshot_past past;

	cr_assert_not(snapshot_keep_read(path, CLK_S, &past), "there is none");
	put_file("", 0);
	cr_assert_not(snapshot_keep_read(path, CLK_S, &past));
	put_file(text, sizeof(text));
	cr_assert_not(snapshot_keep_read(path, CLK_S, &past));
	cr_assert_not(snapshot_keep_read(dir, CLK_S, &past));
}

Test(snapshot_keep, d44_an_old_file_counts_for_no_verdict)
{
	struct snapshot_past past;

	start(CLK_S * 3600);
	wait_writes(1);
	finish();
	usleep(20 * 1000);
	cr_assert(snapshot_keep_read(path, 10 * CLK_MS, &past));
	cr_assert_not(past.with_verdicts);
	cr_assert_gt(past.age_ns, 10 * CLK_MS);
	snapshot_keep_forget(&past);
	cr_assert(snapshot_keep_read(path, 60 * CLK_S, &past));
	cr_assert(past.with_verdicts);
	snapshot_keep_forget(&past);
}
