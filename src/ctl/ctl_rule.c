#include "ctl/ctl_rule.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

enum { MAX_WORDS = 160, LINE_BYTES = 4096 };

struct words {
	char *at[MAX_WORDS];
	unsigned n;
};

bool ctl_rule_next_line(const char **at, const char **ret_line, size_t *ret_len)
{
	const char *end;

	if (!**at)
		return false;
	end = strchrnul(*at, '\n');
	*ret_line = *at;
	*ret_len = (size_t)(end - *at);
	*at = *end ? end + 1 : end;
	return true;
}

/* --- words ------------------------------------------------------------------------------------ */

/* One word at *in, quotes and backslashes resolved, written at out. Returns where the next may be
 * written, NULL at the end of the line. */
static char *take_word(const char **in, const char *end, char *out)
{
	bool is_quoted = false;

	while (*in < end && **in == ' ')
		(*in)++;
	if (*in == end)
		return NULL;
	for (; *in < end && (is_quoted || **in != ' '); (*in)++) {
		if (**in == '"') {
			is_quoted = !is_quoted;
			continue;
		}
		if (**in == '\\' && is_quoted && *in + 1 < end)
			(*in)++;
		*out++ = **in;
	}
	*out++ = 0;
	return out;
}

static bool split(const char *line, size_t len, char text[LINE_BYTES], struct words *w)
{
	const char *in = line, *end = line + len;
	char *out = text;

	w->n = 0;
	if (len >= LINE_BYTES)
		return false;
	while (w->n < MAX_WORDS) {
		char *next = take_word(&in, end, out);

		if (!next)
			return true;
		w->at[w->n++] = out;
		out = next;
	}
	return false;
}

/* --- conditions ------------------------------------------------------------------------------- */

static bool read_u32(const char *text, char **ret_end, uint32_t *ret)
{
	unsigned long v;

	errno = 0;
	v = strtoul(text, ret_end, 0);
	*ret = (uint32_t)v;
	return *ret_end != text && errno == 0 && v <= UINT32_MAX;
}

static void read_mark(struct ctl_rule *r, const char *text, bool is_not)
{
	struct ctl_rule_mark m = {.mask = UINT32_MAX, .is_not = is_not};
	char *end;

	if (r->n_marks == CTL_RULE_MAX_MARKS || !read_u32(text, &end, &m.value) ||
	    (*end == '/' && !read_u32(end + 1, &end, &m.mask)) || *end)
		r->has_other = true;
	else
		r->marks[r->n_marks++] = m;
}

static void read_destination(struct ctl_rule *r, const char *text, bool is_not)
{
	const char *slash = strchrnul(text, '/');
	uint64_t bits = 0;

	if (addr_parse(text, (size_t)(slash - text), &r->to) != ADDR_OK) {
		r->has_other = true;
		return;
	}
	bits = addr_is_v4(&r->to) ? 32 : 128;
	if (*slash && !str_to_u64(slash + 1, strlen(slash + 1), bits, &bits))
		r->has_other = true;
	r->to_bits = (uint8_t)(addr_is_v4(&r->to) ? bits + 96 : bits);
	r->to_is_not = is_not;
}

static void read_queue(struct ctl_rule *r, const char *text)
{
	char *end;
	uint32_t first = 0, last;

	if (!read_u32(text, &end, &first))
		r->has_other = true;
	last = first;
	if (*end == ':' && !read_u32(end + 1, &end, &last))
		r->has_other = true;
	r->queue = (uint16_t)first;
	r->queue_last = (uint16_t)last;
}

static void copy_name(char *out, size_t bytes, const char *text)
{
	snprintf(out, bytes, "%s", text);
}

static void read_target(struct ctl_rule *r, const char *text, bool is_goto)
{
	copy_name(r->target, sizeof(r->target), text);
	r->is_goto = is_goto;
	r->changes_mark = strcmp(text, "MARK") == 0;
}

