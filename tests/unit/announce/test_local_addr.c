/* Against this machine's kernel: lo is there and has ::1 or 127.0.0.1. Changes of addresses need a
 * namespace of their own: tests/integ/test_announce_address.py. */
#include "announce/local_addr.h"

#include <string.h>

#include <criterion/criterion.h>

#include "base/clk.h"
#include "base/evloop.h"

static int n_changed;

static void on_changed(void *ctx, const struct addr *local)
{
	(void)ctx;
	(void)local;
	n_changed++;
}

static struct local_addr *watch(struct evloop *loop, const char *ifname)
{
	const struct local_addr_hooks hooks = {.changed = on_changed};
	struct local_addr *l = NULL;

	cr_assert_eq(local_addr_new(loop, ifname, &hooks, &l), 0);
	cr_assert(!local_addr_is_known(l));
	for (int i = 0; i < 100 && !local_addr_is_known(l); i++)
		evloop_turn(loop, 10 * CLK_MS);
	cr_assert(local_addr_is_known(l));
	cr_assert_eq(n_changed, 1);
	return l;
}

static bool has(const struct local_addr *l, const char *text)
{
	struct addr a;

	cr_assert_eq(addr_parse(text, strlen(text), &a), ADDR_OK);
	return local_addr_has(l, &a);
}

Test(local_addr, lo_is_listed)
{
	struct evloop *loop = evloop_new();
	struct local_addr *l = watch(loop, "lo");

	cr_assert(has(l, "127.0.0.1") || has(l, "::1"));
	cr_assert(!has(l, "192.0.2.10"));
	local_addr_free(l);
	evloop_free(loop);
}

Test(local_addr, interface_that_is_missing_is_known_to_be)
{
	struct evloop *loop = evloop_new();
	struct local_addr *l = watch(loop, "no-such-one");

	cr_assert(!has(l, "127.0.0.1"));
	local_addr_free(l);
	evloop_free(loop);
}
