#include <criterion/criterion.h>
#include <string.h>

#include "base/clk.h"
#include "config/app_load.h"
#include "lib/app_maker.h"

/* The file loads, and says nothing. */
static struct app_run loads(const char *yaml)
{
	struct app_run r = app_maker_run(yaml);

	cr_assert_eq(r.result, 0, "%s", r.report);
	cr_assert_eq(diag_warnings(r.diag), 0, "%s", r.report);
	return r;
}

/* The file is refused with exactly one error, which begins with this line. */
static void fails(const char *yaml, const char *line)
{
	struct app_run r = app_maker_run(yaml);

	cr_assert_eq(r.result, APP_CONFIG_BAD, "taken: %s", yaml);
	cr_assert_null(r.config);
	cr_assert_eq(diag_errors(r.diag), 1, "%s", r.report);
	cr_assert_not_null(strstr(r.report, line), "wanted %s, is %s", line, r.report);
	app_maker_end(&r);
}

Test(app_load, empty_files_of_all_kinds_give_the_defaults)
{
	static const char *const files[] = {"",        "\n", "# nothing\n",  "---\n",
					    "--- ~\n", "{}", "\xef\xbb\xbf", "\xef\xbb\xbf# bom\n"};

	for (unsigned i = 0; i < ARRAY_LEN(files); i++) {
		struct app_run r = loads(files[i]);

		cr_assert_eq(r.config->announcer.update_period_ns, 50 * CLK_MS);
		app_maker_end(&r);
	}
}

Test(app_load, byte_order_mark_does_not_shift_places)
{
	fails("\xef\xbb\xbfon_exit: x\n", "a.yaml:1:13: error: on_exit: 'x'");
}

Test(app_load, places_count_bytes_after_other_scripts_and_crlf)
{
	fails("# \xc3\xbc\xf0\x9f\x98\x80\r\n\r\nlogging: {level: x}\r\n",
	      "a.yaml:3:18: error: logging.level: 'x'");
	fails("logging: {encoding: json, # \xc3\xbc\n level: \"\xc3\xbc\"}",
	      "a.yaml:2:9: error: logging.level: '\xc3\xbc'");
}

Test(app_load, empty_sections_and_values_are_as_good_as_absent)
{
	struct app_run r = loads("logging:\nserver:\n  http_addr:\nchecks: ~\nworkers: null\n");

	cr_assert_str_eq(r.config->server.http_addr, "[::1]:14080");
	app_maker_end(&r);
}

Test(app_load, unknown_key_names_the_nearest)
{
	fails("bird:\n  sockdir: /x\nbalancer: {backend: none}\n",
	      "a.yaml:2:3: error: unknown key 'bird.sockdir'");
	fails("bird:\n  sockdir: /x\nbalancer: {backend: none}\n", "did you mean 'sock_dir'?");
	fails("loging:\n  level: info\n", "did you mean 'logging'?");
	fails("level: info\n", "there is 'logging.level'");
	fails("metrics:\n  zzzzzz: 1\n", "known here: enable_per_service_metrics");
	fails("logging.level: info\n", "unknown key 'logging.level'");
}

Test(app_load, unknown_key_of_a_nested_section_is_found)
{
	fails("service:\n  services_config:\n    pth: /x\n",
	      "unknown key 'service.services_config.pth'");
	fails("service:\n  path: /x\n", "there is 'service.services_config.path'");
}

Test(app_load, key_that_cannot_be_one_is_refused)
{
	fails("[a]: 1\n", "a.yaml:1:1: error: a key must be a word");
	fails("? {a: 1}\n: 1\n", "a key must be a word");
	fails("\"on_exit\\0\": keep\n", "unknown key 'on_exit'");
	fails("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	      "a"
	      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: 1\n",
	      "unknown key 'aaaa");
}

Test(app_load, duplicate_key_names_both_places)
{
	fails("on_exit: keep\non_exit: keep\n", "a.yaml:2:1: error: on_exit is given twice");
	fails("on_exit: keep\non_exit: keep\n", "first given here at a.yaml:1");
	fails("logging: {level: info}\nchecks:\nlogging:\n", "a.yaml:3:1: error: logging is given");
}

