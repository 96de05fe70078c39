/* Slots: dense 32-bit numbers of services, reals, checks and prefixes.
 *
 * main gives them out (config/slots.h). A slot keeps its number as long as its object exists, over
 * reloads too, so each thread keeps its own state in a table indexed by slot. A freed slot rests
 * 60 s before it is given again, and its sequence number grows by one, so that a late result of
 * the old object is recognised by (slot, sequence) and dropped (decisions 5).
 */
#pragma once

#include <stdint.h>

#define SLOT_NONE UINT32_MAX

enum {
	MAX_CHECKS = 1 << 20,
	MAX_REALS = 1 << 20,
	MAX_SERVICES = 1 << 18,
	MAX_PREFIXES = 1 << 18,
	MAX_WORKERS = 128,
	MAX_MODULES = 31, /* balancer modules in YANET: spec/yanet.md §11 */
};
