/* The timer wheel in the scheduler's use: N checks of one interval, each fired and armed again at
 * its next grid point, tick by tick. One JSON line per N: ns per fire-and-arm, and per arm and
 * disarm of a deadline that never fires. */
#include "base/wheel.h"

#include "base/clk.h"
#include "base/hash.h"

enum { TICKS = 3000 };

struct row {
	struct wheel_node node;
	uint64_t rest; /* 24 bytes, as the scheduler's */
};

static struct wheel w;

static double fire_and_arm(struct row *rows, uint32_t n)
{
	uint64_t begun, fired = 0;
	uint32_t id;

	wheel_init(&w, rows, sizeof(*rows), CLK_MS, 0);
	for (uint32_t i = 0; i < n; i++)
		wheel_arm(&w, i, hash_u64(i, 1) % CLK_S);
	begun = clk_mono_ns();
	for (uint64_t tick = 1; tick <= TICKS; tick++) {
		wheel_advance(&w, tick * CLK_MS);
		for (; (id = wheel_pop(&w)) != WHEEL_NONE; fired++)
			wheel_arm(&w, id, rows[id].node.due_ns + CLK_S);
	}
	return (double)(clk_mono_ns() - begun) / (double)fired;
}

static double arm_and_disarm(uint32_t n)
{
	enum { ROUNDS = 2000000 };
	uint64_t begun = clk_mono_ns();

	for (uint32_t i = 0; i < ROUNDS; i++) {
		uint32_t id = (uint32_t)hash_u64(i, 3) % n;

		wheel_arm(&w, id, TICKS * CLK_MS + 5 * CLK_S);
		wheel_disarm(&w, id);
	}
	return (double)(clk_mono_ns() - begun) / ROUNDS;
}

int main(void)
{
	static const uint32_t sizes[] = {1000, 10000, 100000, 1000000};

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		struct row *rows = calloc(sizes[i], sizeof(*rows));
		double fire, arm;

		if (!rows)
			return 1;
		fire = fire_and_arm(rows, sizes[i]);
		arm = arm_and_disarm(sizes[i]);
		printf("{\"name\":\"wheel\",\"n\":%u,\"ns_per_fire_and_arm\":%.1f,"
		       "\"ns_per_arm_and_disarm\":%.1f}\n",
		       sizes[i], fire, arm);
		free(rows);
	}
	return 0;
}
