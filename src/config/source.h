/* The text of a configuration and its includes, and where in it a byte lies.
 *
 * All files of one run share one position space: a position is the offset of a byte in the
 * concatenation of the files as they were added, so a 32-bit number says file, line and column.
 * Text stays in memory until source_free(), since diagnostics quote it.
 */
#pragma once

#include "base/cc.h"

struct source;

typedef uint32_t source_pos;
#define SOURCE_NOWHERE UINT32_MAX

struct source_file {
	const char *path; /* as it should be shown */
	const char *text; /* len bytes, followed by a NUL that is not part of it */
	size_t len;
	source_pos base; /* position of text[0] */
};

struct source_place {
	const char *path;
	uint32_t line;   /* from 1 */
	uint32_t column; /* from 1, in bytes */
	const char *line_text;
	size_t line_len;
};

/* Returns NULL if out of memory. Owner: caller. One thread at a time. */
struct source *source_new(void);
void source_free(struct source *s);

/* Reads a file. Returns 0 or a negative errno (-EFBIG: all files together exceed 1 GiB). The
 * source owns *ret_file. */
MUST_CHECK int source_add_file(struct source *s, const char *path,
			       const struct source_file **ret_file);
/* The same for text in memory (copied), under a made-up path. */
MUST_CHECK int source_add_text(struct source *s, const char *path, const char *text, size_t len,
			       const struct source_file **ret_file);
/* Where pos lies. Returns false for SOURCE_NOWHERE or a position of no file. */
MUST_CHECK bool source_locate(const struct source *s, source_pos pos, struct source_place *ret);
