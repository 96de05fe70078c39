/* alived.yaml and the services file it names, read by the daemon's own parsers. One thread. */
#pragma once

#include <jansson.h>

#include "config/app_config.h"
#include "config/diag.h"
#include "config/services_parse.h"

#define CTL_FILES_YAML "/etc/alived/alived.yaml"

/* One file's parse: its text, what was found, and how it ended. */
struct ctl_files_run {
	struct source *source;
	struct diag *diag;
	bool is_good;
};

struct ctl_files {
	struct ctl_files_run yaml, services;
	struct app_config *app; /* NULL unless yaml.is_good */
	struct draft *draft;    /* NULL unless services.is_good */
};

/* yaml NULL: the installed one, or all defaults where there is none; services NULL: what the YAML
 * says. What is wrong with the files stands in both diags. Returns false, after a line on stderr,
 * if out of memory. *f needs ctl_files_free in any case. */
MUST_CHECK bool ctl_files_read(struct ctl_files *f, const char *yaml, const char *services);
void ctl_files_free(struct ctl_files *f);
/* The reports of both files, as diag_json gives them, in one new array. */
json_t *ctl_files_reports(const struct ctl_files *f);
