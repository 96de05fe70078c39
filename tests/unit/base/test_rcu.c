#include "base/rcu.h"

#include <criterion/criterion.h>

#include "base/clk.h"
#include "base/thr.h"

struct object {
	uint32_t number;
	uint32_t is_dead;
};

static struct object objects[64];
static _Atomic(struct object *) current = &objects[0];
static _Atomic bool is_over;

static void read_on(void *ctx)
{
	uint64_t *n_bad = ctx;
	uint32_t before = 0;

	/* relaxed: only the flag matters */
	while (!atomic_load_explicit(&is_over, memory_order_relaxed)) {
		rcu_enter();
		struct object *o = rcu_get(&current);

		for (int i = 0; i < 100; i++)
			*n_bad += o->is_dead != 0 || o->number < before;
		before = o->number;
		rcu_leave();
	}
}

/* Ended objects are marked, not freed, so that a reader that still holds one tells. */
Test(rcu, nobody_reads_an_object_after_the_wait)
{
	uint64_t n_bad[2] = {0}, until = clk_mono_ns() + 300 * CLK_MS;
	struct thr t[2];
	uint32_t number = 0;

	rcu_thread_register();
	for (int i = 0; i < 2; i++) {
		t[i] = (struct thr){.fn = read_on, .ctx = &n_bad[i], .name = "reader"};
		cr_assert_eq(thr_start(&t[i]), 0);
	}
	while (clk_mono_ns() < until) {
		struct object *next = &objects[++number % ARRAY_LEN(objects)];

		*next = (struct object){.number = number};
		struct object *old = rcu_swap(&current, next);

		rcu_wait();
		old->is_dead = 1;
	}
	/* relaxed: only the flag matters */
	atomic_store_explicit(&is_over, true, memory_order_relaxed);
	for (int i = 0; i < 2; i++)
		thr_join(&t[i]);
	rcu_thread_unregister();
	cr_assert_gt(number, 10);
	cr_assert_eq(n_bad[0] + n_bad[1], 0);
}

Test(rcu, sections_nest)
{
	rcu_thread_register();
	rcu_enter();
	rcu_enter();
	cr_assert_eq(rcu_get(&current), &objects[0]);
	rcu_leave();
	rcu_leave();
	rcu_wait();
	rcu_thread_unregister();
}
