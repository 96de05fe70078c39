/* Backend bird_list against a BIRD that takes, refuses, hangs and dies. What it shares with bird2
 * is tested there. */
#include <dirent.h>
#include <sys/stat.h>

#include "announce/announcer.h"
#include "announce/bird_file.h"
#include "announce/bird_list_text.h"
#include "unit/announce/announce_fixture.h"
#include "unit/announce/fake_bird.h"

enum { N = 50 };

static char dir[] = "/tmp/alived-list-XXXXXX";
static char conf[2][64];
static struct fake_bird fake;
static struct announce_fixture *fix;
static struct app_config app;
static struct counters counters;
static struct evloop *loop;
static struct announcer *announcer;
static struct buf text = BUF_INIT(1 << 20);
static unsigned n_sent[3];

static void on_sent(void *ctx, uint32_t prefix, enum state state)
{
	(void)ctx;
	(void)prefix;
	n_sent[state]++;
}

static const char *read_conf(unsigned family)
{
	if (bird_file_read(conf[family], &text) < 0)
		return "";
	cr_assert_eq(buf_append(&text, "", 1), 0);
	return (const char *)buf_head(&text);
}

static bool lists(uint32_t prefix)
{
	char address[ADDR_TEXT_BYTES], line[64];
	struct addr vip = fixture_vip(prefix);

	addr_format(&vip, address);
	snprintf(line, sizeof(line), "        %s/32", address);
	return strstr(read_conf(0), line);
}

static unsigned n_listed(void)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < N; i++)
		n += lists(i);
	return n;
}

/* As a BIRD that has read the files and has all the routes. */
static unsigned count_listed(const char *command)
{
	return strstr(command, "ACAST_PS") ? n_listed() : 0;
}

static uint32_t eval_file(const char *command)
{
	const char *at = strstr(read_conf(strstr(command, "ACAST6") ? 1 : 0), "_ALIVED = ");

	return at ? (uint32_t)strtoul(at + 10, NULL, 10) : 0;
}

static void make(void)
{
	struct announcer_args args = {.loop = loop,
				      .tables = &fix->tables,
				      .counters = &counters,
				      .app = &app,
				      .hooks = {.sent = on_sent}};
	struct gen_diff *d = fixture_diff(fixture_added, 0, N);

	cr_assert_eq(announcer_new(&args, &announcer), 0);
	cr_assert_eq(announcer_adopt(announcer, &fix->gen, d), 0);
	gen_diff_free(d);
}

static void setup(void)
{
	static char four[] = "ACAST_PS_ADVERTISE", six[] = "ACAST6_PS_ADVERTISE", none[] = "";

	cr_assert(mkdtemp(dir));
	snprintf(conf[0], sizeof(conf[0]), "%s/4/list.conf", dir);
	snprintf(conf[1], sizeof(conf[1]), "%s/6/list.conf", dir);
	fake_bird_start(&fake, dir);
	fake.count = count_listed;
	fake.eval = eval_file;
	fix = fixture_new(N);
	loop = evloop_new();
	app.announcer.backend = ANNOUNCER_BIRD_LIST;
	app.announcer.n_groups = 2;
	snprintf(app.announcer.groups[0], sizeof(app.announcer.groups[0]), "default");
	snprintf(app.announcer.groups[1], sizeof(app.announcer.groups[1]), "edge");
	app.bird_list.ctl_sock = fake.path.sun_path;
	app.bird_list.conf[0] = conf[0];
	app.bird_list.conf[1] = conf[1];
	app.bird_list.variable[0] = four;
	app.bird_list.variable[1] = six;
	app.bird_list.disable_on_config_error = none;
	app.bird_list.purges = true;
	app.bird_list.changes_counter = 4;
	app.bird_list.coalesce_up_ns = 100 * CLK_MS;
	cr_assert_eq(addr_parse("10.189.200.255", 14, &app.bird_list.dummy[0]), ADDR_OK);
	cr_assert_eq(addr_parse("2001:db8::1", 11, &app.bird_list.dummy[1]), ADDR_OK);
}

static void remove_all(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	char inner[400];

	while (d && (e = readdir(d))) {
		if (unlinkat(dirfd(d), e->d_name, 0) < 0 && strcmp(e->d_name, ".") != 0 &&
		    strcmp(e->d_name, "..") != 0) {
			snprintf(inner, sizeof(inner), "%s/%s", path, e->d_name);
			remove_all(inner);
		}
	}
	if (d)
		closedir(d);
	rmdir(path);
}

static void teardown(void)
{
	if (announcer)
		announcer_free(announcer);
	fake_bird_stop(&fake);
	evloop_free(loop);
	fixture_free(fix);
	buf_deinit(&text);
	remove_all(dir);
}

TestSuite(bird_list, .init = setup, .fini = teardown);

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

static void all_up(void)
{
	make();
	want(0, N, STATE_UP);
	announcer_warm(announcer);
	UNTIL(n_sent[STATE_UP] == N);
	spin(120);
}

