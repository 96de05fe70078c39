#include "ctl/ctl_table.h"

#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "ctl/ctl_cmd.h"

enum { CELL_BYTES = 512, FIRST_CELLS = 256, GAP = 2 };

struct cell {
	const char *text;
	uint32_t len;
	uint8_t colour;
};

struct ctl_table {
	struct arena *texts;
	struct cell *cells;
	size_t n_cells, cap_cells;
	unsigned n_columns;
	const char *headers[CTL_TABLE_MAX_COLUMNS];
	bool is_right[CTL_TABLE_MAX_COLUMNS];
	size_t widths[CTL_TABLE_MAX_COLUMNS];
};

static const char *const codes[] = {[CTL_TABLE_PLAIN] = "",
				    [CTL_TABLE_GREEN] = "\033[32m",
				    [CTL_TABLE_RED] = "\033[31m",
				    [CTL_TABLE_YELLOW] = "\033[33m"};

NORETURN static void out_of_memory(void)
{
	fputs("alivectl: out of memory\n", stderr);
	_exit(CTL_EXIT_REFUSED);
}

struct ctl_table *ctl_table_new(const char *const *headers, unsigned n_columns)
{
	struct ctl_table *t = calloc(1, sizeof(*t));

	ASSERT(n_columns <= CTL_TABLE_MAX_COLUMNS);
	if (!t)
		out_of_memory();
	t->texts = arena_new();
	if (!t->texts)
		out_of_memory();
	t->n_columns = n_columns;
	for (unsigned i = 0; i < n_columns; i++) {
		t->is_right[i] = headers[i][0] == '>';
		t->headers[i] = headers[i] + t->is_right[i];
		t->widths[i] = strlen(t->headers[i]);
	}
	return t;
}

void ctl_table_free(struct ctl_table *t)
{
	if (!t)
		return;
	arena_free(t->texts);
	free(t->cells);
	free(t);
}

static void disarm(char *text)
{
	for (; *text; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
	}
}

static struct cell *next_cell(struct ctl_table *t)
{
	if (t->n_cells == t->cap_cells) {
		t->cap_cells = t->cap_cells ? 2 * t->cap_cells : FIRST_CELLS;
		t->cells = reallocarray(t->cells, t->cap_cells, sizeof(*t->cells));
		if (!t->cells)
			out_of_memory();
	}
	return &t->cells[t->n_cells++];
}

void ctl_table_cell(struct ctl_table *t, enum ctl_table_colour colour, const char *format, ...)
{
	unsigned column = (unsigned)(t->n_cells % t->n_columns);
	struct cell *c = next_cell(t);
	char text[CELL_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	disarm(text);
	c->len = (uint32_t)strlen(text);
	c->text = arena_strndup(t->texts, text, c->len);
	c->colour = (uint8_t)colour;
	if (!c->text)
		out_of_memory();
	t->widths[column] = MAX(t->widths[column], c->len);
}

void ctl_table_put(FILE *to, bool is_coloured, enum ctl_table_colour colour, const char *text)
{
	bool paints = is_coloured && colour != CTL_TABLE_PLAIN;

	fprintf(to, "%s%s%s", paints ? codes[colour] : "", text, paints ? "\033[0m" : "");
}

static void print_row(const struct ctl_table *t, FILE *to, const struct cell *cells,
		      bool is_coloured)
{
	size_t blanks = 0; /* due before the next text: none at the end of a line */

	for (unsigned i = 0; i < t->n_columns; i++) {
		size_t pad = t->widths[i] - cells[i].len;

		blanks += t->is_right[i] ? pad : 0;
		if (cells[i].len) {
			fprintf(to, "%*s", (int)blanks, "");
			ctl_table_put(to, is_coloured, (enum ctl_table_colour)cells[i].colour,
				      cells[i].text);
			blanks = 0;
		}
		blanks += (t->is_right[i] ? 0 : pad) + GAP;
	}
	fputc('\n', to);
}

void ctl_table_print(const struct ctl_table *t, FILE *to, bool is_coloured)
{
	struct cell headers[CTL_TABLE_MAX_COLUMNS] = {0};

	for (unsigned i = 0; i < t->n_columns; i++) {
		headers[i].text = t->headers[i];
		headers[i].len = (uint32_t)strlen(t->headers[i]);
	}
	print_row(t, to, headers, false);
	for (size_t i = 0; i + t->n_columns <= t->n_cells; i += t->n_columns)
		print_row(t, to, t->cells + i, is_coloured);
}

enum ctl_table_colour ctl_table_colour_of(const char *state)
{
	static const struct {
		const char *state;
		enum ctl_table_colour colour;
	} rows[] = {{"up", CTL_TABLE_GREEN},
		    {"announced", CTL_TABLE_GREEN},
		    {"down", CTL_TABLE_RED},
		    {"withdrawn", CTL_TABLE_RED},
		    {"undecided", CTL_TABLE_YELLOW}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (strcmp(rows[i].state, state) == 0)
			return rows[i].colour;
	}
	return CTL_TABLE_PLAIN;
}
