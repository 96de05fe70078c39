#include "ctl/ctl_steer.h"

#include <string.h>

#include "config/diag.h"
#include "config/services_parse.h"
#include "ctl/ctl_rule_way.h"
#include "unit/ctl/ctl_test.h"

#define VIP4_RESET                                                                         \
	"-d 10.99.0.1/32 -p tcp -m tcp --tcp-flags RST RST -m mark --mark 0x0 -m comment " \
	"--comment alived -j DROP"
#define STEERING "-m mark --mark 0xffffffff -m comment --comment alived -j NFQUEUE --queue-num 7"
#define BACKSTOP "-p tcp -m mark --mark 0xffffffff -m comment --comment alived -j DROP"
/* the drops as they are listed */
#define DROPS "-A OUTPUT " VIP4_RESET "\n-A POSTROUTING " BACKSTOP "\n"
#define SERVICES                                                               \
	"virtual_server 10.99.0.1 80 {\nprotocol TCP\nlvs_method TUN\n"        \
	"real_server 10.0.0.1 80 {\nTCP_CHECK {\nconnect_timeout 1\n}\n}\n"    \
	"real_server 10.0.0.2 80 {\nTCP_CHECK {\nconnect_timeout 1\n}\n}\n}\n" \
	"virtual_server fd99::1 80 {\nprotocol TCP\nlvs_method GRE\n"          \
	"real_server 10.0.0.1 80 {\nTCP_CHECK {\nconnect_timeout 1\n}\n}\n}\n" \
	"virtual_server 10.99.0.9 80 {\nprotocol TCP\nlvs_method NAT\n"        \
	"real_server 10.0.0.1 80 {\nTCP_CHECK {\nconnect_timeout 1\n}\n}\n}\n"

static void make(const char *yaml, struct ctl_steer *ret)
{
	struct source *src[] = {source_new(), source_new()};
	struct diag *diag[] = {diag_new(src[0]), diag_new(src[1])};
	struct app_config *app = NULL;
	struct draft *draft = NULL;

	cr_assert_eq(app_config_load_text("y", yaml, strlen(yaml), src[0], diag[0], &app), 0);
	cr_assert_eq(
		services_parse_text("s", SERVICES, strlen(SERVICES), app, src[1], diag[1], &draft),
		0, "%s", diag_text(diag[1]));
	cr_assert_eq(ctl_steer_init(ret, app, draft), 0);
	draft_free(draft);
	app_config_free(app);
	for (int i = 0; i < 2; i++) {
		diag_free(diag[i]);
		source_free(src[i]);
	}
}

static char script[8192];

static struct ctl_steer_change apply(const struct ctl_steer *s, const char *listing)
{
	FILE *to = fmemopen(script, sizeof(script), "w");
	struct ctl_steer_change c = ctl_steer_apply(s, CTL_STEER_V4, listing, to);

	script[0] = 0;
	fclose(to);
	return c;
}

static const char *printed(const struct ctl_steer *s, enum ctl_steer_tool tool)
{
	FILE *to = fmemopen(script, sizeof(script), "w");

	script[0] = 0;
	ctl_steer_print(s, tool, to);
	fclose(to);
	return script;
}

#define OPTION "check_tun:\n  nfqueue: 7\n"

Test(ctl_steer, each_vip_of_tunnelled_checks_is_taken_once)
{
	struct ctl_steer s;
	const struct addr *vips;

	make(OPTION, &s);
	cr_assert_eq(s.n_vips, 2, "10.99.0.9 is not tunnelled");
	cr_assert_eq(ctl_steer_vips(&s, CTL_STEER_V4, &vips), 1);
	cr_assert(addr_is_v4(&vips[0]));
	cr_assert_eq(ctl_steer_vips(&s, CTL_STEER_V6, &vips), 1);
	cr_assert(!addr_is_v4(&vips[0]));
	ctl_steer_deinit(&s);
}

Test(ctl_steer, rules_of_option_steering_are_printed_as_commands)
{
	struct ctl_steer s;

	make(OPTION, &s);
	cr_assert_str_eq(printed(&s, CTL_STEER_V4),
			 "iptables -w -t mangle -I OUTPUT " VIP4_RESET
			 "\niptables -w -t mangle -I POSTROUTING " BACKSTOP
			 "\niptables -w -t mangle -I OUTPUT " STEERING "\n");
	cr_assert_not_null(strstr(printed(&s, CTL_STEER_V6), "ip6tables -w -t mangle -I OUTPUT -d "
							     "fd99::1/128 -p tcp"));
	cr_assert_null(strstr(script, "bypass"));
	ctl_steer_deinit(&s);
}

/* decisions 41: no mark below the base or above the mask, and never the mark 0 of everyone's
 * packets. */
