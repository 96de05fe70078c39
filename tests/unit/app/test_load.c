#include "app/load.h"

#include <criterion/criterion.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/app_maker.h"

static char dir[] = "/tmp/alived-load-XXXXXX";
static char path[64];
static struct slot_books books;
static struct load_report report;

static const char good[] = "virtual_server 192.0.2.1 80 {\n  lvs_method NAT\n  lvs_sched wrr\n"
			   "  real_server 10.0.0.1 80 {\n    TCP_CHECK {\n    }\n  }\n}\n";

static void put(const char *text)
{
	FILE *f = fopen(path, "w");

	cr_assert_not_null(f);
	fputs(text, f);
	fclose(f);
}

static void setup(void)
{
	cr_assert_not_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/file", dir);
	cr_assert_eq(slot_books_init(&books), 0);
}

static void teardown(void)
{
	load_report_free(&report);
	slot_books_deinit(&books);
	unlink(path);
	rmdir(dir);
}

TestSuite(load, .init = setup, .fini = teardown);

static void drop(struct loaded *l)
{
	dump_abandon(l->dump);
	gen_diff_free(l->diff);
	gen_free(l->generation);
}

Test(load, good_files_give_a_generation_and_its_diff)
{
	struct app_config *app = NULL;
	struct loaded l;

	put("checks: {lag_guard: 100ms}\n");
	cr_assert_eq(load_app_config(path, &report, &app), 0);
	load_report_free(&report);
	put(good);
	cr_assert_eq(load_services(path, app, NULL, &books, true, &report, &l), 0);
	cr_assert_eq(l.generation->n_checks, 1);
	cr_assert_eq(l.diff->checks.added.n, 1);
	cr_assert_null(l.dump, "no dump_path, no dump");
	drop(&l);
	app_config_free(app);
}

Test(load, faults_are_reported_in_both_forms)
{
	struct app_config *app = NULL;

	put("loging: {}\n");
	cr_assert_eq(load_app_config(path, &report, &app), LOAD_BAD);
	cr_assert_eq(report.n_errors, 1);
	cr_assert_not_null(strstr(report.text, "did you mean 'logging'"));
	cr_assert_not_null(strstr(report.json, "\"line\":1"));
	cr_assert_null(app);
}

Test(load, faulty_services_leave_the_books_as_they_were)
{
	struct app_run app = app_maker_run("");
	struct loaded l;
	uint32_t slot;

	put("virtual_server 192.0.2.1 80 {\n");
	cr_assert_eq(load_services(path, app.config, NULL, &books, true, &report, &l), LOAD_BAD);
	cr_assert_gt(report.n_errors, 0);
	cr_assert_eq(slots_take(books.services, 1, &slot), 0);
	cr_assert_eq(slot, 0);
	app_maker_end(&app);
}

Test(load, dump_that_cannot_be_written_is_an_error_with_nothing_kept)
{
	struct app_run app = app_maker_run("service:\n  services_config:\n    format: keepalived\n"
					   "    dump_path: /nonexistent-dir/dump.json\n");
	struct loaded l;
	uint32_t slot;

	cr_assert_not_null(app.config, "%s", app.report);
	put(good);
	cr_assert_eq(load_services(path, app.config, NULL, &books, true, &report, &l), LOAD_BAD);
	cr_assert_not_null(strstr(report.text, "/nonexistent-dir/dump.json"));
	cr_assert_eq(slots_take(books.checks, 1, &slot), 0);
	cr_assert_eq(slot, 0, "the slots of the build were given back");
	app_maker_end(&app);
}

Test(load, d41_marks_must_suffice)
{
	struct app_run app = app_maker_run(
		"check_tun: {nfqueue: 1, steering: mark, mark_mask: 1, mark_base: 1}\n");
	struct loaded l;

	cr_assert_not_null(app.config, "%s", app.report);
	put(good);
	cr_assert_eq(load_services(path, app.config, NULL, &books, false, &report, &l), LOAD_BAD);
	cr_assert_not_null(strstr(report.text, "mark"));
	app_maker_end(&app);
}
