#include "ctl/ctl_config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl_files.h"

static bool is_yaml(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot && (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml"));
}

static void print_text(const struct ctl_files *f)
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

static void print_json(const struct ctl_files *f)
{
	json_t *j =
		json_pack("{s:b,s:o}", "ok", f->services.is_good, "reports", ctl_files_reports(f));

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
	struct ctl_files f;
	bool is_good = false;

	if (ctl_files_read(&f, yaml ? yaml : o->config, services)) {
		if (o->is_json)
			print_json(&f);
		else
			print_text(&f);
		is_good = f.services.is_good;
	}
	ctl_files_free(&f);
	return is_good ? CTL_EXIT_OK : CTL_EXIT_REFUSED;
}
