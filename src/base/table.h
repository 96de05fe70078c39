/* A table of fixed-size rows at fixed addresses: address space is reserved for the largest size,
 * memory comes with the first touch of a page. Rows start as zero bytes, never move, and are
 * found by 32-bit index, so any thread may keep a row's index and any reader its address.
 */
#pragma once

#include "base/cc.h"

struct table {
	unsigned char *rows;
	uint32_t row_bytes;
	uint32_t max_rows;
};

/* Reserves the address space. Returns 0 or -ENOMEM. */
MUST_CHECK int table_init(struct table *t, uint32_t row_bytes, uint32_t max_rows);
void table_deinit(struct table *t);

/* Row i; i < max_rows. Any thread. */
static inline void *table_row(const struct table *t, uint32_t i)
{
	ASSERT(i < t->max_rows);
	return t->rows + (size_t)i * t->row_bytes;
}
