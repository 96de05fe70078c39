#include "ctl/ctl_doctor_rules.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"
#include "ctl/ctl_rule_way.h"
#include "ctl/ctl_tun.h"

enum { MARKS_BYTES = 32, LINE_SHOWN = 300 };

/* One tool's tables. */
struct look {
	struct ctl_doctor *d;
	enum ctl_steer_tool tool;
	const char *name;
	char marks[MARKS_BYTES];
};

static void repair(const struct look *l)
{
	ctl_findings_repair(l->d->findings, "alivectl tun rules --apply%s", l->d->self);
}

static bool list(const struct look *l, const char *table, struct ctl_exec *ret)
{
	int r = ctl_tun_list(l->tool, table, ret);

	if (r == 0 && ret->status == 0)
		return true;
	ctl_findings_add(l->d->findings, CTL_FINDING_WARNING, "rules_unreadable",
			 "%s -t %s -S: %.*s", l->name, table,
			 r < 0 ? LINE_SHOWN : (int)strcspn(ret->err, "\n"),
			 r < 0 ? strerrordesc_np(-r) : ret->err);
	ctl_findings_repair(l->d->findings, "sudo alivectl doctor%s", l->d->self);
	return false;
}

static void say(const struct look *l, enum ctl_finding_severity severity, const char *id,
		const char *what, const struct ctl_rule_way *way)
{
	ctl_findings_add(l->d->findings, severity, id, "%s: packets with %s %s%s%.*s", l->name,
			 l->marks, what, way->line ? ": " : "",
			 way->line ? (int)MIN(way->len, LINE_SHOWN) : 0,
			 way->line ? way->line : "");
	repair(l);
}

static void judge_way(const struct look *l, const struct ctl_rule_way *way)
{
	switch (way->end) {
	case CTL_RULE_QUEUED:
		if (way->line)
			say(l, CTL_FINDING_WARNING, "rule_doubtful",
			    "may meet this rule before the one that queues them", way);
		break;
	case CTL_RULE_MISSING:
		say(l, CTL_FINDING_ERROR, "rule_missing",
		    "meet no rule that queues them, so tunnelled checks are unknown", way);
		break;
	case CTL_RULE_ELSEWHERE:
		say(l, CTL_FINDING_ERROR, "rule_elsewhere", "go to another queue by this rule",
		    way);
		break;
	case CTL_RULE_BYPASS:
		say(l, CTL_FINDING_ERROR, "rule_bypass",
		    "leave without tunnel whenever nobody reads the queue, by --queue-bypass", way);
		break;
	case CTL_RULE_CAUGHT:
		say(l, CTL_FINDING_ERROR, "rule_shadowed",
		    "are caught by this rule before they are queued", way);
		break;
	}
}

static void look_at_mangle(const struct look *l)
{
	struct ctl_rule_packets packets = ctl_steer_packets(&l->d->steer, l->tool);
	_cleanup_(ctl_exec_deinit) struct ctl_exec listing = {0};
	struct ctl_rule_way way;
	size_t n;

	if (!list(l, "mangle", &listing))
		return;
	way = ctl_rule_way(listing.out, &packets, l->d->steer.queue);
	judge_way(l, &way);
	n = ctl_steer_drops_missing(&l->d->steer, l->tool, listing.out);
	if (n == 0)
		return;
	ctl_findings_add(
		l->d->findings, CTL_FINDING_WARNING, "drop_rules_missing",
		"%s: %zu rules are missing that keep this machine from sending to VIPs in the "
		"clear",
		l->name, n);
	repair(l);
}

static bool is_in_table(const char *listing, const char *chain,
			bool (*matches)(const struct ctl_rule *r), const char **ret,
			size_t *ret_len)
{
	struct ctl_rule r;

	while (ctl_rule_next_line(&listing, ret, ret_len))
		if (ctl_rule_parse(*ret, *ret_len, &r) && strcmp(r.chain, chain) == 0 &&
		    matches(&r))
			return true;
	return false;
}

static bool drops_invalid(const struct ctl_rule *r)
{
	return r->drops_invalid_state &&
	       (strcmp(r->target, "DROP") == 0 || strcmp(r->target, "REJECT") == 0);
}

static bool untracks(const struct ctl_rule *r)
{
	return strcmp(r->target, "CT") == 0 || strcmp(r->target, "NOTRACK") == 0;
}

/* Connection tracking never sees a tunnelled check's SYN leave: the queue took it. So the VIP's
 * answers belong to no connection it knows. */
static void look_at_state_rules(const struct look *l)
{
	_cleanup_(ctl_exec_deinit) struct ctl_exec filter = {0}, raw = {0};
	const char *line, *unused;
	const struct addr *vips;
	char vip[ADDR_TEXT_BYTES];
	size_t len, unused_len;

	if (!list(l, "filter", &filter) ||
	    !is_in_table(filter.out, "INPUT", drops_invalid, &line, &len))
		return;
	if (!list(l, "raw", &raw) ||
	    is_in_table(raw.out, "PREROUTING", untracks, &unused, &unused_len))
		return;
	ctl_steer_vips(&l->d->steer, l->tool, &vips);
	addr_format(&vips[0], vip);
	ctl_findings_add(l->d->findings, CTL_FINDING_WARNING, "state_rule",
			 "%s: answers from VIPs to tunnelled checks have no known connection, and "
			 "this rule drops such packets: %.*s (one exception per VIP)",
			 l->name, (int)MIN(len, LINE_SHOWN), line);
	ctl_findings_repair(l->d->findings,
			    "%s -w -t raw -I PREROUTING -s %s -p tcp -j CT --notrack", l->name,
			    vip);
}

void ctl_doctor_rules(struct ctl_doctor *d)
{
	for (int t = 0; t < CTL_STEER__N; t++) {
		struct look l = {.d = d, .tool = (enum ctl_steer_tool)t};
		const struct addr *vips;

		if (ctl_steer_vips(&d->steer, l.tool, &vips) == 0)
			continue;
		l.name = ctl_steer_tool_text(l.tool);
		snprintf(l.marks, sizeof(l.marks),
			 d->steer.first == d->steer.last ? "mark 0x%x" : "marks 0x%x-0x%x",
			 d->steer.first, d->steer.last);
		look_at_mangle(&l);
		look_at_state_rules(&l);
	}
}