Test(ctl_steer, mark_steering_covers_exactly_its_range)
{
	static const struct {
		const char *yaml, *marks;
		uint32_t first, last;
	} rows[] = {
		{"check_tun:\n  steering: mark\n",
		 "-m mark --mark 0x0/0xff000000 -m mark ! --mark 0x0/0xffffffff "
		 "-m comment",
		 1, 0xffffff},
		{"check_tun:\n  steering: mark\n  mark_mask: 0x7fff\n  mark_base: 0x4000\n",
		 "-m mark --mark 0x0/0xffff8000 -m mark ! --mark 0x0/0xffffc000 -m comment", 0x4000,
		 0x7fff},
		{"check_tun:\n  steering: mark\n  mark_mask: 0xffffffff\n  mark_base: 6\n",
		 "OUTPUT -m mark ! --mark 0x4/0xfffffffe -m mark ! --mark 0x0/0xfffffffc -m "
		 "comment",
		 6, UINT32_MAX},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ctl_rule_packets p, below = {.first = 0, .last = rows[i].first - 1};
		struct ctl_steer s;

		make(rows[i].yaml, &s);
		cr_assert_eq(s.first, rows[i].first);
		cr_assert_eq(s.last, rows[i].last);
		cr_assert_not_null(strstr(printed(&s, CTL_STEER_V4), rows[i].marks), "%s", script);
		apply(&s, "");
		memmove(script, strstr(script, "-I OUTPUT 1 -m mark"), strlen(script));
		memcpy(script, "-A OUTPUT   ", 12);
		p = ctl_steer_packets(&s, CTL_STEER_V4);
		cr_assert_eq(ctl_rule_way(script, &p, s.queue).end, CTL_RULE_QUEUED, "%s", script);
		for (uint32_t m = below.first; m <= MIN(below.last, 20000U); m++) {
			p.first = p.last = m;
			cr_assert_eq(ctl_rule_way(script, &p, s.queue).end, CTL_RULE_MISSING, "%u",
				     m);
		}
		p.first = p.last = rows[i].last + 1;
		cr_assert_eq(ctl_rule_way(script, &p, s.queue).end, CTL_RULE_MISSING);
		ctl_steer_deinit(&s);
	}
}

Test(ctl_steer, nothing_is_there_all_is_added_steering_first_in_chain)
{
	struct ctl_steer s;
	struct ctl_steer_change c;

	make(OPTION, &s);
	c = apply(&s, "-P OUTPUT ACCEPT\n");
	cr_assert_eq(c.n_added, 3);
	cr_assert_eq(c.n_removed, 0);
	cr_assert_str_eq(script, "*mangle\n-I OUTPUT 1 " VIP4_RESET "\n-I POSTROUTING 1 " BACKSTOP
				 "\n-I OUTPUT 1 " STEERING "\nCOMMIT\n");
	ctl_steer_deinit(&s);
}

Test(ctl_steer, second_apply_changes_nothing)
{
	struct ctl_steer s;
	struct ctl_steer_change c;

	make(OPTION, &s);
	c = apply(&s, "-A OUTPUT " STEERING "\n" DROPS);
	cr_assert_eq(c.n_added + c.n_removed, 0);
	cr_assert_str_eq(script, "");
	ctl_steer_deinit(&s);
}

Test(ctl_steer, outdated_and_double_rules_of_ours_go)
{
	struct ctl_steer s;
	struct ctl_steer_change c;

	make(OPTION, &s);
	c = apply(&s, "-A OUTPUT " STEERING "\n-A OUTPUT " STEERING "\n" DROPS
		      "-A OUTPUT -m mark --mark 0xffffffff -m comment --comment alived -j NFQUEUE "
		      "--queue-num 6\n"
		      "-A OUTPUT -d 10.7.7.7/32 -j DROP\n");
	cr_assert_eq(c.n_added, 0);
	cr_assert_eq(c.n_removed, 2);
	cr_assert_str_eq(script,
			 "*mangle\n-D OUTPUT " STEERING
			 "\n-D OUTPUT -m mark --mark 0xffffffff -m comment --comment alived "
			 "-j NFQUEUE --queue-num 6\nCOMMIT\n");
	ctl_steer_deinit(&s);
}

Test(ctl_steer, shadowed_rule_is_put_in_front)
{
	struct ctl_steer s;

	make(OPTION, &s);
	apply(&s, "-A OUTPUT -j ACCEPT\n-A OUTPUT " STEERING "\n" DROPS);
	cr_assert_str_eq(script,
			 "*mangle\n-D OUTPUT " STEERING "\n-I OUTPUT 1 " STEERING "\nCOMMIT\n");
	ctl_steer_deinit(&s);
}

Test(ctl_steer, tunnel_off_needs_no_rules_and_removes_ours)
{
	struct ctl_steer s;

	make("logging:\n  level: info\n", &s);
	cr_assert(!s.is_on);
	cr_assert_str_eq(printed(&s, CTL_STEER_V4), "");
	apply(&s, "-A OUTPUT " STEERING "\n");
	cr_assert_str_eq(script, "*mangle\n-D OUTPUT " STEERING "\nCOMMIT\n");
	ctl_steer_deinit(&s);
}

Test(ctl_steer, remove_takes_what_has_our_comment_and_nothing_else)
{
	FILE *to = fmemopen(script, sizeof(script), "w");
	struct ctl_steer_change c;

	c = ctl_steer_remove(
		"-A OUTPUT -m comment --comment alived2 -j DROP\n-A OUTPUT -j ACCEPT\n"
		"-A PREROUTING -m comment --comment alived -j DROP\n-A OUTPUT " STEERING "\n",
		to);
	fclose(to);
	cr_assert_eq(c.n_removed, 2);
	cr_assert_str_eq(script, "*mangle\n-D PREROUTING -m comment --comment alived -j DROP\n"
				 "-D OUTPUT " STEERING "\nCOMMIT\n");
}

/* decisions 42 */
Test(ctl_steer, missing_drops_are_counted)
{
	struct ctl_steer s;

	make(OPTION, &s);
	cr_assert_eq(ctl_steer_drops_missing(&s, CTL_STEER_V4, "-A OUTPUT " STEERING "\n"), 2);
	cr_assert_eq(ctl_steer_drops_missing(&s, CTL_STEER_V4, "-A OUTPUT " VIP4_RESET "\n"), 1);
	cr_assert_eq(ctl_steer_drops_missing(&s, CTL_STEER_V4, DROPS), 0);
	ctl_steer_deinit(&s);
}
