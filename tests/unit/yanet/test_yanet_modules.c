#include "yanet/yanet_modules.h"

#include "base/str.h"
#include "fixture.h"

static struct yanet_name name_of(unsigned i)
{
	struct yanet_name name;
	char mem[32];
	struct str s = STR_OVER(mem, sizeof(mem));

	str_putf(&s, "balancer%u", i);
	cr_assert(yanet_name_make(mem, s.len, &name));
	return name;
}

static unsigned found(struct yanet_modules *m, unsigned i)
{
	struct yanet_name name = name_of(i);

	return yanet_modules_found(m, &name);
}

Test(yanet_modules, a_name_keeps_its_number)
{
	struct yanet_modules m = {0};

	yanet_modules_begin(&m);
	cr_assert_eq(found(&m, 7), 0);
	cr_assert_eq(found(&m, 3), 1);
	cr_assert_eq(found(&m, 7), 0);
	cr_assert_eq(yanet_modules_end(&m), 0);
	/* another order, as after a reload of YANET */
	yanet_modules_begin(&m);
	cr_assert_eq(found(&m, 3), 1);
	cr_assert_eq(m.present, 2);
	cr_assert_eq(yanet_modules_count(&m), 2);
}

Test(yanet_modules, two_replies_without_it_free_the_number)
{
	struct yanet_modules m = {0};

	yanet_modules_begin(&m);
	found(&m, 0);
	found(&m, 1);
	yanet_modules_end(&m);
	for (int i = 0; i < 2; i++) { /* missed once, seen again: starts anew */
		yanet_modules_begin(&m);
		found(&m, 0);
		cr_assert_eq(yanet_modules_end(&m), 0);
		yanet_modules_begin(&m);
		found(&m, 0);
		found(&m, 1);
		cr_assert_eq(yanet_modules_end(&m), 0);
	}
	yanet_modules_begin(&m);
	found(&m, 0);
	cr_assert_eq(yanet_modules_end(&m), 0);
	yanet_modules_begin(&m);
	found(&m, 0);
	cr_assert_eq(yanet_modules_end(&m), 2);
	cr_assert_eq(found(&m, 5), 1);
}

Test(yanet_modules, more_modules_than_yanet_allows_are_ignored)
{
	struct yanet_modules m = {0};

	yanet_modules_begin(&m);
	for (unsigned i = 0; i < MAX_MODULES; i++)
		cr_assert_eq(found(&m, i), i);
	cr_assert_eq(found(&m, 99), YANET_MODULES_FULL);
	cr_assert_eq(found(&m, 30), 30);
}
