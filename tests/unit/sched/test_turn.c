#include "sched/turn.h"

#include <poll.h>

#include "sched/spread.h"
#include "unit/sched/bed.h"

static struct bed b;

/* Arrivals: of each check its last, its first and how many; of each tick how many. */
static uint64_t *last_ns, *first_ns;
static uint32_t *n_arrived;
static uint32_t per_tick[20000];
static uint64_t ticks_from_ns;

static enum verdict note_arrival(struct bed *bed, const struct job *job, uint64_t now_ns)
{
	uint64_t tick = (now_ns - ticks_from_ns) / TURN_TICK_NS;

	(void)bed;
	cr_assert(now_ns >= job->due_ns && now_ns < job->due_ns + TURN_SPACING_NS);
	if (n_arrived[job->check]++ == 0)
		first_ns[job->check] = now_ns;
	last_ns[job->check] = now_ns;
	if (tick < ARRAY_LEN(per_tick))
		per_tick[tick]++;
	return VERDICT_GOOD;
}

static void begin(uint32_t n, uint32_t n_profiles, uint32_t n_workers)
{
	last_ns = calloc(n, sizeof(*last_ns));
	first_ns = calloc(n, sizeof(*first_ns));
	n_arrived = calloc(n, sizeof(*n_arrived));
	memset(per_tick, 0, sizeof(per_tick));
	if (!b.on_job)
		b.on_job = note_arrival;
	b.now_ns = ticks_from_ns = 1000 * CLK_S;
	bed_init(&b, n, n_profiles, n_workers, 131072);
	bed_start(&b);
}

static void end(void)
{
	bed_deinit(&b);
	free(last_ns);
	free(first_ns);
	free(n_arrived);
}

/* Most arrivals in any 10 of the first n ticks, against the even load. */
static double worst_window(uint32_t n_ticks, double even_per_s)
{
	uint32_t in_window = 0, most = 0;

	for (uint32_t i = 0; i < n_ticks; i++) {
		in_window += per_tick[i] - (i >= 10 ? per_tick[i - 10] : 0);
		most = MAX(most, in_window);
	}
	return most / (even_per_s / 100);
}

Test(turn, d10_drift_is_zero_over_days)
{
	b.profiles[0] = bed_profile(1);
	b.profiles[1] = bed_profile(0.7);
	b.profiles[2] = bed_profile(10);
	begin(3, 3, 1);
	bed_run(&b, b.now_ns + 3 * UINT64_C(86400) * CLK_S);
	for (uint32_t i = 0; i < 3; i++) {
		cr_assert_eq(last_ns[i] - first_ns[i],
			     (n_arrived[i] - 1) * b.profiles[i].interval_ns);
		cr_assert_geq(n_arrived[i],
			      3 * UINT64_C(86400) * CLK_S / b.profiles[i].interval_ns - 1);
	}
	end();
}

static void check_even(uint32_t n)
{
	uint64_t first = UINT64_MAX, last = 0;

	memset(&b, 0, sizeof(b));
	b.profiles[0] = bed_profile(1);
	begin(n, 1, 2);
	bed_run(&b, b.now_ns + 3 * CLK_S);
	/* from the start on */
	cr_assert_leq(worst_window(3000, n), 1.3, "n %u: %f", n, worst_window(3000, n));
	for (uint32_t i = 0; i < n; i++) {
		cr_assert_eq(n_arrived[i], 3);
		first = MIN(first, first_ns[i] - ticks_from_ns);
		last = MAX(last, first_ns[i] - ticks_from_ns);
	}
	cr_assert_leq(first, 20 * CLK_MS);
	cr_assert(last >= 950 * CLK_MS && last <= CLK_S, "n %u: last first arrival %lu", n, last);
	end();
}

Test(turn, any_ten_ms_are_even_from_the_start_on)
{
	check_even(1000);
	check_even(5000);
	check_even(19000);
	check_even(100000);
}

Test(turn, mixed_intervals_are_even)
{
	static const double intervals[] = {1, 2, 5, 0.5};
	double even = 0;

	for (uint32_t i = 0; i < 4; i++) {
		b.profiles[i] = bed_profile(intervals[i]);
		even += 5000 / intervals[i];
	}
	begin(20000, 4, 2);
	bed_run(&b, b.now_ns + 10 * CLK_S);
	cr_assert_leq(worst_window(10000, even), 1.3, "%f", worst_window(10000, even));
	end();
}

