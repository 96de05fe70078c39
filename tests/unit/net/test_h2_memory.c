#include "net/h2_memory.h"

#include <stdint.h>
#include <string.h>

#include <criterion/criterion.h>

static struct h2_memory m;
static nghttp2_mem f;

static void set_up(void)
{
	m = (struct h2_memory){.max_bytes = 1000};
	f = h2_memory_functions(&m);
	cr_assert_eq(f.mem_user_data, &m);
}

TestSuite(h2_memory, .init = set_up);

Test(h2_memory, counts_what_is_in_use)
{
	char *a = f.malloc(100, &m), *b = f.calloc(10, 20, &m);

	cr_assert_eq(m.bytes, 300);
	for (int i = 0; i < 200; i++)
		cr_assert_eq(b[i], 0);
	memset(a, 'x', 100);
	a = f.realloc(a, 150, &m);
	cr_assert_eq(a[99], 'x');
	cr_assert_eq(m.bytes, 350);
	a = f.realloc(a, 50, &m);
	cr_assert_eq(m.bytes, 250);
	cr_assert_eq((uintptr_t)a % alignof(max_align_t), 0);
	f.free(a, &m);
	f.free(b, &m);
	f.free(NULL, &m);
	cr_assert_eq(m.bytes, 0);
	cr_assert(!m.is_over_budget && !m.is_starved);
}

Test(h2_memory, refuses_what_is_beyond_the_budget)
{
	void *a = f.malloc(600, &m), *same;

	cr_assert_null(f.malloc(401, &m));
	cr_assert(m.is_over_budget && !m.is_starved);
	m.is_over_budget = false;
	cr_assert_null(f.realloc(a, 1001, &m), "the old block stays");
	cr_assert(m.is_over_budget);
	cr_assert_eq(m.bytes, 600);
	same = f.realloc(a, 1000, &m);
	cr_assert_not_null(same);
	f.free(same, &m);
	cr_assert_eq(m.bytes, 0);
}

Test(h2_memory, sizes_that_overflow_are_refused)
{
	cr_assert_null(f.calloc(SIZE_MAX / 2, 3, &m));
	cr_assert_null(f.malloc(SIZE_MAX, &m));
	cr_assert_eq(m.bytes, 0);
}
