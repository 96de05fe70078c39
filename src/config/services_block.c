#include "config/services_block.h"

#include <string.h>

#include "base/err.h"
#include "config/services_inherit.h"
#include "config/services_value.h"

const struct services_frame *services_block_top(const struct services_run *run)
{
	return &run->frames[run->n_frames - 1];
}

/* From the keyword to the last word. */
static uint32_t head_len(const struct services_lex_statement *st)
{
	const struct services_lex_word *end = st->words + MIN(st->n_words, (uint32_t)LEX_WORDS);

	return (uint32_t)(end[-1].at + end[-1].len + end[-1].is_quoted - st->words[0].at);
}

static void parse_address_head(struct services_run *run, const struct services_lex_statement *st,
			       struct services_node *n)
{
	const struct services_lex_word *key = &st->words[0];
	int r = 0;

	n->is_broken = true;
	if (st->n_words < 2) {
		diag_report(run->diag, DIAG_ERROR, key->pos, key->len, NULL,
			    "'%.*s' needs an address", (int)key->len, key->at);
		return;
	}
	if (services_value_addr(run, &st->words[1], &n->addr) != 0)
		return;
	if (st->n_words > 2)
		r = services_value_port(run, &st->words[2], &n->port, &n->has_port);
	if (r == 0 && st->n_words > 3) {
		diag_report(run->diag, DIAG_ERROR, st->words[3].pos, st->words[3].len, NULL,
			    "one value too many: '%.*s' takes an address and a port", (int)key->len,
			    key->at);
		return;
	}
	n->is_broken = r != 0;
}

/* keepalived's other forms of a virtual server have no address that could be checked or announced.
 */
static bool is_other_form(struct services_run *run, const struct services_lex_statement *st)
{
	const struct services_lex_word *w = &st->words[1];

	if (st->n_words != 3 || w->is_quoted ||
	    !((w->len == 6 && memcmp(w->at, "fwmark", 6) == 0) ||
	      (w->len == 5 && memcmp(w->at, "group", 5) == 0)))
		return false;
	diag_report(run->diag, DIAG_ERROR, w->pos, w->len, "write the address and port",
		    "'virtual_server %.*s' is not supported", (int)w->len, w->at);
	return true;
}

static void parse_head(struct services_run *run, const struct services_row *row,
		       const struct services_lex_statement *st, struct services_node *n)
{
	const struct services_lex_word *w = &st->words[1];

	if (row->opens == BLOCK_SERVICE && is_other_form(run, st))
		n->is_broken = true;
	else if (row->opens == BLOCK_SERVICE || row->opens == BLOCK_REAL)
		parse_address_head(run, st, n);
	else if (st->n_words > 1)
		diag_report(run->diag, DIAG_ERROR, w->pos, w->len, NULL, "'%s' takes no value",
			    row->name);
	if (n->is_broken || (row->opens != BLOCK_SERVICE && row->opens != BLOCK_REAL))
		return;
	if (addr_is_unset(&n->addr) || (addr_is_v4(&n->addr) && addr_v4_u32(&n->addr) == 0)) {
		diag_report(run->diag, DIAG_ERROR, w->pos, w->len, NULL,
			    "the unspecified address cannot be a %s", row->name);
		n->is_broken = true;
	}
}

static bool asks_urls(uint8_t block)
{
	return block == BLOCK_HTTP || block == BLOCK_SSL;
}

/* The node that a url's values go to: the check's own, or one of its own for each further url. In a
 * check that asks for none, all of them say the same thing: what the reference's merging gives. */
static int add_url(struct services_run *run, uint32_t check,
		   const struct services_lex_statement *st, uint32_t *ret_node)
{
	const struct services_lex_word *w = &st->words[0];
	struct services_node *n = &run->tree.nodes[check];
	bool is_further = n->n_urls > 0;

	if (n->n_urls < UINT8_MAX)
		n->n_urls++;
	*ret_node = check;
	if (!is_further)
		return 0;
	if (!asks_urls(n->block)) {
		diag_report(run->diag, DIAG_WARNING, w->pos, w->len, NULL,
			    "another url of this check: the values of all are merged");
		return 0;
	}
	if (n->n_urls == EXTRAS_MAX_URLS + 1)
		diag_report(run->diag, DIAG_ERROR, w->pos, w->len, "write a further check",
			    "a check has at most %d urls", EXTRAS_MAX_URLS);
	TRY(services_tree_add(&run->tree, check, BLOCK_URL, ret_node));
	n = &run->tree.nodes[*ret_node];
	n->pos = w->pos;
	n->len = w->len;
	return 0;
}

/* Without a brace: does the next statement look like the inside of the block? */
static bool looks_open(const struct services_run *run, const struct services_lex *lex,
		       enum services_block inner)
{
	struct services_lex ahead = *lex;
	struct services_lex_statement st;
	const struct services_lex_word *w = &st.words[0];

