#include "ctl/ctl_rule.h"

#include <string.h>

#include "unit/ctl/ctl_test.h"

static struct ctl_rule rule(const char *line)
{
	struct ctl_rule r;

	cr_assert(ctl_rule_parse(line, strlen(line), &r), "%s", line);
	return r;
}

static struct addr ip(const char *text)
{
	struct addr a;

	cr_assert_eq(addr_parse(text, strlen(text), &a), ADDR_OK);
	return a;
}

/* How a rule with these conditions meets packets first..last to one VIP. */
static enum ctl_rule_meeting meets(const char *conditions, uint32_t first, uint32_t last)
{
	struct addr vips[] = {ip("10.99.0.1")};
	struct ctl_rule_packets p = {.first = first, .last = last, .to = vips, .n_to = 1};
	char line[256];
	struct ctl_rule r;

	snprintf(line, sizeof(line), "-A OUTPUT %s -j ACCEPT", conditions);
	r = rule(line);
	return ctl_rule_meets(&r, &p);
}

static enum ctl_rule_meeting meets_ours(const char *conditions)
{
	return meets(conditions, UINT32_MAX, UINT32_MAX);
}

Test(ctl_rule, steering_rule_is_read_as_iptables_prints_it)
{
	struct ctl_rule r = rule("-A OUTPUT -m mark --mark 0xffffffff -m comment --comment alived "
				 "-j NFQUEUE --queue-num 77");

	cr_assert_str_eq(r.chain, "OUTPUT");
	cr_assert_str_eq(r.target, "NFQUEUE");
	cr_assert_eq(r.queue, 77);
	cr_assert_eq(r.queue_last, 77);
	cr_assert_eq(r.n_marks, 1);
	cr_assert_eq(r.marks[0].value, UINT32_MAX);
	cr_assert_eq(r.marks[0].mask, UINT32_MAX);
	cr_assert(ctl_rule_is_ours(&r));
	cr_assert(!r.has_other && !r.bypasses && !r.changes_mark);
}

Test(ctl_rule, comment_in_quotes_is_one_word)
{
	struct ctl_rule r = rule("-A x -m comment --comment \"say \\\"alived\\\" -j DROP\" -j LOG");

	cr_assert_str_eq(r.comment, "say \"alived\" -j DROP");
	cr_assert_str_eq(r.target, "LOG");
	cr_assert(!ctl_rule_is_ours(&r));
}

Test(ctl_rule, other_lines_are_no_rules)
{
	static const char *const lines[] = {"",   "-P OUTPUT ACCEPT", "-N foo", "# Warning", "-A",
					    "-A "};
	struct ctl_rule r;

	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		cr_assert(!ctl_rule_parse(lines[i], strlen(lines[i]), &r), "%s", lines[i]);
}

Test(ctl_rule, line_that_is_too_long_is_no_rule)
{
	static char line[8192] = "-A OUTPUT ";
	struct ctl_rule r;

	memset(line + strlen(line), 'x', sizeof(line) - strlen(line) - 1);
	cr_assert(!ctl_rule_parse(line, sizeof(line) - 1, &r));
	for (size_t i = 10; i < 3000; i++)
		line[i] = i % 2 ? 'x' : ' ';
	cr_assert(!ctl_rule_parse(line, 3000, &r), "too many words");
}

Test(ctl_rule, too_many_or_malformed_marks_are_not_understood)
{
	char line[2048] = "-A OUTPUT";

	for (int i = 0; i < CTL_RULE_MAX_MARKS + 1; i++)
		snprintf(line + strlen(line), sizeof(line) - strlen(line), " -m mark --mark 0x1");
	cr_assert(rule(line).has_other);
	cr_assert(rule("-A OUTPUT -m mark --mark 0x1/").has_other);
	cr_assert(rule("-A OUTPUT -m mark --mark z").has_other);
	cr_assert(rule("-A OUTPUT -m mark --mark 0x1ffffffff").has_other);
}

