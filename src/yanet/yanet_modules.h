/* The balancer modules that RealFind showed, each with a number below MAX_MODULES: bit i of
 * real_row.modules_listing and modules_in_sync is module i. Keyed by name, since balancer ids
 * change when YANET reloads (spec/yanet §5). A number is given again when two complete replies in a
 * row lacked its module. */
#pragma once

#include "model/ids.h"
#include "yanet/yanet_name.h"

enum { YANET_MODULES_FULL = MAX_MODULES };

struct yanet_modules {
	struct yanet_name names[MAX_MODULES];
	uint8_t n_missed[MAX_MODULES]; /* complete replies in a row that lack it */
	uint32_t in_use;               /* bit set */
	uint32_t present;              /* in the reply that is being read */
};

/* A reply begins. */
void yanet_modules_begin(struct yanet_modules *m);
/* The reply has this module. Returns its number, a new one if need be, or YANET_MODULES_FULL. */
unsigned yanet_modules_found(struct yanet_modules *m, const struct yanet_name *name);
/* The reply was complete. Returns the bit set of numbers that became free. */
uint32_t yanet_modules_end(struct yanet_modules *m);
unsigned yanet_modules_count(const struct yanet_modules *m);
