#include "services_fixture.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/test_include_XXXXXX";

static void write_file(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	cr_assert_not_null(f, "%s", path);
	fputs(text, f);
	fclose(f);
}

static void make_dir(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	cr_assert_eq(mkdir(path, 0700), 0);
}

static void setup(void)
{
	cr_assert_not_null(mkdtemp(dir));
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static void remove_tree(void)
{
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

TestSuite(services_include, .init = setup, .fini = remove_tree);

#define SERVICE(vip) "virtual_server " vip " 80 { real_server 198.51.100.1 80 { TCP_CHECK { } } }\n"

static struct parsed parse_main(const char *text)
{
	char path[256];

	write_file("main.conf", text);
	snprintf(path, sizeof(path), "%s/main.conf", dir);
	return parse_path(path);
}

/* The last octets of the VIPs, in the order of the draft. */
static void vips_are(const struct parsed *p, const char *expected)
{
	char got[256] = "";
	struct str s = STR_OVER(got, sizeof(got));

	cr_assert_not_null(p->draft, "%s", p->text);
	for (const struct draft_service *v = p->draft->services; v; v = v->next)
		str_putf(&s, "%u ", v->vip.b[15]);
	cr_assert_str_eq(got, expected);
}

Test(services_include, matches_are_read_in_order_at_their_place)
{
	struct parsed p;

	make_dir("d");
	write_file("d/b.conf", SERVICE("192.0.2.3"));
	write_file("d/a.conf", SERVICE("192.0.2.2"));
	write_file("d/c.txt", "not read");
	p = parse_main(SERVICE("192.0.2.1") "include d/*.conf\n" SERVICE("192.0.2.4"));
	reports(&p, 0, 0, "");
	vips_are(&p, "1 2 3 4 ");
	parsed_free(&p);
}

Test(services_include, a29_absolute_patterns_work)
{
	char text[256];
	struct parsed p;

	write_file("a.conf", SERVICE("192.0.2.2"));
	snprintf(text, sizeof(text), "include %s/a.conf\n", dir);
	p = parse_main(text);
	reports(&p, 0, 0, "");
	vips_are(&p, "2 ");
	parsed_free(&p);
}

Test(services_include, relative_patterns_start_at_the_including_file)
{
	struct parsed p;

	make_dir("d[1]"); /* no pattern, but a name */
	write_file("d[1]/a.conf", "include b.conf\n");
	write_file("d[1]/b.conf", SERVICE("192.0.2.7"));
	write_file("b.conf", "wrong one\n");
	p = parse_main("include d\\[1\\]/a.conf\n");
	reports(&p, 0, 0, "");
	vips_are(&p, "7 ");
	parsed_free(&p);
}

Test(services_include, any_block_may_include)
{
	struct parsed p;

	write_file("reals.conf", "real_server 198.51.100.1 80 { include check.conf }\n");
	write_file("check.conf", "TCP_CHECK { include times.conf }\n");
	write_file("times.conf", "delay_loop 7");
	p = parse_main("virtual_server 192.0.2.1 80 {\ninclude reals.conf\n}\n");
	reports(&p, 0, 0, "");
	cr_assert_eq(p.draft->services->reals->checks->profile.interval_ns, 7000000000);
	parsed_free(&p);
}

Test(services_include, braces_in_patterns_are_alternatives)
{
	struct parsed p;

	write_file("a.conf", SERVICE("192.0.2.1"));
	write_file("b.conf", SERVICE("192.0.2.2"));
	p = parse_main("include {a,b}.conf\n");
	reports(&p, 0, 0, "");
	vips_are(&p, "1 2 ");
	parsed_free(&p);
}

static void main_gives(const char *text, unsigned errors, unsigned warnings, const char *report)
{
	struct parsed p = parse_main(text);

	reports(&p, errors, warnings, report);
	parsed_free(&p);
}

Test(services_include, no_match_is_fine_unless_it_must_be)
{
	main_gives("include nothing/*.conf\n", 0, 0, "");
	main_gives("include *.nothing\n", 0, 0, "");
	main_gives("include nothing.conf\n", 0, 1,
		   "main.conf:1:9: warning: include 'nothing.conf': no such file");
	main_gives("includer nothing.conf\n", 0, 1, "no such file");
	main_gives("includem nothing.conf\n", 1, 0, "no such file");
	main_gives("includem nothing*.conf\n", 0, 0, "");
	main_gives("includew nothing*.conf\n", 1, 0, "no such file");
	main_gives("includea nothing*.conf\n", 1, 0, "no such file");
}

Test(services_include, one_pattern_is_needed)
{
	main_gives("include\n", 1, 0,
		   "main.conf:1:1: error: include takes one file name or pattern");
	main_gives("include a b\n", 1, 0, "include takes one file name or pattern");
	main_gives("include \"\"\n", 1, 0, "include takes one file name or pattern");
}

Test(services_include, errors_in_included_files_are_placed_there)
{
	write_file("a.conf", "\nvirtual_sever 192.0.2.1 80 { }\n");
	main_gives("include a.conf\n", 1, 0, "/a.conf:2:1: error: unknown keyword 'virtual_sever'");
}

Test(services_include, each_file_is_balanced_for_itself)
{
	write_file("open.conf", "virtual_server 192.0.2.1 80 {\n");
	main_gives("include open.conf\n" SERVICE("192.0.2.2"), 1, 0,
		   "/open.conf:1:1: error: block 'virtual_server' has no closing '}'");
	write_file("close.conf", "}\n");
	main_gives("virtual_server 192.0.2.1 80 {\ninclude close.conf\n"
		   "real_server 198.51.100.1 80 { TCP_CHECK { } }\n}\n",
		   1, 0, "/close.conf:1:1: error: '}' without a block to close");
}

Test(services_include, unreadable_files_are_errors)
{
	make_dir("d");
	make_dir("d/sub.conf");
	write_file("d/a.conf", SERVICE("192.0.2.1"));
	main_gives("include d\n", 1, 0, "d: Is a directory");
	main_gives("include d/*\n", 0, 0, ""); /* a directory under a wildcard is no file */
	if (geteuid() != 0) {
		char path[256];

		snprintf(path, sizeof(path), "%s/d/a.conf", dir);
		cr_assert_eq(chmod(path, 0), 0);
		main_gives("include d/*.conf\n", 1, 0, "Permission denied");
	}
}

Test(services_include, a29_a_file_that_includes_itself_is_an_error)
{
	struct parsed p;

	main_gives("include main.conf\n", 1, 0, "main.conf includes itself");
	write_file("a.conf", "\ninclude b.conf\n");
	write_file("b.conf", "include ./a.conf\n");
	p = parse_main("include a.conf\n");
	reports(&p, 1, 0, "/a.conf includes itself");
	cr_assert_not_null(strstr(p.text, "/b.conf is included at "));
	cr_assert_not_null(strstr(p.text, "/a.conf:2\n"));
	cr_assert_not_null(strstr(p.text, "main.conf is where reading began\n"));
	parsed_free(&p);
}

Test(services_include, a29_depth_is_limited)
{
	char name[16], text[32];
	struct parsed p;

	for (unsigned i = 0; i <= 20; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		snprintf(text, sizeof(text), "include f%u\n", i + 1);
		write_file(name, i == 20 ? SERVICE("192.0.2.1") : text);
	}
	p = parse_main("include f4\n"); /* 17 files below this one */
	reports(&p, 1, 0, "more than 16 files deep");
	cr_assert_not_null(strstr(p.text, "/f4 is included at "));
	parsed_free(&p);
	p = parse_main("include f5\n");
	reports(&p, 0, 0, "");
	vips_are(&p, "1 ");
	parsed_free(&p);
}

Test(services_include, text_in_memory_reads_no_file)
{
	gives_error("include /etc/passwd\n",
		    "include '/etc/passwd': no file is read for this text");
}