Test(ctl_rule, bypass_balance_and_mark_changes_are_seen)
{
	struct ctl_rule r = rule("-A OUTPUT -j NFQUEUE --queue-balance 7:9 --queue-bypass");

	cr_assert_eq(r.queue, 7);
	cr_assert_eq(r.queue_last, 9);
	cr_assert(r.bypasses);
	cr_assert(rule("-A OUTPUT -j MARK --set-xmark 0x5/0xffffffff").changes_mark);
	cr_assert(rule("-A OUTPUT -j CONNMARK --restore-mark --nfmask 0xffffffff").changes_mark);
	cr_assert(!rule("-A OUTPUT -j CONNMARK --save-mark").changes_mark);
}

Test(ctl_rule, equal_rules_differ_in_nothing_that_matters)
{
	const char *base = "-A OUTPUT -d 10.9.0.1/32 -p tcp -m tcp --tcp-flags RST RST -m mark "
			   "--mark 0x0 -m comment --comment alived -j DROP";
	static const char *const others[] = {
		"-A OUTPUT -d 10.9.0.2/32 -p tcp -m tcp --tcp-flags RST RST -m mark --mark 0x0 -j "
		"DROP",
		"-A OUTPUT -d 10.9.0.0/31 -p tcp -m tcp --tcp-flags RST RST -m mark --mark 0x0 -j "
		"DROP",
		"-A OUTPUT ! -d 10.9.0.1/32 -p tcp --tcp-flags RST RST -m mark --mark 0x0 -j DROP",
		"-A OUTPUT -d 10.9.0.1/32 -p tcp -m tcp -m mark --mark 0x0 -j DROP",
		"-A OUTPUT -d 10.9.0.1/32 -p tcp -m tcp --tcp-flags RST RST -j DROP",
		"-A OUTPUT -d 10.9.0.1/32 -p tcp --tcp-flags RST RST -m mark --mark 0x0 -j ACCEPT",
		"-A OUTPUT -d 10.9.0.1/32 -p tcp --tcp-flags RST RST -m mark ! --mark 0x0 -j DROP",
		"-A OUTPUT -d 10.9.0.1/32 -p tcp --tcp-flags SYN,RST RST -m mark --mark 0x0 -j "
		"DROP",
		"-A OUTPUT -d 10.9.0.1/32 -o eth0 -p tcp --tcp-flags RST RST -m mark --mark 0x0 -j "
		"DROP",
	};
	struct ctl_rule a = rule(base), b = rule("-A OUTPUT -d 10.9.0.1 -p tcp --tcp-flags RST RST "
						 "-m mark --mark 0 -j DROP");

	cr_assert(ctl_rule_eq(&a, &b));
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		b = rule(others[i]);
		cr_assert(!ctl_rule_eq(&a, &b), "%s", others[i]);
	}
}

Test(ctl_rule, one_mark_meets_or_not)
{
	cr_assert_eq(meets_ours(""), CTL_RULE_ALL);
	cr_assert_eq(meets_ours("-m mark --mark 0xffffffff"), CTL_RULE_ALL);
	cr_assert_eq(meets_ours("-m mark --mark 0x1/0x1"), CTL_RULE_ALL);
	cr_assert_eq(meets_ours("-m mark --mark 0x0"), CTL_RULE_NEVER);
	cr_assert_eq(meets_ours("-m mark ! --mark 0x0"), CTL_RULE_ALL);
	cr_assert_eq(meets_ours("-m mark ! --mark 0xffffffff"), CTL_RULE_NEVER);
}

