/* The host rules that tunnelled checks need (decisions 39-42), and how the ones that are there
 * become them. Pure.
 *
 * Steering: in mangle OUTPUT the marks of checks go to the daemon's queue, without --queue-bypass.
 * One rule covers exactly the marks that are ours, from mark_base to mark_mask: bits above the
 * mask zero, and not below the base, which is one negated match per bit of the base.
 * Resets: what the kernel itself answers to a late packet of a dead check has no mark; it is
 * dropped on its way to a VIP.
 * Backstop: in mangle POSTROUTING, where no packet that was queued ever comes, TCP with the marks
 * of checks is dropped: if someone empties OUTPUT, nothing leaves without its tunnel.
 */
#pragma once

#include <stdio.h>

#include "config/app_config.h"
#include "config/draft.h"
#include "ctl/ctl_rule.h"

struct ctl_steer {
	bool is_on; /* run_check_tun */
	uint16_t queue;
	uint32_t first, last; /* marks; one value in option steering */
	/* addresses that tunnelled checks go to, IPv4 first, sorted, each once */
	struct addr *vips;
	size_t n_v4, n_vips;
};

enum ctl_steer_tool { CTL_STEER_V4, CTL_STEER_V6, CTL_STEER__N };

/* Returns 0 or -ENOMEM. */
MUST_CHECK int ctl_steer_init(struct ctl_steer *s, const struct app_config *app,
			      const struct draft *draft);
void ctl_steer_deinit(struct ctl_steer *s);
/* "iptables", "ip6tables". */
const char *ctl_steer_tool_text(enum ctl_steer_tool tool);
/* The tool's addresses; returns how many. */
size_t ctl_steer_vips(const struct ctl_steer *s, enum ctl_steer_tool tool, const struct addr **ret);
/* The packets of checks of the tool's family. */
struct ctl_rule_packets ctl_steer_packets(const struct ctl_steer *s, enum ctl_steer_tool tool);

/* All rules as commands, one per line, the one to run last at the end. */
void ctl_steer_print(const struct ctl_steer *s, enum ctl_steer_tool tool, FILE *to);

struct ctl_steer_change {
	unsigned n_added, n_removed;
};
/* Writes input for `TOOL-restore --noflush` that turns the rules in the listing (TOOL -t mangle -S)
 * into the wanted ones, touching none but ours, all at once: those that are right stay, unless the
 * steering rule stands behind one that catches its packets. Writes nothing if nothing is to be
 * done. */
struct ctl_steer_change ctl_steer_apply(const struct ctl_steer *s, enum ctl_steer_tool tool,
					const char *listing, FILE *script);
/* The same for removing every rule of ours. */
struct ctl_steer_change ctl_steer_remove(const char *listing, FILE *script);
/* How many of the drops, resets and backstop, are not in the listing. */
size_t ctl_steer_drops_missing(const struct ctl_steer *s, enum ctl_steer_tool tool,
			       const char *listing);
