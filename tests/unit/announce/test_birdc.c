/* The client of the control socket against a BIRD that answers, lies, hangs and dies. */
#include "announce/birdc.h"
#include "unit/announce/fake_bird.h"

static char dir[] = "/tmp/alived-birdc-XXXXXX";
static struct fake_bird fake;
static struct evloop *loop;
static struct birdc client;
static unsigned n_ready, n_gone, n_done, n_data, last_code;
static char why[64], text_of_done[64];

static void on_ready(void *ctx)
{
	(void)ctx;
	n_ready++;
}

static void on_data(void *ctx, unsigned code, const char *text)
{
	(void)ctx;
	(void)code;
	(void)text;
	n_data++;
}

static void on_done(void *ctx, unsigned code, const char *text)
{
	(void)ctx;
	n_done++;
	last_code = code;
	snprintf(text_of_done, sizeof(text_of_done), "%s", text);
}

static void on_gone(void *ctx, const char *reason)
{
	(void)ctx;
	n_gone++;
	snprintf(why, sizeof(why), "%s", reason);
}

static void setup(void)
{
	struct birdc_hooks hooks = {
		.ready = on_ready, .data = on_data, .done = on_done, .gone = on_gone};

	cr_assert(mkdtemp(dir));
	loop = evloop_new();
	fake_bird_start(&fake, dir);
	birdc_init(&client, loop, fake.path.sun_path, &hooks);
}

static void teardown(void)
{
	birdc_deinit(&client);
	fake_bird_stop(&fake);
	evloop_free(loop);
	rmdir(dir);
}

TestSuite(birdc, .init = setup, .fini = teardown);

Test(birdc, greeted_client_gives_commands_one_after_another)
{
	FAKE_BIRD_UNTIL(&fake, loop, n_ready == 1);
	cr_assert_eq(client.state, BIRDC_IDLE);
	birdc_command(&client, 1000, "configure");
	cr_assert_eq(client.state, BIRDC_BUSY);
	cr_assert(birdc_is_connected(&client));
	FAKE_BIRD_UNTIL(&fake, loop, n_done == 1);
	cr_assert_eq(last_code, BIRDC_RECONFIGURED);
	cr_assert_str_eq(text_of_done, "Reconfigured");
	cr_assert_eq(n_data, 1);
	birdc_command(&client, 1000, "configre");
	FAKE_BIRD_UNTIL(&fake, loop, n_done == 2);
	cr_assert_eq(last_code, 9001);
	cr_assert_str_eq(fake.last, "configre");
	fake_bird_spin(&fake, loop, 50);
	cr_assert_eq(n_gone, 0, "an idle connection is kept");
	cr_assert_eq(fake.n_connections, 1);
}

Test(birdc, asynchronous_lines_are_skipped_at_any_time)
{
	fake.configure = "+a\n0002-Reading\n+b\n0003 Reconfigured\n+c\n";
	FAKE_BIRD_UNTIL(&fake, loop, n_ready == 1);
	cr_assert_eq(send(fake.connections[0].fd, "+idle\n", 6, 0), 6);
	birdc_command(&client, 1000, "configure");
	FAKE_BIRD_UNTIL(&fake, loop, n_done == 1);
	fake_bird_spin(&fake, loop, 20);
	cr_assert_eq(n_data, 1);
	cr_assert_eq(n_gone, 0);
}

/* connect() succeeds while BIRD hangs: only the greeting says that it serves us. */
Test(birdc, hanging_bird_is_gone_after_a_second)
{
	uint64_t begin = clk_mono_ns();

	fake.greeting = FAKE_HANGS;
	FAKE_BIRD_UNTIL(&fake, loop, n_gone == 1);
	cr_assert_str_eq(why, "no greeting in time");
	cr_assert_geq(clk_mono_ns() - begin, 990 * CLK_MS);
	cr_assert_eq(n_ready, 0);
	fake.greeting = FAKE_GREETING;
	FAKE_BIRD_UNTIL(&fake, loop, n_ready == 1);
}

Test(birdc, wrong_greeting_is_no_greeting)
{
	fake.greeting = "8007 Access denied\n";
	FAKE_BIRD_UNTIL(&fake, loop, n_gone == 1);
	cr_assert_eq(n_ready, 0);
	fake.greeting = "HTTP/1.1 400 Bad Request\n";
	FAKE_BIRD_UNTIL(&fake, loop, n_gone == 2);
	cr_assert_str_eq(why, "unreadable reply");
}

Test(birdc, reply_that_does_not_come_ends_the_connection)
{
	fake.configure = "0002-Reading configuration\n";
	FAKE_BIRD_UNTIL(&fake, loop, n_ready == 1);
	birdc_command(&client, 30, "configure");
	FAKE_BIRD_UNTIL(&fake, loop, n_gone == 1);
	cr_assert_str_eq(why, "no reply in time");
	cr_assert_eq(n_done, 0, "its outcome is not known");
	FAKE_BIRD_UNTIL(&fake, loop, n_ready == 2);
}

Test(birdc, end_of_the_stream_at_any_byte_of_a_reply_is_noticed)
{
	size_t whole = strlen(FAKE_TAKEN);

	for (size_t at = 1; at < whole; at += 7) {
		unsigned gone = n_gone;

		fake.close_after = 0;
		client.retry_ms = 0;
		evloop_timer_at(loop, &client.timer, clk_mono_ns());
		FAKE_BIRD_UNTIL(&fake, loop, client.state == BIRDC_IDLE);
		fake.close_after = at;
		birdc_command(&client, 1000, "configure");
		FAKE_BIRD_UNTIL(&fake, loop, n_gone > gone);
		cr_assert_str_eq(why, "closed by BIRD");
	}
	cr_assert_eq(n_done, 0);
}

Test(birdc, dead_and_absent_sockets_are_tried_again)
{
	fake_bird_die(&fake);
	FAKE_BIRD_UNTIL(&fake, loop, n_gone == 1);
	cr_assert_str_eq(why, "ECONNREFUSED");
	cr_assert_eq(client.state, BIRDC_AWAY);
	unlink(fake.path.sun_path);
	FAKE_BIRD_UNTIL(&fake, loop, n_gone == 2);
	cr_assert_str_eq(why, "ENOENT");
	fake_bird_listen(&fake);
	FAKE_BIRD_UNTIL(&fake, loop, n_ready == 1);
	cr_assert_eq(client.retry_ms, 0, "the next failure is tried again soon");
}

Test(birdc, reply_that_nobody_asked_for_ends_the_connection)
{
	FAKE_BIRD_UNTIL(&fake, loop, n_ready == 1);
	cr_assert_eq(send(fake.connections[0].fd, "0003 Reconfigured\n", 18, 0), 18);
	FAKE_BIRD_UNTIL(&fake, loop, n_gone == 1);
	cr_assert_str_eq(why, "a reply to nothing");
}

Test(birdc, command_into_a_dead_connection_is_told_as_gone)
{
	FAKE_BIRD_UNTIL(&fake, loop, n_ready == 1);
	fake_bird_die(&fake);
	birdc_command(&client, 1000, "configure");
	FAKE_BIRD_UNTIL(&fake, loop, n_gone == 1);
	cr_assert_eq(n_done, 0);
}
