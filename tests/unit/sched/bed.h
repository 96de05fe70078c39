/* A test bed for the scheduler's turn: a generation made by hand, real rings, and workers that end
 * each job after a fixed time with the verdict a test chooses. Virtual time: bed_run() jumps from
 * turn to turn as the scheduler asks for them.
 */
#pragma once

#include <criterion/criterion.h>

#include "base/clk.h"
#include "config/gen_diff.h"
#include "model/job.h"
#include "sched/turn.h"

enum { BED_PROFILES = 8 };

struct bed;
/* A job arrived at now_ns (the worker picks it up at once); returns how it will end. */
typedef enum verdict (*bed_job_fn)(struct bed *b, const struct job *job, uint64_t now_ns);

struct bed_end {
	uint32_t worker;
	struct done done;
};

struct bed {
	struct turn turn;
	struct generation gen;
	struct check_spec *checks;
	struct real_spec *reals;
	uint32_t *sequences;
	struct check_profile profiles[BED_PROFILES];
	struct port ports[4];
	uint32_t n_workers;
	struct state_tables tables;
	struct counters counters;
	uint64_t now_ns, next_ns;
	uint64_t job_ns; /* how long a job takes */
	bed_job_fn on_job;
	struct bed_end *ends; /* of jobs in flight, oldest first: all take job_ns */
	uint32_t n_ends, i_end, max_ends;
	uint64_t n_jobs;
	void *ctx;
};

static inline struct check_profile bed_profile(double interval_s)
{
	return (struct check_profile){.interval_ns = (uint64_t)(interval_s * 1e9),
				      .retry_delay_ns = 3 * CLK_S,
				      .retry = 0};
}

static inline void bed_set_state(struct bed *b, uint32_t check, enum state s)
{
	struct check_row row = *state_check(&b->tables, check);

	row.word = check_word_make(s, CHECK_ROW_IN_USE, 0);
	seqrow_publish(state_check(&b->tables, check), &row, sizeof(row));
}

static inline enum verdict bed_good(struct bed *b, const struct job *job, uint64_t now_ns)
{
	(void)b, (void)job, (void)now_ns;
	return VERDICT_GOOD;
}

/* n checks of reals of their own, check i with profile i % n_profiles (set before). */
static inline void bed_init(struct bed *b, uint32_t n, uint32_t n_profiles, uint32_t n_workers,
			    uint32_t ring_slots)
{
	b->checks = calloc(n, sizeof(*b->checks));
	b->reals = calloc(n, sizeof(*b->reals));
	b->sequences = calloc(n, sizeof(*b->sequences));
	b->max_ends = 2 * n + 64;
	b->ends = calloc(b->max_ends, sizeof(*b->ends));
	for (uint32_t i = 0; i < n; i++) {
		b->checks[i] = (struct check_spec){.real = i, .profile = i % n_profiles};
		b->reals[i] = (struct real_spec){.first_check = i, .weight = 7};
		b->sequences[i] = 100 + i;
	}
	b->gen = (struct generation){.number = 1,
				     .end_checks = n,
				     .end_reals = n,
				     .checks = b->checks,
				     .reals = b->reals,
				     .profiles = b->profiles,
				     .check_sequence = b->sequences};
	cr_assert_eq(state_tables_init(&b->tables), 0);
	b->n_workers = n_workers;
	for (uint32_t i = 0; i < n_workers; i++)
		cr_assert_eq(port_init(&b->ports[i], ring_slots, NULL), 0);
	if (!b->on_job)
		b->on_job = bed_good;
	if (!b->job_ns)
		b->job_ns = 200 * CLK_US;
	cr_assert_eq(turn_init(&b->turn, b->ports, n_workers, &b->tables, &b->counters, b->now_ns),
		     0);
}

static inline void bed_start(struct bed *b)
{
	turn_adopt(&b->turn, &b->gen, NULL, b->now_ns);
	b->next_ns = b->now_ns;
}

static inline void bed_deinit(struct bed *b)
{
	turn_deinit(&b->turn);
	state_tables_deinit(&b->tables);
	for (uint32_t i = 0; i < b->n_workers; i++)
		port_deinit(&b->ports[i]);
	free(b->checks);
	free(b->reals);
	free(b->sequences);
	free(b->ends);
}

/* Jobs that ended by now go into the done rings. */
static inline void bed_end_jobs(struct bed *b)
{
	while (b->n_ends > 0 && b->ends[b->i_end].done.end_ns <= b->now_ns) {
		struct ring *dones = &b->ports[b->ends[b->i_end].worker].dones;

		cr_assert_gt(ring_room(dones), 0);
		memcpy(ring_put(dones), &b->ends[b->i_end].done, sizeof(struct done));
		ring_publish(dones);
		b->i_end = (b->i_end + 1) % b->max_ends;
		b->n_ends--;
	}
}

static inline void bed_take_job(struct bed *b, uint32_t worker, const struct job *job)
{
	struct bed_end *end = &b->ends[(b->i_end + b->n_ends++) % b->max_ends];

	cr_assert_leq(b->n_ends, b->max_ends);
	b->n_jobs++;
	*end = (struct bed_end){
		.worker = worker,
		.done = {.check = job->check,
			 .number = job->number,
			 .verdict = (uint8_t)b->on_job(b, job, b->now_ns),
			 .generation = (uint8_t)job->generation->number,
			 .end_ns = b->now_ns + b->job_ns},
	};
}

static inline void bed_take_jobs(struct bed *b)
{
	for (uint32_t i = 0; i < b->n_workers; i++) {
		const struct job *job;

		while ((job = ring_peek(&b->ports[i].jobs))) {
			bed_take_job(b, i, job);
			ring_release(&b->ports[i].jobs);
		}
	}
}

/* One turn at now_ns. */
static inline void bed_turn(struct bed *b, uint64_t now_ns)
{
	b->now_ns = now_ns;
	bed_end_jobs(b);
	b->next_ns = turn_run(&b->turn, now_ns);
	cr_assert_gt(b->next_ns, now_ns);
	bed_take_jobs(b);
}

/* Turns as asked for, up to until_ns. */
static inline void bed_run(struct bed *b, uint64_t until_ns)
{
	while (b->next_ns <= until_ns)
		bed_turn(b, b->next_ns);
	b->now_ns = until_ns;
}
