/* Runs of alived.yaml's loader over text, for tests of config and what is above it. */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "config/app_config.h"
#include "config/diag.h"

struct app_run {
	struct source *source;
	struct diag *diag;
	struct app_config *config; /* NULL if there were errors */
	char *report;              /* all diagnostics as text */
	int result;
};

/* The file is called "a.yaml" in diagnostics. Ends with app_maker_end(). */
static inline struct app_run app_maker_run_n(const char *yaml, size_t len)
{
	struct app_run r = {.source = source_new()};

	r.diag = diag_new(r.source);
	r.result = app_config_load_text("a.yaml", yaml, len, r.source, r.diag, &r.config);
	r.report = diag_text(r.diag);
	return r;
}

static inline struct app_run app_maker_run(const char *yaml)
{
	return app_maker_run_n(yaml, strlen(yaml));
}

static inline void app_maker_end(struct app_run *r)
{
	app_config_free(r->config);
	free(r->report);
	diag_free(r->diag);
	source_free(r->source);
}
