#include "config/services_lex.h"

#include <string.h>

#include "config/diag.h"

enum byte_class { WORD, BLANK, NEWLINE, OPEN, CLOSE, COMMENT, QUOTE, END };

/* A quote is special at the start of a word only, so it does not end one. */
static const uint8_t class_of[256] = {
	['\0'] = END,   ['\n'] = NEWLINE, [' '] = BLANK,   ['\t'] = BLANK,
	['\f'] = BLANK, ['\v'] = BLANK,   ['\r'] = BLANK,  ['{'] = OPEN,
	['}'] = CLOSE,  ['#'] = COMMENT,  ['!'] = COMMENT, ['"'] = QUOTE,
};

static enum byte_class class_at(const char *p)
{
	return class_of[(unsigned char)*p];
}

static source_pos pos_of(const struct services_lex *lex, const char *p)
{
	return lex->file->base + (source_pos)(p - lex->file->text);
}

static const char *line_end(const struct services_lex *lex, const char *p)
{
	const char *end = lex->file->text + lex->file->len;
	const char *newline = memchr(p, '\n', (size_t)(end - p));

	return newline ? newline : end;
}

static const char *skip_blanks(const char *p)
{
	while (class_at(p) == BLANK)
		p++;
	return p;
}

/* U+0085 U+00A0 U+1680 U+2000-200A U+2028 U+2029 U+202F U+205F U+3000: the reference skips them
 * before a line's first word. */
static const char unicode_blanks[][4] = {
	"\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81",
	"\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86",
	"\xe2\x80\x87", "\xe2\x80\x88", "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8",
	"\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f", "\xe3\x80\x80",
};

/* Bytes of the blank at p, or 0. The text ends with a NUL, so nothing behind it is looked at. */
static size_t unicode_blank(const char *p)
{
	for (size_t i = 0; i < ARRAY_LEN(unicode_blanks); i++) {
		size_t len = strlen(unicode_blanks[i]);

		if (strncmp(p, unicode_blanks[i], len) == 0)
			return len;
	}
	return 0;
}

static const char *skip_line_start(const char *p)
{
	size_t n;

	for (p = skip_blanks(p); *p & 0x80 && (n = unicode_blank(p)); p = skip_blanks(p + n))
		;
	return p;
}

void services_lex_init(struct services_lex *lex, const struct source_file *file, struct diag *diag)
{
	bool has_mark = file->len >= 3 && memcmp(file->text, "\xef\xbb\xbf", 3) == 0;

	*lex = (struct services_lex){file, file->text + (has_mark ? 3 : 0), diag};
}

static struct services_lex_word *new_word(struct services_lex_statement *st)
{
	static const struct services_lex_word none;
	uint32_t i = st->n_words++;

	if (i >= LEX_WORDS)
		i = LEX_WORDS - 1; /* counted only; a statement of this many words is an error */
	st->words[i] = none;
	return &st->words[i];
}

static void warn_of_comment(const struct services_lex *lex, const char *p)
{
	if (lex->diag)
		diag_report(lex->diag, DIAG_WARNING, pos_of(lex, p), 1,
			    "write \"...\" around the word if the character belongs to it",
			    "'!' begins a comment here");
}

static const char *take_bare(struct services_lex *lex, struct services_lex_statement *st,
			     const char *p)
{
	struct services_lex_word *w = new_word(st);
	const char *start = p;

	for (;; p++) {
		enum byte_class c = class_at(p);

		if (c == WORD || c == QUOTE)
			continue;
		if (c != COMMENT || p == start || p[-1] != '\\')
			break;
		w->has_escape = true;
	}
	/* the reference takes ! inside a word as it is: nobody shall lose half a word unknowingly
	 */
	if (*p == '!')
		warn_of_comment(lex, p);
	w->at = start;
	w->len = (uint32_t)(p - start);
	w->pos = pos_of(lex, start);
	return p;
}

/* The pattern of an include: a closing brace ends it only if it was not opened in it. */
static const char *take_pattern(struct services_lex *lex, struct services_lex_statement *st,
				const char *p)
{
	struct services_lex_word *w = new_word(st);
	const char *start = p;
	unsigned depth = 0;

	for (;; p++) {
		enum byte_class c = class_at(p);

		if (c == BLANK || c == NEWLINE || c == END || (c == CLOSE && depth == 0))
			break;
		if (c == COMMENT && (p == start || p[-1] != '\\'))
			break;
		w->has_escape |= c == COMMENT;
		depth += c == OPEN;
		depth -= c == CLOSE;
	}
	w->at = start;
	w->len = (uint32_t)(p - start);
	w->pos = pos_of(lex, start);
	return p;
}

