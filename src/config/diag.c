#include "config/diag.h"

#include <jansson.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "config/utf8.h"

enum { MESSAGE_BYTES = 512, HINT_BYTES = 768, NOTE_BYTES = 160, NOTES_MAX = 18 };
/* how much of a long line is shown, and how much of that stands before the place */
enum { QUOTE_BYTES = 160, QUOTE_BEFORE = 80 };
/* longest text of a report without its notes, and of a note: a path may have PATH_MAX bytes */
enum { LINE_BYTES = MESSAGE_BYTES + HINT_BYTES + 4 * QUOTE_BYTES + PATH_MAX + 128 };
enum { NOTE_LINE_BYTES = NOTE_BYTES + PATH_MAX + 32 };

struct note {
	source_pos pos;
	char text[NOTE_BYTES];
};

struct report {
	enum diag_severity severity;
	source_pos pos;
	uint32_t len;
	uint32_t n_notes;
	char message[MESSAGE_BYTES];
	char hint[HINT_BYTES];
	struct note notes[NOTES_MAX];
};

struct diag {
	const struct source *source;
	struct report *last; /* of the report made last; NULL if that one was only counted */
	unsigned count[2];   /* by severity, all of them */
	unsigned n_kept;
	struct report kept[2 * DIAG_MAX_SHOWN];
};

static const char *const severity_text[] = {"error", "warning"};

struct diag *diag_new(const struct source *src)
{
	struct diag *d = calloc(1, sizeof(*d));

	if (d)
		d->source = src;
	return d;
}

void diag_free(struct diag *d)
{
	free(d);
}

/* Writes text so that a terminal and a JSON reader can take it. */
static void put_clean(struct str *out, const char *text, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_len(text + i, len - i);
		if (n == 0) {
			str_putc(out, text[i] == '\t' ? '\t' : '?');
			n = 1;
		} else {
			str_putn(out, text + i, n);
		}
	}
}

static void clean_copy(char *out, size_t size, const char *text)
{
	struct str s = STR_OVER(out, size);
	size_t len = strlen(text);

	out[0] = 0;
	if (len < size) {
		put_clean(&s, text, len);
		return;
	}
	for (len = size - 4; len && (text[len] & 0xc0) == 0x80;)
		len--; /* no half character before the dots */
	put_clean(&s, text, len);
	str_puts(&s, "...");
}

void diag_report(struct diag *d, enum diag_severity severity, source_pos pos, uint32_t len,
		 const char *hint, const char *format, ...)
{
	char text[MESSAGE_BYTES * 2];
	struct report *r = NULL;
	va_list args;

	if (d->count[severity]++ < DIAG_MAX_SHOWN)
		r = &d->kept[d->n_kept++];
	d->last = r;
	if (!r)
		return;
	r->severity = severity;
	r->pos = pos;
	r->len = len;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	clean_copy(r->message, sizeof(r->message), text);
	if (hint)
		clean_copy(r->hint, sizeof(r->hint), hint);
}

void diag_note(struct diag *d, source_pos pos, const char *format, ...)
{
	struct report *r = d->last;
	char text[NOTE_BYTES * 2];
	struct note *n;
	va_list args;

	if (!r || r->n_notes == NOTES_MAX)
		return;
	n = &r->notes[r->n_notes++];
	n->pos = pos;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	clean_copy(n->text, sizeof(n->text), text);
}

unsigned diag_errors(const struct diag *d)
{
	return d->count[DIAG_ERROR];
}

unsigned diag_warnings(const struct diag *d)
{
	return d->count[DIAG_WARNING];
}

/* Fills order with the kept reports by position; equal ones as they came, nowhere last. */
static void sort_reports(const struct diag *d, const struct report *order[2 * DIAG_MAX_SHOWN])
{
	for (unsigned i = 0; i < d->n_kept; i++) {
		const struct report *r = &d->kept[i];
		unsigned k = i;

		for (; k > 0 && order[k - 1]->pos > r->pos; k--)
			order[k] = order[k - 1];
		order[k] = r;
	}
}

/* The part of a line that is quoted. */
struct quote {
	const char *text;
	size_t len;
	size_t before; /* bytes of it before the place */
	bool cut_left, cut_right;
};

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

static struct quote quote_of(const struct source_place *p)
{
	size_t at = MIN(p->column - 1, p->line_len), start = 0, end = p->line_len;

	if (end > QUOTE_BYTES && at > QUOTE_BEFORE) {
		start = MIN(at - QUOTE_BEFORE, end - QUOTE_BYTES);
		while (start < at && is_continuation(p->line_text[start]))
			start++;
	}
	if (end - start > QUOTE_BYTES) {
		end = start + QUOTE_BYTES;
		while (end > at && is_continuation(p->line_text[end]))
			end--;
	}
	return (struct quote){p->line_text + start, end - start, at - start, start > 0,
			      end < p->line_len};
}

/* One column for each character, so that the caret stands under its place. */
static void put_underline(struct str *out, const struct quote *q, uint32_t len)
{
	size_t end = MIN(q->before + len, q->len), n;

	if (q->cut_left)
		str_puts(out, "   ");
	for (size_t i = 0; i < q->before; i += n) {
		n = MAX(utf8_len(q->text + i, q->len - i), (size_t)1);
		str_putc(out, q->text[i] == '\t' ? '\t' : ' ');
	}
	str_putc(out, '^');
	for (size_t i = q->before; i < end; i += n) {
		n = MAX(utf8_len(q->text + i, q->len - i), (size_t)1);
		if (i > q->before)
			str_putc(out, '~');
	}
	str_putc(out, '\n');
}

