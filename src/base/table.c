#include "base/table.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/err.h"

int table_init(struct table *t, uint32_t row_bytes, uint32_t max_rows)
{
	void *p = mmap(NULL, (size_t)row_bytes * max_rows, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return err_origin(-errno);
	*t = (struct table){.rows = p, .row_bytes = row_bytes, .max_rows = max_rows};
	return 0;
}

void table_deinit(struct table *t)
{
	if (t->rows)
		munmap(t->rows, (size_t)t->row_bytes * t->max_rows);
	t->rows = NULL;
}