static void put_old(const char *old)
{
	struct buf b = BUF_INIT(1 << 16);
	struct bird_file_mark mark;

	cr_assert_eq(buf_append(&b, old, strlen(old)), 0);
	cr_assert_eq(bird_file_write(conf[0], &b, false, &mark), 0);
	buf_deinit(&b);
}

Test(bird_list, one_list_per_family_has_the_vips_of_all_groups)
{
	struct stat st;

	fix->prefixes[1].group = 2;
	fix->prefixes[2].vip = app.bird_list.dummy[1];
	fix->prefixes[2].vip.b[15] = 7;
	all_up();
	cr_assert(lists(0) && lists(1));
	cr_assert_not_null(strstr(read_conf(0), "define ACAST_PS_ADVERTISE =\n    [\n        "
						"10.189.200.255/32,\n"));
	cr_assert_not_null(strstr(read_conf(1), "2001:db8::1/128,\n        2001:db8::7/128\n"));
	cr_assert_eq(stat(conf[0], &st), 0);
	cr_assert_eq(st.st_mode & 07777, 0644, "BIRD reads it as another user");
	cr_assert_eq(fake.n_configure, 1, "one for both files");
}

Test(bird_list, decision_28_nothing_is_written_before_it_is_warm)
{
	put_old("define ACAST_PS_ADVERTISE = [\n198.51.100.0/32,\n198.51.100.1/32 ];\n");
	make();
	want(0, 1, STATE_DOWN);
	want(2, N - 2, STATE_UP);
	spin(150);
	cr_assert(!lists(2), "one prefix is undecided");
	announcer_warm(announcer);
	UNTIL(n_sent[STATE_UP] == N - 2);
	cr_assert(!lists(0) && lists(1) && lists(2), "the undecided one as it stood");
}

Test(bird_list, family_that_did_not_change_is_not_written)
{
	struct stat before, after;

	all_up();
	cr_assert_eq(stat(conf[1], &before), 0);
	want(0, 1, STATE_DOWN);
	UNTIL(n_sent[STATE_DOWN] == 1);
	cr_assert_eq(stat(conf[1], &after), 0);
	cr_assert_eq(before.st_ino, after.st_ino);
	cr_assert(!lists(0));
}

Test(bird_list, bird_before_2_14_is_woken_again_and_again_after_a_configure)
{
	static const unsigned after_ms[] = {2, 8, 20, 40, 100};
	uint64_t taken_ns;
	unsigned before;

	all_up();
	spin(100);
	before = fake.n_status;
	want(0, 1, STATE_DOWN);
	UNTIL(n_sent[STATE_DOWN] == 1);
	taken_ns = fake.last_configure_ns;
	for (unsigned i = 0; i < ARRAY_LEN(after_ms); i++) {
		UNTIL(fake.n_status == before + i + 1);
		cr_assert_geq(clk_mono_ns() - taken_ns, (after_ms[i] - 1) * CLK_MS);
	}
	cr_assert_lt(clk_mono_ns() - taken_ns, 400 * CLK_MS);
	spin(100);
	cr_assert_eq(fake.n_status, before + ARRAY_LEN(after_ms));
}

Test(bird_list, bird_from_2_14_on_needs_no_waking)
{
	fake.greeting = "0001 BIRD 2.14 ready.\n";
	all_up();
	want(0, 1, STATE_DOWN);
	UNTIL(n_sent[STATE_DOWN] == 1);
	spin(150);
	cr_assert_eq(fake.n_status, 0);
}

Test(bird_list, withdrawal_does_not_wait_for_the_waking)
{
	uint64_t begin;

	all_up();
	want(0, 1, STATE_DOWN);
	UNTIL(n_sent[STATE_DOWN] == 1);
	begin = clk_mono_ns();
	want(1, 1, STATE_DOWN);
	UNTIL(n_sent[STATE_DOWN] == 2);
	cr_assert_lt(clk_mono_ns() - begin, 80 * CLK_MS);
}

Test(bird_list, unknown_prefixes_are_purged)
{
	put_old("define ACAST_PS_ADVERTISE = [\n203.0.113.9/32,\n198.51.100.1/32 ];\n");
	all_up();
	cr_assert_null(strstr(read_conf(0), "203.0.113.9"));
}

Test(bird_list, unknown_prefixes_stay_if_they_are_only_to_be_told)
{
	put_old("define ACAST_PS_ADVERTISE = [\n203.0.113.9/32,\n198.51.100.1/32 ];\n");
	app.bird_list.purges = false;
	all_up();
	cr_assert_not_null(strstr(read_conf(0), "203.0.113.9/32"));
	want(1, 1, STATE_DOWN);
	UNTIL(n_sent[STATE_DOWN] == 1);
	cr_assert_not_null(strstr(read_conf(0), "203.0.113.9/32"));
	cr_assert(!lists(1), "a known one goes as it should");
	announcer_withdraw_all(announcer);
	UNTIL(announcer_is_idle(announcer));
	cr_assert_eq(n_listed(), 0);
}