/* decisions 41: base 1 and base 0x4000 under their masks, by every mark of the range. */
Test(ctl_rule, range_of_marks_is_met_exactly)
{
	static const struct {
		const char *conditions;
		uint32_t first, last;
	} ranges[] = {
		{"-m mark --mark 0x0/0xff000000 -m mark ! --mark 0x0/0xffffff", 1, 0xffffff},
		{"-m mark --mark 0x0/0xffff8000 -m mark ! --mark 0x0/0xffffc000", 0x4000, 0x7fff},
	};

	for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
		cr_assert_eq(meets(ranges[i].conditions, ranges[i].first, ranges[i].last),
			     CTL_RULE_ALL, "%s", ranges[i].conditions);
	cr_assert_eq(meets(ranges[1].conditions, 1, 0xffffff), CTL_RULE_SOME);
	cr_assert_eq(meets("-m mark --mark 0x5", 1, 0xffffff), CTL_RULE_SOME);
	cr_assert_eq(meets("-m mark --mark 0x5/0xff", 1, 0xffffff), CTL_RULE_SOME);
	cr_assert_eq(meets("-m mark --mark 0xffffff", 1, 0xffffff), CTL_RULE_SOME);
	cr_assert_eq(meets("-m mark --mark 0x1000000", 1, 0xffffff), CTL_RULE_NEVER);
	cr_assert_eq(meets("-m mark --mark 0x0", 1, 0xffffff), CTL_RULE_NEVER);
}

Test(ctl_rule, destination_and_protocol_decide)
{
	cr_assert_eq(meets_ours("-d 10.99.0.0/24"), CTL_RULE_ALL);
	cr_assert_eq(meets_ours("-d 10.98.0.0/15"), CTL_RULE_ALL);
	cr_assert_eq(meets_ours("-d 10.98.0.0/16"), CTL_RULE_NEVER);
	cr_assert_eq(meets_ours("! -d 10.98.0.0/16"), CTL_RULE_ALL);
	cr_assert_eq(meets_ours("! -d 10.99.0.1/32"), CTL_RULE_NEVER);
	cr_assert_eq(meets_ours("-p udp"), CTL_RULE_SOME, "test datagrams are UDP");
	cr_assert_eq(meets_ours("-p icmp"), CTL_RULE_NEVER);
	cr_assert_eq(meets_ours("-p tcp -m tcp --tcp-flags RST RST"), CTL_RULE_SOME);
	cr_assert_eq(meets_ours("-p tcp"), CTL_RULE_ALL);
}

Test(ctl_rule, what_is_not_understood_may_match)
{
	cr_assert_eq(meets_ours("-o lo"), CTL_RULE_SOME);
	cr_assert_eq(meets_ours("-m set --match-set x dst"), CTL_RULE_SOME);
	cr_assert_eq(meets_ours("-m set --match-set x dst -m mark --mark 0x0"), CTL_RULE_NEVER);
}

Test(ctl_rule, rules_about_invalid_states_are_found)
{
	cr_assert(rule("-A INPUT -m conntrack --ctstate INVALID,NEW -j DROP").drops_invalid_state);
	cr_assert(rule("-A INPUT -m state --state INVALID -j DROP").drops_invalid_state);
	cr_assert(!rule("-A INPUT -m conntrack --ctstate NEW -j DROP").drops_invalid_state);
}

/* Any bytes: no crash, nothing read beyond the end (a block of the exact size, for ASan). */
Test(ctl_rule, random_lines_are_survived)
{
	static const char *const pieces[] = {
		"-A ",         "OUTPUT ", "\"", "\\",           " ",    "--mark ", "! ",
		"-d ",         "/",       "0x", "--tcp-flags ", "RST ", "-j ",     "--queue-num ",
		"99999999999", "::1",     "-p "};
	unsigned seed = 1;

	for (int round = 0; round < 20000; round++) {
		char text[256] = "-A ", *exact;
		size_t len = strlen(text);
		struct ctl_rule r;

		while (len < 200 && (seed = seed * 1103515245 + 12345) >> 16 & 15) {
			const char *piece = pieces[(seed >> 20) % ARRAY_LEN(pieces)];

			memcpy(text + len, piece, strlen(piece));
			len += strlen(piece);
		}
		exact = malloc(len);
		memcpy(exact, text, len);
		if (ctl_rule_parse(exact, len, &r))
			cr_assert_lt(strlen(r.target), sizeof(r.target));
		free(exact);
	}
}
