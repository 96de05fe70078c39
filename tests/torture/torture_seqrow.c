/* One writer, several readers over a few rows: a copy that seqrow_read() calls good is one that
 * the writer published, whole; a row never goes back; readers do not starve. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>

#include "base/clk.h"
#include "base/seqrow.h"

enum { N_READERS = 3, N_ROWS = 4 };

struct row {
	uint32_t seq;
	uint32_t number;
	uint32_t words[14]; /* number + index: a torn copy mixes two */
};
static_assert(sizeof(struct row) == 64, "as long as the longest published row");

struct reader {
	pthread_t thread;
	uint64_t n_good, n_torn;
};

static struct row rows[N_ROWS];
static struct reader readers[N_READERS];
static uint64_t until_ns;

static void *write_rows(void *arg)
{
	uint32_t number = 0;

	(void)arg;
	while (clk_mono_ns() < until_ns) {
		struct row next = {.seq = 77, .number = ++number};

		for (uint32_t i = 0; i < ARRAY_LEN(next.words); i++)
			next.words[i] = number + i;
		seqrow_publish(&rows[number % N_ROWS], &next, sizeof(next));
		/* the owner reads its own row plainly */
		ASSERT(rows[number % N_ROWS].number == number);
		if (number % 64 == 0)
			sched_yield();
	}
	return NULL;
}

static void check(const struct row *copy, struct row *before)
{
	ASSERT(copy->seq % 2 == 0);
	if (copy->seq > 0)
		for (uint32_t i = 0; i < ARRAY_LEN(copy->words); i++)
			ASSERT(copy->words[i] == copy->number + i);
	ASSERT(copy->number >= before->number);
	ASSERT(copy->seq >= before->seq);
	ASSERT((copy->seq == before->seq) == (copy->number == before->number));
	*before = *copy;
}

static void *read_rows(void *arg)
{
	struct row before[N_ROWS] = {0}, copy;
	struct reader *r = arg;

	for (uint32_t i = 0; clk_mono_ns() < until_ns; i++) {
		if (!seqrow_read(&rows[i % N_ROWS], &copy, sizeof(copy))) {
			r->n_torn++;
			sched_yield();
			continue;
		}
		r->n_good++;
		check(&copy, &before[i % N_ROWS]);
	}
	return NULL;
}

static void good_copies_are_whole(void **state)
{
	pthread_t writer;

	(void)state;
	until_ns = clk_mono_ns() + 2500 * CLK_MS;
	assert_int_equal(pthread_create(&writer, NULL, write_rows, NULL), 0);
	for (int i = 0; i < N_READERS; i++)
		assert_int_equal(pthread_create(&readers[i].thread, NULL, read_rows, &readers[i]),
				 0);
	pthread_join(writer, NULL);
	for (int i = 0; i < N_READERS; i++) {
		pthread_join(readers[i].thread, NULL);
		assert_true(readers[i].n_good > 100);
		assert_true(readers[i].n_good > readers[i].n_torn);
	}
}

static void row_under_change_is_given_up(void **state)
{
	struct row row = {.seq = 5}, out = {.number = 9};

	(void)state;
	assert_false(seqrow_read(&row, &out, sizeof(out)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_copies_are_whole),
		cmocka_unit_test(row_under_change_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
