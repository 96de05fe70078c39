#include "config/app_load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "base/err.h"
#include "base/str.h"
#include "config/app_set.h"

/* --- places ------------------------------------------------------------------------------- */

static size_t byte_of(struct app_load *l, size_t chars)
{
	const char *text = l->file->text;

	if (chars < l->mark_chars)
		l->mark_chars = l->mark_bytes = 0;
	while (l->mark_chars < chars && l->mark_bytes < l->file->len) {
		do
			l->mark_bytes++;
		while (l->mark_bytes < l->file->len &&
		       ((unsigned char)text[l->mark_bytes] & 0xc0) == 0x80);
		l->mark_chars++;
	}
	return l->mark_bytes;
}

static struct app_span span_of(struct app_load *l, const yaml_node_t *node)
{
	size_t start = byte_of(l, node->start_mark.index), end = byte_of(l, node->end_mark.index);

	return (struct app_span){l->file->base + (source_pos)start, (uint32_t)(end - start)};
}

struct app_span app_load_place(const struct app_load *l, const char *path)
{
	static const struct app_span nowhere = {.pos = SOURCE_NOWHERE};
	char section[APP_SCHEMA_PATH_BYTES] = "";
	struct str s = STR_OVER(section, sizeof(section));
	const char *dot = strrchr(path, '.');
	int i = app_schema_find(path);

	if (i >= 0 && l->has_key[i])
		return l->key[i];
	if (dot)
		str_putn(&s, path, (size_t)(dot - path));
	i = app_schema_find_section(section);
	return i >= 0 && l->has_section[i] ? l->section[i] : nowhere;
}

bool app_load_has(const struct app_load *l, const char *path)
{
	int i = app_schema_find(path);

	return i >= 0 && l->has_key[i];
}

bool app_load_has_section(const struct app_load *l, const char *path)
{
	int i = app_schema_find_section(path);

	return i >= 0 && l->has_section[i];
}

/* --- the tree ----------------------------------------------------------------------------- */

static struct app_scalar scalar_of(struct app_load *l, const yaml_node_t *node)
{
	return (struct app_scalar){
		.text = (const char *)node->data.scalar.value,
		.len = node->data.scalar.length,
		.is_plain = node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE,
		.at = span_of(l, node),
	};
}

