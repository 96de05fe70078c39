#include "ctl/ctl_files.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define DEFAULT_SERVICES "/etc/alived/services.conf"

static bool run_begin(struct ctl_files_run *r)
{
	r->source = source_new();
	r->diag = r->source ? diag_new(r->source) : NULL;
	r->is_good = false;
	return r->diag;
}

static void run_end(struct ctl_files_run *r)
{
	diag_free(r->diag);
	source_free(r->source);
}

void ctl_files_free(struct ctl_files *f)
{
	draft_free(f->draft);
	app_config_free(f->app);
	run_end(&f->services);
	run_end(&f->yaml);
}

static bool load_yaml(struct ctl_files *f, const char *path)
{
	struct ctl_files_run *r = &f->yaml;

	if (!path && access(CTL_FILES_YAML, R_OK) < 0 && errno == ENOENT)
		return app_config_load_text("(defaults)", "", 0, r->source, r->diag, &f->app) == 0;
	return app_config_load(path ? path : CTL_FILES_YAML, r->source, r->diag, &f->app) == 0;
}

bool ctl_files_read(struct ctl_files *f, const char *yaml, const char *services)
{
	*f = (struct ctl_files){0};
	if (!run_begin(&f->yaml) || !run_begin(&f->services)) {
		fputs("alivectl: out of memory\n", stderr);
		return false;
	}
	f->yaml.is_good = load_yaml(f, yaml);
	if (!f->yaml.is_good)
		return true;
	if (!services)
		services = f->app->services_config.path ? f->app->services_config.path
							: DEFAULT_SERVICES;
	f->services.is_good = services_parse(services, f->app, f->services.source, f->services.diag,
					     &f->draft) == 0;
	return true;
}

json_t *ctl_files_reports(const struct ctl_files *f)
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
