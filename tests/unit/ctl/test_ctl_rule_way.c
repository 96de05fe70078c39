#include "ctl/ctl_rule_way.h"

#include <string.h>

#include "unit/ctl/ctl_test.h"

#define OURS                                                                                      \
	"-A OUTPUT -m mark --mark 0xffffffff -m comment --comment alived -j NFQUEUE --queue-num " \
	"7\n"

static const char *way_line(const struct ctl_rule_way *w)
{
	static char text[512];

	snprintf(text, sizeof(text), "%.*s", w->line ? (int)w->len : 4, w->line ? w->line : "none");
	return text;
}

static void leads(const char *listing, enum ctl_rule_end end, const char *line)
{
	struct addr vip;
	struct ctl_rule_packets p = {
		.first = UINT32_MAX, .last = UINT32_MAX, .to = &vip, .n_to = 1};
	struct ctl_rule_way w;

	cr_assert_eq(addr_parse("10.99.0.1", 9, &vip), ADDR_OK);
	w = ctl_rule_way(listing, &p, 7);
	cr_assert_eq(w.end, end, "%d for\n%s", w.end, listing);
	cr_assert_str_eq(way_line(&w), line);
}

Test(ctl_rule_way, rule_alone_queues)
{
	leads("-P OUTPUT ACCEPT\n" OURS, CTL_RULE_QUEUED, "none");
}

Test(ctl_rule_way, empty_table_misses)
{
	leads("-P OUTPUT ACCEPT\n", CTL_RULE_MISSING, "none");
	leads("", CTL_RULE_MISSING, "none");
}

Test(ctl_rule_way, rule_in_another_chain_misses)
{
	leads("-A POSTROUTING -m mark --mark 0xffffffff -j NFQUEUE --queue-num 7\n",
	      CTL_RULE_MISSING, "none");
}

Test(ctl_rule_way, rules_before_that_catch_are_named)
{
	leads("-A OUTPUT -j ACCEPT\n" OURS, CTL_RULE_CAUGHT, "-A OUTPUT -j ACCEPT");
	leads("-A OUTPUT -d 10.99.0.0/16 -j RETURN\n" OURS, CTL_RULE_CAUGHT,
	      "-A OUTPUT -d 10.99.0.0/16 -j RETURN");
	leads("-A OUTPUT -j MARK --set-xmark 0x1/0x1\n" OURS, CTL_RULE_CAUGHT,
	      "-A OUTPUT -j MARK --set-xmark 0x1/0x1");
}

Test(ctl_rule_way, rules_behind_do_not_matter)
{
	leads(OURS "-A OUTPUT -j DROP\n", CTL_RULE_QUEUED, "none");
}

Test(ctl_rule_way, rules_for_other_packets_do_not_matter)
{
	leads("-A OUTPUT -m mark --mark 0x5 -j DROP\n-A OUTPUT -d 10.98.0.0/16 -j ACCEPT\n"
	      "-A OUTPUT -p icmp -j ACCEPT\n-A OUTPUT -j LOG\n" OURS,
	      CTL_RULE_QUEUED, "none");
}

Test(ctl_rule_way, doubtful_rule_before_is_named)
{
	leads("-A OUTPUT -o eth9 -j ACCEPT\n" OURS, CTL_RULE_QUEUED, "-A OUTPUT -o eth9 -j ACCEPT");
}

Test(ctl_rule_way, other_queue_and_bypass_are_faults)
{
	leads("-A OUTPUT -m mark --mark 0xffffffff -j NFQUEUE --queue-num 8\n", CTL_RULE_ELSEWHERE,
	      "-A OUTPUT -m mark --mark 0xffffffff -j NFQUEUE --queue-num 8");
	leads("-A OUTPUT -j NFQUEUE --queue-balance 7:8\n", CTL_RULE_ELSEWHERE,
	      "-A OUTPUT -j NFQUEUE --queue-balance 7:8");
	leads("-A OUTPUT -j NFQUEUE --queue-num 7 --queue-bypass\n", CTL_RULE_BYPASS,
	      "-A OUTPUT -j NFQUEUE --queue-num 7 --queue-bypass");
}

Test(ctl_rule_way, chains_are_followed)
{
	leads("-N a\n-N b\n-A OUTPUT -j a\n-A OUTPUT -j DROP\n-A a -j b\n"
	      "-A b -m mark --mark 0xffffffff -j NFQUEUE --queue-num 7\n",
	      CTL_RULE_QUEUED, "none");
	leads("-N a\n-A OUTPUT -j a\n-A a -d 10.99.0.1/32 -j ACCEPT\n" OURS, CTL_RULE_CAUGHT,
	      "-A a -d 10.99.0.1/32 -j ACCEPT");
	leads("-N a\n-A OUTPUT -o lo -j a\n-A a -j ACCEPT\n" OURS, CTL_RULE_QUEUED,
	      "-A a -j ACCEPT");
}

Test(ctl_rule_way, return_goes_back_to_the_caller)
{
	leads("-N a\n-A OUTPUT -j a\n-A a -j RETURN\n-A a -j DROP\n" OURS, CTL_RULE_QUEUED, "none");
}

Test(ctl_rule_way, goto_does_not_come_back)
{
	leads("-N a\n-A OUTPUT -g a\n-A a -j RETURN\n" OURS, CTL_RULE_MISSING, "none");
}

Test(ctl_rule_way, chains_in_a_circle_end)
{
	leads("-N a\n-A OUTPUT -j a\n-A a -j a\n" OURS, CTL_RULE_QUEUED, "none");
}
