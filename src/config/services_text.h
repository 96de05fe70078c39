/* The texts that keywords take: what may be in each, and its copy in the run's arena. All return as
 * services_value_parse() does; the statement has one value. */
#pragma once

#include "config/services_run.h"

/* TYPE_TEXT, TYPE_LOWER, TYPE_SCRIPT: printable UTF-8. */
MUST_CHECK int services_text_plain(struct services_run *run, const struct services_row *row,
				   const struct services_lex_statement *st,
				   union services_value *ret);
/* Printable ASCII without blanks: it becomes part of a request. */
MUST_CHECK int services_text_virtualhost(struct services_run *run, const struct services_row *row,
					 const struct services_lex_statement *st,
					 union services_value *ret);
/* The same; "", /... or ?... */
MUST_CHECK int services_text_path(struct services_run *run, const struct services_row *row,
				  const struct services_lex_statement *st,
				  union services_value *ret);
/* "" or a prefix of the row's family; the length may be left out. */
MUST_CHECK int services_text_network(struct services_run *run, const struct services_row *row,
				     const struct services_lex_statement *st,
				     union services_value *ret);
/* "" or 32 hexadecimal digits of either case. */
MUST_CHECK int services_text_digest(struct services_run *run, const struct services_row *row,
				    const struct services_lex_statement *st,
				    union services_value *ret);