static void put_quote(struct str *out, const struct source_place *p, uint32_t len)
{
	struct quote q = quote_of(p);

	str_putf(out, "%5u | %s", p->line, q.cut_left ? "..." : "");
	put_clean(out, q.text, q.len);
	str_putf(out, "%s\n      | ", q.cut_right ? "..." : "");
	put_underline(out, &q, len);
}

static void put_report(struct str *out, const struct diag *d, const struct report *r)
{
	struct source_place p;
	bool has_place = source_locate(d->source, r->pos, &p);

	if (has_place) {
		put_clean(out, p.path, strlen(p.path));
		str_putf(out, ":%u:%u: ", p.line, p.column);
	}
	str_putf(out, "%s: %s\n", severity_text[r->severity], r->message);
	if (has_place)
		put_quote(out, &p, r->len);
	if (r->hint[0])
		str_putf(out, "hint: %s\n", r->hint);
	for (unsigned i = 0; i < r->n_notes; i++) {
		str_putf(out, "note: %s", r->notes[i].text);
		if (source_locate(d->source, r->notes[i].pos, &p)) {
			str_puts(out, " at ");
			put_clean(out, p.path, strlen(p.path));
			str_putf(out, ":%u", p.line);
		}
		str_putc(out, '\n');
	}
}

static void put_rest(struct str *out, const struct diag *d, enum diag_severity severity)
{
	unsigned rest = d->count[severity] - MIN(d->count[severity], (unsigned)DIAG_MAX_SHOWN);

	if (rest)
		str_putf(out, "... and %u more %s%s\n", rest, severity_text[severity],
			 rest == 1 ? "" : "s");
}

char *diag_text(const struct diag *d)
{
	const struct report *order[2 * DIAG_MAX_SHOWN];
	size_t size = (size_t)(d->n_kept + 1) * LINE_BYTES;
	char *text, *fitting;
	struct str out;

	for (unsigned i = 0; i < d->n_kept; i++)
		size += d->kept[i].n_notes * (size_t)NOTE_LINE_BYTES;
	text = malloc(size);
	if (!text)
		return NULL;
	text[0] = 0;
	out = STR_OVER(text, size);
	sort_reports(d, order);
	for (unsigned i = 0; i < d->n_kept; i++)
		put_report(&out, d, order[i]);
	put_rest(&out, d, DIAG_ERROR);
	put_rest(&out, d, DIAG_WARNING);
	fitting = realloc(text, out.len + 1);
	return fitting ? fitting : text;
}

void diag_print(const struct diag *d, int fd)
{
	char *text = diag_text(d);
	const char *p = text ? text : "out of memory\n";
	size_t left = strlen(p);
	ssize_t n;

	while (left && (n = write(fd, p, left)) > 0) {
		p += n;
		left -= (size_t)n;
	}
	free(text);
}

static json_t *clean_json(const char *text)
{
	size_t len = strlen(text);
	char *copy = malloc(len + 1);
	struct str s = STR_OVER(copy, len + 1);
	json_t *j;

	if (!copy)
		return NULL;
	copy[0] = 0;
	put_clean(&s, text, len);
	j = json_stringn(copy, s.len);
	free(copy);
	return j;
}

/* Adds file, line and column, or nulls. */
static int set_place(json_t *o, const struct diag *d, source_pos pos)
{
	struct source_place p;

	if (!source_locate(d->source, pos, &p))
		return json_object_set_new(o, "file", json_null()) |
		       json_object_set_new(o, "line", json_null()) |
		       json_object_set_new(o, "column", json_null());
	return json_object_set_new(o, "file", clean_json(p.path)) |
	       json_object_set_new(o, "line", json_integer(p.line)) |
	       json_object_set_new(o, "column", json_integer(p.column));
}

static json_t *notes_json(const struct diag *d, const struct report *r)
{
	json_t *list = json_array();
	int failed = 0;

	for (unsigned i = 0; list && i < r->n_notes; i++) {
		json_t *o = json_object();

		failed |= set_place(o, d, r->notes[i].pos);
		failed |= json_object_set_new(o, "message", json_string(r->notes[i].text));
		failed |= json_array_append_new(list, o);
	}
	if (!failed)
		return list;
	json_decref(list);
	return NULL;
}

static json_t *report_json(const struct diag *d, const struct report *r)
{
	json_t *o = json_object();
	int failed = 0;

	failed |= json_object_set_new(o, "severity", json_string(severity_text[r->severity]));
	failed |= set_place(o, d, r->pos);
	failed |= json_object_set_new(o, "message", json_string(r->message));
	failed |= json_object_set_new(o, "hint", r->hint[0] ? json_string(r->hint) : json_null());
	failed |= json_object_set_new(o, "notes", notes_json(d, r));
	if (!failed)
		return o;
	json_decref(o);
	return NULL;
}

char *diag_json(const struct diag *d)
{
	const struct report *order[2 * DIAG_MAX_SHOWN];
	json_t *list = json_array();
	char *text = NULL;
	int failed = !list;

	sort_reports(d, order);
	for (unsigned i = 0; i < d->n_kept && !failed; i++)
		failed = json_array_append_new(list, report_json(d, order[i]));
	if (!failed)
		text = json_dumps(list, JSON_COMPACT | JSON_PRESERVE_ORDER);
	json_decref(list);
	return text;
}