Test(app_load, wrong_shapes_are_errors_at_the_value)
{
	fails("logging: info\n", "a.yaml:1:10: error: logging is a section");
	fails("logging: [level]\n", "a.yaml:1:10: error: logging is a section");
	fails("on_exit: [keep]\n", "a.yaml:1:10: error: on_exit must be a single value");
	fails("announcer:\n  announce_group: a\n", "a.yaml:2:19: error: announcer.announce_group "
						   "must be a list");
	fails("announcer: {announce_group: [[a]]}\n", "must be a list of plain words");
	fails("workers: {cpus: {a: 1}}\n", "workers.cpus must be a list");
	fails("- a\n", "sections must stand here");
	fails("text\n", "sections must stand here");
}

Test(app_load, second_document_is_refused)
{
	fails("on_exit: keep\n---\non_exit: keep\n", "a.yaml:2:1: error: only one document");
	fails("---\n---\n", "only one document");
}

Test(app_load, syntax_errors_have_a_place)
{
	fails("logging:\n  level: [a\n", "error: YAML syntax:");
	fails("logging:\n  level: \"a\n", "error: YAML syntax:");
	fails("a: b: c\n", "a.yaml:1:5: error: YAML syntax: mapping values are not allowed");
	fails("on_exit: keep\n\tx: 1\n", "a.yaml:2:1: error: YAML syntax:");
	fails("on_exit: \xff\n", "a.yaml:1:10: error: YAML syntax:");
	fails("on_exit: keep\n--- *a\n", "error: YAML syntax: found undefined alias");
}

Test(app_load, tab_before_a_comment_is_taken)
{
	struct app_run r = loads("logging:\n  level: info\n\t# indented by a tab\n \t \n  "
				 "encoding: json # \ttabs\there\n\t#\n\t");

	app_maker_end(&r);
	fails("logging:\n\t# c\n  level: x\n", "a.yaml:3:10: error: logging.level");
}

Test(app_load, aliases_work_and_loops_end)
{
	struct app_run r = loads("balancer:\n  flush_period: &p 20ms\nannouncer:\n"
				 "  update_period: *p\n");

	cr_assert_eq(r.config->announcer.update_period_ns, 20 * CLK_MS);
	app_maker_end(&r);
	fails("service: &a\n  services_config: *a\n", "unknown key");
	fails("announcer: {announce_group: &a [*a]}\n", "must be a list of plain words");
}

Test(app_load, decision_48_sinks_and_exporter_are_accepted_with_a_warning)
{
	struct app_run r = app_maker_run("logging:\n  sinks: [stderr]\n  otel_exporter:\n"
					 "    grpc_addr: 127.0.0.1:1\n");

	cr_assert_eq(r.result, 0, "%s", r.report);
	cr_assert_eq(diag_warnings(r.diag), 2);
	cr_assert_not_null(strstr(r.report, "warning: logging.sinks has no effect"));
	cr_assert_not_null(strstr(r.report, "warning: logging.otel_exporter has no effect"));
	app_maker_end(&r);
}

Test(app_load, many_errors_are_counted)
{
	char yaml[20000] = "logging:\n";
	struct app_run r;

	for (int i = 0; i < 500; i++)
		snprintf(yaml + strlen(yaml), 40, "  unknown_%d: 1\n", i);
	r = app_maker_run(yaml);
	cr_assert_eq(diag_errors(r.diag), 500);
	app_maker_end(&r);
}

Test(app_load, place_of_an_absent_key_is_its_section_or_nowhere)
{
	struct app_load l = {.has_section[0] = true, .section[0] = {.pos = 5, .len = 7}};
	int i_section = app_schema_find_section("logging");

	cr_assert_eq(i_section, 0);
	cr_assert_eq(app_load_place(&l, "logging.level").pos, 5);
	cr_assert_eq(app_load_place(&l, "server.http_addr").pos, SOURCE_NOWHERE);
	cr_assert_eq(app_load_place(&l, "on_exit").pos, SOURCE_NOWHERE);
	cr_assert(app_load_has_section(&l, "logging"));
	cr_assert(!app_load_has_section(&l, "server"));
	cr_assert(!app_load_has(&l, "logging.level"));
}
