/* The driver against a peer on real datagram sockets in a directory of the test's own. */
#include <dirent.h>
#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "announce/announcer.h"
#include "base/clk.h"
#include "unit/announce/announce_fixture.h"

static struct announce_fixture *fix;
static struct app_config app;
static struct counters counters;
static struct evloop *loop;
static struct announcer *announcer;
static char dir[] = "/tmp/alived-bird-XXXXXX";
static int peer = -1;
static unsigned n_sent[3];

static void on_sent(void *ctx, uint32_t prefix, enum state state)
{
	(void)ctx;
	(void)prefix;
	n_sent[state]++;
}

static struct sockaddr_un path_of(const char *suffix)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/default%s", dir, suffix);
	return a;
}

static void peer_open(void)
{
	struct sockaddr_un a = path_of("_m2b");

	peer = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	cr_assert_geq(peer, 0);
	unlink(a.sun_path);
	cr_assert_eq(bind(peer, (struct sockaddr *)&a, sizeof(a)), 0);
}

static void peer_close(void)
{
	struct sockaddr_un a = path_of("_m2b");

	close(peer);
	unlink(a.sun_path);
	peer = -1;
}

/* Runs the loop for ms; the peer reads nothing. */
static void spin(unsigned ms)
{
	uint64_t until = clk_mono_ns() + ms * CLK_MS;

	do
		evloop_turn(loop, CLK_MS);
	while (clk_mono_ns() < until);
}

/* Records the peer received: counts by state byte; checks their form. */
static unsigned peer_read(unsigned *ret_up, unsigned *ret_down, unsigned *ret_datagrams)
{
	static uint8_t data[100000];
	ssize_t n;

	*ret_up = *ret_down = *ret_datagrams = 0;
	while ((n = recv(peer, data, sizeof(data), MSG_DONTWAIT)) >= 0) {
		cr_assert_eq(n % 19, 0);
		cr_assert_gt(n, 0, "an empty datagram");
		++*ret_datagrams;
		for (ssize_t i = 0; i < n; i += 19) {
			cr_assert(data[i] == 4 || data[i] == 6);
			cr_assert_leq(data[i + 18], 1);
			++*(data[i + 18] ? ret_up : ret_down);
		}
	}
	return *ret_up + *ret_down;
}

static void make(uint32_t n, uint32_t batch)
{
	struct announcer_args args = {
		.tables = &fix->tables,
		.counters = &counters,
		.app = &app,
		.hooks = {.sent = on_sent},
	};
	struct gen_diff *d = fixture_diff(fixture_added, 0, n);

	app.bird.batch_size = batch;
	args.loop = loop;
	cr_assert_eq(announcer_new(&args, &announcer), 0);
	cr_assert_eq(announcer_adopt(announcer, &fix->gen, d), 0);
	gen_diff_free(d);
}

static void setup(void)
{
	cr_assert(mkdtemp(dir));
	fix = fixture_new(10000);
	loop = evloop_new();
	app.announcer.backend = ANNOUNCER_BIRD;
	app.announcer.n_groups = 1;
	app.announcer.update_period_ns = 20 * CLK_MS;
	snprintf(app.announcer.groups[0], sizeof(app.announcer.groups[0]), "default");
	app.bird.sock_dir = dir;
}

