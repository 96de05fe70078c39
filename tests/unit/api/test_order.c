#include <criterion/criterion.h>

#include "api/order.h"

#include "unit/api/api_rig.h"

static struct api_rig rig;

static void setup(void)
{
	api_rig_start(&rig);
}

TestSuite(order, .init = setup);

/* main's part: waits for the next command */
static struct command *take(void)
{
	for (int i = 0; i < RIG_WAIT_MS; i++) {
		struct command *c = command_take(&rig.port);

		if (c)
			return c;
		usleep(1000);
	}
	cr_assert_fail("no command came");
	return NULL;
}

static int post(const char *path, const char *body)
{
	char request[512];
	int fd = rig_connect_unix(&rig);

	rig_post_text(request, sizeof(request), path, body);
	rig_send(fd, request);
	return fd;
}

static void answered(int fd, unsigned status, const char *body)
{
	rig_expect(rig_read_all(fd), status, body);
	close(fd);
}

Test(order, reload_waits_for_main_and_answers_an_empty_object)
{
	int fd = post("/v1/reload", "");
	struct command *c = take();
	struct pollfd p = {.fd = fd, .events = POLLIN};

	cr_assert_eq(c->kind, COMMAND_RELOAD);
	cr_assert_eq(poll(&p, 1, 20), 0, "answered before main did");
	command_answer(&rig.port, c, 200, NULL);
	answered(fd, 200, "{}");
	api_rig_stop(&rig);
}

Test(order, refused_reload_passes_mains_body_on)
{
	static const char body[] = "{\"code\":13,\"message\":\"line 3\",\"details\":[]}";
	int fd = post("/v1/reload", "{}");

	command_answer(&rig.port, take(), 500, strdup(body));
	answered(fd, 500, body);
	api_rig_stop(&rig);
}

Test(order, override_names_the_slot_and_the_value)
{
	int fd = post("/v1/override",
		      "{\"vs\":\"tcp/192.0.2.1:80\",\"rs\":\"10.0.0.2:80\",\"weight\":\"50%\"}");
	struct command *c = take();

	cr_assert_eq(c->kind, COMMAND_OVERRIDE);
	cr_assert_eq(c->real, rig.fleet.second_real);
	cr_assert_eq(real_override_kind(c->override), OVERRIDE_PERCENT);
	cr_assert_eq(real_override_value(c->override), 50);
	command_answer(&rig.port, c, 200, NULL);
	answered(fd, 200, "{}");
	cr_assert_eq(atomic_load_explicit(&rig.fleet.gen->api_holds, memory_order_acquire), 0);
	api_rig_stop(&rig);
}

Test(order, panic_release_is_a_command)
{
	int fd = post("/v1/release_panic", "");
	struct command *c = take();

	cr_assert_eq(c->kind, COMMAND_RELEASE_PANIC);
	command_answer(&rig.port, c, 200, NULL);
	answered(fd, 200, "{}");
	api_rig_stop(&rig);
}

Test(order, other_requests_are_served_while_one_waits)
{
	int fd = post("/v1/reload", "");
	struct command *c = take();

	rig_expect(rig_get(&rig, API_UNIX, "/v1/status"), 200, NULL);
	rig_expect(rig_get(&rig, API_HTTP, "/healthz"), 200, "ok\n");
	command_answer(&rig.port, c, 200, NULL);
	answered(fd, 200, "{}");
	api_rig_stop(&rig);
}

Test(order, more_than_sixteen_waiting_are_refused)
{
	int fds[ORDER_MAX_WAITING];

	for (int i = 0; i < ORDER_MAX_WAITING; i++)
		fds[i] = post("/v1/reload", "");
	for (int i = 0; i < ORDER_MAX_WAITING; i++) {
		struct command *c = take();

		if (i == 0)
			answered(post("/v1/reload", ""), 503, NULL);
		command_answer(&rig.port, c, 200, NULL);
	}
	for (int i = 0; i < ORDER_MAX_WAITING; i++)
		answered(fds[i], 200, "{}");
	answered((command_answer(&rig.port, (fds[0] = post("/v1/reload", ""), take()), 200, NULL),
		  fds[0]),
		 200, "{}");
	api_rig_stop(&rig);
}

Test(order, client_that_left_costs_nothing)
{
	int fd = post("/v1/reload", "");
	struct command *c = take();

	close(fd);
	command_answer(&rig.port, c, 200, strdup("{}"));
	rig_expect(rig_get(&rig, API_UNIX, "/healthz"), 200, NULL);
	api_rig_stop(&rig);
}

Test(order, stop_answers_what_waits)
{
	int fd = post("/v1/reload", ""), unseen;

	take();
	unseen = post("/v1/reload", "");
	rig_expect(rig_get(&rig, API_UNIX, "/healthz"), 200, NULL);
	api_rig_stop(&rig);
	answered(fd, 503, NULL);
	close(unseen);
}
