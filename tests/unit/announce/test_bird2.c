/* The scheduler of backend bird2 against a BIRD that takes, refuses, hangs and dies. */
#include <dirent.h>
#include <sys/stat.h>

#include "announce/announcer.h"
#include "announce/bird_file.h"
#include "unit/announce/announce_fixture.h"
#include "unit/announce/fake_bird.h"

enum { N = 200 };

static char dir[] = "/tmp/alived-bird2-XXXXXX";
static char files[64];
static struct fake_bird fake;
static struct announce_fixture *fix;
static struct app_config app;
static struct counters counters;
static struct evloop *loop;
static struct announcer *announcer;
static unsigned n_sent[3];

static void on_sent(void *ctx, uint32_t prefix, enum state state)
{
	(void)ctx;
	(void)prefix;
	n_sent[state]++;
}

/* The routes of a protocol as our file on the disk has them, as BIRD would. */
static unsigned count_in_file(const char *command)
{
	char path[128], line[256];
	bool is_v4 = strstr(command, "_4'"), is_in = false;
	unsigned n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.conf", files,
		 strstr(command, "other") ? "other" : "default");
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "\tipv", 4) == 0)
			is_in = (line[4] == '4') == is_v4;
		n += is_in && strncmp(line, "\troute ", 7) == 0;
	}
	if (f)
		fclose(f);
	return n;
}

static unsigned n_in_file(void)
{
	return count_in_file("'hc_default_4'");
}

static bool has_file(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", files, name);
	return access(path, F_OK) == 0;
}

static void make(void)
{
	struct announcer_args args = {
		.tables = &fix->tables,
		.counters = &counters,
		.app = &app,
		.hooks = {.sent = on_sent},
	};
	struct gen_diff *d = fixture_diff(fixture_added, 0, N);

	args.loop = loop;
	cr_assert_eq(announcer_new(&args, &announcer), 0);
	cr_assert_eq(announcer_adopt(announcer, &fix->gen, d), 0);
	gen_diff_free(d);
}

static void setup(void)
{
	cr_assert(mkdtemp(dir));
	snprintf(files, sizeof(files), "%s/files", dir);
	fake_bird_start(&fake, dir);
	fake.count = count_in_file;
	fix = fixture_new(N);
	loop = evloop_new();
	app.announcer.backend = ANNOUNCER_BIRD2;
	app.announcer.n_groups = 1;
	snprintf(app.announcer.groups[0], sizeof(app.announcer.groups[0]), "default");
	app.bird2.dir = files;
	app.bird2.ctl_sock = fake.path.sun_path;
	app.bird2.coalesce_up_ns = 100 * CLK_MS;
	make();
}

static void remove_all(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;

	while (d && (e = readdir(d)))
		unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	rmdir(path);
}

static void teardown(void)
{
	announcer_free(announcer);
	fake_bird_stop(&fake);
	evloop_free(loop);
	fixture_free(fix);
	remove_all(files);
	remove_all(dir);
}

TestSuite(bird2, .init = setup, .fini = teardown);

#define UNTIL(what) FAKE_BIRD_UNTIL(&fake, loop, what)

static void spin(unsigned ms)
{
	fake_bird_spin(&fake, loop, ms);
}

static void want(uint32_t first, uint32_t n, enum state state)
{
	for (uint32_t i = first; i < first + n; i++) {
		fixture_want(fix, i, state);
		announcer_dirty(announcer, i);
	}
}

/* All up, accepted, at rest. */
static void all_up(void)
{
	want(0, N, STATE_UP);
	announcer_warm(announcer);
	UNTIL(n_sent[STATE_UP] == N);
	spin(120);
}

Test(bird2, decision_28_no_file_before_every_prefix_is_decided_or_warm)
{
	want(0, N - 1, STATE_UP);
	spin(150);
	cr_assert(!has_file("default.conf"));
	cr_assert_eq(fake.n_configure, 0);
	want(N - 1, 1, STATE_DOWN);
	UNTIL(n_sent[STATE_UP] == N - 1 && n_sent[STATE_DOWN] == 1);
	cr_assert_eq(n_in_file(), N - 1);
	cr_assert_eq(fake.n_configure, 1);
}

Test(bird2, decision_28_warm_ends_the_wait)
{
	want(0, 5, STATE_UP);
	spin(50);
	announcer_warm(announcer);
	UNTIL(n_sent[STATE_UP] == 5);
	cr_assert_eq(n_in_file(), 5);
}

