#include "config/gen_extras.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"
#include "config/body_regex.h"
#include "config/pemfile.h"
#include "config/services_seen.h"

enum { FILES_PER_SETTING = 3 };

struct making {
	struct generation *g;
	struct gen_extras_owned *owned;
	struct check_extras *extras;
	struct services_seen patterns; /* of struct check_url: its text and code */
	struct services_seen files;    /* of struct copied */
	struct services_seen settings; /* of struct tls_setting */
};

struct copied {
	const struct tls_file *from, *to;
};

static void making_deinit(struct making *m)
{
	services_seen_deinit(&m->patterns);
	services_seen_deinit(&m->files);
	services_seen_deinit(&m->settings);
}

static int copy_text(struct making *m, const char **text)
{
	if (!*text)
		return 0;
	*text = arena_strndup(m->g->arena, *text, strlen(*text));
	return *text ? 0 : err_origin(-ENOMEM);
}

/* --- urls ------------------------------------------------------------------------------------ */

static bool same_pattern(const void *a, const void *b)
{
	const struct check_url *x = a, *y = b;

	return strcmp(x->expect_body_text, y->expect_body_text) == 0;
}

static int compile(struct making *m, struct check_url *u)
{
	struct pcre2_real_code_8 *code = NULL;
	struct body_regex_error error;
	int r = body_regex_compile(u->expect_body_text, strlen(u->expect_body_text), &code, &error);

	if (r != 0) /* the parser compiled it once before */
		return r < 0 ? err_trace(r) : err_origin(-EINVAL);
	body_regex_speed_up(code);
	m->owned->codes[m->owned->n_codes++] = code;
	u->expect_body = code;
	return 0;
}

static int make_pattern(struct making *m, struct check_url *u)
{
	size_t len = strlen(u->expect_body_text);
	const void *found;

	if (len == 0)
		return 0;
	TRY(services_seen_add(&m->patterns, hash_bytes(u->expect_body_text, len, 0), u,
			      same_pattern, &found));
	if (!found)
		return err_trace(compile(m, u));
	u->expect_body = ((const struct check_url *)found)->expect_body;
	return 0;
}

static int make_urls(struct making *m, struct check_extras *e)
{
	struct check_url *urls;

	if (e->n_urls == 0)
		return 0;
	urls = arena_alloc(m->g->arena, e->n_urls * sizeof(*urls));
	if (!urls)
		return err_origin(-ENOMEM);
	memcpy(urls, e->urls, e->n_urls * sizeof(*urls));
	e->urls = urls;
	for (uint32_t i = 0; i < e->n_urls; i++) {
		TRY(copy_text(m, &urls[i].path));
		TRY(copy_text(m, &urls[i].virtualhost));
		TRY(copy_text(m, &urls[i].expect_body_text));
		TRY(make_pattern(m, &urls[i]));
	}
	return 0;
}

/* --- TLS ------------------------------------------------------------------------------------- */

static bool same_copied(const void *a, const void *b)
{
	const struct copied *x = a, *y = b;

	return x->from == y->from;
}

/* The copy of a file of the draft, made at first use. */
static int make_file(struct making *m, const struct tls_file **file)
{
	struct tls_file *to = &m->owned->files[m->owned->n_files];
	struct copied *c;
	const void *found;
	char *pem;

	if (!*file)
		return 0;
	c = arena_alloc(m->g->arena, sizeof(*c));
	if (!c)
		return err_origin(-ENOMEM);
	*c = (struct copied){*file, to};
	TRY(services_seen_add(&m->files, hash_u64((uintptr_t)*file, 0), c, same_copied, &found));
	if (found) {
		*file = ((const struct copied *)found)->to;
		return 0;
	}
	pem = arena_alloc(m->g->arena, (*file)->n_bytes);
	if (!pem)
		return err_origin(-ENOMEM);
	memcpy(pem, (*file)->pem, (*file)->n_bytes);
	*to = **file;
	to->pem = pem;
	m->owned->n_files++; /* from here on it is wiped */
	*file = to;
	return err_trace(copy_text(m, &to->path));
}

static bool same_setting(const void *a, const void *b)
{
	const struct tls_setting *x = a, *y = b;

	return x->hash == y->hash;
}

static int make_setting(struct making *m, struct check_extras *e)
{
	struct tls_setting *t;
	const void *found;

	if (!e->tls)
		return 0;
	t = arena_alloc(m->g->arena, sizeof(*t));
	if (!t)
		return err_origin(-ENOMEM);
	*t = *e->tls;
	TRY(services_seen_add(&m->settings, t->hash, t, same_setting, &found));
	e->tls = found ? found : t;
	if (found)
		return 0;
	TRY(make_file(m, &t->ca));
	TRY(make_file(m, &t->cert));
	return err_trace(make_file(m, &t->key));
}

/* --- all of it ------------------------------------------------------------------------------- */

static int make_one(struct making *m, struct check_extras *e)
{
	TRY(copy_text(m, &e->method));
	TRY(copy_text(m, &e->headers));
	TRY(copy_text(m, &e->sni));
	TRY(copy_text(m, &e->verify_name));
	TRY(make_urls(m, e));
	return err_trace(make_setting(m, e));
}

/* Room for as many patterns and files as there could be. */
static int make_room(struct making *m, const struct draft_extras *const *from, uint32_t n)
{
	struct arena *a = m->g->arena;
	uint32_t n_patterns = 0, n_settings = 0;

	for (uint32_t i = 0; i < n; i++) {
		n_patterns += from[i]->extras.n_urls;
		n_settings += from[i]->extras.tls != NULL;
	}
	m->extras = arena_alloc(a, n * sizeof(*m->extras));
	m->owned = arena_alloc(a, sizeof(*m->owned));
	if (!m->extras || !m->owned)
		return err_origin(-ENOMEM);
	m->owned->codes = arena_alloc(a, n_patterns * sizeof(void *));
	m->owned->files =
		arena_alloc(a, (size_t)n_settings * FILES_PER_SETTING * sizeof(*m->owned->files));
	if (!m->owned->codes || !m->owned->files)
		return err_origin(-ENOMEM);
	m->g->owned = m->owned;
	return 0;
}

int gen_extras_make(struct generation *g, const struct draft_extras *const *from, uint32_t n)
{
	_cleanup_(making_deinit) struct making m = {.g = g};

	if (n == 0)
		return 0;
	TRY(make_room(&m, from, n));
	for (uint32_t i = 0; i < n; i++) {
		m.extras[i] = from[i]->extras;
		TRY(make_one(&m, &m.extras[i]));
	}
	g->extras = m.extras;
	g->n_extras = n;
	return 0;
}

void gen_extras_free(struct generation *g)
{
	struct gen_extras_owned *o = g->owned;

	if (!o)
		return;
	for (uint32_t i = 0; i < o->n_codes; i++)
		body_regex_free(o->codes[i]);
	for (uint32_t i = 0; i < o->n_files; i++)
		pemfile_wipe(&o->files[i]);
	g->owned = NULL;
}
