#include "config/services_include.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/str.h"
#include "model/ids.h"

enum { PATTERN_BYTES = 3 * PATH_MAX };

void services_include_identify(struct services_chain *c, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return;
	c->device = st.st_dev;
	c->inode = st.st_ino;
}

static void globfree_p(glob_t *g)
{
	globfree(g);
}

/* The directory of the including file is a name, not a pattern. */
static void put_directory(struct str *out, const char *path)
{
	const char *slash = strrchr(path, '/');

	for (const char *p = path; slash && p <= slash; p++) {
		if (strchr("*?[]{}\\~", *p))
			str_putc(out, '\\');
		str_putc(out, *p);
	}
}

static bool has_wildcard(const struct services_lex_word *w)
{
	for (uint32_t i = 0; i < w->len; i++)
		if (strchr("*?[{", w->at[i]))
			return true;
	return false;
}

static void report(struct services_run *run, enum diag_severity severity,
		   const struct services_lex_word *w, const char *problem)
{
	diag_report(run->diag, severity, w->pos, w->len, NULL, "include '%.*s': %s",
		    (int)MIN(w->len, 200U), w->at, problem);
}

/* Returns the number of matches, or a negative errno for a directory that cannot be searched. */
static int expand(const struct services_run *run, const struct services_lex_word *w, glob_t *ret)
{
	char *pattern = malloc(PATTERN_BYTES + w->len + 1);
	struct str s = STR_OVER(pattern, PATTERN_BYTES);
	size_t used;
	int r;

	if (!pattern)
		return err_origin(-ENOMEM);
	pattern[0] = 0;
	if (w->at[0] != '/')
		put_directory(&s, run->chain->file->path);
	used = s.len;
	services_lex_unescape(w, pattern + used);
	errno = 0;
	/* main is the only thread that globs */
	r = glob(pattern, GLOB_BRACE | GLOB_ERR, NULL, ret); /* NOLINT(concurrency-mt-unsafe) */
	free(pattern);
	if (r == 0)
		return ret->gl_pathc > INT_MAX ? INT_MAX : (int)ret->gl_pathc;
	if (r == GLOB_NOSPACE)
		return err_origin(-ENOMEM);
	/* a directory that does not exist holds no match; one that cannot be read may hold some */
	return r == GLOB_NOMATCH || errno == ENOENT || errno == 0 ? 0 : -errno;
}

/* Where the chain of includes came from, innermost first. */
static void note_chain(struct services_run *run)
{
	for (const struct services_chain *c = run->chain; c; c = c->up)
		diag_note(run->diag, c->up ? c->pos : SOURCE_NOWHERE, "%s is %s", c->file->path,
			  c->up ? "included" : "where reading began");
}

static bool is_being_read(const struct services_run *run, const struct services_chain *next)
{
	for (const struct services_chain *c = run->chain; c; c = c->up)
		if (c->inode == next->inode && c->device == next->device)
			return true;
	return false;
}

/* True if the file may be read; reports why not. */
static bool may_read(struct services_run *run, const struct services_lex_word *w, const char *path,
		     const struct services_chain *next)
{
	char problem[PATH_MAX + 64];
	struct str s = STR_OVER(problem, sizeof(problem));

	if (next->inode && is_being_read(run, next))
		str_putf(&s, "%s includes itself", path);
	else if (next->depth > RUN_MAX_INCLUDE_DEPTH)
		str_putf(&s, "more than %d files deep", RUN_MAX_INCLUDE_DEPTH);
	else if (run->n_included >= MAX_SERVICES)
		str_putf(&s, "more than %d files", MAX_SERVICES);
	else
		return true;
	report(run, DIAG_ERROR, w, problem);
	note_chain(run);
	return false;
}

static int include_one(struct services_run *run, const struct services_lex_word *w,
		       const char *path, services_include_fn parse)
{
	struct services_chain next = {.up = run->chain, .pos = w->pos};
	char problem[PATH_MAX + 64];
	int r;

	next.depth = run->chain->depth + 1;
	services_include_identify(&next, path);
	if (!may_read(run, w, path, &next))
		return 0;
	run->n_included++;
	r = source_add_file(run->source, path, &next.file);
	if (r == -EISDIR && has_wildcard(w))
		return 0;
	if (r < 0) {
		snprintf(problem, sizeof(problem), "cannot read %s: %s", path, strerrordesc_np(-r));
		report(run, DIAG_ERROR, w, problem);
		return r == -ENOMEM ? err_trace(r) : 0;
	}
	run->chain = &next;
	r = parse(run, next.file);
	run->chain = next.up;
	return err_trace(r);
}

static void report_no_match(struct services_run *run, const struct services_lex_statement *st)
{
	const struct services_lex_word *key = &st->words[0], *w = &st->words[1];
	char strictness = key->len == 8 ? key->at[7] : 'r';
	bool is_error = strictness != 'r' && (strictness != 'm' || !has_wildcard(w));

	if (is_error)
		report(run, DIAG_ERROR, w, "no such file");
	else if (!has_wildcard(w))
		report(run, DIAG_WARNING, w, "no such file");
}

int services_include(struct services_run *run, const struct services_lex_statement *st,
		     services_include_fn parse)
{
	_cleanup_(globfree_p) glob_t found = {0};
	const struct services_lex_word *w = &st->words[1];
	int n, r = 0;

	if (st->n_words != 2 || w->len == 0 || w->len >= PATH_MAX) {
		diag_report(run->diag, DIAG_ERROR, st->words[0].pos, st->words[0].len, NULL,
			    "include takes one file name or pattern");
		return 0;
	}
	if (!run->may_include) {
		report(run, DIAG_ERROR, w, "no file is read for this text");
		return 0;
	}
	n = expand(run, w, &found);
	if (n == -ENOMEM)
		return err_trace(n);
	if (n < 0)
		report(run, DIAG_ERROR, w, strerrordesc_np(-n));
	if (n == 0)
		report_no_match(run, st);
	for (int i = 0; found.gl_pathv && i < n && r == 0; i++)
		r = include_one(run, w, found.gl_pathv[i], parse);
	return err_trace(r);
}
