/* Reload of the services file: everything that can fail happens before anything is touched
 * (decisions 6). Main thread. */
#pragma once

#include "app/engine.h"

struct reload_outcome {
	int http_status;
	char *body; /* malloc'd JSON for the API; NULL: "{}" */
};

/* Loads, adopts, commits the dump. Logs one line, diagnostics go to stderr too. */
struct reload_outcome reload_services(struct engine *e, const char *path);
/* Answers the commands that wait. Reloads that queued up meanwhile become one (decisions 6). */
void reload_serve_commands(struct engine *e, const char *path);
