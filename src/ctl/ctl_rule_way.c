#include "ctl/ctl_rule_way.h"

#include <string.h>

enum { MAX_DEPTH = 8 };

struct walk {
	const char *listing;
	const struct ctl_rule_packets *packets;
	uint16_t queue;
	/* first rule of which it cannot be told whether it catches packets */
	const char *doubt;
	size_t doubt_len;
	bool is_queued_in_part;
};

enum step { STEP_ON, STEP_BACK, STEP_OVER };

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(text, *words) == 0)
			return true;
	return false;
}

static bool is_terminal(const struct ctl_rule *r)
{
	static const char *const words[] = {"ACCEPT", "DROP", "REJECT", "QUEUE", NULL};

	return r->changes_mark || is_one_of(r->target, words);
}

static enum ctl_rule_end queue_of(const struct walk *w, const struct ctl_rule *r)
{
	if (r->queue != w->queue || r->queue_last != w->queue)
		return CTL_RULE_ELSEWHERE;
	return r->bypasses ? CTL_RULE_BYPASS : CTL_RULE_QUEUED;
}

static enum step walk_chain(struct walk *w, const char *chain, int depth, bool is_sure,
			    struct ctl_rule_way *way);

static enum step decide(struct walk *w, enum ctl_rule_end end, bool is_sure,
			struct ctl_rule_way *way)
{
	if (is_sure) {
		way->end = end;
		return STEP_OVER;
	}
	if (end == CTL_RULE_QUEUED)
		w->is_queued_in_part = true;
	else if (!w->doubt) {
		w->doubt = way->line;
		w->doubt_len = way->len;
	}
	return STEP_ON;
}

/* way->line is this rule already. */
static enum step one_rule(struct walk *w, const struct ctl_rule *r, int depth, bool is_sure,
			  struct ctl_rule_way *way)
{
	enum step s;

	if (strcmp(r->target, "NFQUEUE") == 0)
		return decide(w, queue_of(w, r), is_sure, way);
	if (is_terminal(r))
		return decide(w, CTL_RULE_CAUGHT, is_sure, way);
	if (strcmp(r->target, "RETURN") == 0) {
		if (depth == 0)
			return decide(w, CTL_RULE_CAUGHT, is_sure, way);
		return is_sure ? STEP_BACK : STEP_ON;
	}
	if (depth == MAX_DEPTH || !*r->target)
		return STEP_ON;
	s = walk_chain(w, r->target, depth + 1, is_sure, way);
	return s == STEP_ON && r->is_goto && is_sure ? STEP_BACK : s;
}

static enum step walk_chain(struct walk *w, const char *chain, int depth, bool is_sure,
			    struct ctl_rule_way *way)
{
	const char *at = w->listing, *line;
	struct ctl_rule r;
	size_t len;

	while (ctl_rule_next_line(&at, &line, &len)) {
		enum ctl_rule_meeting m;
		enum step s;

		if (!ctl_rule_parse(line, len, &r) || strcmp(r.chain, chain) != 0)
			continue;
		m = ctl_rule_meets(&r, w->packets);
		if (m == CTL_RULE_NEVER)
			continue;
		way->line = line;
		way->len = len;
		s = one_rule(w, &r, depth, is_sure && m == CTL_RULE_ALL, way);
		if (s == STEP_BACK)
			return STEP_ON;
		if (s == STEP_OVER)
			return s;
	}
	return STEP_ON;
}

struct ctl_rule_way ctl_rule_way(const char *listing, const struct ctl_rule_packets *p,
				 uint16_t queue)
{
	struct walk w = {.listing = listing, .packets = p, .queue = queue};
	struct ctl_rule_way way = {.end = CTL_RULE_MISSING};

	if (walk_chain(&w, "OUTPUT", 0, true, &way) != STEP_OVER)
		way.end = CTL_RULE_MISSING;
	if (w.is_queued_in_part)
		way.end = CTL_RULE_QUEUED;
	if (way.end == CTL_RULE_QUEUED || way.end == CTL_RULE_MISSING) {
		way.line = w.doubt;
		way.len = w.doubt_len;
	}
	return way;
}
