/* Several producers, each with its ring, one bell, one consumer that sleeps whenever it finds
 * nothing: no ring is lost (the consumer would sleep for ever: its poll has a limit), and the bell
 * does not stay on (it would spin). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>

#include "base/clk.h"
#include "base/ring.h"
#include "base/wake.h"

enum { N_PRODUCERS = 3, LIMIT_MS = 20000 };

struct producer {
	struct ring ring;
	pthread_t thread;
	uint32_t seed;
	uint64_t n_put, n_rung;
};

static struct producer producers[N_PRODUCERS];
static struct wake bell;
static uint64_t until_ns;
static _Atomic uint32_t n_over;

static void *produce(void *arg)
{
	struct producer *p = arg;

	while (clk_mono_ns() < until_ns) {
		p->seed = p->seed * 1103515245 + 12345;
		if (ring_room(&p->ring) > 0) {
			*(uint64_t *)ring_put(&p->ring) = p->n_put++;
			ring_publish(&p->ring);
			p->n_rung += wake_ring(&bell);
		}
		for (uint32_t i = p->seed >> 16 & 15; i > 0; i--)
			sched_yield();
	}
	/* release: the last publication comes before the end; pairs with the load in sleepers() */
	atomic_fetch_add_explicit(&n_over, 1, memory_order_release);
	wake_ring(&bell);
	return NULL;
}

static uint64_t take_all(uint64_t *n_taken)
{
	uint64_t n = 0;

	for (int i = 0; i < N_PRODUCERS; i++) {
		const uint64_t *v;

		for (; (v = ring_peek(&producers[i].ring)); n++) {
			assert_int_equal(*v, n_taken[i]);
			n_taken[i]++;
			ring_release(&producers[i].ring);
		}
	}
	return n;
}

static bool is_anything_waiting(void)
{
	for (int i = 0; i < N_PRODUCERS; i++)
		if (ring_peek(&producers[i].ring))
			return true;
	return false;
}

static bool all_over(void)
{
	/* acquire: pairs with the end of produce() */
	return atomic_load_explicit(&n_over, memory_order_acquire) == N_PRODUCERS;
}

static void no_ring_is_lost(void **state)
{
	struct pollfd fd = {.fd = wake_fd(&bell), .events = POLLIN};
	uint64_t n_taken[N_PRODUCERS] = {0}, n_sleeps = 0, n_idle = 0, n_rung = 0;

	(void)state;
	until_ns = clk_mono_ns() + 2500 * CLK_MS;
	for (uint32_t i = 0; i < N_PRODUCERS; i++) {
		producers[i].seed = i * 7919 + 1;
		assert_int_equal(ring_init(&producers[i].ring, 8, sizeof(uint64_t)), 0);
		assert_int_equal(pthread_create(&producers[i].thread, NULL, produce, &producers[i]),
				 0);
	}
	for (;;) {
		bool is_over = all_over();

		if (take_all(n_taken) == 0)
			n_idle++;
		if (is_over)
			break;
		wake_arm(&bell);
		if (!is_anything_waiting() && !all_over()) {
			n_sleeps++;
			assert_int_equal(poll(&fd, 1, LIMIT_MS), 1);
		}
		wake_disarm(&bell);
	}
	take_all(n_taken);
	for (int i = 0; i < N_PRODUCERS; i++) {
		pthread_join(producers[i].thread, NULL);
		assert_int_equal(n_taken[i], producers[i].n_put);
		n_rung += producers[i].n_rung;
		ring_deinit(&producers[i].ring);
	}
	/* each idle turn is paid for by one write, at most one per ring */
	assert_true(n_sleeps > 0);
	assert_true(n_idle <= n_rung + N_PRODUCERS + 2);
}

static _Atomic uint32_t n_answered;

static void *ask(void *arg)
{
	struct producer *p = arg;

	while (clk_mono_ns() < until_ns) {
		ASSERT(ring_room(&p->ring) > 0);
		*(uint64_t *)ring_put(&p->ring) = p->n_put++;
		ring_publish(&p->ring);
		wake_ring(&bell);
		/* acquire: pairs with answer() */
		while (atomic_load_explicit(&n_answered, memory_order_acquire) != p->n_put)
			sched_yield();
	}
	/* release: pairs with all_over() */
	atomic_store_explicit(&n_over, N_PRODUCERS, memory_order_release);
	wake_ring(&bell);
	return NULL;
}

static uint32_t answer(struct ring *r, uint32_t n_taken)
{
	while (ring_peek(r)) {
		ring_release(r);
		/* release: pairs with ask() */
		atomic_store_explicit(&n_answered, ++n_taken, memory_order_release);
	}
	return n_taken;
}

/* One element at a time: if its ring is lost, no other one comes after it. */
static void each_ring_is_answered(void **state)
{
	struct pollfd fd = {.fd = wake_fd(&bell), .events = POLLIN};
	struct producer *p = &producers[0];
	uint32_t n_taken = 0;

	(void)state;
	*p = (struct producer){0};
	/* relaxed: no thread runs */
	atomic_store_explicit(&n_over, 0, memory_order_relaxed);
	until_ns = clk_mono_ns() + 1500 * CLK_MS;
	assert_int_equal(ring_init(&p->ring, 8, sizeof(uint64_t)), 0);
	assert_int_equal(pthread_create(&p->thread, NULL, ask, p), 0);
	while (!all_over()) {
		n_taken = answer(&p->ring, n_taken);
		wake_arm(&bell);
		if (!ring_peek(&p->ring) && !all_over())
			assert_int_equal(poll(&fd, 1, 5000), 1);
		wake_disarm(&bell);
	}
	pthread_join(p->thread, NULL);
	assert_int_equal(n_taken, p->n_put);
	assert_true(n_taken > 100);
	ring_deinit(&p->ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_ring_is_lost),
		cmocka_unit_test(each_ring_is_answered),
	};
	int failed;

	if (wake_init(&bell) < 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	wake_deinit(&bell);
	return failed;
}
