/* Reload of the services file: everything that can fail happens before anything is touched
 * (decisions 6). Main thread. */
#pragma once

#include "app/engine.h"

struct reload_outcome {
	int http_status;
	char *body; /* malloc'd JSON for the API; NULL: "{}" */
};

struct reload_paths {
	const char *config;   /* alived.yaml */
	const char *services; /* services.conf */
};

/* Loads, adopts, commits the dump. Logs one line, diagnostics go to stderr too. Of alived.yaml only
 * the log level is taken over; other changes are named in one warning (decisions 46). */
struct reload_outcome reload_services(struct engine *e, const struct reload_paths *paths);
/* Answers the commands that wait. Reloads that queued up meanwhile become one (decisions 6). */
void reload_serve_commands(struct engine *e, const struct reload_paths *paths);
