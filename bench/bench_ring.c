/* Rings as the daemon uses them: jobs one way and results the other, put one by one, published in
 * batches. One thread plays both sides, so the figure is the cost of the operations without that of
 * moving cache lines between cores. One JSON line per size of element and batch. */
#include "base/clk.h"
#include "base/ring.h"
#include "model/job.h"
#include "model/result.h"

enum { SLOTS = 32768, ROUNDS = 15, PER_ROUND = 1 << 20 };

static uint64_t checksum;

static double round_ns(struct ring *r, uint32_t elem_bytes, uint32_t batch)
{
	uint64_t begin = clk_mono_ns();

	for (uint32_t n = 0; n < PER_ROUND; n += batch) {
		const unsigned char *e;

		for (uint32_t i = 0; i < batch; i++) {
			ASSERT(ring_room(r) > 0);
			memset(ring_put(r), (int)i, elem_bytes);
		}
		ring_publish(r);
		while ((e = ring_peek(r))) {
			checksum += e[elem_bytes - 1];
			ring_release(r);
		}
	}
	return (double)(clk_mono_ns() - begin) / PER_ROUND;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void measure(const char *name, uint32_t elem_bytes, uint32_t batch)
{
	double ns[ROUNDS];
	struct ring r;

	if (ring_init(&r, SLOTS, elem_bytes) < 0)
		exit(1);
	for (int i = 0; i < ROUNDS; i++)
		ns[i] = round_ns(&r, elem_bytes, batch);
	qsort(ns, ROUNDS, sizeof(ns[0]), by_value);
	printf("{\"name\":\"ring_%s\",\"batch\":%u,\"n\":%d,\"ns_per_op\":%.2f,\"min\":%.2f,"
	       "\"max\":%.2f}\n",
	       name, batch, PER_ROUND, ns[ROUNDS / 2], ns[0], ns[ROUNDS - 1]);
	ring_deinit(&r);
}

int main(void)
{
	measure("job", sizeof(struct job), 1);
	measure("job", sizeof(struct job), 32);
	measure("result", sizeof(struct result), 1);
	measure("result", sizeof(struct result), 32);
	return checksum == 0;
}
