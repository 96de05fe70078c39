/* alived.yaml's tree → struct app_config, key by key; what concerns one key alone is checked here,
 * what concerns several in app_check. Internal to app_config. Main thread. */
#pragma once

#include "config/app_schema.h"
#include "config/diag.h"

/* A piece of the file, for diagnostics; SOURCE_NOWHERE: a default. */
struct app_span {
	source_pos pos;
	uint32_t len;
};

/* One run over one file. */
struct app_load {
	struct app_config *config;
	struct diag *diag;
	const struct source_file *file;
	int error; /* first unexpected failure, a negative errno */
	bool has_key[APP_SCHEMA_MAX_KEYS];
	bool has_section[APP_SCHEMA_MAX_SECTIONS];
	struct app_span key[APP_SCHEMA_MAX_KEYS];         /* its value */
	struct app_span section[APP_SCHEMA_MAX_SECTIONS]; /* its name */
	struct app_span group[APP_MAX_GROUPS];
	bool has_none; /* the list being read began with a word that must stand alone */
	/* libyaml counts characters, we count bytes: where both counts met last */
	size_t mark_chars, mark_bytes;
};

/* Reads the document in l->file. Problems go to l->diag and l->error. */
void app_load_document(struct app_load *l);
/* Place of a key's value; its section's name or nowhere if the file does not have it. */
struct app_span app_load_place(const struct app_load *l, const char *path);
bool app_load_has(const struct app_load *l, const char *path);
bool app_load_has_section(const struct app_load *l, const char *path);
