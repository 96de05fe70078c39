/* A worker's surroundings for its tests: a port with small rings, tables, a generation, and the
 * runs themselves driven by hand in one thread, so that deadlines need no waiting: the test says
 * what time it is. */
#pragma once

#include <criterion/criterion.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clk.h"
#include "lib/gen_fixture.h"
#include "lib/peer.h"
#include "model/beat.h"
#include "workers/run.h"

enum { BED_SLOTS = 64, BED_WAIT_MS = 3000 };

struct bed {
	struct port port;
	struct wake agg_bell;
	struct state_tables tables;
	struct counters counters;
	struct beat beat;
	struct gen_fixture gen;
	struct run_ctx runs;
	int epoll_fd;
	uint16_t next_number;
};

static struct bed bed;

static inline void bed_common(uint32_t slots)
{
	memset(&bed, 0, sizeof(bed));
	bed.epoll_fd = -1;
	cr_assert_eq(wake_init(&bed.agg_bell), 0);
	cr_assert_eq(port_init(&bed.port, slots, &bed.agg_bell), 0);
	cr_assert_eq(state_tables_init(&bed.tables), 0);
	gen_fixture_init(&bed.gen, 7);
}

static inline void bed_common_end(void)
{
	port_deinit(&bed.port);
	wake_deinit(&bed.agg_bell);
	state_tables_deinit(&bed.tables);
}

/* Runs by hand, with a lag guard of 200 ms. */
static inline void bed_begin(uint32_t max_sockets)
{
	bed_common(BED_SLOTS);
	bed.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct run_args args = {
		.port = &bed.port,
		.tables = &bed.tables,
		.counters = &bed.counters,
		.lag_guard_ns = 200 * CLK_MS,
		.epoll_fd = bed.epoll_fd,
		.max_sockets = max_sockets,
	};

	cr_assert_eq(run_ctx_init(&bed.runs, &args, clk_mono_ns()), 0);
}

static inline void bed_end(void)
{
	run_cancel_all(&bed.runs);
	run_ctx_deinit(&bed.runs);
	close(bed.epoll_fd);
	bed_common_end();
}

static inline struct job bed_job(uint32_t check)
{
	return (struct job){
		.check = check,
		.sequence = bed.gen.sequences[check],
		.due_ns = clk_mono_ns(),
		.generation = &bed.gen.gen,
		.weight = 1,
		.attempt = 1,
		.number = bed.next_number++,
	};
}

static inline void bed_start(uint32_t check)
{
	struct job j = bed_job(check);

	cr_assert(outbox_has_room(&bed.runs.outbox, bed.runs.in_flight));
	run_start(&bed.runs, &j);
}

/* One batch: waits at most ms for events and handles them. As the loop does, it notes that the
 * thread stood still for no time but its own. */
static inline int bed_turn(int ms)
{
	struct epoll_event e[16];
	int n;

	standstill_sleeps(&bed.runs.standstill, clk_mono_ns(), (uint64_t)ms * CLK_MS);
	n = epoll_wait(bed.epoll_fd, e, 16, ms);
	standstill_woke(&bed.runs.standstill, clk_mono_ns());
	for (int i = 0; i < n; i++)
		run_event(&bed.runs, (uint32_t)e[i].data.u64, e[i].events);
	return n;
}

static inline bool bed_take(struct result *ret_result, struct done *ret_done)
{
	const struct result *r;
	const struct done *d;

	outbox_publish(&bed.runs.outbox);
	r = ring_peek(&bed.port.results);
	d = ring_peek(&bed.port.dones);
	cr_assert_eq(!r, !d, "results and dones come in pairs");
	if (!r)
		return false;
	*ret_result = *r;
	*ret_done = *d;
	ring_release(&bed.port.results);
	ring_release(&bed.port.dones);
	cr_assert_eq(ret_done->check, ret_result->check);
	cr_assert_eq(ret_done->verdict, ret_result->verdict);
	cr_assert_eq(ret_done->generation, 7);
	cr_assert_eq(ret_result->generation, 7);
	cr_assert_eq(ret_result->sequence, bed.gen.sequences[ret_result->check]);
	return true;
}

/* Turns until a result comes. */
static inline struct result bed_wait(void)
{
	uint64_t limit = clk_mono_ns() + BED_WAIT_MS * CLK_MS;
	struct result r = {0};
	struct done d;

	while (!bed_take(&r, &d)) {
		cr_assert_lt(clk_mono_ns(), limit, "no result");
		bed_turn(20);
	}
	return r;
}

/* Nothing may be there. */
static inline void bed_expect_none(void)
{
	struct result r;
	struct done d;

	cr_assert(!bed_take(&r, &d));
}

/* The deadline that lies ms after now has come. */
static inline void bed_deadline(uint64_t ms)
{
	run_deadlines(&bed.runs, clk_mono_ns() + ms * CLK_MS, UINT32_MAX);
}

static inline struct result bed_check(uint32_t check)
{
	bed_start(check);
	return bed_wait();
}
