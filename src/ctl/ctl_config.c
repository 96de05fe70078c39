#include "ctl/ctl_config.h"

#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "config/app_config.h"
#include "config/diag.h"
#include "config/services_parse.h"

#define DEFAULT_SERVICES "/etc/alived/services.conf"

/* One file's parse: its text, what was found, and how it ended. */
struct run {
	struct source *source;
	struct diag *diag;
	bool is_good;
};

static bool run_begin(struct run *r)
{
	r->source = source_new();
	r->diag = r->source ? diag_new(r->source) : NULL;
	r->is_good = false;
	return r->diag;
}

static void run_end(struct run *r)
{
	diag_free(r->diag);
	source_free(r->source);
}

struct files {
	struct run yaml, services;
	struct app_config *app;
	struct draft *draft;
};

static void files_free(struct files *f)
{
	draft_free(f->draft);
	app_config_free(f->app);
	run_end(&f->services);
	run_end(&f->yaml);
}

static bool is_yaml(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot && (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml"));
}

/* path NULL: the installed alived.yaml, or all defaults where there is none. */
static bool load_yaml(struct run *r, const char *path, struct app_config **ret)
{
	if (!path && access(CTL_CONFIG_DEFAULT, R_OK) < 0)
		return app_config_load_text("(defaults)", "", 0, r->source, r->diag, ret) == 0;
	return app_config_load(path ? path : CTL_CONFIG_DEFAULT, r->source, r->diag, ret) == 0;
}

static bool check_files(struct files *f, const char *path, const char *services)
{
	if (!run_begin(&f->yaml) || !run_begin(&f->services)) {
		fputs("alivectl: out of memory\n", stderr);
		return false;
	}
	f->yaml.is_good = load_yaml(&f->yaml, path, &f->app);
	if (!f->yaml.is_good)
		return true;
	if (!services)
		services = f->app->services_config.path ? f->app->services_config.path
							: DEFAULT_SERVICES;
	f->services.is_good = services_parse(services, f->app, f->services.source, f->services.diag,
					     &f->draft) == 0;
	return true;
}

static void print_text(const struct files *f)
{
	fflush(stdout);
	diag_print(f->yaml.diag, STDERR_FILENO);
	diag_print(f->services.diag, STDERR_FILENO);
	if (!f->services.is_good) {
		unsigned n = diag_errors(f->yaml.diag) + diag_errors(f->services.diag);

		printf("not loadable: %u error%s\n", n, n == 1 ? "" : "s");
		return;
	}
	printf("ok: %u services, %u reals, %u checks", f->draft->n_services, f->draft->n_reals,
	       f->draft->n_checks);
	printf("; balancer %s, announcer %s\n",
	       f->app->balancer.backend == BALANCER_YANET ? "yanet" : "none",
	       app_config_announcer_text(f->app->announcer.backend));
}

/* The diagnostics of both files as one array. */
static json_t *all_reports(const struct files *f)
{
	json_t *all = json_array();
	struct diag *const diags[] = {f->yaml.diag, f->services.diag};

	for (size_t i = 0; i < ARRAY_LEN(diags); i++) {
		char *text = diag_json(diags[i]);
		json_t *part = text ? json_loads(text, 0, NULL) : NULL;

		json_array_extend(all, part);
		json_decref(part);
		free(text);
	}
	return all;
}

static void print_json(const struct files *f)
{
	json_t *j = json_pack("{s:b,s:o}", "ok", f->services.is_good, "reports", all_reports(f));

	if (f->services.is_good) {
		json_object_set_new(j, "services", json_integer(f->draft->n_services));
		json_object_set_new(j, "reals", json_integer(f->draft->n_reals));
		json_object_set_new(j, "checks", json_integer(f->draft->n_checks));
	}
	json_dumpf(j, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(j);
}

enum ctl_exit ctl_config_check(const struct ctl_opts *o, int argc, char **argv)
{
	const char *yaml = argc && is_yaml(argv[0]) ? argv[0] : NULL;
	const char *services = argc && !yaml ? argv[0] : o->services;
	struct files f = {0};
	bool is_good = false;

	if (check_files(&f, yaml, services)) {
		if (o->is_json)
			print_json(&f);
		else
			print_text(&f);
		is_good = f.services.is_good;
	}
	files_free(&f);
	return is_good ? CTL_EXIT_OK : CTL_EXIT_REFUSED;
}
