/* The API thread among threads that change what it reads: rows are published, generations are
 * replaced and freed, commands are answered, clients come and leave. Under ThreadSanitizer. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/api.h"
#include "base/rcu.h"
#include "unit/api/fleet_fixture.h"

enum { SECONDS = 3, CLIENTS = 4, MANY = 500, TEXT_BYTES = 1 << 20 };

static struct fleet_fixture fleet;
static struct generation *_Atomic current;
static struct wake main_bell, api_bell;
static struct command_port port;
static struct beat beat;
static struct counters counters;
static const struct counters *const all_counters[] = {&counters};
static const struct api_beat beats[] = {{"api", &beat}};
static struct summary summary;
static struct api *api;
static _Atomic bool is_over;
static _Atomic unsigned n_good, n_reloads;

static bool over(void)
{
	/* relaxed: only says when to end */
	return atomic_load_explicit(&is_over, memory_order_relaxed);
}

/* agg's part */
static void *publish(void *arg)
{
	for (uint32_t i = 1; !over(); i++) {
		struct real_row r = {.flags = REAL_ROW_IN_USE | REAL_ROW_ENABLED,
				     .state = STATE_UP,
				     .wanted_weight = (uint16_t)i,
				     .transitions = i};
		struct service_row s = {.flags = SERVICE_ROW_IN_USE, .weight = i, .n_up = i};

		seqrow_publish(state_real(&fleet.tables, fleet.first_real), &r, sizeof(r));
		seqrow_publish(state_service(&fleet.tables, fleet.tcp), &s, sizeof(s));
		seqrow_publish(&summary, &(struct summary){.reals_up = i}, sizeof(summary));
		if (i % 64 == 0)
			sched_yield();
	}
	return arg;
}

static int connect_api(void)
{
	struct sockaddr_in sa = {.sin_family = AF_INET,
				 .sin_port = htons(api_port(api, API_HTTP)),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Reads until the end, or leaves in the middle. Returns true if the whole answer came. */
static bool drain(int fd, char *text, bool leaves)
{
	size_t len = 0;
	ssize_t n;

	while ((n = recv(fd, text + len, TEXT_BYTES - 1 - len, 0)) > 0) {
		len += (size_t)n;
		if (leaves)
			return false;
	}
	text[len] = 0;
	return len > 0 && strstr(text, " 200 OK\r\n");
}

static void *ask(void *arg)
{
	static const char *const requests[] = {
		"GET /v1/status HTTP/1.0\r\n\r\n",
		"GET /v1/reals HTTP/1.0\r\n\r\n",
		"GET /v1/summary HTTP/1.0\r\n\r\n",
		"POST /v1/reload HTTP/1.0\r\nContent-Length: 0\r\n\r\n",
	};
	char *text = malloc(TEXT_BYTES);

	for (unsigned i = (unsigned)(uintptr_t)arg; !over(); i++) {
		const char *request = requests[i % ARRAY_LEN(requests)];
		int fd = connect_api();

		if (fd < 0)
			continue;
		if (send(fd, request, strlen(request), MSG_NOSIGNAL) > 0 &&
		    drain(fd, text, i % 7 == 0)) {
			/* relaxed: a count */
			atomic_fetch_add_explicit(&n_good, 1, memory_order_relaxed);
		}
		close(fd);
	}
	free(text);
	return NULL;
}

/* main's part: a new generation for the old one, which is freed when nobody holds it. Commands are
 * answered meanwhile, or their clients would wait in vain. */
static void answer_commands(void)
{
	struct command *c;

	while ((c = command_take(&port))) {
		/* relaxed: a count */
		atomic_fetch_add_explicit(&n_reloads, 1, memory_order_relaxed);
		command_answer(&port, c, 200, strdup("{}"));
	}
}

static void replace_generation(void)
{
	struct generation *old = fleet.gen;
	struct slot_books books = fleet.books;

	fixture_build(&fleet);
	rcu_swap(&current, fleet.gen);
	rcu_wait();
	/* acquire: pairs with hold_drop() */
	while (atomic_load_explicit(&old->api_holds, memory_order_acquire) != 0) {
		answer_commands();
		usleep(100);
	}
	gen_free(old);
	slot_books_deinit(&books);
}

static void start(struct app_config *app)
{
	struct api_args args = {.app = app,
				.tables = &fleet.tables,
				.generation = &current,
				.commands = &port,
				.bell = &api_bell,
				.beat = &beat,
				.counters = &counters,
				.all_counters = all_counters,
				.n_counters = 1,
				.beats = beats,
				.n_beats = 1,
				.summary = &summary};

	assert_int_equal(wake_init(&main_bell), 0);
	assert_int_equal(wake_init(&api_bell), 0);
	assert_int_equal(command_port_init(&port, &main_bell, &api_bell), 0);
	assert_int_equal(api_new(&args, &api), 0);
	assert_int_equal(api_start(api), 0);
}

static void decisions_7_generations_are_freed_under_readers(void **state)
{
	static char address[] = "127.0.0.1:0";
	pthread_t publisher, clients[CLIENTS];
	uint64_t end_ns = clk_mono_ns() + SECONDS * CLK_S;
	struct app_config app;
	unsigned n_generations = 0;

	(void)state;
	log_set_level(LOG_ERROR);
	rcu_thread_register();
	fleet.n_extra = MANY;
	fleet_fixture_init(&fleet);
	rcu_swap(&current, fleet.gen);
	app = fleet.app;
	app.server.http_addr = address;
	start(&app);
	pthread_create(&publisher, NULL, publish, NULL);
	for (uintptr_t i = 0; i < CLIENTS; i++)
		pthread_create(&clients[i], NULL, ask, (void *)i);
	for (; clk_mono_ns() < end_ns; n_generations++) {
		replace_generation();
		answer_commands();
	}
	/* relaxed: only says when to end */
	atomic_store_explicit(&is_over, true, memory_order_relaxed);
	for (int i = 0; i < 100; i++) {
		answer_commands();
		usleep(1000);
	}
	api_stop(api); /* lets go of clients that still wait */
	for (int i = 0; i < CLIENTS; i++)
		pthread_join(clients[i], NULL);
	pthread_join(publisher, NULL);
	api_free(api);
	command_port_deinit(&port);
	fleet_fixture_deinit(&fleet);
	rcu_thread_unregister();
	assert_true(n_generations > 3);
	/* relaxed: the threads have ended */
	assert_true(atomic_load_explicit(&n_good, memory_order_relaxed) > 20);
	/* relaxed: as above */
	assert_true(atomic_load_explicit(&n_reloads, memory_order_relaxed) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decisions_7_generations_are_freed_under_readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
