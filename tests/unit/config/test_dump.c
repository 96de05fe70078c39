#include <criterion/criterion.h>
#include <criterion/logging.h>
#include <dirent.h>
#include <errno.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "base/clk.h"
#include "config/app_config.h"
#include "config/dump.h"
#include "config/gen_build.h"
#include "lib/draft_maker.h"

static char directory[64];
static char path[96];

static void make_directory(void)
{
	snprintf(directory, sizeof(directory), "/tmp/alived-test-XXXXXX");
	cr_assert_not_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/services.json", directory);
}

static unsigned count_files(void)
{
	DIR *d = opendir(directory);
	unsigned n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void remove_directory(void)
{
	unlink(path);
	cr_assert_eq(count_files(), 0, "nothing is left behind");
	rmdir(directory);
}

static char *read_file(void)
{
	FILE *f = fopen(path, "re");
	char *text = calloc(1, 16 << 20);

	cr_assert_not_null(f);
	text[fread(text, 1, (16 << 20) - 1, f)] = 0;
	fclose(f);
	return text;
}

static struct generation *build(const struct draft *d)
{
	struct slot_books books;
	struct generation *g = NULL;
	struct gen_diff *diff = NULL;

	cr_assert_eq(slot_books_init(&books), 0);
	cr_assert_eq(gen_build(d, NULL, &books, 0, 0, &g, &diff), 0);
	gen_diff_free(diff);
	slot_books_deinit(&books);
	return g;
}

static struct app_config plain_app(void)
{
	static char none[] = "";

	return (struct app_config){.experiments.replace_mh_with = none};
}

/* Dumps and returns what the file holds then. */
static char *dumped(const struct draft *d)
{
	struct app_config app = plain_app();
	struct generation *g = build(d);
	struct dump *dump = NULL;

	cr_assert_eq(dump_prepare(path, g, &app, &dump), 0);
	cr_assert_eq(dump_commit(dump), 0);
	gen_free(g);
	return read_file();
}

TestSuite(dump, .init = make_directory, .fini = remove_directory);

/* The form is spec/monalive §10.4, byte for byte. */
Test(dump, every_field_stands_in_the_reference_form)
{
	static const char golden[] = "[\n"
				     "  {\n"
				     "    \"vip\": \"2001:db8::1\",\n"
				     "    \"vport\": \"80\",\n"
				     "    \"proto\": \"tcp\",\n"
				     "    \"scheduler\": \"wrr\",\n"
				     "    \"ops\": false,\n"
				     "    \"lvs_method\": \"TUN\",\n"
				     "    \"reals\": [\n"
				     "      {\n"
				     "        \"ip\": \"2001:db8::2\",\n"
				     "        \"port\": \"80\",\n"
				     "        \"weight\": \"4\"\n"
				     "      },\n"
				     "      {\n"
				     "        \"ip\": \"192.0.2.3\",\n"
				     "        \"weight\": \"0\"\n"
				     "      }\n"
				     "    ],\n"
				     "    \"version\": \"v1.0.1\"\n"
				     "  },\n"
				     "  {\n"
				     "    \"vip\": \"192.0.2.1\",\n"
				     "    \"proto\": \"udp\",\n"
				     "    \"scheduler\": \"\",\n"
				     "    \"ops\": true,\n"
				     "    \"lvs_method\": \"GRE\",\n"
				     "    \"reals\": null,\n"
				     "    \"ipv4_outer_source_network\": \"192.0.2.0/24\",\n"
				     "    \"ipv6_outer_source_network\": \"2001:db8::/32\"\n"
				     "  }\n"
				     "]";
	struct draft *d = draft_maker_new();
	struct draft_service *s = draft_maker_service(d, "2001:db8::1", 80);
	char *text;

	s->scheduler = "wrr";
	s->version = "v1.0.1";
	draft_maker_real(d, s, "2001:db8::2", 80)->weight = 4;
	draft_maker_real(d, s, "192.0.2.3", DRAFT_MAKER_NO_PORT)->weight = 0;
	s = draft_maker_service(d, "192.0.2.1", DRAFT_MAKER_NO_PORT);
	s->proto = L4_UDP;
	s->lvs_method = LVS_GRE;
	s->flags |= SERVICE_OPS;
	s->ipv4_outer_source_network = "192.0.2.0/24";
	s->ipv6_outer_source_network = "2001:db8::/32";
	text = dumped(d);
	cr_assert_str_eq(text, golden);
	free(text);
	draft_maker_free(d);
}

Test(dump, empty_configuration_is_two_bytes)
{
	struct draft *d = draft_maker_new();
	char *text = dumped(d);

	cr_assert_str_eq(text, "[]");
	free(text);
	draft_maker_free(d);
}

Test(dump, text_is_escaped_as_the_reference_does)
{
	struct draft *d = draft_maker_new();
	char *text;

	draft_maker_service(d, "192.0.2.1", 80)->version =
		"a\"\\\b\f\n\r\t\x01<>&/\xc3\xbc\xe2\x80\xa8\xe2\x80\xa9\xff\x7f\xf0\x9f\x98\x80"
		"\xe2\x80";
	text = dumped(d);
	cr_assert_not_null(
		strstr(text, "\"version\": \"a\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u003c\\u003e\\u0026/"
			     "\xc3\xbc\\u2028\\u2029\\ufffd\x7f\xf0\x9f\x98\x80\\ufffd\\ufffd\"\n"),
		"%s", text);
	free(text);
	draft_maker_free(d);
}

Test(dump, file_is_for_its_owner_only_and_replaces_the_old_one)
{
	struct draft *d = draft_maker_new();
	struct app_config app = plain_app();
	struct generation *g = build(d);
	struct dump *dump = NULL;
	struct stat st;
	char *text;
	FILE *f = fopen(path, "we");

	fputs("old", f);
	fclose(f);
	cr_assert_eq(dump_prepare(path, g, &app, &dump), 0);
	text = read_file();
	cr_assert_str_eq(text, "old", "not before it is committed");
	free(text);
	cr_assert_eq(dump_commit(dump), 0);
	text = read_file();
	cr_assert_str_eq(text, "[]");
	free(text);
	cr_assert_eq(stat(path, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0600);
	gen_free(g);
	draft_maker_free(d);
}

Test(dump, abandoned_dump_leaves_nothing)
{
	struct draft *d = draft_maker_new();
	struct app_config app = plain_app();
	struct generation *g = build(d);
	struct dump *dump = NULL;

	cr_assert_eq(dump_prepare(path, g, &app, &dump), 0);
	cr_assert_eq(count_files(), 1);
	dump_abandon(dump);
	cr_assert_eq(count_files(), 0);
	dump_abandon(NULL);
	gen_free(g);
	draft_maker_free(d);
}

Test(dump, failed_rename_leaves_the_place_as_it_was)
{
	struct draft *d = draft_maker_new();
	struct app_config app = plain_app();
	struct generation *g = build(d);
	struct dump *dump = NULL;

	cr_assert_eq(mkdir(path, 0700), 0);
	cr_assert_eq(dump_prepare(path, g, &app, &dump), 0);
	cr_assert_eq(dump_commit(dump), -EISDIR);
	cr_assert_eq(count_files(), 1);
	cr_assert_eq(rmdir(path), 0);
	gen_free(g);
	draft_maker_free(d);
}

Test(dump, missing_directory_is_an_error)
{
	struct draft *d = draft_maker_new();
	struct app_config app = plain_app();
	struct generation *g = build(d);
	struct dump *dump = NULL;

	cr_assert_eq(dump_prepare("/nonexistent/alived/x", g, &app, &dump), -ENOENT);
	cr_assert_null(dump);
	gen_free(g);
	draft_maker_free(d);
}

static struct draft *large_draft(int n_services, int n_reals)
{
	struct draft *d = draft_maker_new();
	char ip[ADDR_TEXT_BYTES];

	for (int s = 0; s < n_services; s++) {
		struct draft_service *service;

		snprintf(ip, sizeof(ip), "2001:db8::%x:1", s);
		service = draft_maker_service(d, ip, 80);
		for (int i = 0; i < n_reals; i++) {
			snprintf(ip, sizeof(ip), "2001:db8:%x:%x::%x", s, i, i + 1);
			draft_maker_real(d, service, ip, 8080)->weight = (uint16_t)i;
		}
	}
	return d;
}

/* A full disk: the file may not grow beyond the limit. */
Test(dump, write_error_is_reported_and_leaves_nothing)
{
	struct draft *d = large_draft(20, 100);
	struct app_config app = plain_app();
	struct generation *g = build(d);
	struct dump *dump = NULL;
	const struct rlimit limit = {100000, 100000};

	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	cr_assert_eq(dump_prepare(path, g, &app, &dump), -EFBIG);
	cr_assert_eq(count_files(), 0);
	gen_free(g);
	draft_maker_free(d);
}

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * CLK_S + (uint64_t)t.tv_nsec;
}

/* Read back by a parser that shares no code with the writer. */
Test(dump, hundred_thousand_reals_are_valid_json, .timeout = 60)
{
	struct draft *d = large_draft(1000, 100);
	struct app_config app = plain_app();
	struct generation *g = build(d);
	struct dump *dump = NULL;
	json_t *root, *real;
	uint64_t begin = cpu_ns();

	cr_assert_eq(dump_prepare(path, g, &app, &dump), 0);
	cr_log_info("100000 reals dumped in %lu us", (unsigned long)((cpu_ns() - begin) / CLK_US));
	cr_assert_eq(dump_commit(dump), 0);
	root = json_load_file(path, 0, NULL);
	cr_assert_not_null(root);
	cr_assert_eq(json_array_size(root), 1000);
	real = json_array_get(json_object_get(json_array_get(root, 999), "reals"), 99);
	cr_assert_str_eq(json_string_value(json_object_get(real, "ip")), "2001:db8:3e7:63::64");
	cr_assert_str_eq(json_string_value(json_object_get(real, "port")), "8080");
	cr_assert_str_eq(json_string_value(json_object_get(real, "weight")), "99");
	json_decref(root);
	gen_free(g);
	draft_maker_free(d);
}

Test(dump, scheduler_is_mapped_to_what_yanet_knows)
{
	struct app_config app = plain_app();
	char ch[] = "ch";

	cr_assert_str_eq(dump_scheduler("mh", false, &app), "wrr");
	cr_assert_str_eq(dump_scheduler("wlc", true, &app), "wrr");
	cr_assert_str_eq(dump_scheduler("wlc", false, &app), "wlc");
	cr_assert_str_eq(dump_scheduler("rr", true, &app), "rr");
	cr_assert_str_eq(dump_scheduler("", false, &app), "");
	app.experiments.replace_mh_with = ch;
	cr_assert_str_eq(dump_scheduler("mh", false, &app), "wrr", "not without the master switch");
	app.experiments.enabled = true;
	cr_assert_str_eq(dump_scheduler("mh", false, &app), "ch");
}
