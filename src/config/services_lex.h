/* services.conf as statements: a keyword with its values, ended by the line or by a brace.
 *
 * A superset of Monalive's grammar (spec/monalive §2.1) with keepalived's free placing of comments
 * and braces (spec/keepalived §1). Words are spans of the source's text; nothing is copied.
 *   - blanks: space, tab, \f, \v, \r; Unicode blanks too at the start of a line
 *   - # and ! begin a comment anywhere outside quotes; \# and \! are the characters themselves
 *   - "..." is one word; \" does not end it and stays as two characters; it ends with its line
 *   - { and } outside quotes end the statement, so several may stand on one line
 *   - in the pattern of an include statement braces are text
 */
#pragma once

#include "config/source.h"

struct diag;

enum { LEX_WORDS = 10 };
enum services_lex_end { LEX_LINE, LEX_OPEN, LEX_CLOSE, LEX_EOF };

struct services_lex_word {
	const char *at; /* without the quotes */
	uint32_t len;
	source_pos pos; /* of at[0] */
	bool is_quoted;
	bool has_escape; /* \# or \! stands for # or ! */
};

struct services_lex_statement {
	uint32_t n_words; /* all of them; the first LEX_WORDS are in words */
	enum services_lex_end end;
	source_pos end_pos; /* of the brace, the newline or the end of the file */
	bool is_broken;     /* reported already: its words are not all there */
	struct services_lex_word words[LEX_WORDS];
};

struct services_lex {
	const struct source_file *file;
	const char *at;
	struct diag *diag; /* NULL: nothing is reported */
};

/* Starts at the beginning of file, whose text has no NUL byte. A byte order mark is skipped. */
void services_lex_init(struct services_lex *lex, const struct source_file *file, struct diag *diag);
/* Reads the next statement. One without words ends with a brace or the end of the file. */
void services_lex_next(struct services_lex *lex, struct services_lex_statement *ret);
/* True if the next thing, over lines and comments, is an opening brace; takes it then. */
bool services_lex_take_brace(struct services_lex *lex);
/* Skips to behind the closing brace of the block whose opening brace was taken last. Returns false
 * if the file ends before. Reports nothing. */
MUST_CHECK bool services_lex_skip_block(struct services_lex *lex);
/* The word without its escapes, in out (len + 1 bytes at least); returns the length. */
size_t services_lex_unescape(const struct services_lex_word *word, char *out);