Test(turn, each_workers_share_is_even)
{
	static uint32_t seen[4][3000];

	b.profiles[0] = bed_profile(1);
	begin(19000, 1, 4);
	while (b.next_ns < ticks_from_ns + 3 * CLK_S) {
		uint64_t tick = (b.next_ns - ticks_from_ns) / TURN_TICK_NS;

		b.now_ns = b.next_ns;
		bed_end_jobs(&b);
		b.next_ns = turn_run(&b.turn, b.now_ns);
		for (uint32_t i = 0; i < 4; i++)
			seen[i][tick] = ring_pending(&b.ports[i].jobs);
		bed_take_jobs(&b);
	}
	for (uint32_t i = 0; i < 4; i++) {
		memcpy(per_tick, seen[i], sizeof(seen[i]));
		cr_assert_leq(worst_window(3000, 19000.0 / 4), 1.3);
	}
	end();
}

Test(turn, a17_sub_second_intervals_are_honoured)
{
	b.profiles[0] = bed_profile(0.5);
	b.profiles[1] = bed_profile(0.01);
	begin(2, 2, 1);
	bed_run(&b, b.now_ns + 10 * CLK_S);
	cr_assert_eq(n_arrived[0], 20);
	cr_assert_eq(n_arrived[1], 1000);
	end();
}

static enum verdict check_job(struct bed *bed, const struct job *job, uint64_t now_ns)
{
	bool is_up = job->check == 1;

	cr_assert_eq(job->sequence, 100 + job->check);
	cr_assert_eq(job->due_ns % CLK_S, spread_phase_ns(job->check, CLK_S));
	cr_assert_leq(job->due_ns, now_ns);
	cr_assert_eq(job->generation, &bed->gen);
	cr_assert_eq(job->attempt, 1);
	cr_assert_eq(job->weight, is_up ? 42 : 7);
	cr_assert_eq(job->flags, is_up ? JOB_CHECK_WAS_UP : 0);
	n_arrived[job->check]++;
	return VERDICT_GOOD;
}

Test(turn, job_carries_what_the_worker_needs)
{
	struct check_row row = {.word = check_word_make(STATE_UP, CHECK_ROW_WEIGHT_KNOWN, 42)};

	b.profiles[0] = bed_profile(1);
	b.on_job = check_job;
	begin(3, 1, 2);
	seqrow_publish(state_check(&b.tables, 1), &row, sizeof(row));
	bed_run(&b, b.now_ns + 3 * CLK_S);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(n_arrived[i], 3);
	end();
}

Test(turn, batch_rings_each_sleeping_worker_once)
{
	b.profiles[0] = bed_profile(0.01);
	b.on_job = bed_good;
	begin(1000, 1, 2);
	for (int i = 0; i < 2; i++)
		wake_arm(&b.ports[i].bell);
	bed_turn(&b, b.now_ns + 8 * CLK_MS);
	cr_assert_gt(b.n_jobs, 500);
	cr_assert_eq(counter_get(&b.counters, CTR_DOORBELLS), 2);
	for (int i = 0; i < 2; i++) {
		struct pollfd fd = {.fd = wake_fd(&b.ports[i].bell), .events = POLLIN};

		cr_assert_eq(poll(&fd, 1, 0), 1);
	}
	end();
}

Test(turn, working_worker_is_not_rung)
{
	b.profiles[0] = bed_profile(1);
	begin(1000, 1, 2);
	bed_run(&b, b.now_ns + 2 * CLK_S);
	cr_assert_eq(counter_get(&b.counters, CTR_DOORBELLS), 0);
	end();
}

Test(turn, d10_check_is_never_in_flight_twice)
{
	b.profiles[0] = bed_profile(1);
	b.job_ns = 2500 * CLK_MS;
	begin(50, 1, 2);
	bed_run(&b, b.now_ns + 31 * CLK_S);
	for (uint32_t i = 0; i < 50; i++) {
		/* one in three grid points; the two between are skipped */
		cr_assert(n_arrived[i] == 10 || n_arrived[i] == 11);
		cr_assert_eq((last_ns[i] - first_ns[i]) % (3 * CLK_S), 0);
	}
	cr_assert(counter_get(&b.counters, CTR_GRID_SKIPPED) >= 50 * 19);
	cr_assert_eq(counter_get(&b.counters, CTR_GRID_PAUSED), 0);
	end();
}