Test(bird2, decision_35_withdrawal_goes_at_once_and_not_within_5_ms_of_the_last)
{
	uint64_t begin;
	unsigned before;

	all_up();
	before = fake.n_configure;
	begin = clk_mono_ns();
	want(0, 1, STATE_DOWN);
	UNTIL(n_sent[STATE_DOWN] == 1);
	cr_assert_lt(clk_mono_ns() - begin, 80 * CLK_MS, "it waited for coalesce_up");
	begin = fake.last_configure_ns;
	for (uint32_t i = 1; i < 11; i++) {
		want(i, 1, STATE_DOWN);
		spin(2);
	}
	UNTIL(n_sent[STATE_DOWN] == 11);
	cr_assert_leq(fake.n_configure - before,
		      2 + (fake.last_configure_ns - begin) / (4 * CLK_MS));
	cr_assert_eq(n_in_file(), N - 11);
}

Test(bird2, a_bird_that_works_long_gets_a_rest)
{
	uint64_t begin;

	all_up();
	fake.configure = FAKE_HANGS;
	want(0, 1, STATE_DOWN);
	begin = clk_mono_ns();
	UNTIL(strcmp(fake.last, "configure") == 0 && n_in_file() == N - 1);
	want(1, 1, STATE_DOWN);
	spin(12);
	fake.configure = FAKE_TAKEN;
	fake_bird_say(&fake, FAKE_TAKEN);
	UNTIL(n_sent[STATE_DOWN] == 2);
	cr_assert_geq(fake.last_configure_ns - begin, 19 * CLK_MS);
}

Test(bird2, announcements_are_coalesced)
{
	unsigned before;
	uint64_t begin;

	all_up();
	want(0, 50, STATE_DOWN);
	UNTIL(n_sent[STATE_DOWN] == 50);
	before = fake.n_configure;
	begin = clk_mono_ns();
	for (uint32_t i = 0; i < 50; i++) {
		want(i, 1, STATE_UP);
		spin(1);
	}
	UNTIL(n_sent[STATE_UP] == N + 50);
	cr_assert_leq(fake.n_configure - before, 1 + (clk_mono_ns() - begin) / (99 * CLK_MS));
}

Test(bird2, decision_36_nothing_is_sent_before_bird_took_it)
{
	all_up();
	fake.configure = FAKE_HANGS;
	want(0, 1, STATE_DOWN);
	UNTIL(strcmp(fake.last, "configure") == 0 && n_in_file() == N - 1);
	want(1, 1, STATE_DOWN);
	spin(100);
	cr_assert_eq(n_sent[STATE_DOWN], 0);
	cr_assert(!announcer_is_idle(announcer));
	fake.configure = FAKE_TAKEN;
	fake_bird_say(&fake, FAKE_TAKEN);
	UNTIL(n_sent[STATE_DOWN] == 2);
	cr_assert_eq(n_in_file(), N - 2);
}

Test(bird2, one_configure_is_in_flight_and_causes_exactly_one_more)
{
	unsigned before;

	all_up();
	before = fake.n_configure;
	fake.configure = FAKE_HANGS;
	want(0, 1, STATE_DOWN);
	UNTIL(fake.n_configure == before + 1);
	for (uint32_t i = 1; i < 20; i++) {
		want(i, 1, STATE_DOWN);
		spin(5);
	}
	cr_assert_eq(fake.n_configure, before + 1);
	fake.configure = FAKE_TAKEN;
	fake_bird_say(&fake, FAKE_TAKEN);
	UNTIL(n_sent[STATE_DOWN] == 20);
	cr_assert_eq(fake.n_configure, before + 2);
}

Test(bird2, accepted_answers_are_0003_0004_and_0005)
{
	all_up();
	fake.configure = "0004 Reconfiguration in progress\n";
	fake.status = "0013 Reconfiguration in progress\n";
	want(0, 1, STATE_DOWN);
	UNTIL(n_sent[STATE_DOWN] == 1);
	UNTIL(fake.n_status >= 3);
	cr_assert_eq(fake.n_count, 0, "nothing is counted while routes still move");
	fake.configure = "0005 Reconfiguration already in progress, queueing new config\n";
	want(1, 1, STATE_DOWN);
	UNTIL(n_sent[STATE_DOWN] == 2);
	fake.status = "0013 Daemon is up and running\n";
	UNTIL(fake.n_count >= 2);
	cr_assert_eq(counter_get(&counters, CTR_BIRD_REPAIRS), 0);
}

