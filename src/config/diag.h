/* Errors and warnings of one configuration run, each at a place in the text.
 *
 *   services.conf:12:9: error: unknown keyword 'annonunce_group'
 *      12 |         annonunce_group g-1
 *         |         ^~~~~~~~~~~~~~~
 *   hint: did you mean 'announce_group'?
 *
 * Up to DIAG_MAX_SHOWN errors and as many warnings are kept in full; the rest is counted.
 */
#pragma once

#include "config/source.h"

enum diag_severity { DIAG_ERROR, DIAG_WARNING };
enum { DIAG_MAX_SHOWN = 20 };

struct diag;

/* src is borrowed and must outlive every printing call. Returns NULL if out of memory. */
struct diag *diag_new(const struct source *src);
void diag_free(struct diag *d);

/* Reports at len bytes from pos (SOURCE_NOWHERE: about no place in particular). The text is
 * copied. hint may be NULL. */
void diag_report(struct diag *d, enum diag_severity severity, source_pos pos, uint32_t len,
		 const char *hint, const char *format, ...) PRINTF_LIKE(6, 7);
/* Adds "note: TEXT at PATH:LINE" to the report made last: the other half of a conflict. */
void diag_note(struct diag *d, source_pos pos, const char *format, ...) PRINTF_LIKE(3, 4);

unsigned diag_errors(const struct diag *d);
unsigned diag_warnings(const struct diag *d);

/* Writes all reports as text to fd. */
void diag_print(const struct diag *d, int fd);
/* All reports as one malloc'd NUL-terminated text, or NULL if out of memory. */
char *diag_text(const struct diag *d);
/* All reports as a malloc'd JSON array of {severity, file, line, column, message, hint, notes},
 * compact, or NULL if out of memory. */
char *diag_json(const struct diag *d);
