#include "config/services_parse.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "config/services_block.h"
#include "config/services_include.h"
#include "config/services_run.h"
#include "config/services_value.h"

enum { KEYWORD_SHOWN = 64, SUMMARY_BYTES = 400 };

static int parse_file(struct services_run *run, const struct source_file *file);

/* --- keywords that set nothing --------------------------------------------------------------- */

static bool opens_block(struct services_lex *lex, const struct services_lex_statement *st)
{
	return st->end == LEX_OPEN || (st->end == LEX_LINE && services_lex_take_brace(lex));
}

static bool is_keyword(const struct services_lex_word *w)
{
	for (uint32_t i = 0; i < w->len; i++)
		if (!isalnum((unsigned char)w->at[i]) && w->at[i] != '_' && w->at[i] != '-')
			return false;
	return w->len > 0;
}

static void report_unknown(struct services_run *run, const struct services_lex_word *w)
{
	enum services_block b = services_block_top(run)->block;
	int shown = (int)MIN(w->len, (uint32_t)KEYWORD_SHOWN);
	const char *near = NULL, *block = NULL;
	char hint[96] = "";
	struct str s = STR_OVER(hint, sizeof(hint));

	if (diag_errors(run->diag) < DIAG_MAX_SHOWN) {
		block = services_schema_elsewhere(b, w->at, w->len);
		near = block ? NULL : services_schema_nearest(b, w->at, w->len);
	}
	if (near)
		str_putf(&s, "did you mean '%s'?", near);
	else if (block)
		str_putf(&s, "it belongs into block %s", block);
	else if (w->len && (w->at[0] == '$' || w->at[0] == '@' || w->at[0] == '~'))
		str_puts(&s, "keepalived's definitions and conditions are not supported");
	if (!is_keyword(w))
		diag_report(run->diag, DIAG_ERROR, w->pos, MAX(w->len, 1U), hint[0] ? hint : NULL,
			    "'%.*s' is no keyword", shown, w->at);
	else if (b == BLOCK_TOP)
		diag_report(run->diag, DIAG_ERROR, w->pos, w->len, hint[0] ? hint : NULL,
			    "unknown keyword '%.*s'", shown, w->at);
	else
		diag_report(run->diag, DIAG_ERROR, w->pos, w->len, hint[0] ? hint : NULL,
			    "unknown keyword '%.*s' in block %s", shown, w->at,
			    services_schema_block_name(b));
}

static void skip_unknown(struct services_run *run, struct services_lex *lex,
			 const struct services_lex_statement *st)
{
	report_unknown(run, &st->words[0]);
	if (opens_block(lex, st))
		services_block_skip(run, lex, &st->words[0]);
}

static void skip_ignored(struct services_run *run, struct services_lex *lex,
			 const struct services_row *row, const struct services_lex_statement *st)
{
	run->is_ignored[row - services_schema_rows] = true;
	run->first_ignored = MIN(run->first_ignored, st->words[0].pos);
	if (opens_block(lex, st))
		services_block_skip(run, lex, &st->words[0]);
}

static void skip_unsupported(struct services_run *run, struct services_lex *lex,
			     const struct services_row *row,
			     const struct services_lex_statement *st)
{
	const struct services_lex_word *w = &st->words[0];

	diag_report(run->diag, DIAG_ERROR, w->pos, w->len, NULL, "%s is not supported: %s",
		    row->name, row->doc);
	if (opens_block(lex, st))
		services_block_skip(run, lex, w);
}

static void report_ignored(struct services_run *run)
{
	char names[SUMMARY_BYTES] = "";
	struct str s = STR_OVER(names, sizeof(names));

	if (run->first_ignored == SOURCE_NOWHERE)
		return;
	for (unsigned i = 0; i < services_schema_n_rows; i++)
		if (run->is_ignored[i])
			str_putf(&s, "%s%s", s.len ? ", " : "", services_schema_rows[i].name);
	diag_report(run->diag, DIAG_WARNING, run->first_ignored, 1, NULL,
		    "keywords without effect here: %s%s", names, s.is_cut ? ", ..." : "");
}

static void report_static(struct services_run *run)
{
	if (diag_errors(run->diag))
		return; /* what is missing may be what was refused */
	if (run->n_static == 1)
		diag_report(run->diag, DIAG_WARNING, run->first_static, run->first_static_len, NULL,
			    "this real server has no check: it always counts as up");
	else if (run->n_static)
		diag_report(run->diag, DIAG_WARNING, run->first_static, run->first_static_len, NULL,
			    "%u real servers have no check: they always count as up; the first "
			    "is this",
			    run->n_static);
}

/* --- statements ------------------------------------------------------------------------------ */

static int set_value(struct services_run *run, struct services_lex *lex,
		     const struct services_row *row, const struct services_lex_statement *st)
{
	const struct services_lex_word *w = &st->words[st->n_words > 1 ? 1 : 0];
	struct services_setting setting = {
		.len = w->len,
		.pos = w->pos,
		.row = (uint16_t)(row - services_schema_rows),
	};
	int r = services_value_parse(run, row, st, &setting.value);

	if (r < 0)
		return err_trace(r);
	if (r == 0)
		TRY(services_tree_set(&run->tree, services_block_top(run)->node, &setting));
	if (st->end == LEX_OPEN) {
		diag_report(run->diag, DIAG_ERROR, st->end_pos, 1, NULL, "'%s' opens no block",
			    row->name);
		services_block_skip(run, lex, &st->words[0]);
	}
	return 0;
}