Test(bird2, refused_configuration_is_tried_again_and_the_file_stays_current)
{
	struct announce_row rows[ANNOUNCE_MAX_BACKENDS];
	struct announcer_status status;
	unsigned before;

	all_up();
	fake.configure = FAKE_REFUSED;
	before = fake.n_configure;
	want(0, 1, STATE_DOWN);
	UNTIL(counter_get(&counters, CTR_BIRD_REFUSALS) == 1);
	want(1, 1, STATE_DOWN);
	spin(200);
	cr_assert_eq(fake.n_configure, before + 1, "not again at once");
	cr_assert_eq(n_in_file(), N - 2, "somebody else's configure takes the right file");
	cr_assert_eq(n_sent[STATE_DOWN], 0);
	announcer_status(rows, announcer_rows(announcer, rows), &status);
	cr_assert_eq(status.n_groups_synced, 0);
	cr_assert_eq(status.n_unsent, 2);
	cr_assert_str_eq(status.last_error, "BIRD refuses its configuration: /x:1:1 syntax error");
	cr_assert_eq(rows[0].is_refused, 1);
	cr_assert(!announcer_peer_is_there(announcer, 1), "nobody need wait for it");
	fake.configure = FAKE_TAKEN;
	UNTIL(n_sent[STATE_DOWN] == 2);
	announcer_status(rows, announcer_rows(announcer, rows), &status);
	cr_assert_eq(status.n_groups_synced, 1);
	cr_assert_str_eq(status.last_error, "");
	cr_assert_eq(fake.n_disable, 0, "on_config_error: alarm");
}

Test(bird2, lost_connection_is_made_again_and_configured)
{
	unsigned before;

	all_up();
	before = fake.n_configure;
	fake_bird_hang_up(&fake);
	UNTIL(fake.n_configure == before + 1);
	UNTIL(fake.n_connections == 4); /* two at a time */
	fake.configure = "0002-Reading\n0003 Recon";
	fake.close_after = 20;
	want(0, 1, STATE_DOWN);
	UNTIL(fake.n_configure == before + 2);
	spin(50);
	cr_assert_eq(n_sent[STATE_DOWN], 0, "its outcome is not known");
	cr_assert(!announcer_peer_is_there(announcer, 1));
	fake.close_after = 0;
	fake.configure = FAKE_TAKEN;
	UNTIL(n_sent[STATE_DOWN] == 1);
}

Test(bird2, file_is_current_while_bird_is_away)
{
	all_up();
	fake_bird_die(&fake);
	want(0, 3, STATE_DOWN);
	UNTIL(n_in_file() == N - 3);
	cr_assert_eq(n_sent[STATE_DOWN], 0);
	cr_assert(!announcer_peer_is_there(announcer, 1));
	unlink(fake.path.sun_path);
	fake_bird_listen(&fake);
	UNTIL(n_sent[STATE_DOWN] == 3);
}

Test(bird2, foreign_change_of_the_file_is_repaired)
{
	char path[128];
	FILE *f;
	unsigned before;

	all_up();
	before = fake.n_configure;
	snprintf(path, sizeof(path), "%s/default.conf", files);
	f = fopen(path, "w");
	fputs("# mine\n", f);
	fclose(f);
	UNTIL(n_in_file() == N);
	UNTIL(fake.n_configure == before + 1);
	unlink(path);
	UNTIL(n_in_file() == N);
}

Test(bird2, lost_routes_are_noticed_after_a_reconfiguration_and_configured_again)
{
	unsigned before, configures;

	all_up();
	fake.count = NULL;
	fake.n_routes = 0; /* as after `disable` by hand */
	fake.configure = "0004 Reconfiguration in progress\n";
	want(0, 1, STATE_DOWN);
	UNTIL(fake.n_count == 1);
	fake.configure = FAKE_TAKEN;
	before = fake.n_configure;
	UNTIL(fake.n_configure == before + 1);
	cr_assert_geq(counter_get(&counters, CTR_BIRD_REPAIRS), 1);
	fake.count = count_in_file;
	before = fake.n_count;
	configures = fake.n_configure;
	UNTIL(fake.n_count >= before + 2); /* it looks again whether that helped */
	spin(50);
	cr_assert_eq(fake.n_configure, configures, "and that it did");
}

/* BIRD may walk a full BGP table for it. */
Test(bird2, count_that_hangs_holds_no_withdrawal)
{
	uint64_t begin;

	all_up();
	fake.counts_hang = true;
	fake.configure = "0004 Reconfiguration in progress\n";
	want(0, 1, STATE_DOWN);
	UNTIL(fake.n_count == 1); /* a look follows when it is through */
	fake.configure = FAKE_TAKEN;
	begin = clk_mono_ns();
	for (uint32_t i = 1; i <= 5; i++) {
		want(i, 1, STATE_DOWN);
		UNTIL(n_sent[STATE_DOWN] == i + 1);
	}
	cr_assert_lt(clk_mono_ns() - begin, 500 * CLK_MS);
	cr_assert_eq(fake.n_count, 1, "and it still hangs");
	cr_assert_eq(counter_get(&counters, CTR_BIRD_REPAIRS), 0);
}