/* Options that a target or an implicit match takes: they say nothing about whether it matches. */
static bool is_harmless(const char *word)
{
	static const char *const words[] = {"-m", "mark", "comment", "tcp"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

/* Options with one value. Returns false if this is none that is known. */
static bool read_pair(struct ctl_rule *r, const char *key, const char *value, bool is_not)
{
	if (strcmp(key, "--mark") == 0)
		read_mark(r, value, is_not);
	else if (strcmp(key, "-d") == 0)
		read_destination(r, value, is_not);
	else if (strcmp(key, "-p") == 0)
		copy_name(r->proto, sizeof(r->proto), value);
	else if (strcmp(key, "--comment") == 0)
		copy_name(r->comment, sizeof(r->comment), value);
	else if (strcmp(key, "-j") == 0 || strcmp(key, "-g") == 0)
		read_target(r, value, key[1] == 'g');
	else if (strcmp(key, "--queue-num") == 0 || strcmp(key, "--queue-balance") == 0)
		read_queue(r, value);
	else
		return false;
	return true;
}

/* What comes without value or is not understood. */
static void read_single(struct ctl_rule *r, const char *word, const char *next)
{
	if (strcmp(word, "--queue-bypass") == 0)
		r->bypasses = true;
	else if (strcmp(word, "--restore-mark") == 0)
		r->changes_mark = true;
	else if (strcmp(word, "--tcp-flags") != 0 && !*r->target && !is_harmless(word))
		r->has_other = true;
	if ((strcmp(word, "--ctstate") == 0 || strcmp(word, "--state") == 0) &&
	    strstr(next, "INVALID"))
		r->drops_invalid_state = true;
}

static bool is_flags(const struct words *w, unsigned i)
{
	return strcmp(w->at[i], "--tcp-flags") == 0 && i + 2 < w->n;
}

static void read_flags(struct ctl_rule *r, const char *mask, const char *set, bool is_not)
{
	r->is_rst = !is_not && strcmp(mask, "RST") == 0 && strcmp(set, "RST") == 0;
	r->has_other |= !r->is_rst;
}

static void read_conditions(struct ctl_rule *r, const struct words *w)
{
	bool is_not = false;

	for (unsigned i = 2; i < w->n; i++) {
		bool has_next = i + 1 < w->n;
		const char *next = has_next ? w->at[i + 1] : "";

		if (strcmp(w->at[i], "!") == 0) {
			is_not = true;
			continue;
		}
		if (is_flags(w, i)) {
			read_flags(r, w->at[i + 1], w->at[i + 2], is_not);
			i += 2;
		} else if (has_next && read_pair(r, w->at[i], next, is_not)) {
			r->proto_is_not |= is_not && strcmp(w->at[i], "-p") == 0;
			i++;
		} else {
			read_single(r, w->at[i], next);
		}
		is_not = false;
	}
}

bool ctl_rule_parse(const char *line, size_t len, struct ctl_rule *ret)
{
	char text[LINE_BYTES];
	struct words w;

	*ret = (struct ctl_rule){.to = ADDR_UNSET};
	if (len < 3 || memcmp(line, "-A ", 3) != 0)
		return false;
	if (!split(line, len, text, &w) || w.n < 2)
		return false;
	copy_name(ret->chain, sizeof(ret->chain), w.at[1]);
	read_conditions(ret, &w);
	return true;
}

bool ctl_rule_is_ours(const struct ctl_rule *r)
{
	return strcmp(r->comment, CTL_RULE_OWNER) == 0;
}

/* --- comparing -------------------------------------------------------------------------------- */

static bool same_marks(const struct ctl_rule *a, const struct ctl_rule *b)
{
	if (a->n_marks != b->n_marks)
		return false;
	for (unsigned i = 0; i < a->n_marks; i++) {
		const struct ctl_rule_mark *x = &a->marks[i], *y = &b->marks[i];

		if (x->value != y->value || x->mask != y->mask || x->is_not != y->is_not)
			return false;
	}
	return true;
}

static bool same_target(const struct ctl_rule *a, const struct ctl_rule *b)
{
	return strcmp(a->target, b->target) == 0 && a->is_goto == b->is_goto &&
	       a->queue == b->queue && a->queue_last == b->queue_last && a->bypasses == b->bypasses;
}

static bool same_scope(const struct ctl_rule *a, const struct ctl_rule *b)
{
	return strcmp(a->chain, b->chain) == 0 && strcmp(a->proto, b->proto) == 0 &&
	       a->proto_is_not == b->proto_is_not && addr_eq(&a->to, &b->to) &&
	       a->to_bits == b->to_bits && a->to_is_not == b->to_is_not && a->is_rst == b->is_rst;
}

bool ctl_rule_eq(const struct ctl_rule *a, const struct ctl_rule *b)
{
	return !a->has_other && !b->has_other && same_marks(a, b) && same_target(a, b) &&
	       same_scope(a, b);
}

/* --- matching --------------------------------------------------------------------------------- */

static enum ctl_rule_meeting worse(enum ctl_rule_meeting a, enum ctl_rule_meeting b)
{
	return MIN(a, b);
}

static enum ctl_rule_meeting invert(enum ctl_rule_meeting m, bool is_not)
{
	return is_not ? (enum ctl_rule_meeting)(CTL_RULE_ALL - m) : m;
}

/* Of the marks first..last: do all, some or none have this value under the mask? */
static enum ctl_rule_meeting meets_mark(const struct ctl_rule_mark *m, uint32_t first,
					uint32_t last)
{
	uint32_t low = m->mask & -m->mask, least;

	if (((m->value ^ first) & m->mask) == 0 && ((m->value ^ last) & m->mask) == 0 &&
	    (last - first) < (low ? low : UINT32_MAX))
		return CTL_RULE_ALL;
	/* the least mark >= first that matches, if free bits above the mask are first's */
	least = (m->value & m->mask) | (first & ~m->mask);
	if (least >= first && least <= last)
		return CTL_RULE_SOME;
	least = (m->value & m->mask) | (last & ~m->mask);
	return least >= first && least <= last ? CTL_RULE_SOME : CTL_RULE_NEVER;
}

static bool is_within(const struct addr *a, const struct addr *net, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;

	return memcmp(a->b, net->b, whole) == 0 &&
	       (rest == 0 || (a->b[whole] ^ net->b[whole]) >> (8 - rest) == 0);
}

static enum ctl_rule_meeting meets_destination(const struct ctl_rule *r,
					       const struct ctl_rule_packets *p)
{
	size_t n = 0;

	if (addr_is_unset(&r->to) && r->to_bits == 0)
		return CTL_RULE_ALL;
	for (size_t i = 0; i < p->n_to; i++)
		n += is_within(&p->to[i], &r->to, r->to_bits);
	return n == 0 ? CTL_RULE_NEVER : n < p->n_to ? CTL_RULE_SOME : CTL_RULE_ALL;
}

static enum ctl_rule_meeting meets_proto(const struct ctl_rule *r)
{
	if (!*r->proto || strcmp(r->proto, "all") == 0)
		return CTL_RULE_ALL;
	/* checks are TCP, test datagrams UDP */
	if (strcmp(r->proto, "tcp") == 0)
		return r->is_rst ? CTL_RULE_SOME : CTL_RULE_ALL;
	return strcmp(r->proto, "udp") == 0 ? CTL_RULE_SOME : CTL_RULE_NEVER;
}

enum ctl_rule_meeting ctl_rule_meets(const struct ctl_rule *r, const struct ctl_rule_packets *p)
{
	enum ctl_rule_meeting m = r->has_other ? CTL_RULE_SOME : CTL_RULE_ALL;

	for (unsigned i = 0; i < r->n_marks; i++)
		m = worse(m,
			  invert(meets_mark(&r->marks[i], p->first, p->last), r->marks[i].is_not));
	m = worse(m, invert(meets_destination(r, p), r->to_is_not));
	return worse(m, invert(meets_proto(r), r->proto_is_not));
}