Test(bird_list, dummy_that_is_a_vip_is_no_dummy)
{
	fix->prefixes[0].vip = app.bird_list.dummy[0];
	all_up();
	cr_assert_not_null(strstr(read_conf(0), "        10.189.200.255/32,\n"), "it is up");
	want(0, 1, STATE_DOWN);
	UNTIL(n_sent[STATE_DOWN] == 1);
	cr_assert_null(strstr(read_conf(0), "10.189.200.255"), "it must not stay announced");
}

Test(bird_list, foreign_change_is_repaired_and_configured)
{
	unsigned before;

	all_up();
	before = fake.n_configure;
	put_old("define ACAST_PS_ADVERTISE = [ ];\n");
	UNTIL(n_listed() == N);
	UNTIL(fake.n_configure == before + 1);
	cr_assert_geq(counter_get(&counters, CTR_BIRD_REPAIRS), 1);
}

Test(bird_list, changes_are_kept_if_wanted)
{
	char path[96];
	DIR *d;
	struct dirent *e;
	unsigned n = 0;

	app.bird_list.keep_changes = true;
	put_old("define ACAST_PS_ADVERTISE = [ ];\n");
	all_up();
	for (uint32_t i = 0; i < 6; i++) {
		want(i, 1, STATE_DOWN);
		UNTIL(n_sent[STATE_DOWN] == i + 1);
	}
	snprintf(path, sizeof(path), "%s/4/history", dir);
	d = opendir(path);
	cr_assert_not_null(d);
	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	closedir(d);
	cr_assert_eq(n, 4, "changes_counter of them");
}

/* The next round of looks comes at once after a reconfiguration in progress. */
static void look_again(void)
{
	fake.configure = "0004 Reconfiguration in progress\n";
	want(0, 1, STATE_DOWN);
	UNTIL(n_sent[STATE_DOWN] == 1);
	fake.configure = FAKE_TAKEN;
}

static uint32_t eval_wrong(const char *command)
{
	(void)command;
	return 7;
}

Test(bird_list, bird_with_another_list_is_configured_again)
{
	struct announce_row rows[ANNOUNCE_MAX_BACKENDS];
	unsigned before;

	all_up();
	fake.eval = eval_wrong; /* as after `configure undo` */
	look_again();
	before = fake.n_configure;
	UNTIL(fake.n_configure == before + 1);
	cr_assert_eq(announcer_rows(announcer, rows), 1);
	cr_assert(!rows[0].groups[0].is_synced);
	fake.eval = eval_file;
	before = fake.n_eval;
	UNTIL(fake.n_eval >= before + 2);
	spin(20);
	announcer_rows(announcer, rows);
	cr_assert(rows[0].groups[0].is_synced);
	cr_assert_eq(rows[0].has_error, 0);
	cr_assert_str_neq(rows[0].last_error, "");
}

Test(bird_list, missing_routes_are_told_but_no_reason_to_configure)
{
	struct announce_row rows[ANNOUNCE_MAX_BACKENDS];
	unsigned before;

	all_up();
	fake.count = NULL;
	fake.n_routes = 3;
	look_again();
	before = fake.n_configure;
	UNTIL(fake.n_count >= 2 && fake.n_eval >= 2);
	spin(50);
	cr_assert_eq(fake.n_configure, before);
	cr_assert_eq(announcer_rows(announcer, rows), 1);
	cr_assert_eq(rows[0].backend, ANNOUNCER_BIRD_LIST);
	cr_assert_eq(rows[0].n_groups, 1);
	cr_assert_eq(rows[0].groups[0].expected[ANNOUNCE_V4], N - 1);
	cr_assert_eq(rows[0].groups[0].seen[ANNOUNCE_V4], 3);
	cr_assert_eq(rows[0].has_error, 1);
	cr_assert_not_null(strstr(rows[0].last_error, "3 of 49"));
}

Test(bird_list, lever_is_the_protocol_that_the_operator_names)
{
	static char protocol[] = "vips*";

	app.bird_list.disable_on_config_error = protocol;
	all_up();
	fake.configure = FAKE_REFUSED;
	want(0, 1, STATE_DOWN);
	UNTIL(fake.n_disable == 1);
	cr_assert_str_eq(fake.last, "disable \"vips*\"");
}

Test(bird_list, never_configure_soft)
{
	all_up();
	want(0, 10, STATE_DOWN);
	UNTIL(n_sent[STATE_DOWN] == 10);
	want(0, 10, STATE_UP);
	UNTIL(n_sent[STATE_UP] == N + 10);
	cr_assert_eq(fake.n_other, 0, "nothing is said but what the double knows: %s", fake.last);
}

Test(bird_list, decision_45_stop_leaves_the_dummy_alone)
{
	all_up();
	announcer_withdraw_all(announcer);
	UNTIL(announcer_is_idle(announcer));
	cr_assert_eq(n_listed(), 0);
	cr_assert_not_null(strstr(read_conf(0), "    [\n        10.189.200.255/32\n    ];"));
	cr_assert_eq(n_sent[STATE_DOWN], N);
}
