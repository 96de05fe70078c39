/* Hosts = distinct real IPs, numbered densely: several reals of one IP fail together, and blind
 * (decisions 31) counts them once. agg's thread only.
 *
 * A row holds no address but 32 bits of its hash; with the other bits that choose its place in the
 * index, two of 100,000 addresses meet by chance once in some 100,000 fleets, and would then be
 * one host of a sample. 8 bytes per row and 4 per index entry, load <= 2/3.
 */
#pragma once

#include "base/table.h"
#include "config/gen.h"
#include "model/state.h"

struct hosts {
	struct table rows;  /* struct host */
	uint32_t *index;    /* open addressing: host + 1, 0 free, HOSTS_TOMB deleted */
	uint32_t n_index;   /* a power of two, 0 before the first */
	uint32_t n_entries; /* hosts and tombs */
	uint32_t n_hosts;
	uint32_t end;       /* rows below were used */
	uint32_t free_head; /* row + 1 */
};

/* Returns 0 or -ENOMEM. */
MUST_CHECK int hosts_init(struct hosts *h);
void hosts_deinit(struct hosts *h);
/* Makes room for n more addresses. All hosts are those of the reals of g (may be NULL: there are
 * none) by their rows in t. Returns 0 or -ENOMEM (nothing changed). */
MUST_CHECK int hosts_reserve(struct hosts *h, uint32_t n, const struct generation *g,
			     const struct state_tables *t);
/* One more real on this address: its host. Room was reserved. */
uint32_t hosts_take(struct hosts *h, const struct addr *ip);
/* One real less. True: it was the last, the number is free. */
bool hosts_give(struct hosts *h, uint32_t host, const struct addr *ip);