	ahead.diag = NULL;
	services_lex_next(&ahead, &st);
	return st.n_words && services_schema_find(&run->schema, inner, w->at, w->len);
}

/* Takes the opening brace. Returns true if the block is open, even if only by its looks. */
static bool take_brace(struct services_run *run, struct services_lex *lex,
		       const struct services_row *row, const struct services_lex_statement *st)
{
	if (st->end == LEX_OPEN || (st->end == LEX_LINE && services_lex_take_brace(lex)))
		return true;
	diag_report(run->diag, DIAG_ERROR, st->words[0].pos, head_len(st), NULL,
		    "'%s' opens a block: '{' is missing", row->name);
	return st->end == LEX_LINE && looks_open(run, lex, row->opens);
}

static int add_node(struct services_run *run, const struct services_row *row,
		    const struct services_lex_statement *st, uint32_t *ret_node)
{
	uint32_t parent = services_block_top(run)->node, node = TREE_NONE;
	struct services_node *n;

	if (row->opens == BLOCK_URL)
		return err_trace(add_url(run, parent, st, ret_node));
	TRY(services_tree_add(&run->tree, parent, row->opens, &node));
	n = &run->tree.nodes[node];
	n->pos = st->words[0].pos;
	n->len = head_len(st);
	parse_head(run, row, st, n);
	*ret_node = node;
	return 0;
}

static int close_top(struct services_run *run)
{
	enum services_block b = services_block_top(run)->block;

	run->n_frames--;
	if (b != BLOCK_SERVICE)
		return 0;
	TRY(services_inherit_service(run));
	services_tree_reset(&run->tree);
	return 0;
}

int services_block_open(struct services_run *run, struct services_lex *lex,
			const struct services_row *row, const struct services_lex_statement *st)
{
	struct services_frame *f = &run->frames[run->n_frames];
	uint32_t node = TREE_NONE;
	bool is_open;

	ASSERT(run->n_frames < ARRAY_LEN(run->frames)); /* the table nests no deeper */
	TRY(add_node(run, row, st, &node));
	is_open = take_brace(run, lex, row, st);
	*f = (struct services_frame){row, node, st->words[0].pos, head_len(st), row->opens};
	run->n_frames++;
	return is_open ? 0 : err_trace(close_top(run));
}

int services_block_close(struct services_run *run, unsigned floor, source_pos pos)
{
	if (run->n_frames > floor)
		return err_trace(close_top(run));
	diag_report(run->diag, DIAG_ERROR, pos, 1,
		    floor > 1 ? "a block ends in the file it began in" : NULL,
		    "'}' without a block to close");
	return 0;
}

int services_block_recover(struct services_run *run, unsigned floor,
			   const struct services_lex_statement *st,
			   const struct services_row **ret_row)
{
	const struct services_lex_word *w = &st->words[0];
	const struct services_frame *top = services_block_top(run);
	const struct services_row *row = NULL;
	unsigned i = run->n_frames - 1;

	while (i >= floor && !row)
		row = services_schema_find(&run->schema, run->frames[--i].block, w->at, w->len);
	if (row && row->type != TYPE_BLOCK && row->type != TYPE_UNSUPPORTED)
		row = NULL;
	*ret_row = row;
	if (!row)
		return 0;
	diag_report(run->diag, DIAG_ERROR, w->pos, w->len, NULL, "a '}' is missing before '%s'",
		    row->name);
	diag_note(run->diag, top->pos, "block '%s' opened", top->row->name);
	while (run->n_frames > i + 1)
		TRY(close_top(run));
	return 0;
}

int services_block_end(struct services_run *run, unsigned floor, source_pos pos)
{
	const struct services_frame *top = services_block_top(run);

	if (run->n_frames == floor)
		return 0;
	diag_report(run->diag, DIAG_ERROR, top->pos, top->len, NULL,
		    "block '%s' has no closing '}'", top->row->name);
	for (unsigned i = run->n_frames - 1; i-- > floor;)
		diag_note(run->diag, run->frames[i].pos, "within block '%s'",
			  run->frames[i].row->name);
	diag_note(run->diag, pos, "the file ends");
	while (run->n_frames > floor)
		TRY(close_top(run));
	return 0;
}

void services_block_skip(struct services_run *run, struct services_lex *lex,
			 const struct services_lex_word *head)
{
	source_pos end;

	if (services_lex_skip_block(lex))
		return;
	end = lex->file->base + (source_pos)lex->file->len;
	diag_report(run->diag, DIAG_ERROR, head->pos, head->len, NULL,
		    "block '%.*s' has no closing '}'", (int)MIN(head->len, 64U), head->at);
	diag_note(run->diag, end, "the file ends");
}
