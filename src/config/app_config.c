#include "config/app_config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "config/app_check.h"
#include "config/app_load.h"
#include "config/app_set.h"

enum { FILE_BYTES = 1 << 20 };

static bool is_text(const struct app_key *k)
{
	return k->type == APP_TEXT || k->type == APP_LISTEN;
}

static char **text_of(const struct app_config *c, const struct app_key *k)
{
	return (char **)((uintptr_t)c + k->offset);
}

void app_config_free(struct app_config *c)
{
	uint32_t n;
	const struct app_key *keys = app_schema_keys(&n);

	if (!c)
		return;
	for (uint32_t i = 0; i < n; i++)
		if (is_text(&keys[i]))
			free(*text_of(c, &keys[i]));
	free(c);
}

const char *app_config_announcer_text(uint32_t backends)
{
	static const char *const texts[ANNOUNCER_ALL + 1] = {
		[ANNOUNCER_NONE] = "none",
		[ANNOUNCER_BIRD] = "bird",
		[ANNOUNCER_BIRD2] = "bird2",
		[ANNOUNCER_BIRD | ANNOUNCER_BIRD2] = "bird,bird2",
		[ANNOUNCER_BIRD_LIST] = "bird_list",
		[ANNOUNCER_BIRD | ANNOUNCER_BIRD_LIST] = "bird,bird_list",
		[ANNOUNCER_BIRD2 | ANNOUNCER_BIRD_LIST] = "bird2,bird_list",
		[ANNOUNCER_ALL] = "bird,bird2,bird_list",
	};

	return texts[backends & ANNOUNCER_ALL];
}

static int load_file(const struct source_file *file, struct diag *d, struct app_load *l)
{
	if (file->len > FILE_BYTES) {
		diag_report(d, DIAG_ERROR, file->base, 1, NULL,
			    "%zu bytes are too many for this file: %d are possible", file->len,
			    FILE_BYTES);
		return APP_CONFIG_BAD;
	}
	l->config = calloc(1, sizeof(*l->config));
	if (!l->config)
		return err_origin(-ENOMEM);
	l->diag = d;
	l->file = file;
	app_set_defaults(l);
	if (l->error == 0)
		app_load_document(l);
	if (l->error == 0)
		app_check(l);
	if (l->error < 0)
		return err_trace(l->error);
	return diag_errors(d) ? APP_CONFIG_BAD : 0;
}

static int load(const struct source_file *file, struct diag *d, struct app_config **ret_config)
{
	struct app_load *l = calloc(1, sizeof(*l));
	int r;

	if (!l)
		return err_origin(-ENOMEM);
	r = load_file(file, d, l);
	if (r == 0)
		*ret_config = l->config;
	else
		app_config_free(l->config);
	free(l);
	return r;
}

int app_config_load(const char *path, struct source *src, struct diag *d,
		    struct app_config **ret_config)
{
	const struct source_file *file;
	int r = source_add_file(src, path, &file);

	if (r < 0) {
		diag_report(d, DIAG_ERROR, SOURCE_NOWHERE, 0, NULL, "%s: %s", path,
			    strerrordesc_np(-r));
		return err_trace(r);
	}
	return load(file, d, ret_config);
}

int app_config_load_text(const char *path, const char *text, size_t len, struct source *src,
			 struct diag *d, struct app_config **ret_config)
{
	const struct source_file *file;

	TRY(source_add_text(src, path, text, len, &file));
	return load(file, d, ret_config);
}

static bool key_differs(const struct app_config *a, const struct app_config *b,
			const struct app_key *k)
{
	const char *at_a = (const char *)a + k->offset, *at_b = (const char *)b + k->offset;
	bool differs = memcmp(at_a, at_b, k->size) != 0;
	bool was_set = false, is_set = false;

	if (is_text(k)) {
		const char *text_a = *text_of(a, k), *text_b = *text_of(b, k);

		return strcmp(text_a ? text_a : "", text_b ? text_b : "") != 0;
	}
	if (k->is_set_offset) {
		memcpy(&was_set, (const char *)a + k->is_set_offset, sizeof(was_set));
		memcpy(&is_set, (const char *)b + k->is_set_offset, sizeof(is_set));
	}
	return differs || was_set != is_set;
}

/* Every key takes effect at start only: threads, sockets and checks are made from them. */
char *app_config_restart_keys(const struct app_config *before, const struct app_config *after)
{
	uint32_t n;
	const struct app_key *keys = app_schema_keys(&n);
	size_t bytes = n * (APP_SCHEMA_PATH_BYTES + 2) + 1;
	char *text = calloc(1, bytes);
	struct str s = STR_OVER(text, bytes);

	for (uint32_t i = 0; text && i < n; i++)
		if (key_differs(before, after, &keys[i]))
			str_putf(&s, "%s%s", s.len ? ", " : "", keys[i].path);
	return text;
}