Test(turn, d10_standstill_makes_nothing_up_and_keeps_phases)
{
	b.profiles[0] = bed_profile(1);
	begin(1000, 1, 2);
	bed_run(&b, b.now_ns + 5 * CLK_S);
	uint64_t before = b.n_jobs;
	uint64_t phase = last_ns[17] % CLK_S;

	/* SIGSTOP for an hour */
	bed_turn(&b, b.now_ns + 3600 * CLK_S);
	/* only those due within the guard come at once */
	cr_assert_leq(b.n_jobs - before, 210);
	cr_assert_geq(counter_get(&b.counters, CTR_GRID_PAUSED), 1000 * 3599);
	bed_run(&b, b.now_ns + 2 * CLK_S);
	cr_assert_eq(last_ns[17] % CLK_S, phase);
	for (uint32_t i = 0; i < 1000; i++)
		cr_assert_geq(last_ns[i], b.now_ns - CLK_S);
	cr_assert_eq(counter_get(&b.counters, CTR_GRID_SKIPPED), 0);
	end();
}

/* Burst: check 0 fails as long as its state is up; the verdicts stand as agg would set them. */
static uint64_t attempts_ns[1024];
static uint8_t attempts_no[1024];
static uint32_t n_attempts;
static uint32_t fall;

static enum verdict fail_until_down(struct bed *bed, const struct job *job, uint64_t now_ns)
{
	attempts_ns[n_attempts] = now_ns;
	attempts_no[n_attempts++] = job->attempt;
	if (n_attempts == fall)
		bed_set_state(bed, 0, STATE_DOWN);
	return VERDICT_BAD;
}

static void burst(double interval_s, double delay_s, uint8_t retry, uint32_t fall_at)
{
	n_attempts = 0;
	fall = fall_at;
	b.on_job = fail_until_down;
	b.profiles[0] = bed_profile(interval_s);
	b.profiles[0].retry = retry;
	b.profiles[0].retry_delay_ns = (uint64_t)(delay_s * 1e9);
	b.job_ns = 100 * CLK_MS;
	begin(1, 1, 1);
	bed_set_state(&b, 0, STATE_UP);
	bed_run(&b, b.now_ns + 60 * CLK_S);
}

Test(turn, d11_retries_come_after_the_end_of_the_bad_attempt_until_down)
{
	burst(10, 1.5, 3, 4);
	cr_assert_geq(n_attempts, 8);
	for (uint32_t i = 0; i < 4; i++) {
		cr_assert_eq(attempts_no[i], i + 1);
		cr_assert_eq(attempts_ns[i], attempts_ns[0] + i * 1600 * CLK_MS);
	}
	/* down: grid only */
	for (uint32_t i = 4; i < n_attempts; i++) {
		cr_assert_eq(attempts_no[i], 1);
		cr_assert_eq(attempts_ns[i], attempts_ns[0] + (i - 3) * 10 * CLK_S);
	}
	end();
}

Test(turn, d11_immediate_retry_is_seen_within_a_tick)
{
	burst(10, 0, 2, 3);
	cr_assert_eq(attempts_ns[1] - attempts_ns[0], 100 * CLK_MS);
	cr_assert_eq(attempts_ns[2] - attempts_ns[1], 100 * CLK_MS);
	cr_assert_eq(attempts_ns[3] - attempts_ns[0], 10 * CLK_S);
	end();
}

Test(turn, d11_burst_stops_when_agg_says_down_early)
{
	burst(10, 1, 50, 2);
	cr_assert_eq(attempts_no[1], 2);
	cr_assert_eq(attempts_no[2], 1);
	cr_assert_eq(attempts_ns[2] - attempts_ns[0], 10 * CLK_S);
	end();
}

Test(turn, d12_run_goes_on_over_grid_points_if_fall_is_longer_than_the_burst)
{
	burst(10, 1, 1, 5);
	static const uint8_t expected[] = {1, 2, 1, 2, 1, 1, 1};

	for (uint32_t i = 0; i < ARRAY_LEN(expected); i++)
		cr_assert_eq(attempts_no[i], expected[i]);
	end();
}

Test(turn, busy_fleet_makes_500_turns_per_second)
{
	b.profiles[0] = bed_profile(1);
	begin(5000, 1, 2);
	bed_run(&b, b.now_ns + 2 * CLK_S);
	cr_assert_eq(b.n_jobs, 10000);
	cr_assert_leq(counter_get(&b.counters, CTR_SCHED_TICKS), 1001);
	cr_assert_eq(b.next_ns % TURN_SPACING_NS, 0);
	end();
}