static int obey(struct services_run *run, struct services_lex *lex, const struct services_row *row,
		const struct services_lex_statement *st)
{
	switch (row->type) {
	case TYPE_BLOCK:
		return err_trace(services_block_open(run, lex, row, st));
	case TYPE_INCLUDE:
		return err_trace(services_include(run, st, parse_file));
	case TYPE_SILENT:
		if (opens_block(lex, st))
			services_block_skip(run, lex, &st->words[0]);
		return 0;
	case TYPE_IGNORED:
		skip_ignored(run, lex, row, st);
		return 0;
	case TYPE_UNSUPPORTED:
		skip_unsupported(run, lex, row, st);
		return 0;
	default:
		return err_trace(set_value(run, lex, row, st));
	}
}

static int statement(struct services_run *run, struct services_lex *lex, unsigned floor,
		     const struct services_lex_statement *st)
{
	const struct services_lex_word *w = &st->words[0];
	enum services_block b = services_block_top(run)->block;
	const struct services_row *row;

	if (st->is_broken || st->n_words == 0) {
		if (!st->is_broken)
			diag_report(run->diag, DIAG_ERROR, st->end_pos, 1, NULL,
				    "'{' without a keyword that opens a block");
		if (st->end == LEX_OPEN)
			(void)!services_lex_skip_block(lex);
		return 0;
	}
	row = services_schema_find(&run->schema, b, w->at, w->len);
	if (!row)
		TRY(services_block_recover(run, floor, st, &row));
	if (row)
		return err_trace(obey(run, lex, row, st));
	skip_unknown(run, lex, st);
	return 0;
}

static bool has_nul(struct services_run *run, const struct source_file *file)
{
	const char *nul = memchr(file->text, 0, file->len);

	if (nul)
		diag_report(run->diag, DIAG_ERROR, file->base + (source_pos)(nul - file->text), 1,
			    NULL, "a NUL byte: this is no text file");
	return nul;
}

static int parse_file(struct services_run *run, const struct source_file *file)
{
	unsigned floor = run->n_frames;
	struct services_lex_statement st;
	struct services_lex lex;

	if (has_nul(run, file))
		return 0;
	services_lex_init(&lex, file, run->diag);
	do {
		services_lex_next(&lex, &st);
		if (st.n_words || st.is_broken || st.end == LEX_OPEN)
			TRY(statement(run, &lex, floor, &st));
		if (st.end == LEX_CLOSE)
			TRY(services_block_close(run, floor, st.end_pos));
	} while (st.end != LEX_EOF);
	return err_trace(services_block_end(run, floor, st.end_pos));
}

/* --- runs ------------------------------------------------------------------------------------ */

static void run_deinit(struct services_run *run)
{
	services_tree_deinit(&run->tree);
	services_seen_deinit(&run->services);
	services_seen_deinit(&run->vips);
	services_seen_deinit(&run->reals);
	services_seen_deinit(&run->checks);
	services_seen_deinit(&run->extras);
	services_seen_deinit(&run->pairs);
	free(run->scratch);
	draft_free(run->draft);
}

static int run_init(struct services_run *run, const struct app_config *app, struct source *src,
		    struct diag *d)
{
	memset(run, 0, sizeof(*run));
	run->app = app;
	run->source = src;
	run->diag = d;
	run->first_ignored = SOURCE_NOWHERE;
	run->last_extras_report = SOURCE_NOWHERE;
	run->frames[0] = (struct services_frame){.node = TREE_NONE, .block = BLOCK_TOP};
	run->n_frames = 1;
	services_schema_init(&run->schema);
	run->arena = arena_new();
	if (run->arena)
		run->draft = arena_alloc(run->arena, sizeof(*run->draft));
	if (!run->draft) {
		arena_free(run->arena);
		return err_origin(-ENOMEM);
	}
	run->draft->arena = run->arena;
	return 0;
}

static int parse_all(struct services_run *run, const struct source_file *file, bool may_include,
		     struct draft **ret_draft)
{
	struct services_chain chain = {.file = file};
	int r;

	if (may_include)
		services_include_identify(&chain, file->path);
	run->chain = &chain;
	run->may_include = may_include;
	r = parse_file(run, file);
	run->chain = NULL;
	if (r < 0)
		return err_trace(r);
	report_ignored(run);
	report_static(run);
	if (diag_errors(run->diag))
		return SERVICES_BAD;
	*ret_draft = TAKE(run->draft);
	return 0;
}

int services_parse(const char *path, const struct app_config *app, struct source *src,
		   struct diag *d, struct draft **ret_draft)
{
	_cleanup_(run_deinit) struct services_run run;
	const struct source_file *file;
	int r;

	TRY(run_init(&run, app, src, d));
	r = source_add_file(src, path, &file);
	if (r == -ENOMEM)
		return err_trace(r);
	if (r < 0) {
		diag_report(d, DIAG_ERROR, SOURCE_NOWHERE, 0, NULL, "cannot read %s: %s", path,
			    strerrordesc_np(-r));
		return SERVICES_BAD;
	}
	r = parse_all(&run, file, true, ret_draft);
	return err_trace(r);
}

int services_parse_text(const char *path, const char *text, size_t len,
			const struct app_config *app, struct source *src, struct diag *d,
			struct draft **ret_draft)
{
	_cleanup_(run_deinit) struct services_run run;
	const struct source_file *file;
	int r;

	TRY(run_init(&run, app, src, d));
	TRY(source_add_text(src, path, text, len, &file));
	r = parse_all(&run, file, false, ret_draft);
	return err_trace(r);
}
