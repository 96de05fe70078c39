#include "ctl/ctl_exec.h"

#include <errno.h>

#include "unit/ctl/ctl_test.h"

static int run(struct ctl_exec *e, const char *input, const char *a, const char *b, const char *c)
{
	return ctl_exec_run((const char *const[]){a, b, c, NULL}, input, e);
}

Test(ctl_exec, input_and_output_are_passed)
{
	struct ctl_exec e = {0};

	cr_assert_eq(run(&e, "a\nb\n", "cat", NULL, NULL), 0);
	cr_assert_eq(e.status, 0);
	cr_assert_str_eq(e.out, "a\nb\n");
	cr_assert_str_eq(e.err, "");
	ctl_exec_deinit(&e);
}

Test(ctl_exec, status_and_error_output_are_kept)
{
	struct ctl_exec e = {0};

	cr_assert_eq(run(&e, NULL, "sh", "-c", "echo no >&2; exit 3"), 0);
	cr_assert_eq(e.status, 3);
	cr_assert_str_eq(e.err, "no\n");
	ctl_exec_deinit(&e);
	cr_assert_eq(run(&e, NULL, "sh", "-c", "kill -9 $$"), 0);
	cr_assert_eq(e.status, 128 + 9);
	ctl_exec_deinit(&e);
}

Test(ctl_exec, arguments_meet_no_shell)
{
	struct ctl_exec e = {0};

	cr_assert_eq(run(&e, NULL, "printf", "%s", "$HOME; `x`"), 0);
	cr_assert_str_eq(e.out, "$HOME; `x`");
	ctl_exec_deinit(&e);
}

Test(ctl_exec, missing_program_is_enoent)
{
	struct ctl_exec e = {0};

	cr_assert_eq(run(&e, NULL, "no-such-program-here", NULL, NULL), -ENOENT);
}