Test(turn, fleet_at_rest_wakes_only_for_due_times)
{
	b.profiles[0] = bed_profile(1);
	b.profiles[0].retry = 2; /* retry delay 3 s */
	begin(1, 1, 1);
	bed_set_state(&b, 0, STATE_UP);
	bed_run(&b, b.now_ns + 100 * CLK_S);
	cr_assert_eq(b.n_jobs, 100);
	/* wheel levels may ask for a look in between */
	cr_assert_leq(counter_get(&b.counters, CTR_SCHED_TICKS), 100 * 6);
	end();
}

/* The attempt's end is seen although no retry may follow it: its check is in no wheel. */
Test(turn, d11_grid_point_right_after_the_burst_is_not_missed)
{
	n_attempts = 0;
	fall = 1000;
	b.on_job = fail_until_down;
	b.profiles[0] = bed_profile(10);
	b.profiles[0].retry = 1;
	b.job_ns = 3400 * CLK_MS; /* attempt, 3 s, retry: 200 ms are left of the interval */
	begin(1, 1, 1);
	bed_set_state(&b, 0, STATE_UP);
	bed_run(&b, b.now_ns + 60 * CLK_S);
	for (uint32_t i = 2; i < n_attempts; i++)
		cr_assert_eq(attempts_ns[i], attempts_ns[i - 2] + 10 * CLK_S);
	cr_assert_geq(n_attempts, 10);
	cr_assert_eq(counter_get(&b.counters, CTR_GRID_PAUSED), 0);
	end();
}

Test(turn, shortest_retry_delay_is_forgotten_with_its_jobs)
{
	for (int i = 0; i < 2; i++) {
		b.profiles[i] = bed_profile(6);
		b.profiles[i].retry = 2;
	}
	b.profiles[0].retry_delay_ns = CLK_MS;
	b.job_ns = 5 * CLK_S;
	b.on_job = bed_good;
	begin(2, 2, 1);
	bed_set_state(&b, 0, STATE_UP);
	bed_set_state(&b, 1, STATE_UP);
	bed_run(&b, b.now_ns + 60 * CLK_S);
	bed_set_state(&b, 0, STATE_DOWN);
	bed_run(&b, b.now_ns + 12 * CLK_S);
	uint64_t before = counter_get(&b.counters, CTR_SCHED_TICKS);

	bed_run(&b, b.now_ns + 600 * CLK_S);
	cr_assert_leq(counter_get(&b.counters, CTR_SCHED_TICKS) - before, 100 * 60);
	end();
}

Test(turn, long_failure_costs_no_wakes)
{
	b.profiles[0] = bed_profile(6);
	b.profiles[0].retry = 2;
	b.profiles[0].retry_delay_ns = CLK_MS;
	b.job_ns = 5 * CLK_S;
	begin(1, 1, 1);
	bed_set_state(&b, 0, STATE_DOWN);
	bed_run(&b, b.now_ns + 600 * CLK_S);
	cr_assert_leq(counter_get(&b.counters, CTR_SCHED_TICKS), 100 * 26);
	end();
}

Test(turn, full_ring_keeps_the_check_due_and_counts)
{
	const struct job *job;
	uint64_t due = 0;

	b.now_ns = 1000 * CLK_S;
	b.profiles[0] = bed_profile(10);
	bed_init(&b, 100, 1, 1, 4);
	bed_start(&b);
	/* the worker takes nothing for 2 s: 20 checks become due, 4 fit */
	for (uint64_t now = b.now_ns; now < 1002 * CLK_S; now += CLK_MS)
		cr_assert_leq(turn_run(&b.turn, now), now + 5 * CLK_S);
	cr_assert_eq(ring_pending(&b.ports[0].jobs), 4);
	cr_assert_geq(counter_get(&b.counters, CTR_RING_FULL), 1000);
	cr_assert_eq(counter_get(&b.counters, CTR_JOBS_ISSUED), 4);
	/* those that waited come with the due time they had, not as new */
	for (int i = 0; i < 16; i++) {
		job = ring_peek(&b.ports[0].jobs);
		cr_assert_not_null(job);
		cr_assert_lt(job->due_ns, 1002 * CLK_S);
		due = MAX(due, 1002 * CLK_S - job->due_ns);
		ring_release(&b.ports[0].jobs);
		cr_assert_eq(turn_run(&b.turn, 1002 * CLK_S) % CLK_MS, 0);
	}
	cr_assert_geq(due, 1500 * CLK_MS);
	cr_assert_eq(counter_get(&b.counters, CTR_GRID_PAUSED), 0);
	bed_deinit(&b);
}

