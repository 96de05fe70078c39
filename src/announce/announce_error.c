#include "announce/announce_error.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clk.h"

void announce_error_set(struct announce_error *e, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(e->text, sizeof(e->text), format, args);
	va_end(args);
	for (char *c = e->text; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
	}
	e->wall_ns = clk_wall_ns();
	e->is_over = false;
}

void announce_error_fill(const struct announce_error *e, struct announce_row *row)
{
	memcpy(row->last_error, e->text, sizeof(row->last_error));
	row->error_wall_ns = e->wall_ns;
	row->has_error = e->wall_ns && !e->is_over;
}
