/* The last thing that went wrong with a backend, for those who ask later. agg's thread. */
#pragma once

#include "model/announce_row.h"

struct announce_error {
	char text[ANNOUNCE_ERROR_BYTES];
	uint64_t wall_ns; /* 0: nothing yet */
	bool is_over;
};

/* A text that is too long is cut; control characters become spaces. */
void PRINTF_LIKE(2, 3) announce_error_set(struct announce_error *e, const char *format, ...);
/* Fills the row's error fields. */
void announce_error_fill(const struct announce_error *e, struct announce_row *row);