static const char *missing_quote(struct services_lex *lex, struct services_lex_statement *st,
				 const char *p, const char *eol)
{
	if (lex->diag)
		diag_report(lex->diag, DIAG_ERROR, pos_of(lex, p), (uint32_t)(eol - p),
			    "a quoted text ends on its line", "missing closing '\"'");
	st->is_broken = true;
	/* a brace at the end of the line most likely opens a block */
	while (eol > p + 1 && class_at(eol - 1) == BLANK)
		eol--;
	return eol > p + 1 && eol[-1] == '{' ? eol - 1 : eol;
}

static const char *take_quoted(struct services_lex *lex, struct services_lex_statement *st,
			       const char *p)
{
	const char *eol = line_end(lex, p), *close = p + 1;
	struct services_lex_word *w;

	while ((close = memchr(close, '"', (size_t)(eol - close))) && close[-1] == '\\')
		close++;
	if (!close)
		return missing_quote(lex, st, p, eol);
	w = new_word(st);
	w->at = p + 1;
	w->len = (uint32_t)(close - p - 1);
	w->pos = pos_of(lex, p + 1);
	w->is_quoted = true;
	return close + 1;
}

static bool is_include(const struct services_lex_statement *st)
{
	const struct services_lex_word *w = &st->words[0];

	if (st->n_words != 1 || w->len < 7 || w->len > 8 || memcmp(w->at, "include", 7) != 0)
		return false;
	return w->len == 7 || memchr("rmwba", w->at[7], 5);
}

static const char *take_word(struct services_lex *lex, struct services_lex_statement *st,
			     const char *p)
{
	if (class_at(p) == QUOTE)
		return take_quoted(lex, st, p);
	if (is_include(st))
		return take_pattern(lex, st, p);
	return take_bare(lex, st, p);
}

static void end_statement(struct services_lex *lex, struct services_lex_statement *st,
			  enum services_lex_end end, const char *p)
{
	st->end = end;
	st->end_pos = pos_of(lex, p);
	lex->at = end == LEX_EOF ? p : p + 1;
}

void services_lex_next(struct services_lex *lex, struct services_lex_statement *st)
{
	const char *p = skip_line_start(lex->at);

	st->n_words = 0;
	st->is_broken = false;
	for (;; p = skip_blanks(p)) {
		switch (class_at(p)) {
		case END:
			end_statement(lex, st, LEX_EOF, p);
			return;
		case CLOSE:
			end_statement(lex, st, LEX_CLOSE, p);
			return;
		case NEWLINE:
			if (st->n_words || st->is_broken) {
				end_statement(lex, st, LEX_LINE, p);
				return;
			}
			p = skip_line_start(p + 1);
			break;
		case COMMENT:
			p = line_end(lex, p);
			break;
		case OPEN:
			if (!is_include(st)) {
				end_statement(lex, st, LEX_OPEN, p);
				return;
			}
			p = take_pattern(lex, st, p);
			break;
		default:
			p = take_word(lex, st, p);
		}
	}
}

bool services_lex_take_brace(struct services_lex *lex)
{
	const char *p = skip_line_start(lex->at);

	for (;; p = skip_line_start(p)) {
		switch (class_at(p)) {
		case NEWLINE:
			p++;
			break;
		case COMMENT:
			p = line_end(lex, p);
			break;
		case OPEN:
			lex->at = p + 1;
			return true;
		default:
			return false;
		}
	}
}

bool services_lex_skip_block(struct services_lex *lex)
{
	struct diag *diag = lex->diag;
	struct services_lex_statement st;
	unsigned depth = 1;

	lex->diag = NULL;
	do {
		services_lex_next(lex, &st);
		depth += st.end == LEX_OPEN;
		depth -= st.end == LEX_CLOSE;
	} while (depth && st.end != LEX_EOF);
	lex->diag = diag;
	return depth == 0;
}

size_t services_lex_unescape(const struct services_lex_word *word, char *out)
{
	size_t n = 0;

	for (uint32_t i = 0; i < word->len; i++) {
		bool is_escape = word->has_escape && word->at[i] == '\\' && i + 1 < word->len &&
				 class_at(word->at + i + 1) == COMMENT;

		if (!is_escape)
			out[n++] = word->at[i];
	}
	out[n] = 0;
	return n;
}
