/* Two threads over one ring: nothing lost, doubled, torn or out of order, for batches of every
 * size and rings from one slot on. TSan sees to the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>

#include "base/clk.h"
#include "base/ring.h"

struct element {
	uint64_t number;
	uint64_t copies[3]; /* a torn element differs among them */
};

struct run {
	struct ring ring;
	uint64_t until_ns;
	uint64_t n_put, n_taken;
	bool is_patient; /* consumer holds several elements before it releases */
	_Atomic bool is_over;
};

static void put_one(struct run *r)
{
	struct element *e = ring_put(&r->ring);

	*e = (struct element){r->n_put, {r->n_put, ~r->n_put, r->n_put * 3}};
	r->n_put++;
}

static void *produce(void *arg)
{
	struct run *r = arg;
	uint32_t batch = 1;

	while (clk_mono_ns() < r->until_ns) {
		uint32_t room = ring_room(&r->ring), n = MIN(room, batch % 61 + 1);

		for (uint32_t i = 0; i < n; i++)
			put_one(r);
		ASSERT(ring_staged(&r->ring) == n);
		ring_publish(&r->ring);
		if (n == 0)
			sched_yield();
		batch = batch * 1103515245 + 12345;
	}
	/* release: the last publication comes before the end; pairs with consume() */
	atomic_store_explicit(&r->is_over, true, memory_order_release);
	return NULL;
}

static void check(struct run *r, const struct element *e)
{
	ASSERT(e->number == r->n_taken);
	ASSERT(e->copies[0] == e->number);
	ASSERT(e->copies[1] == ~e->number);
	ASSERT(e->copies[2] == e->number * 3);
}

static void *consume(void *arg)
{
	struct run *r = arg;

	for (;;) {
		/* acquire: pairs with produce() */
		bool is_over = atomic_load_explicit(&r->is_over, memory_order_acquire);
		const struct element *e = ring_peek(&r->ring);

		if (!e && is_over)
			return NULL;
		if (!e) {
			sched_yield();
			continue;
		}
		check(r, e);
		if (r->is_patient && r->n_taken % 97 == 0)
			sched_yield();
		check(r, e); /* not overwritten while it is ours */
		ring_release(&r->ring);
		r->n_taken++;
	}
}

static void run(uint32_t slots, bool is_patient)
{
	struct run r = {.is_patient = is_patient, .until_ns = clk_mono_ns() + 600 * CLK_MS};
	pthread_t producer, consumer;

	assert_int_equal(ring_init(&r.ring, slots, sizeof(struct element)), 0);
	assert_int_equal(pthread_create(&producer, NULL, produce, &r), 0);
	assert_int_equal(pthread_create(&consumer, NULL, consume, &r), 0);
	pthread_join(producer, NULL);
	pthread_join(consumer, NULL);
	assert_true(r.n_put > 100);
	assert_int_equal(r.n_put, r.n_taken);
	ring_deinit(&r.ring);
}

static void single_slot(void **state)
{
	(void)state;
	run(1, false);
}

static void small_ring(void **state)
{
	(void)state;
	run(4, true);
}

static void large_ring(void **state)
{
	(void)state;
	run(4096, false);
	run(4096, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(single_slot),
		cmocka_unit_test(small_ring),
		cmocka_unit_test(large_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
