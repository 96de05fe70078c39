#include "yanet/yanet_conn.h"

#include "base/clk.h"
#include "mini_peer.h"

/* Everything a connection can tell, counted; replies are collected. */
struct heard {
	unsigned n_connected, n_lost, n_reply, n_done;
	enum yanet_conn_loss loss;
	uint64_t body_bytes;
	uint8_t body[4096];
	size_t n_body;
	size_t take_at_once; /* 0: all that is there */
};

static struct evloop *loop;
static struct yanet_conn conn;
static struct heard heard;
static struct yanet_conn_config config;
static int listen_fd, fd;
static char path[64];

static void on_connected(struct yanet_conn *c)
{
	(void)c;
	heard.n_connected++;
}
static void on_lost(struct yanet_conn *c, enum yanet_conn_loss loss)
{
	(void)c;
	heard.n_lost++;
	heard.loss = loss;
}
static void on_reply(struct yanet_conn *c, uint64_t body_bytes)
{
	(void)c;
	heard.n_reply++;
	heard.body_bytes = body_bytes;
}
static void on_body(struct yanet_conn *c)
{
	const uint8_t *at;
	size_t n = yanet_conn_peek(c, &at);

	if (heard.take_at_once)
		n = MIN(n, heard.take_at_once);
	cr_assert_leq(heard.n_body + n, sizeof(heard.body));
	memcpy(heard.body + heard.n_body, at, n);
	heard.n_body += n;
	yanet_conn_consume(c, n);
}
static void on_done(struct yanet_conn *c)
{
	cr_assert(yanet_conn_is_idle(c));
	heard.n_done++;
}

static const struct yanet_conn_hooks hooks = {
	.connected = on_connected,
	.lost = on_lost,
	.reply = on_reply,
	.body = on_body,
	.done = on_done,
};

static void open_listener(void)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	memcpy(a.sun_path, path, strlen(path) + 1);
	listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	cr_assert_geq(listen_fd, 0);
	cr_assert_eq(bind(listen_fd, (struct sockaddr *)&a, sizeof(a)), 0);
	cr_assert_eq(listen(listen_fd, 4), 0);
}