/* A second generation with the same checks but those of the diff. */
static struct generation next_generation(uint32_t number)
{
	struct generation g = b.gen;

	g.number = number;
	return g;
}

Test(turn, d10_phase_is_kept_over_a_reload)
{
	static uint64_t phases[1000];
	struct gen_diff nothing = {0};

	b.profiles[0] = bed_profile(1);
	begin(1000, 1, 2);
	bed_run(&b, b.now_ns + 3 * CLK_S);
	for (uint32_t i = 0; i < 1000; i++)
		phases[i] = last_ns[i] % CLK_S;
	struct generation g = next_generation(2);

	turn_adopt(&b.turn, &g, &nothing, b.now_ns);
	uint64_t jobs = b.n_jobs;

	bed_run(&b, b.now_ns + 5 * CLK_S);
	for (uint32_t i = 0; i < 1000; i++)
		cr_assert_eq(last_ns[i] % CLK_S, phases[i]);
	cr_assert_eq(b.n_jobs - jobs, 5000);
	end();
}

Test(turn, reloads_in_quick_succession_miss_no_due_check)
{
	static struct generation generations[100];
	struct gen_diff nothing = {0};

	b.profiles[0] = bed_profile(1);
	begin(1000, 1, 2);
	for (uint32_t i = 0; i < 100; i++) {
		generations[i] = next_generation(i + 2);
		turn_adopt(&b.turn, &generations[i], &nothing, b.now_ns);
		bed_run(&b, b.now_ns + 90 * CLK_MS);
	}
	for (uint32_t i = 0; i < 1000; i++)
		cr_assert_eq(n_arrived[i], 9);
	end();
}

Test(turn, removed_check_is_not_issued_and_its_job_ends_by_itself)
{
	struct gen_diff diff = {0};
	uint32_t gone[] = {4};

	b.profiles[0] = bed_profile(1);
	b.job_ns = 500 * CLK_MS;
	begin(10, 1, 1);
	bed_run(&b, b.now_ns + 3 * CLK_S);
	/* stop with check 4 in flight */
	while (!(((struct pace *)table_row(&b.turn.rows, 4))->flags & PACE_IN_FLIGHT))
		bed_turn(&b, b.next_ns);
	uint32_t in_flight = turn_in_flight(&b.turn, 1), n = n_arrived[4];

	cr_assert_gt(in_flight, 0);
	diff.checks.removed.at = gone;
	diff.checks.removed.n = 1;
	struct generation g = next_generation(2);

	turn_adopt(&b.turn, &g, &diff, b.now_ns);
	cr_assert_eq(turn_in_flight(&b.turn, 1), in_flight);
	bed_run(&b, b.now_ns + 3 * CLK_S);
	cr_assert_eq(n_arrived[4], n);
	cr_assert_eq(turn_in_flight(&b.turn, 1), 0);
	cr_assert(wheel_validate(&b.turn.wheel));
	end();
}

Test(turn, d5_slot_used_again_carries_its_new_sequence)
{
	struct gen_diff diff = {0};
	uint32_t slots[] = {0};
	struct generation g2, g3;

	b.profiles[0] = bed_profile(1);
	b.job_ns = 5 * CLK_S; /* the old job outlives its check */
	begin(1, 1, 1);
	bed_run(&b, b.now_ns + 1 * CLK_S);
	cr_assert_eq(n_arrived[0], 1);
	diff.checks.removed = (struct slot_list){slots, 1};
	g2 = next_generation(2);
	turn_adopt(&b.turn, &g2, &diff, b.now_ns);
	b.sequences[0] = 101;
	diff.checks.removed.n = 0;
	diff.checks.added = (struct slot_list){slots, 1};
	g3 = next_generation(3);
	turn_adopt(&b.turn, &g3, &diff, b.now_ns);
	/* its first job goes out although the old one still runs; the old end does not end it */
	bed_turn(&b, b.now_ns + 1 * CLK_S);
	cr_assert_eq(n_arrived[0], 2);
	const struct pace *p = table_row(&b.turn.rows, 0);

	cr_assert_eq(p->sequence, 101);
	bed_run(&b, first_ns[0] + 5500 * CLK_MS);
	cr_assert_eq(turn_in_flight(&b.turn, 1), 0);
	cr_assert_eq(turn_in_flight(&b.turn, 3), 1);
	cr_assert(p->flags & PACE_IN_FLIGHT);
	end();
}

