/* Whose fault is a missing route (decisions 14)? Ours, until a check of another host of the same
 * family that started after the first no_route of this run was answered. Pure.
 *
 * For each family the newest start of an answered check is kept for two different hosts: enough to
 * ask about "another host" for any host.
 */
#pragma once

#include "base/addr.h"
#include "model/result.h"

struct route_family {
	uint32_t host;      /* of newest */
	uint64_t newest_ns; /* start; 0: none */
	uint64_t other_ns;  /* newest start of any other host */
};

struct route_rule {
	struct route_family families[2]; /* IPv6, IPv4 */
};

/* Did a host answer this attempt: anything but silence and errors of the path. */
bool route_rule_is_answer(const struct result *result, enum verdict verdict);
/* The same of a bad one alone, stricter: the bad result itself was an answer (refused, reset,
 * status, TLS, body), not a time-out in the middle (decisions 32). */
bool route_rule_is_bad_answer(enum check_code code);

void route_rule_init(struct route_rule *r);
void route_rule_answered(struct route_rule *r, bool is_v4, uint32_t host, uint64_t start_ns);
/* Was a host other than this one answered by a check started after since_ns? */
bool route_rule_others_answer(const struct route_rule *r, bool is_v4, uint32_t host,
			      uint64_t since_ns);