/* Turns until the condition holds; gives up after 5 s. */
#define TURN_UNTIL(cond)                                                  \
	do {                                                              \
		uint64_t until_ = clk_mono_ns() + 5 * CLK_S;              \
		while (!(cond)) {                                         \
			cr_assert_lt(clk_mono_ns(), until_, "%s", #cond); \
			evloop_turn(loop, CLK_MS);                        \
		}                                                         \
	} while (0)

static void accept_one(void)
{
	fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	cr_assert_geq(fd, 0);
}

static void begin(void)
{
	cr_assert_eq(yanet_conn_init(&conn, loop, &config, &hooks), 0);
	TURN_UNTIL(heard.n_connected == 1);
	accept_one();
}

static void setup(void)
{
	memset(&heard, 0, sizeof(heard));
	snprintf(path, sizeof(path), "/tmp/alived-conn-%d.sock", (int)getpid());
	unlink(path);
	loop = evloop_new();
	config = (struct yanet_conn_config){.path = path,
					    .deadline_ns = 2 * CLK_S,
					    .backoff_min_ns = 2 * CLK_MS,
					    .backoff_max_ns = 8 * CLK_MS,
					    .reply_bytes_max = 3000};
	fd = -1;
	open_listener();
}

static void teardown(void)
{
	yanet_conn_deinit(&conn);
	evloop_free(loop);
	if (listen_fd >= 0)
		close(listen_fd);
	if (fd >= 0)
		close(fd);
	unlink(path);
}

TestSuite(yanet_conn, .init = setup, .fini = teardown, .timeout = 30);

static void call(void)
{
	yanet_conn_call(&conn, "request", 7, 0);
}

static void answer(const void *data, size_t n)
{
	cr_assert_eq(send(fd, data, n, MSG_NOSIGNAL), (ssize_t)n);
}

Test(yanet_conn, a_reply_in_single_bytes_arrives_whole)
{
	static const char reply[] = "\x05\0\0\0\0\0\0\0hello";

	begin();
	call();
	for (size_t i = 0; i < sizeof(reply) - 1; i++) {
		answer(reply + i, 1);
		evloop_turn(loop, 10 * CLK_MS);
	}
	TURN_UNTIL(heard.n_done == 1);
	cr_assert_eq(heard.n_reply, 1);
	cr_assert_eq(heard.body_bytes, 5);
	cr_assert_arr_eq(heard.body, "hello", 5);
	cr_assert(yanet_conn_is_idle(&conn));
	cr_assert_eq(heard.n_lost, 0);
}

Test(yanet_conn, an_empty_reply_is_done_at_once)
{
	begin();
	call();
	answer("\0\0\0\0\0\0\0\0", 8);
	TURN_UNTIL(heard.n_done == 1);
	call();
	answer("\0\0\0\0\0\0\0\0", 8);
	TURN_UNTIL(heard.n_done == 2);
	cr_assert_eq(heard.n_connected, 1);
}

Test(yanet_conn, a_slow_reader_gets_everything)
{
	uint8_t reply[8 + 1000] = {0xe8, 3};

	heard.take_at_once = 1;
	begin();
	call();
	answer(reply, sizeof(reply));
	/* one byte per turn, although the bytes are there already: the reader asks again */
	TURN_UNTIL(heard.n_body == 1);
	while (heard.n_done == 0)
		on_body(&conn);
	cr_assert_eq(heard.n_body, 1000);
}

/* The request is larger than the socket's buffer: the rest follows when there is room. */
Test(yanet_conn, a_request_is_written_in_parts)
{
	enum { BYTES = 4 * 1024 * 1024 };
	char *request = malloc(BYTES), sink[65536];
	size_t n_read = 0;

	memset(request, 'x', BYTES);
	begin();
	fcntl(fd, F_SETFL, O_NONBLOCK);
	yanet_conn_call(&conn, request, BYTES, 0);
	cr_assert_eq(conn.state, YANET_CONN_SEND);
	while (n_read < BYTES) {
		ssize_t n = recv(fd, sink, sizeof(sink), 0);

		n_read += n > 0 ? (size_t)n : 0;
		evloop_turn(loop, 0);
	}
	answer("\0\0\0\0\0\0\0\0", 8);
	TURN_UNTIL(heard.n_done == 1);
	free(request);
}

Test(yanet_conn, end_of_file_is_noticed_while_idle)
{
	begin();
	close(fd);
	TURN_UNTIL(heard.n_lost == 1);
	cr_assert_eq(heard.loss, YANET_CONN_CLOSED);
	TURN_UNTIL(heard.n_connected == 2);
	accept_one();
}

Test(yanet_conn, end_of_file_inside_a_reply_is_a_loss)
{
	begin();
	call();
	answer("\x28\0\0\0\0\0\0\0short", 13); /* vector 90: says 40 */
	close(fd);
	TURN_UNTIL(heard.n_lost == 1);
	cr_assert_eq(heard.n_done, 0);
	fd = -1;
}

/* The peer dies while a request is written: no signal, a loss. */
Test(yanet_conn, a_broken_pipe_is_a_loss)
{
	begin();
	close(fd);
	fd = -1;
	call();
	TURN_UNTIL(heard.n_lost == 1);
	cr_assert_eq(heard.loss, YANET_CONN_CLOSED);
}

/* B3: a peer that hangs costs one deadline, not the thread. */
Test(yanet_conn, b3_a_hung_call_ends_at_its_deadline)
{
	uint64_t since;

	config.deadline_ns = 20 * CLK_MS;
	begin();
	since = clk_mono_ns();
	call();
	TURN_UNTIL(heard.n_lost == 1);
	cr_assert_eq(heard.loss, YANET_CONN_TIMEOUT);
	cr_assert_geq(clk_mono_ns() - since, 20 * CLK_MS);
	TURN_UNTIL(heard.n_connected == 2);
}

Test(yanet_conn, b3_a_reply_that_stops_halfway_ends_at_its_deadline)
{
	config.deadline_ns = 20 * CLK_MS;
	begin();
	call();
	answer("\x05\0\0\0\0\0\0\0he", 10);
	TURN_UNTIL(heard.n_lost == 1);
	cr_assert_eq(heard.loss, YANET_CONN_TIMEOUT);
	cr_assert_eq(heard.n_body, 2);
}

/* What waits in our buffer is our delay, not the peer's. */
Test(yanet_conn, a_reader_that_is_behind_does_not_lose_the_connection)
{
	config.deadline_ns = 5 * CLK_MS;
	heard.take_at_once = 1;
	begin();
	call();
	answer("\x05\0\0\0\0\0\0\0hello", 13);
	for (unsigned i = 0; i < 20; i++)
		evloop_turn(loop, CLK_MS);
	cr_assert_eq(heard.n_lost, 0);
	while (heard.n_done == 0)
		on_body(&conn);
}

/* B4: the length is capped before anything is allocated for it; vector 94. */
Test(yanet_conn, b4_an_absurd_length_is_refused)
{
	uint8_t huge[16];
	size_t n = world_vector("94_bad_reply_huge_length", huge, sizeof(huge));

	begin();
	call();
	answer(huge, n);
	TURN_UNTIL(heard.n_lost == 1);
	cr_assert_eq(heard.loss, YANET_CONN_OVERSIZE);
	cr_assert_eq(heard.n_reply, 0);
}

Test(yanet_conn, b4_the_cap_is_exact)
{
	static uint8_t reply[8 + 3001] = {0xb9, 0x0b};

	begin();
	call();
	answer(reply, 8); /* 3001 */
	TURN_UNTIL(heard.n_lost == 1);
	TURN_UNTIL(heard.n_connected == 2);
	close(fd);
	accept_one();
	reply[0] = 0xb8; /* 3000 */
	call();
	answer(reply, 3008);
	TURN_UNTIL(heard.n_done == 1);
}

Test(yanet_conn, bytes_nobody_asked_for_are_a_loss)
{
	begin();
	answer("x", 1);
	TURN_UNTIL(heard.n_lost == 1);
	cr_assert_eq(heard.loss, YANET_CONN_UNEXPECTED);
}

Test(yanet_conn, bytes_after_a_reply_are_a_loss)
{
	begin();
	call();
	answer("\0\0\0\0\0\0\0\0x", 9);
	TURN_UNTIL(heard.n_lost == 1);
	cr_assert_eq(heard.loss, YANET_CONN_UNEXPECTED);
	cr_assert_eq(heard.n_done, 0);
}

Test(yanet_conn, the_backoff_doubles_to_its_ceiling_and_starts_anew)
{
	close(listen_fd);
	listen_fd = -1;
	cr_assert_eq(yanet_conn_init(&conn, loop, &config, &hooks), 0);
	TURN_UNTIL(heard.n_lost == 1);
	cr_assert_eq(heard.loss, YANET_CONN_REFUSED);
	cr_assert_eq(conn.backoff_ns, 4 * CLK_MS);
	TURN_UNTIL(heard.n_lost == 5);
	cr_assert_eq(conn.backoff_ns, 8 * CLK_MS);
	unlink(path);
	open_listener();
	TURN_UNTIL(heard.n_connected == 1);
	cr_assert_eq(conn.backoff_ns, 8 * CLK_MS, "a connect alone proves nothing");
	accept_one();
	call();
	answer("\0\0\0\0\0\0\0\0", 8);
	TURN_UNTIL(heard.n_done == 1);
	cr_assert_eq(conn.backoff_ns, 2 * CLK_MS);
}

Test(yanet_conn, a_path_that_is_too_long_is_refused)
{
	static char long_path[200] = {[0 ... 198] = 'x'};

	config.path = long_path;
	cr_assert_eq(yanet_conn_init(&conn, loop, &config, &hooks), 0);
	TURN_UNTIL(heard.n_lost == 1);
	cr_assert_eq(heard.loss, YANET_CONN_REFUSED);
}

Test(yanet_conn, every_loss_has_a_text)
{
	for (int i = 0; i < YANET_CONN_LOSS__N; i++)
		cr_assert_neq(yanet_conn_loss_text((enum yanet_conn_loss)i)[0], '?');
	cr_assert_str_eq(yanet_conn_loss_text(YANET_CONN_LOSS__N), "?");
}
