#include "ctl/ctl_set.h"

#include <pthread.h>

#include "unit/api/api_rig.h"
#include "unit/ctl/ctl_test.h"

static struct api_rig rig;
static struct command seen;
static const char *answer_body;
static int answer_status;

/* main's part: answers one command */
static void *serve(void *arg)
{
	struct command *c;

	while (!(c = command_take(&rig.port)))
		usleep(1000);
	seen.kind = c->kind;
	seen.real = c->real;
	seen.override = c->override;
	command_answer(&rig.port, c, answer_status, answer_body ? strdup(answer_body) : NULL);
	return arg;
}

static void setup(void)
{
	api_rig_start(&rig);
	cr_redirect_stdout();
	cr_redirect_stderr();
}

static void teardown(void)
{
	api_rig_stop(&rig);
}

TestSuite(ctl_set, .init = setup, .fini = teardown);

static enum ctl_exit run_with_main(const char *const *argv, int status, const char *body)
{
	pthread_t thread;
	enum ctl_exit e;

	answer_status = status;
	answer_body = body;
	cr_assert_eq(pthread_create(&thread, NULL, serve, NULL), 0);
	e = ctl_run(argv);
	pthread_join(thread, NULL);
	return e;
}

#define CTL_ANSWERED(status, body, ...)                                                     \
	run_with_main((const char *const[]){"alivectl", "-s", rig.sock, __VA_ARGS__, NULL}, \
		      status, body)

Test(ctl_set, reload_says_so)
{
	cr_assert_eq(CTL_ANSWERED(200, NULL, "reload"), CTL_EXIT_OK);
	cr_assert_eq(seen.kind, COMMAND_RELOAD);
	cr_assert_stdout_eq_str("reloaded\n");
}

Test(ctl_set, refused_reload_is_exit_1)
{
	cr_assert_eq(
		CTL_ANSWERED(500, "{\"code\":13,\"message\":\"line 3\",\"details\":[]}", "reload"),
		CTL_EXIT_REFUSED);
	cr_assert_stderr_eq_str("alivectl: line 3\n");
}

Test(ctl_set, real_is_set_by_name)
{
	cr_assert_eq(CTL_ANSWERED(200, NULL, "rs", "set", "tcp/192.0.2.1:80", "10.0.0.2:80",
				  "state", "drain"),
		     CTL_EXIT_OK);
	cr_assert_eq(seen.kind, COMMAND_OVERRIDE);
	cr_assert_eq(seen.real, rig.fleet.second_real);
	cr_assert_eq(real_override_kind(seen.override), OVERRIDE_DRAIN);
	cr_assert_eq(CTL_ANSWERED(200, NULL, "rs", "set", "tcp/192.0.2.1:80", "10.0.0.1:80",
				  "weight", "150%"),
		     CTL_EXIT_OK);
	cr_assert_eq(real_override_kind(seen.override), OVERRIDE_PERCENT);
	cr_assert_eq(real_override_value(seen.override), 150);
}

Test(ctl_set, wrong_values_are_refused)
{
	cr_assert_eq(
		CTL("-s", rig.sock, "rs", "set", "tcp/192.0.2.1:80", "10.0.0.2:80", "mood", "up"),
		CTL_EXIT_USAGE);
	cr_assert_eq(
		CTL("-s", rig.sock, "rs", "set", "tcp/192.0.2.1:80", "10.0.0.2:80", "state", "x"),
		CTL_EXIT_REFUSED);
	cr_assert_eq(
		CTL("-s", rig.sock, "rs", "set", "tcp/192.0.2.1:80", "10.9.9.9:80", "state", "up"),
		CTL_EXIT_REFUSED);
	cr_assert_eq(CTL("-s", rig.sock, "rs", "set", "\xff", "10.9.9.9:80", "state", "up"),
		     CTL_EXIT_USAGE);
}

Test(ctl_set, panic_is_released)
{
	cr_assert_eq(CTL_ANSWERED(200, NULL, "panic", "release"), CTL_EXIT_OK);
	cr_assert_eq(seen.kind, COMMAND_RELEASE_PANIC);
	cr_assert_stdout_eq_str("released\n");
}
