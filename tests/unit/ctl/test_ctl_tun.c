#include "ctl/ctl_tun.h"

#include <unistd.h>

#include "unit/ctl/ctl_test.h"

static char dir[32], yaml[64], services[64];

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	cr_assert_not_null(f);
	fputs(text, f);
	fclose(f);
}

static void setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/alived-tun-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	snprintf(yaml, sizeof(yaml), "%s/a.yaml", dir);
	snprintf(services, sizeof(services), "%s/services.conf", dir);
	write_file(yaml, "check_tun:\n  nfqueue: 7\n");
	write_file(services,
		   "virtual_server 192.0.2.1 80 {\nprotocol TCP\nlvs_method TUN\n"
		   "real_server 10.0.0.1 80 {\nTCP_CHECK {\nconnect_timeout 1\n}\n}\n}\n");
	cr_redirect_stdout();
	cr_redirect_stderr();
}

static void teardown(void)
{
	unlink(yaml);
	unlink(services);
	rmdir(dir);
}

TestSuite(ctl_tun, .init = setup, .fini = teardown);

Test(ctl_tun, rules_of_one_tool_are_printed)
{
	cr_assert_eq(CTL("tun", "rules", "-c", yaml, "--services", services, "--print", "iptables"),
		     CTL_EXIT_OK);
	cr_assert_stdout_eq_str(
		"iptables -w -t mangle -I OUTPUT -d 192.0.2.1/32 -p tcp -m tcp --tcp-flags RST RST "
		"-m mark --mark 0x0 -m comment --comment alived -j DROP\n"
		"iptables -w -t mangle -I POSTROUTING -p tcp -m mark --mark 0xffffffff -m comment "
		"--comment alived -j DROP\n"
		"iptables -w -t mangle -I OUTPUT -m mark --mark 0xffffffff -m comment --comment "
		"alived -j NFQUEUE --queue-num 7\n");
}

Test(ctl_tun, rules_of_both_tools_are_printed_by_default)
{
	cr_assert_eq(CTL("tun", "rules", "-c", yaml, "--services", services), CTL_EXIT_OK);
	cr_assert_stdout_neq_str("");
}

Test(ctl_tun, faulty_files_are_exit_1_and_print_no_rule)
{
	write_file(services, "nonsense\n");
	cr_assert_eq(CTL("tun", "rules", "-c", yaml, "--services", services), CTL_EXIT_REFUSED);
	cr_assert_stdout_eq_str("");
}

Test(ctl_tun, tunnel_that_is_off_is_said)
{
	write_file(yaml, "logging:\n  level: info\n");
	write_file(services, "virtual_server 192.0.2.1 80 {\nprotocol TCP\nlvs_method NAT\n}\n");
	cr_assert_eq(CTL("tun", "rules", "-c", yaml, "--services", services), CTL_EXIT_OK);
	cr_assert_stdout_eq_str("");
	cr_assert_stderr_eq_str("alivectl: check_tun is off: no rules are needed\n");
}

Test(ctl_tun, unknown_tool_is_a_usage_error)
{
	cr_assert_eq(CTL("tun", "rules", "--print", "nft"), CTL_EXIT_USAGE);
}

Test(ctl_tun, applying_and_removing_at_once_is_a_usage_error)
{
	cr_assert_eq(CTL("tun", "rules", "--apply", "--remove"), CTL_EXIT_USAGE);
}
