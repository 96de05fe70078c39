/* A netfilter queue in the kernel's own table, /proc/net/netfilter/nfnetlink_queue of the caller's
 * network namespace. Any thread. */
#pragma once

#include "base/cc.h"

struct nfqueue_row {
	uint64_t waiting;        /* packets in it now */
	uint64_t dropped_full;   /* since it was opened: the queue was full */
	uint64_t dropped_buffer; /* since it was opened: its reader's buffer was full */
};

/* The row of this queue in the table's text; false: nobody has it open. Pure. */
MUST_CHECK bool nfqueue_find(const char *table, uint16_t number, struct nfqueue_row *ret);
/* Reads the table: some 20 µs. Returns 1 and the row, 0 if nobody has the queue open, or a negative
 * errno: -ENOENT if the kernel has no such queues. */
MUST_CHECK int nfqueue_read(uint16_t number, struct nfqueue_row *ret);
