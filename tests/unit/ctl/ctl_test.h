/* For tests of alivectl: its library holds a main() of its own, so each test program brings one. */
#pragma once

#include <criterion/criterion.h>
#include <criterion/redirect.h>

#include <stdio.h>

#include "ctl/ctl_cmd.h"

int main(int argc, char **argv)
{
	struct criterion_test_set *tests = criterion_initialize();
	int failed = 0;

	if (criterion_handle_args(argc, argv, true))
		failed = !criterion_run_all_tests(tests);
	criterion_finalize(tests);
	return failed;
}

/* Runs alivectl with these words. */
#define CTL(...) ctl_run((const char *const[]){"alivectl", __VA_ARGS__, NULL})

static inline enum ctl_exit ctl_run(const char *const *argv)
{
	enum ctl_exit e;
	int argc = 0;

	while (argv[argc])
		argc++;
	e = ctl_cmd_main(argc, (char **)(uintptr_t)argv);
	fflush(stdout);
	fflush(stderr);
	return e;
}
