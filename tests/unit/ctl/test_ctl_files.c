#include "ctl/ctl_files.h"

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
	snprintf(dir, sizeof(dir), "/tmp/alived-files-XXXXXX");
	cr_assert_not_null(mkdtemp(dir));
	snprintf(yaml, sizeof(yaml), "%s/a.yaml", dir);
	snprintf(services, sizeof(services), "%s/services.conf", dir);
	write_file(yaml, "logging:\n  level: debug\n");
	write_file(services, "virtual_server 192.0.2.1 80 {\nprotocol TCP\nlvs_method NAT\n}\n");
}

static void teardown(void)
{
	unlink(yaml);
	unlink(services);
	rmdir(dir);
}

TestSuite(ctl_files, .init = setup, .fini = teardown);

Test(ctl_files, good_files_are_both_there)
{
	struct ctl_files f;

	cr_assert(ctl_files_read(&f, yaml, services));
	cr_assert(f.yaml.is_good && f.services.is_good);
	cr_assert_eq(f.app->logging.level, LOG_DEBUG);
	cr_assert_eq(f.draft->n_services, 1);
	ctl_files_free(&f);
}

Test(ctl_files, without_the_installed_yaml_defaults_hold)
{
	struct ctl_files f;

	if (access(CTL_FILES_YAML, F_OK) == 0)
		cr_skip_test("alived is installed here");
	cr_assert(ctl_files_read(&f, NULL, services));
	cr_assert(f.services.is_good && !f.app->check_tun.run_check_tun);
	ctl_files_free(&f);
}

Test(ctl_files, faults_of_either_file_are_reported)
{
	struct ctl_files f;
	json_t *reports;

	write_file(services, "nonsense {\n}\n");
	cr_assert(ctl_files_read(&f, yaml, services));
	cr_assert(f.yaml.is_good && !f.services.is_good && !f.draft);
	reports = ctl_files_reports(&f);
	cr_assert_eq(json_array_size(reports), diag_errors(f.services.diag));
	json_decref(reports);
	ctl_files_free(&f);

	write_file(yaml, "nonsense: 1\n");
	cr_assert(ctl_files_read(&f, yaml, services));
	cr_assert(!f.yaml.is_good && !f.app && !f.draft);
	ctl_files_free(&f);
	cr_assert(ctl_files_read(&f, "/nonexistent/a.yaml", NULL));
	cr_assert(!f.yaml.is_good);
	ctl_files_free(&f);
}
