#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include "api/command.h"

static struct wake main_bell, api_bell;
static struct command_port port;

static void setup(void)
{
	cr_assert_eq(wake_init(&main_bell), 0);
	cr_assert_eq(wake_init(&api_bell), 0);
	cr_assert_eq(command_port_init(&port, &main_bell, &api_bell), 0);
}

static void teardown(void)
{
	command_port_deinit(&port);
	wake_deinit(&main_bell);
	wake_deinit(&api_bell);
}

TestSuite(command, .init = setup, .fini = teardown);

Test(command, arrives_and_is_answered)
{
	struct command c = {.kind = COMMAND_OVERRIDE, .real = 7, .override = 1};

	wake_arm(&main_bell);
	wake_arm(&api_bell);
	cr_assert_null(command_take(&port));
	cr_assert_eq(command_send(&port, &c), 0);
	/* relaxed: one thread */
	cr_assert_eq(atomic_load_explicit(&main_bell.armed, memory_order_relaxed), 0, "not rung");
	cr_assert_eq(command_take(&port), &c);
	cr_assert_null(command_take(&port));
	cr_assert_not(command_is_done(&c));
	command_answer(&port, &c, 500, strdup("{}"));
	cr_assert(command_is_done(&c));
	/* relaxed: one thread */
	cr_assert_eq(atomic_load_explicit(&api_bell.armed, memory_order_relaxed), 0, "not rung");
	cr_assert_eq(c.http_status, 500);
	cr_assert_str_eq(c.body, "{}");
	free(c.body);
}

Test(command, order_is_kept_and_a_full_ring_is_busy)
{
	static struct command many[1000];
	size_t n = 0;

	while (n < ARRAY_LEN(many) && command_send(&port, &many[n]) == 0)
		n++;
	cr_assert_geq(n, 16);
	cr_assert_lt(n, ARRAY_LEN(many));
	for (size_t i = 0; i < n; i++)
		cr_assert_eq(command_take(&port), &many[i]);
	cr_assert_eq(command_send(&port, &many[n]), 0);
}

Test(command, sending_again_forgets_the_old_answer)
{
	struct command c = {.kind = COMMAND_RELOAD};

	cr_assert_eq(command_send(&port, &c), 0);
	command_answer(&port, command_take(&port), 200, NULL);
	cr_assert(command_is_done(&c));
	cr_assert_eq(command_send(&port, &c), 0);
	cr_assert_not(command_is_done(&c));
}
