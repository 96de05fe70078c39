#include "app/opts.h"

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <getopt.h>

/* getopt_long() permutes the pointers, it does not write to the strings. */
static int parse(struct opts *o, int argc, const char **argv)
{
	optind = 0;
	return opts_parse(argc, (char **)argv, o);
}

TestSuite(opts, .init = cr_redirect_stderr);

Test(opts, nothing_means_the_default_file)
{
	const char *argv[] = {"alived", NULL};
	struct opts o;

	cr_assert_eq(parse(&o, 1, argv), OPTS_RUN);
	cr_assert_str_eq(o.config_path, "/etc/alived/alived.yaml");
	cr_assert_null(o.services_path);
	cr_assert_not(o.is_test);
}

Test(opts, all_options_are_taken)
{
	const char *argv[] = {"alived", "-c", "a.yaml", "--services", "s.conf", "-t", NULL};
	struct opts o;

	cr_assert_eq(parse(&o, 6, argv), OPTS_RUN);
	cr_assert_str_eq(o.config_path, "a.yaml");
	cr_assert_str_eq(o.services_path, "s.conf");
	cr_assert(o.is_test);
}

Test(opts, long_config_option_is_the_references)
{
	const char *argv[] = {"alived", "--config", "a.yaml", NULL};
	struct opts o;

	cr_assert_eq(parse(&o, 3, argv), OPTS_RUN);
	cr_assert_str_eq(o.config_path, "a.yaml");
}

Test(opts, unknown_option_is_bad_usage)
{
	const char *argv[] = {"alived", "--frobnicate", NULL};
	struct opts o;

	cr_assert_eq(parse(&o, 2, argv), OPTS_USAGE);
}

Test(opts, stray_argument_is_bad_usage)
{
	const char *argv[] = {"alived", "services.conf", NULL};
	struct opts o;

	cr_assert_eq(parse(&o, 2, argv), OPTS_USAGE);
}

Test(opts, help_and_version_are_done)
{
	const char *help[] = {"alived", "-h", NULL}, *version[] = {"alived", "--version", NULL};
	struct opts o;

	cr_redirect_stdout();
	cr_assert_eq(parse(&o, 2, help), OPTS_DONE);
	cr_assert_eq(parse(&o, 2, version), OPTS_DONE);
}
