#include "ctl/ctl_proc.h"

#include <errno.h>
#include <string.h>

#include "unit/ctl/ctl_test.h"

Test(ctl_proc, effective_capabilities_are_read)
{
	uint64_t caps = 0;

	cr_assert(ctl_proc_caps("Name:\talived\nCapPrm:\t00ff\nCapEff:\t0000000000803000\nX:\t1\n",
				&caps));
	cr_assert_eq(caps, 0x803000);
	cr_assert(!ctl_proc_caps("Name:\talived\nNoCapEff:\t1\n", &caps));
	cr_assert(!ctl_proc_caps("CapEff:", &caps));
}

Test(ctl_proc, soft_limit_of_descriptors_is_read)
{
	uint64_t n = 0;

	cr_assert(ctl_proc_open_files(
		"Limit  Soft Limit  Hard Limit  Units\n"
		"Max open files            1024                 4096     files\n",
		&n));
	cr_assert_eq(n, 1024);
	cr_assert(
		ctl_proc_open_files("Max open files            unlimited  unlimited  files\n", &n));
	cr_assert_eq(n, UINT64_MAX);
	cr_assert(!ctl_proc_open_files("Max processes 7 8\n", &n));
	cr_assert(!ctl_proc_open_files("", &n));
}

Test(ctl_proc, root_unit_has_what_its_bounding_set_has)
{
	const char *show = "LoadState=loaded\nUser=\nAmbientCapabilities=\n"
			   "CapabilityBoundingSet=cap_net_admin cap_net_raw\n";
	bool has = false;

	cr_assert(ctl_proc_unit_has(show, "CAP_NET_RAW", &has));
	cr_assert(has);
	cr_assert(ctl_proc_unit_has(show, "CAP_SYS_NICE", &has));
	cr_assert(!has);
}

Test(ctl_proc, other_users_unit_has_its_ambient_set_only)
{
	const char *show = "User=alived\nAmbientCapabilities=cap_net_raw\n"
			   "CapabilityBoundingSet=cap_net_admin cap_net_raw\nLoadState=loaded\n";
	bool has = true;

	cr_assert(ctl_proc_unit_has(show, "CAP_NET_ADMIN", &has));
	cr_assert(!has);
	cr_assert(!ctl_proc_unit_has("LoadState=not-found\nUser=\n", "CAP_NET_RAW", &has));
}

Test(ctl_proc, files_are_read_whole)
{
	char *text = NULL;

	cr_assert_eq(ctl_proc_read("/proc/self/status", &text), 0);
	cr_assert_not_null(strstr(text, "CapEff:"));
	free(text);
	cr_assert_eq(ctl_proc_read("/proc/self/nonexistent", &text), -ENOENT);
}
