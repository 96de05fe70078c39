#include "ctl/ctl_cmd.h"

#include "base/version.h"
#include "unit/ctl/ctl_test.h"

static void redirect(void)
{
	cr_redirect_stdout();
	cr_redirect_stderr();
}

TestSuite(ctl_cmd, .init = redirect);

Test(ctl_cmd, version_needs_no_daemon)
{
	char expected[128];

	snprintf(expected, sizeof(expected), "alivectl %s\n", version_text());
	cr_assert_eq(CTL("version"), CTL_EXIT_OK);
	cr_assert_stdout_eq_str(expected);
}

Test(ctl_cmd, version_is_an_option_too)
{
	char expected[128];

	snprintf(expected, sizeof(expected), "alivectl %s\n", version_text());
	cr_assert_eq(CTL("--version"), CTL_EXIT_OK);
	cr_assert_stdout_eq_str(expected);
}

Test(ctl_cmd, no_daemon_is_exit_3)
{
	cr_assert_eq(CTL("-s", "/nonexistent/sock", "status"), CTL_EXIT_NO_DAEMON);
	cr_assert_stderr_eq_str("alivectl: /nonexistent/sock: No such file or directory\n"
				"is alived running? -s SOCK names another socket\n");
}

Test(ctl_cmd, unknown_command_suggests_the_nearest)
{
	cr_assert_eq(CTL("statsu"), CTL_EXIT_USAGE);
	cr_assert_stderr_eq_str("alivectl: unknown command 'statsu'\ndid you mean 'status'?\n");
}

Test(ctl_cmd, half_a_command_suggests_the_whole)
{
	cr_assert_eq(CTL("rs", "st"), CTL_EXIT_USAGE);
	cr_assert_stderr_eq_str("alivectl: unknown command 'rs st'\ndid you mean 'rs set'?\n");
}

Test(ctl_cmd, nothing_near_points_to_help)
{
	cr_assert_eq(CTL("frobnicate"), CTL_EXIT_USAGE);
	cr_assert_stderr_eq_str("alivectl: unknown command 'frobnicate'\n"
				"`alivectl help` lists the commands\n");
}

Test(ctl_cmd, wrong_usage_is_exit_2)
{
	cr_assert_eq(CTL("rs", "set", "a", "b"), CTL_EXIT_USAGE);
	cr_assert_eq(CTL("status", "more"), CTL_EXIT_USAGE);
	cr_assert_eq(CTL("--frob", "status"), CTL_EXIT_USAGE);
	cr_assert_eq(CTL("status", "-s"), CTL_EXIT_USAGE);
	cr_assert_eq(CTL("--socket=", "status"), CTL_EXIT_USAGE);
	cr_assert_eq(CTL("--json=yes", "version"), CTL_EXIT_USAGE);
	cr_assert_eq(ctl_run((const char *const[]){"alivectl", NULL}), CTL_EXIT_USAGE);
	cr_assert_eq(CTL("a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o",
			 "p", "q"),
		     CTL_EXIT_USAGE);
}

Test(ctl_cmd, options_stand_anywhere)
{
	cr_assert_eq(CTL("version", "--json"), CTL_EXIT_OK);
	cr_assert_eq(CTL("--json", "version", "--socket=/x"), CTL_EXIT_OK);
	cr_assert_eq(CTL("status", "--socket=/nonexistent"), CTL_EXIT_NO_DAEMON);
}

Test(ctl_cmd, help_goes_to_stdout)
{
	cr_assert_eq(CTL("--help"), CTL_EXIT_OK);
	cr_assert_eq(CTL("help", "rs", "set"), CTL_EXIT_OK);
	cr_assert_eq(CTL("reals", "-h"), CTL_EXIT_OK);
	cr_assert_eq(CTL("help", "nothing"), CTL_EXIT_USAGE);
	cr_assert_stderr_eq_str("alivectl: unknown command 'nothing'\n"
				"`alivectl help` lists the commands\n");
}

Test(ctl_cmd, commands_of_two_words_are_found)
{
	char config[] = "config", check[] = "check", *words[] = {config, check, check};
	int n = 0;

	cr_assert_str_eq(ctl_cmd_find(3, words, &n)->words[1], "check");
	cr_assert_eq(n, 2);
	cr_assert_null(ctl_cmd_find(1, words, &n));
	cr_assert_null(ctl_cmd_nearest("zzzzzzzzz"));
	cr_assert_str_eq(ctl_cmd_nearest("relaod")->words[0], "reload");
}
