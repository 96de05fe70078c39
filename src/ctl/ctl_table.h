/* Aligned columns for people. One thread. */
#pragma once

#include <stdio.h>

#include "base/cc.h"

enum ctl_table_colour { CTL_TABLE_PLAIN, CTL_TABLE_GREEN, CTL_TABLE_RED, CTL_TABLE_YELLOW };
enum { CTL_TABLE_MAX_COLUMNS = 12 };

struct ctl_table;

/* headers: n_columns names; one that begins with '>' is aligned to the right. Never NULL: without
 * memory the program ends. */
struct ctl_table *ctl_table_new(const char *const *headers, unsigned n_columns);
void ctl_table_free(struct ctl_table *t);
/* The next cell, left to right, then the next row. The text is copied; what a terminal would take
 * for a command is replaced by '?'. */
void ctl_table_cell(struct ctl_table *t, enum ctl_table_colour colour, const char *format, ...)
	PRINTF_LIKE(3, 4);
/* Writes headers and rows; colours only if is_coloured. */
void ctl_table_print(const struct ctl_table *t, FILE *to, bool is_coloured);

/* A state's colour. */
enum ctl_table_colour ctl_table_colour_of(const char *state);
/* Writes text in a colour. */
void ctl_table_put(FILE *to, bool is_coloured, enum ctl_table_colour colour, const char *text);
