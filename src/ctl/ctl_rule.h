/* Host rules as `iptables -S` and `ip6tables -S` print them, one per line. Pure.
 *
 * Only what decides about a check's packets is kept: chain, marks, destination, protocol, target.
 * Whatever else a rule asks for is has_other: such a rule may or may not match.
 */
#pragma once

#include "base/addr.h"

enum { CTL_RULE_MAX_MARKS = 36, CTL_RULE_NAME_BYTES = 40, CTL_RULE_COMMENT_BYTES = 64 };

/* The comment that says a rule is ours. */
#define CTL_RULE_OWNER "alived"

struct ctl_rule_mark {
	uint32_t value, mask;
	bool is_not;
};

struct ctl_rule {
	char chain[CTL_RULE_NAME_BYTES], target[CTL_RULE_NAME_BYTES], proto[CTL_RULE_NAME_BYTES];
	char comment[CTL_RULE_COMMENT_BYTES];
	struct ctl_rule_mark marks[CTL_RULE_MAX_MARKS];
	unsigned n_marks;
	struct addr to; /* -d; ADDR_UNSET: any */
	uint8_t to_bits;
	bool to_is_not, proto_is_not;
	bool is_rst;       /* --tcp-flags RST RST */
	bool has_other;    /* conditions that are not understood */
	bool is_goto;      /* -g instead of -j */
	bool bypasses;     /* --queue-bypass */
	bool changes_mark; /* MARK, or CONNMARK that restores */
	uint16_t queue, queue_last;
	bool drops_invalid_state; /* --ctstate or --state with INVALID */
};

/* Reads a line "-A CHAIN ...". Returns false for anything else: policies, "-N", comments. */
MUST_CHECK bool ctl_rule_parse(const char *line, size_t len, struct ctl_rule *ret);
bool ctl_rule_is_ours(const struct ctl_rule *r);
/* Same conditions, same target. Never true if one has conditions that are not understood. */
bool ctl_rule_eq(const struct ctl_rule *a, const struct ctl_rule *b);

/* Packets of tunnelled checks in one family: marks first..last, sent to these addresses. */
struct ctl_rule_packets {
	uint32_t first, last;
	const struct addr *to; /* sorted by addr_cmp */
	size_t n_to;
};

enum ctl_rule_meeting { CTL_RULE_NEVER, CTL_RULE_SOME, CTL_RULE_ALL };
/* Does the rule match these packets? CTL_RULE_SOME: some of them, or it cannot be told. */
enum ctl_rule_meeting ctl_rule_meets(const struct ctl_rule *r, const struct ctl_rule_packets *p);

/* A line of text at *at, without its end; moves *at behind it. Returns false at the end. */
bool ctl_rule_next_line(const char **at, const char **ret_line, size_t *ret_len);