/* A key whose value was left out is as good as absent. */
static bool is_null(const yaml_node_t *node)
{
	static const char *const words[] = {"", "~", "null", "Null", "NULL"};

	if (node->type != YAML_SCALAR_NODE || node->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
		return false;
	for (unsigned i = 0; i < ARRAY_LEN(words); i++)
		if (str_is((const char *)node->data.scalar.value, node->data.scalar.length,
			   words[i]))
			return true;
	return false;
}

static void load_list(struct app_load *l, const struct app_key *k, yaml_document_t *doc,
		      const yaml_node_t *node)
{
	struct app_span at = span_of(l, node);
	struct app_scalar v;

	if (node->type == YAML_SCALAR_NODE && k->type != APP_GROUPS) {
		v = scalar_of(l, node);
		app_set_value(l, k, &v);
		return;
	}
	if (node->type != YAML_SEQUENCE_NODE) {
		diag_report(l->diag, DIAG_ERROR, at.pos, at.len, NULL, "%s must be a list",
			    k->path);
		return;
	}
	for (const yaml_node_item_t *i = node->data.sequence.items.start;
	     i < node->data.sequence.items.top && diag_errors(l->diag) < DIAG_MAX_SHOWN; i++) {
		const yaml_node_t *item = yaml_document_get_node(doc, *i);

		at = span_of(l, item);
		v = item->type == YAML_SCALAR_NODE ? scalar_of(l, item)
						   : (struct app_scalar){.at = at};
		if (v.text)
			app_set_value(l, k, &v);
		else
			diag_report(l->diag, DIAG_ERROR, at.pos, at.len, NULL,
				    "%s must be a list of plain words", k->path);
	}
}

static void mark_set(struct app_load *l, const struct app_key *k)
{
	bool yes = true;

	if (k->is_set_offset)
		memcpy((char *)l->config + k->is_set_offset, &yes, sizeof(yes));
}

static void load_key(struct app_load *l, int i_key, yaml_document_t *doc, const yaml_node_t *node)
{
	const struct app_key *k = &app_schema_keys(&(uint32_t){0})[i_key];
	struct app_span at = span_of(l, node);
	struct app_scalar v;

	if (k->type == APP_IGNORED) {
		diag_report(l->diag, DIAG_WARNING, at.pos, at.len, NULL, "%s has no effect here",
			    k->path);
		return;
	}
	if (is_null(node))
		return;
	l->has_key[i_key] = true;
	l->key[i_key] = at;
	mark_set(l, k);
	if (k->type == APP_GROUPS) {
		memset(l->config->announcer.groups, 0, sizeof(l->config->announcer.groups));
		l->config->announcer.n_groups = 0;
	}
	if (k->type == APP_GROUPS || k->type == APP_CPUS || k->type == APP_WORDS) {
		load_list(l, k, doc, node);
	} else if (node->type == YAML_SCALAR_NODE) {
		v = scalar_of(l, node);
		app_set_value(l, k, &v);
	} else {
		diag_report(l->diag, DIAG_ERROR, at.pos, at.len, NULL, "%s must be a single value",
			    k->path);
	}
}

/* What the walk knows of the mapping it is in. */
struct walk {
	yaml_document_t *doc;
	char prefix[APP_SCHEMA_PATH_BYTES]; /* "" or "server." */
	bool saw_key[APP_SCHEMA_MAX_KEYS];  /* in the whole file */
	bool saw_section[APP_SCHEMA_MAX_SECTIONS];
	struct app_span first_key[APP_SCHEMA_MAX_KEYS];
	struct app_span first_section[APP_SCHEMA_MAX_SECTIONS];
};

static void load_mapping(struct app_load *l, struct walk *w, const yaml_node_t *node);

static void load_section(struct app_load *l, struct walk *w, const char *path,
			 const yaml_node_t *value)
{
	struct app_span at = span_of(l, value);
	struct str s = STR_OVER(w->prefix, sizeof(w->prefix));

	if (is_null(value))
		return;
	if (value->type != YAML_MAPPING_NODE) {
		diag_report(l->diag, DIAG_ERROR, at.pos, at.len, NULL,
			    "%s is a section: keys belong under it", path);
		return;
	}
	s.len = 0;
	str_putf(&s, "%s.", path);
	load_mapping(l, w, value);
}

static void report_unknown(struct app_load *l, const struct walk *w, const struct app_scalar *key,
			   const char *name)
{
	char hint[512] = "";

	if (diag_errors(l->diag) < DIAG_MAX_SHOWN)
		app_schema_hint(w->prefix, name, hint, sizeof(hint));
	diag_report(l->diag, DIAG_ERROR, key->at.pos, key->at.len, hint, "unknown key '%s%s'",
		    w->prefix, name);
}

/* Returns false, with an error that names both places, if the key was there before. */
static bool is_first(struct app_load *l, bool *saw, struct app_span *first, struct app_span at,
		     const char *path)
{
	if (*saw) {
		diag_report(l->diag, DIAG_ERROR, at.pos, at.len, NULL, "%s is given twice", path);
		diag_note(l->diag, first->pos, "first given here");
		return false;
	}
	*saw = true;
	*first = at;
	return true;
}

static void load_pair(struct app_load *l, struct walk *w, const yaml_node_t *key_node,
		      const yaml_node_t *value)
{
	char path[APP_SCHEMA_PATH_BYTES] = "", name[APP_SCHEMA_PATH_BYTES] = "";
	struct str path_text = STR_OVER(path, sizeof(path)),
		   name_text = STR_OVER(name, sizeof(name));
	struct app_span at = span_of(l, key_node);
	struct app_scalar key;
	int i;

	if (key_node->type != YAML_SCALAR_NODE) {
		diag_report(l->diag, DIAG_ERROR, at.pos, at.len, NULL, "a key must be a word");
		return;
	}
	key = scalar_of(l, key_node);
	str_putn(&name_text, key.text, strnlen(key.text, key.len));
	str_putf(&path_text, "%s%s", w->prefix, name);
	if (name_text.len != key.len || strchr(name, '.')) {
		report_unknown(l, w, &key, name);
	} else if ((i = app_schema_find(path)) >= 0) {
		if (is_first(l, &w->saw_key[i], &w->first_key[i], at, path))
			load_key(l, i, w->doc, value);
	} else if ((i = app_schema_find_section(path)) >= 0) {
		if (!is_first(l, &w->saw_section[i], &w->first_section[i], at, path))
			return;
		l->has_section[i] = true;
		l->section[i] = at;
		load_section(l, w, path, value);
	} else {
		report_unknown(l, w, &key, name);
	}
}

static void load_mapping(struct app_load *l, struct walk *w, const yaml_node_t *node)
{
	char prefix[APP_SCHEMA_PATH_BYTES];

	memcpy(prefix, w->prefix, sizeof(prefix));
	for (const yaml_node_pair_t *p = node->data.mapping.pairs.start;
	     p < node->data.mapping.pairs.top && l->error == 0; p++) {
		memcpy(w->prefix, prefix, sizeof(prefix));
		load_pair(l, w, yaml_document_get_node(w->doc, p->key),
			  yaml_document_get_node(w->doc, p->value));
	}
}

/* --- the file ----------------------------------------------------------------------------- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* libyaml takes no tab before a comment, the reference's parser does, and its own example has
 * one. Lengths stay, so places stay. */
static void blank_comment_tabs(char *text, size_t len)
{
	size_t at = 0, end;

	while (at < len) {
		for (end = at; end < len && is_blank(text[end]);)
			end++;
		if (end == len || strchr("#\r\n", text[end]))
			memset(text + at, ' ', end - at);
		for (at = end; at < len && text[at] != '\n';)
			at++;
		at++;
	}
}

static void report_syntax(struct app_load *l, const yaml_parser_t *p)
{
	size_t at;

	if (p->error == YAML_MEMORY_ERROR) {
		l->error = err_origin(-ENOMEM);
		return;
	}
	at = p->error == YAML_READER_ERROR ? MIN(p->problem_offset, l->file->len)
					   : byte_of(l, p->problem_mark.index);
	diag_report(l->diag, DIAG_ERROR, l->file->base + (source_pos)at, 1, NULL, "YAML syntax: %s",
		    p->problem ? p->problem : "unreadable");
	if (p->context)
		diag_note(l->diag, l->file->base + (source_pos)byte_of(l, p->context_mark.index),
			  "%s", p->context);
}

static void load_root(struct app_load *l, yaml_document_t *doc)
{
	struct walk *w = calloc(1, sizeof(*w));
	const yaml_node_t *root = yaml_document_get_root_node(doc);

	if (!w) {
		l->error = err_origin(-ENOMEM);
		return;
	}
	w->doc = doc;
	if (root && root->type == YAML_MAPPING_NODE)
		load_mapping(l, w, root);
	else if (root && !is_null(root))
		diag_report(l->diag, DIAG_ERROR, span_of(l, root).pos, 1, NULL,
			    "sections must stand here, as in 'logging:'");
	free(w);
}

/* One document; a second one would be silently without effect. */
static void load_documents(struct app_load *l, yaml_parser_t *p)
{
	yaml_document_t doc;
	bool is_second;

	if (!yaml_parser_load(p, &doc)) {
		report_syntax(l, p);
		return;
	}
	load_root(l, &doc);
	yaml_document_delete(&doc);
	if (!yaml_parser_load(p, &doc)) {
		report_syntax(l, p);
		return;
	}
	is_second = yaml_document_get_root_node(&doc) != NULL;
	if (is_second)
		diag_report(l->diag, DIAG_ERROR,
			    l->file->base + (source_pos)byte_of(l, doc.start_mark.index), 3, NULL,
			    "only one document may stand in this file");
	yaml_document_delete(&doc);
}

void app_load_document(struct app_load *l)
{
	char *text = malloc(l->file->len + 1);
	yaml_parser_t parser;

	if (!text || !yaml_parser_initialize(&parser)) {
		l->error = err_origin(-ENOMEM);
		free(text);
		return;
	}
	memcpy(text, l->file->text, l->file->len + 1);
	blank_comment_tabs(text, l->file->len);
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, l->file->len);
	load_documents(l, &parser);
	yaml_parser_delete(&parser);
	free(text);
}