Test(bird2, stop_does_not_wait_for_a_count_that_hangs)
{
	uint64_t begin;

	all_up();
	fake.counts_hang = true;
	fake.configure = "0004 Reconfiguration in progress\n";
	want(0, 1, STATE_DOWN);
	UNTIL(fake.n_count == 1);
	fake.configure = FAKE_TAKEN;
	begin = clk_mono_ns();
	announcer_withdraw_all(announcer);
	UNTIL(announcer_is_idle(announcer));
	cr_assert_lt(clk_mono_ns() - begin, 500 * CLK_MS);
	cr_assert_eq(n_in_file(), 0);
}

Test(bird2, decision_45_stop_withdraws_all_and_is_idle_when_it_is_taken)
{
	want(0, N - 1, STATE_UP); /* the last one stays undecided */
	announcer_warm(announcer);
	UNTIL(n_sent[STATE_UP] == N - 1);
	announcer_withdraw_all(announcer);
	cr_assert(!announcer_is_idle(announcer));
	UNTIL(announcer_is_idle(announcer));
	cr_assert_eq(n_sent[STATE_DOWN], N);
	cr_assert_eq(n_in_file(), 0);
	cr_assert(has_file("default.conf"));
}

Test(bird2, decision_45_stop_does_not_wait_for_a_bird_that_is_away)
{
	all_up();
	fake_bird_die(&fake);
	UNTIL(!announcer_peer_is_there(announcer, 1));
	announcer_withdraw_all(announcer);
	UNTIL(announcer_is_idle(announcer));
	cr_assert_eq(n_in_file(), 0, "the next BIRD must not announce it");
}

Test(bird2, decision_45_stop_with_a_broken_configuration_pulls_the_lever_at_once)
{
	uint64_t begin;

	app.bird2.disables_group = true;
	all_up();
	fake.configure = FAKE_REFUSED;
	begin = clk_mono_ns();
	announcer_withdraw_all(announcer);
	UNTIL(fake.n_disable == 1);
	cr_assert_lt(clk_mono_ns() - begin, CLK_S);
}

Test(bird2, old_groups_files_are_removed_when_warm)
{
	struct buf text = BUF_INIT(BIRD_FILE_MAX_BYTES);
	char path[BIRD_FILE_PATH_BYTES];
	struct bird_file_mark mark;
	struct vip_set none = {0};

	cr_assert_eq(bird_file_format("other", &none, &text), 0);
	bird_file_path(files, "other", path);
	cr_assert_eq(bird_file_write(path, &text, false, &mark), 0);
	want(0, 5, STATE_UP);
	spin(50);
	cr_assert(has_file("other.conf"));
	announcer_warm(announcer);
	UNTIL(n_sent[STATE_UP] == 5);
	cr_assert(!has_file("other.conf"));
	buf_deinit(&text);
}

Test(bird2, second_daemon_does_not_write_the_same_files)
{
	struct announcer *second;
	struct announcer_args args = {.loop = loop,
				      .tables = &fix->tables,
				      .counters = &counters,
				      .app = &app,
				      .hooks = {.sent = on_sent}};
	struct gen_diff *d = fixture_diff(fixture_added, 0, N);
	unsigned before;

	all_up();
	before = n_sent[STATE_UP];
	cr_assert_eq(announcer_new(&args, &second), 0);
	cr_assert_eq(announcer_adopt(second, &fix->gen, d), 0);
	announcer_warm(second);
	spin(100);
	cr_assert_eq(n_sent[STATE_UP], before, "the second one waits");
	announcer_free(announcer);
	announcer = second;
	UNTIL(n_sent[STATE_UP] == before + N);
	gen_diff_free(d);
}

/* BIRD must never see half a configuration, and an idle daemon must not spin. */
Test(bird2, at_rest_nothing_is_said)
{
	unsigned configures;

	all_up();
	configures = fake.n_configure;
	for (uint32_t i = 0; i < N; i++)
		announcer_dirty(announcer, i);
	spin(300);
	cr_assert_eq(fake.n_configure, configures, "the same wish again is no change");
	cr_assert_eq(fake.n_status + fake.n_count + fake.n_other, 0);
}
