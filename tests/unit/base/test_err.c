#include "base/err.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>

static int born(void)
{
	return err_origin(-ENOMEM);
}

static int forwarded(void)
{
	return err_trace(born());
}

static int tried(int r)
{
	TRY(r);
	return 5;
}

Test(err, origin_names_error_and_place)
{
	cr_assert_eq(born(), -ENOMEM);
	cr_assert_not_null(strstr(err_last(), "ENOMEM at "));
	cr_assert_not_null(strstr(err_last(), "test_err.c:9"));
	cr_assert_null(strchr(err_last(), '<'));
}

Test(err, forwarding_adds_its_place)
{
	cr_assert_eq(forwarded(), -ENOMEM);
	cr_assert_not_null(strstr(err_last(), "test_err.c:9 < "));
	cr_assert_not_null(strstr(err_last(), "test_err.c:14"));
}

Test(err, success_and_enumerators_pass_untouched)
{
	cr_assert_eq(err_trace(0), 0);
	cr_assert_eq(err_trace(3), 3);
	cr_assert_str_eq(err_last(), "no error");
	cr_assert_eq(tried(0), 5);
	cr_assert_eq(tried(1), 5);
	cr_assert_eq(tried(-EIO), -EIO);
}

Test(err, new_error_forgets_the_old_trace)
{
	(void)forwarded();
	cr_assert_eq(err_origin(-EINVAL), -EINVAL);
	cr_assert_not_null(strstr(err_last(), "EINVAL at "));
	cr_assert_null(strstr(err_last(), "ENOMEM"));
	cr_assert_null(strchr(err_last(), '<'));
}

Test(err, endless_forwarding_stays_in_bounds)
{
	int r = born();

	for (int i = 0; i < 1000; i++)
		r = err_trace_at(r, "a/rather/long/path/of/a/source/file/somewhere.c", i);
	cr_assert_lt(strlen(err_last()), 256);
	cr_assert_eq(r, -ENOMEM);
}

Test(err, number_that_is_no_errno_is_printed_as_a_number)
{
	cr_assert_eq(err_origin(-9999), -9999);
	cr_assert_not_null(strstr(err_last(), "9999"));
}

static void *other_thread(void *arg)
{
	(void)arg;
	cr_assert_str_eq(err_last(), "no error");
	return NULL;
}

Test(err, each_thread_has_its_own)
{
	pthread_t t;

	(void)born();
	cr_assert_eq(pthread_create(&t, NULL, other_thread, NULL), 0);
	pthread_join(t, NULL);
}
