#include "ctl/ctl_announce_print.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "ctl/ctl_files.h"

/* --- texts ----------------------------------------------------------------------------------- */

static void print_use(const char *filter4, const char *filter6, const char *others, FILE *to)
{
	fprintf(to,
		"#\n"
		"# Use it in the BGP protocol of each router that shall learn these VIPs:\n"
		"#\n"
		"#   protocol bgp router4 {\n"
		"#     local 192.0.2.1 as 65001;\n"
		"#     neighbor 192.0.2.254 as 65000;\n"
		"#     ipv4 { import none; export %s; next hop self; };\n"
		"#   }\n"
		"#   protocol bgp router6 {\n"
		"#     local 2001:db8::1 as 65001;\n"
		"#     neighbor 2001:db8::fe as 65000;\n"
		"#     ipv6 { import none; export %s; next hop self; };\n"
		"#   }\n"
		"%s",
		filter4, filter6, others);
}

static void print_bird2(const struct app_config *app, const char *group, FILE *to)
{
	char filter[APP_GROUP_NAME_BYTES + 32];

	snprintf(filter, sizeof(filter), "filter 'alived_%s'", group);
	fprintf(to,
		"# --- alived, backend bird2, group %s ---\n"
		"# The files of all groups: this line only once in bird.conf, and at the begin of "
		"a "
		"line.\n"
		"# The directory must exist before BIRD starts; it may be empty.\n"
		"include \"%s/*.conf\";\n"
		"\n"
		"# Lets the VIPs of this group out, and nothing else. Communities and the like "
		"belong "
		"before accept.\n"
		"%s {\n"
		"  if proto ~ \"hc_%s_?\" then accept;\n"
		"  reject;\n"
		"}\n",
		group, app->bird2.dir, filter, group);
	print_use(
		filter, filter,
		"#\n"
		"# The routes are blackholes: a kernel protocol, if there is one, must not take "
		"them:\n"
		"#\n"
		"#   protocol kernel { ipv4 { import none; export where proto !~ \"hc_*\"; }; }\n",
		to);
}

static void print_bird_list(const struct app_config *app, FILE *to)
{
	const char *interface = app->announcer.require_local_address;
	char filter[2][128];

	for (int i = 0; i < 2; i++)
		snprintf(filter[i], sizeof(filter[i]), "where net ~ %s",
			 app->bird_list.variable[i]);
	fprintf(to,
		"# --- alived, backend bird_list ---\n"
		"# Both files must exist before BIRD starts: start alived first, or leave those of "
		"the "
		"program before.\n"
		"include \"%s\";\n"
		"include \"%s\";\n"
		"\n"
		"# The VIPs' routes: from the addresses of an interface.\n"
		"protocol direct 'alived_vips' {\n"
		"  ipv4;\n"
		"  ipv6;\n"
		"  interface \"%s\";\n"
		"}\n",
		app->bird_list.conf[0], app->bird_list.conf[1],
		interface && *interface ? interface : "lo");
	print_use(filter[0], filter[1], "", to);
}

void ctl_announce_print_text(const struct app_config *app, uint32_t backend, const char *group,
			     FILE *to)
{
	if (backend == ANNOUNCER_BIRD2)
		print_bird2(app, group, to);
	else
		print_bird_list(app, to);
}

/* --- the command ----------------------------------------------------------------------------- */

static bool has_group(const struct app_config *app, const char *group)
{
	for (uint32_t i = 0; i < app->announcer.n_groups; i++) {
		if (strcmp(app->announcer.groups[i], group) == 0)
			return true;
	}
	fprintf(stderr,
		"alivectl: there is no group '%s' in announcer.announce_group; there are:", group);
	for (uint32_t i = 0; i < app->announcer.n_groups; i++)
		fprintf(stderr, " %s", app->announcer.groups[i]);
	fputc('\n', stderr);
	return false;
}

static char *text_of(const struct app_config *app, uint32_t backend, const char *group)
{
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);

	ASSERT(to);
	ctl_announce_print_text(app, backend, group, to);
	fclose(to);
	ASSERT(text);
	return text;
}

/* Returns the number of backends for which there is something to print. */
static int print_all(const struct ctl_opts *o, const struct app_config *app, const char *group)
{
	static const uint32_t backends[] = {ANNOUNCER_BIRD2, ANNOUNCER_BIRD_LIST};
	json_t *all = json_array();
	int n = 0;

	for (size_t i = 0; i < ARRAY_LEN(backends); i++) {
		char *text;

		if (!(app->announcer.backend & backends[i]))
			continue;
		text = text_of(app, backends[i], group);
		if (o->is_json)
			json_array_append_new(all, json_pack("{s:s,s:s,s:s}", "backend",
							     app_config_announcer_text(backends[i]),
							     "group", group, "text", text));
		else
			printf("%s%s", n ? "\n" : "", text);
		free(text);
		n++;
	}
	if (o->is_json && n) {
		json_dumpf(all, stdout, JSON_COMPACT);
		putchar('\n');
	}
	json_decref(all);
	return n;
}

static enum ctl_exit print_for(const struct ctl_opts *o, const struct ctl_files *f,
			       const char *group)
{
	if (!f->yaml.is_good) {
		diag_print(f->yaml.diag, STDERR_FILENO);
		return CTL_EXIT_REFUSED;
	}
	if (!has_group(f->app, group))
		return CTL_EXIT_REFUSED;
	if (print_all(o, f->app, group) > 0)
		return CTL_EXIT_OK;
	fprintf(stderr,
		"alivectl: announcer.backend is %s: only bird2 and bird_list work with a stock "
		"BIRD\n",
		app_config_announcer_text(f->app->announcer.backend));
	return CTL_EXIT_REFUSED;
}

enum ctl_exit ctl_announce_print(const struct ctl_opts *o, int argc, char **argv)
{
	enum ctl_exit e = CTL_EXIT_REFUSED;
	struct ctl_files f;

	(void)argc;
	if (ctl_files_read(&f, o->config, o->services))
		e = print_for(o, &f, argv[0]);
	ctl_files_free(&f);
	return e;
}
