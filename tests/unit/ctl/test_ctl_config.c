#include "ctl/ctl_config.h"

#include <jansson.h>
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
	char name[] = "/tmp/alived-config-XXXXXX", text[256];

	cr_assert_not_null(mkdtemp(name));
	snprintf(dir, sizeof(dir), "%s", name);
	snprintf(yaml, sizeof(yaml), "%s/alived.yaml", name);
	snprintf(services, sizeof(services), "%s/services.conf", name);
	snprintf(text, sizeof(text), "service:\n  services_config:\n    path: %s\n", services);
	write_file(yaml, text);
	write_file(services, "virtual_server 192.0.2.1 80 {\n  protocol TCP\n  lvs_method NAT\n"
			     "  real_server 10.0.0.1 80 {\n    TCP_CHECK {\n    }\n  }\n}\n");
	cr_redirect_stdout();
	cr_redirect_stderr();
}

static void teardown(void)
{
	unlink(yaml);
	unlink(services);
	rmdir(dir);
}

TestSuite(ctl_config, .init = setup, .fini = teardown);

Test(ctl_config, good_files_are_counted)
{
	cr_assert_eq(CTL("config", "check", yaml), CTL_EXIT_OK);
	cr_assert_stdout_eq_str(
		"ok: 1 services, 1 reals, 1 checks; balancer none, announcer none\n");
}

Test(ctl_config, faulty_services_are_exit_1)
{
	write_file(services, "virtual_server 192.0.2.1 80 {\n  nonsense\n}\n");
	cr_assert_eq(CTL("config", "check", yaml), CTL_EXIT_REFUSED);
	cr_assert_stdout_eq_str("not loadable: 1 error\n");
}

Test(ctl_config, faulty_yaml_is_exit_1)
{
	write_file(yaml, "sevrer: 1\n");
	cr_assert_eq(CTL("config", "check", yaml), CTL_EXIT_REFUSED);
	cr_assert_stdout_eq_str("not loadable: 1 error\n");
}

Test(ctl_config, other_services_file_can_be_checked)
{
	char other[64];

	snprintf(other, sizeof(other), "%s/none.conf", dir);
	cr_assert_eq(CTL("config", "check", yaml, "--services", other), CTL_EXIT_REFUSED);
	cr_assert_eq(CTL("config", "check", "/nonexistent/alived.yaml"), CTL_EXIT_REFUSED);
}

Test(ctl_config, json_carries_the_reports)
{
	char text[4096] = "";
	json_t *j;

	write_file(services, "virtual_server 192.0.2.1 80 {\n  nonsense\n}\n");
	cr_assert_eq(CTL("--json", "config", "check", yaml), CTL_EXIT_REFUSED);
	cr_assert_gt(fread(text, 1, sizeof(text) - 1, cr_get_redirected_stdout()), 0);
	j = json_loads(text, 0, NULL);
	cr_assert(json_is_false(json_object_get(j, "ok")), "%s", text);
	cr_assert_eq(json_array_size(json_object_get(j, "reports")), 1);
	json_decref(j);
}