static void teardown(void)
{
	char path[512];
	struct dirent *e;
	DIR *d;

	announcer_free(announcer);
	evloop_free(loop);
	fixture_free(fix);
	if (peer >= 0)
		peer_close();
	d = opendir(dir);
	while (d && (e = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		unlink(path);
	}
	closedir(d);
	rmdir(dir);
}

TestSuite(bird, .init = setup, .fini = teardown, .timeout = 20);

static void want(uint32_t prefix, enum state state)
{
	fixture_want(fix, prefix, state);
	announcer_dirty(announcer, prefix);
}

Test(bird, announcement_and_withdrawal_reach_the_peer)
{
	unsigned up, down, datagrams;

	peer_open();
	make(4, 1024);
	want(0, STATE_UP);
	want(1, STATE_DOWN);
	spin(60);
	cr_assert_eq(peer_read(&up, &down, &datagrams), 2);
	cr_assert_eq(up, 1);
	cr_assert_eq(down, 1);
	cr_assert_eq(n_sent[STATE_UP], 1);
	cr_assert_eq(n_sent[STATE_DOWN], 1);
}

Test(bird, a23_absent_peer_gets_everything_when_it_comes)
{
	struct announce_row rows[ANNOUNCE_MAX_BACKENDS];
	struct announcer_status status;
	unsigned up, down, datagrams;

	make(4, 1024);
	want(0, STATE_UP);
	spin(50);
	announcer_status(rows, announcer_rows(announcer, rows), &status);
	cr_assert_eq(status.n_unsent, 1);
	cr_assert(!announcer_peer_is_there(announcer, 1));
	want(1, STATE_UP);
	want(2, STATE_DOWN);
	peer_open();
	spin(1200);
	cr_assert_eq(peer_read(&up, &down, &datagrams), 3);
	cr_assert(announcer_peer_is_there(announcer, 1));
}

Test(bird, peer_that_made_its_socket_anew_gets_a_snapshot_on_request)
{
	struct sockaddr_un own = path_of("_b2m");
	unsigned up, down, datagrams;

	peer_open();
	make(4, 1024);
	want(0, STATE_UP);
	want(1, STATE_UP);
	spin(60);
	peer_close();
	peer_open(); /* a new BIRD: it knows nothing and asks */
	cr_assert_eq(sendto(peer, "request!", 8, 0, (struct sockaddr *)&own, sizeof(own)), 8);
	spin(60);
	cr_assert_eq(peer_read(&up, &down, &datagrams), 2);
}

Test(bird, request_storm_gets_few_answers)
{
	struct sockaddr_un own = path_of("_b2m");
	unsigned up, down, datagrams;

	peer_open();
	make(4, 1024);
	want(0, STATE_UP);
	spin(150);
	peer_read(&up, &down, &datagrams);
	for (int i = 0; i < 1000; i++) {
		(void)sendto(peer, "", 0, MSG_DONTWAIT, (struct sockaddr *)&own, sizeof(own));
		if (i % 10 == 0)
			evloop_turn(loop, 0);
	}
	spin(150);
	peer_read(&up, &down, &datagrams);
	cr_assert_geq(datagrams, 1);
	cr_assert_leq(datagrams, 4, "%u answers", datagrams);
}

Test(bird, full_peer_is_retried_and_nothing_is_lost)
{
	unsigned up, down, datagrams, total = 0;

	peer_open();
	make(10000, 64); /* 157 datagrams: more than the queue holds */
	for (uint32_t i = 0; i < 10000; i++)
		want(i, STATE_UP);
	spin(30);
	cr_assert_gt(counter_get(&counters, CTR_BIRD_SEND_ERRORS), 0, "the queue never filled");
	for (int i = 0; i < 400 && total < 10000; i++) {
		total += peer_read(&up, &down, &datagrams);
		spin(5);
	}
	cr_assert_eq(total, 10000);
	cr_assert(announcer_is_idle(announcer));
}

Test(bird, a15_batch_size_is_honoured)
{
	unsigned up, down, datagrams;

	peer_open();
	make(10, 4);
	for (uint32_t i = 0; i < 10; i++)
		want(i, STATE_DOWN);
	spin(30);
	cr_assert_eq(peer_read(&up, &down, &datagrams), 10);
	cr_assert_eq(datagrams, 3);
}

Test(bird, b12_unreadable_socket_makes_no_tight_loop)
{
	struct sockaddr_un own = path_of("_b2m");
	unsigned turns = 0;
	uint64_t until;

	peer_open();
	make(4, 1024);
	spin(10);
	unlink(own.sun_path);
	until = clk_mono_ns() + 100 * CLK_MS;
	while (clk_mono_ns() < until) {
		evloop_turn(loop, 10 * CLK_MS);
		turns++;
	}
	cr_assert_leq(turns, 30, "%u turns in 100 ms", turns);
}

Test(bird, second_instance_does_not_steal_the_socket)
{
	struct announcer *other = NULL;
	struct announcer_args args = {
		.loop = loop,
		.tables = &fix->tables,
		.counters = &counters,
		.app = &app,
		.hooks = {.sent = on_sent},
	};
	struct sockaddr_un own = path_of("_b2m");
	struct stat before, after;

	peer_open();
	make(4, 1024);
	spin(10);
	cr_assert_eq(stat(own.sun_path, &before), 0);
	cr_assert_eq(announcer_new(&args, &other), 0);
	spin(10);
	cr_assert_eq(stat(own.sun_path, &after), 0);
	cr_assert_eq(before.st_ino, after.st_ino);
	cr_assert(!announcer_peer_is_there(other, 1));
	announcer_free(other);
	cr_assert_eq(stat(own.sun_path, &after), 0, "the other's end leaves our socket alone");
}

Test(bird, old_socket_file_is_replaced_and_opened_to_bird)
{
	struct sockaddr_un own = path_of("_b2m");
	struct stat st;
	FILE *f = fopen(own.sun_path, "w");

	fclose(f);
	make(4, 1024);
	spin(10);
	cr_assert_eq(stat(own.sun_path, &st), 0);
	cr_assert(S_ISSOCK(st.st_mode));
	cr_assert_eq(st.st_mode & 0777, 0777);
}

Test(bird, withdrawals_do_not_wait_for_the_update_period)
{
	unsigned up, down, datagrams;

	app.announcer.update_period_ns = 10 * CLK_S;
	peer_open();
	make(4, 1024);
	want(0, STATE_UP);
	want(1, STATE_UP);
	spin(30);
	cr_assert_eq(peer_read(&up, &down, &datagrams), 2, "the first change goes at once");
	want(2, STATE_UP);
	want(0, STATE_DOWN);
	spin(30);
	peer_read(&up, &down, &datagrams);
	cr_assert_eq(down, 1);
	cr_assert_eq(up, 0, "the announcement keeps to the period");
}

Test(bird, d45_withdraw_all_covers_what_is_configured)
{
	unsigned up, down, datagrams;

	peer_open();
	make(4, 1024);
	want(0, STATE_UP);
	spin(30);
	peer_read(&up, &down, &datagrams);
	announcer_withdraw_all(announcer);
	spin(30);
	peer_read(&up, &down, &datagrams);
	cr_assert_eq(down, 4);
	cr_assert_eq(up, 0);
	cr_assert(announcer_is_idle(announcer));
}