Test(turn, removal_in_a_burst_leaves_no_watch_behind)
{
	struct gen_diff diff = {0};
	uint32_t slots[] = {0};

	burst(10, 0.001, 100, 1000);
	while (b.turn.n_in_burst == 0)
		bed_turn(&b, b.next_ns);
	diff.checks.removed = (struct slot_list){slots, 1};
	struct generation g = next_generation(2);

	turn_adopt(&b.turn, &g, &diff, b.now_ns);
	cr_assert_eq(b.turn.n_in_burst, 0);
	cr_assert_eq(b.turn.n_watched, 0);
	bed_turn(&b, b.now_ns + CLK_S);
	cr_assert_eq(b.next_ns, UINT64_MAX);
	end();
}

Test(turn, d7_in_flight_reaches_zero_for_a_left_generation)
{
	struct gen_diff nothing = {0};

	b.profiles[0] = bed_profile(1);
	b.job_ns = 700 * CLK_MS;
	begin(100, 1, 2);
	bed_run(&b, b.now_ns + 2 * CLK_S);
	struct generation g = next_generation(2);

	turn_adopt(&b.turn, &g, &nothing, b.now_ns);
	cr_assert_gt(turn_in_flight(&b.turn, 1), 50);
	cr_assert_eq(turn_in_flight(&b.turn, 2), 0);
	bed_run(&b, b.now_ns + 800 * CLK_MS);
	cr_assert_eq(turn_in_flight(&b.turn, 1), 0);
	cr_assert_gt(turn_in_flight(&b.turn, 2), 0);
	end();
}

Test(turn, adoption_without_diff_adds_what_is_missing)
{
	b.profiles[0] = bed_profile(1);
	b.on_job = bed_good;
	b.now_ns = 1000 * CLK_S;
	bed_init(&b, 10, 1, 1, 64);
	b.checks[3].real = SLOT_NONE;
	bed_start(&b);
	bed_run(&b, b.now_ns + 2 * CLK_S);
	cr_assert_eq(b.n_jobs, 18);
	b.checks[3].real = 3;
	turn_adopt(&b.turn, &b.gen, NULL, b.now_ns);
	bed_turn(&b, b.now_ns);
	bed_run(&b, b.now_ns + 1 * CLK_S);
	cr_assert_eq(b.n_jobs, 28);
	bed_deinit(&b);
}

/* slots.h lets a slot rest, but a diff that takes and gives one at once is no trap. */
Test(turn, slot_removed_and_added_by_one_diff_is_the_new_check)
{
	struct gen_diff diff = {0};
	uint32_t slots[] = {0};

	b.profiles[0] = bed_profile(1);
	b.job_ns = 700 * CLK_MS;
	begin(1, 1, 1);
	bed_run(&b, b.now_ns + 1100 * CLK_MS);
	b.sequences[0] = 7;
	diff.checks.removed = diff.checks.added = (struct slot_list){slots, 1};
	struct generation g = next_generation(2);

	turn_adopt(&b.turn, &g, &diff, b.now_ns);
	const struct pace *p = table_row(&b.turn.rows, 0);

	cr_assert_eq(p->sequence, 7);
	cr_assert_eq(p->flags, PACE_USED);
	cr_assert(wheel_is_armed(&b.turn.wheel, 0));
	cr_assert(wheel_validate(&b.turn.wheel));
	end();
}

Test(turn, unused_slots_are_left_alone)
{
	b.now_ns = 1000 * CLK_S;
	b.on_job = bed_good;
	b.profiles[0] = bed_profile(1);
	bed_init(&b, 10, 1, 1, 64);
	for (uint32_t i = 0; i < 10; i += 2)
		b.checks[i].real = SLOT_NONE;
	bed_start(&b);
	bed_run(&b, b.now_ns + CLK_S);
	cr_assert_eq(b.n_jobs, 5);
	bed_deinit(&b);
}

Test(turn, d9_reals_are_dealt_evenly_to_workers)
{
	uint32_t n[7] = {0};

	for (uint32_t real = 0; real < 7000; real++)
		n[turn_worker_of(real, 7)]++;
	for (int i = 0; i < 7; i++)
		cr_assert_eq(n[i], 1000);
	cr_assert_eq(turn_worker_of(12345, 1), 0);
}
