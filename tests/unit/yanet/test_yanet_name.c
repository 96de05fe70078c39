#include "yanet/yanet_name.h"

#include "fixture.h"

static bool makes(const char *text, size_t len)
{
	struct yanet_name name;

	return yanet_name_make(text, len, &name);
}

Test(yanet_name, text_is_accepted)
{
	struct yanet_name a, b;

	cr_assert(yanet_name_make("balancer0", 9, &a));
	cr_assert(yanet_name_make("b\xc3\xa4lancer", 9, &b));
	cr_assert(yanet_name_eq(&a, &a));
	cr_assert_not(yanet_name_eq(&a, &b));
}

/* The server's parser closes the connection on a bad string (spec/yanet §3). */
Test(yanet_name, what_the_server_would_refuse_cannot_be_made)
{
	static const char long_name[YANET_NAME_MAX + 1] = {[0 ... YANET_NAME_MAX] = 'x'};

	cr_assert_not(makes("", 0));
	cr_assert_not(makes("\xff", 1));
	cr_assert_not(makes("\xed\xa0\x80", 3));
	cr_assert_not(makes("a\xc3", 2));
	cr_assert_not(makes("\0", 1));
	cr_assert(makes(long_name, YANET_NAME_MAX));
	cr_assert_not(makes(long_name, YANET_NAME_MAX + 1));
}

Test(yanet_name, a_prefix_is_another_name)
{
	struct yanet_name a, b;

	cr_assert(yanet_name_make("balancer1", 9, &a));
	cr_assert(yanet_name_make("balancer10", 10, &b));
	cr_assert_not(yanet_name_eq(&a, &b));
}
