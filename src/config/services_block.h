/* The blocks that are open while a services file is read: opening, closing, and what to make of
 * braces that are missing or too many. */
#pragma once

#include "config/services_run.h"

/* The innermost open block. */
const struct services_frame *services_block_top(const struct services_run *run);
/* Opens the block that row's statement begins, and takes its brace. Returns 0 or -ENOMEM. */
MUST_CHECK int services_block_open(struct services_run *run, struct services_lex *lex,
				   const struct services_row *row,
				   const struct services_lex_statement *st);
/* A closing brace at pos: closes the innermost block opened above floor. Returns 0 or -ENOMEM. */
MUST_CHECK int services_block_close(struct services_run *run, unsigned floor, source_pos pos);
/* A keyword that is unknown in the innermost block but opens a block in one around it: then a
 * closing brace is missing. Reports that and closes the blocks between. Returns 0 with the
 * keyword's row, or NULL if it is no such keyword; or -ENOMEM. */
MUST_CHECK int services_block_recover(struct services_run *run, unsigned floor,
				      const struct services_lex_statement *st,
				      const struct services_row **ret_row);
/* End of a file: reports and closes what it has left open. Returns 0 or -ENOMEM. */
MUST_CHECK int services_block_end(struct services_run *run, unsigned floor, source_pos pos);
/* Skips a block that nobody reads, whose brace was taken, and reports if it has no end. */
void services_block_skip(struct services_run *run, struct services_lex *lex,
			 const struct services_lex_word *head);
