/* The way of a tunnelled check's packet through the mangle table: does it come to the daemon's
 * queue, and if not, which rule is the reason? Pure.
 */
#pragma once

#include "ctl/ctl_rule.h"

enum ctl_rule_end {
	CTL_RULE_QUEUED,
	CTL_RULE_MISSING,   /* nothing leads it into a queue */
	CTL_RULE_ELSEWHERE, /* into a queue of another number */
	CTL_RULE_BYPASS,    /* --queue-bypass: without the daemon it leaves in the clear */
	CTL_RULE_CAUGHT,    /* a rule before decides, or changes the mark */
};

struct ctl_rule_way {
	enum ctl_rule_end end;
	/* the rule that decided; for CTL_RULE_QUEUED and _MISSING one before that may match some of
	 * the packets, or NULL. Within the listing. */
	const char *line;
	size_t len;
};

/* listing: `iptables -t mangle -S`, NUL-terminated. */
struct ctl_rule_way ctl_rule_way(const char *listing, const struct ctl_rule_packets *p,
				 uint16_t queue);
