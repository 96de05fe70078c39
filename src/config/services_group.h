/* Announce groups: from announce_group or, as the reference does, from quorum_up's arguments. */
#pragma once

#include "config/services_check.h"

/* Sets service->group: the first group that a service of its VIP has named; 0 if this one names
 * none (decisions 29). Unknown groups are errors. Returns 0 or -ENOMEM. */
MUST_CHECK int services_group_resolve(struct services_run *run, const struct services_subject *s,
				      struct draft_service *service);
