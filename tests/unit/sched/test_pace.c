#include "sched/pace.h"

#include <criterion/criterion.h>

#include "base/clk.h"

static struct pace p;
static struct pace_rule r;

static void rule(double interval_s, double retry_delay_s, uint8_t retry)
{
	struct check_profile profile = {.interval_ns = (uint64_t)(interval_s * 1e9),
					.retry_delay_ns = (uint64_t)(retry_delay_s * 1e9),
					.retry = retry};

	r = pace_rule_make(3, &profile);
}

/* Stands in the wheel for due_ns. */
static void arm(uint64_t due_ns)
{
	if (due_ns)
		p.node.due_ns = due_ns;
}

static uint64_t begin(uint64_t now_ns)
{
	p = (struct pace){0};
	arm(pace_start(&p, &r, 1, now_ns));
	return p.node.due_ns;
}

/* Fires and issues at now_ns; returns the step of pace_issued. */
static struct pace_step issue_at(uint64_t now_ns, enum state state)
{
	struct pace_step s = pace_fire(&p, &r, now_ns, state);

	cr_assert(s.is_issue);
	s = pace_issued(&p, &r, now_ns, state);
	arm(s.due_ns);
	return s;
}

static struct pace_step end_at(uint64_t end_ns, enum verdict v, enum state state)
{
	struct pace_step s;

	cr_assert(pace_is_end_of(&p, p.number));
	s = pace_done(&p, &r, v, end_ns, state);
	arm(s.due_ns);
	return s;
}

static bool is_on_grid(uint64_t t_ns)
{
	return t_ns % r.interval_ns == r.phase_ns;
}

Test(pace, d10_first_due_is_the_first_grid_point_after_start)
{
	rule(1, 3, 0);
	for (uint64_t now = 100 * CLK_S; now < 103 * CLK_S; now += 7919 * CLK_US) {
		uint64_t due = begin(now);

		cr_assert(is_on_grid(due));
		cr_assert(due > now && due <= now + CLK_S);
	}
}

Test(pace, d10_grid_is_absolute_and_does_not_drift)
{
	rule(1.0 / 3, 3, 0);
	uint64_t first = begin(77 * CLK_S), late = 0;

	for (uint64_t k = 0; k < 1000000; k++) {
		cr_assert_eq(p.node.due_ns, first + k * r.interval_ns);
		late = (late * 31 + 17) % (20 * CLK_MS);
		issue_at(p.node.due_ns + late, STATE_UP);
		end_at(p.node.due_ns, VERDICT_GOOD, STATE_UP);
	}
}

Test(pace, a17_half_a_second_is_half_a_second)
{
	rule(0.5, 0.25, 1);
	uint64_t first = begin(CLK_S);

	issue_at(first, STATE_UP);
	cr_assert_eq(p.node.due_ns, first + 500 * CLK_MS);
	end_at(first + CLK_MS, VERDICT_BAD, STATE_UP);
	cr_assert_eq(p.node.due_ns, first + CLK_MS + 250 * CLK_MS);
}

Test(pace, d10_shortest_interval_keeps_its_grid)
{
	rule(0.01, 3, 0);
	uint64_t first = begin(CLK_S);

	issue_at(first + 3 * CLK_MS, STATE_UP);
	cr_assert_eq(p.node.due_ns, first + 10 * CLK_MS);
}

Test(pace, d10_jitter_is_bounded_and_never_adds_up)
{
	struct check_profile profile = {.interval_ns = CLK_S, .jitter_ns = 900 * CLK_MS};
	uint64_t grid;

	r = pace_rule_make(3, &profile);
	begin(50 * CLK_S);
	grid = pace_grid_after(&r, p.node.due_ns) - CLK_S;
	for (int k = 0; k < 10000; k++, grid += CLK_S) {
		cr_assert(p.node.due_ns >= grid && p.node.due_ns <= grid + 900 * CLK_MS);
		issue_at(p.node.due_ns, STATE_UP);
		end_at(p.node.due_ns, VERDICT_GOOD, STATE_UP);
	}
}

Test(pace, jitter_over_the_interval_is_cut)
{
	struct check_profile profile = {.interval_ns = CLK_S, .jitter_ns = 5 * CLK_S};

	r = pace_rule_make(3, &profile);
	cr_assert_lt(r.jitter_ns, CLK_S);
}

Test(pace, d10_grid_point_in_flight_is_skipped_and_counted)
{
	rule(1, 3, 0);
	uint64_t first = begin(CLK_S);

	issue_at(first, STATE_UP);
	for (uint64_t k = 1; k < 5; k++) {
		struct pace_step s = pace_fire(&p, &r, first + k * CLK_S, STATE_UP);

		cr_assert_not(s.is_issue);
		cr_assert_eq(s.n_skipped, 1);
		cr_assert_eq(s.n_paused, 0);
		cr_assert_eq(s.due_ns, first + (k + 1) * CLK_S);
		arm(s.due_ns);
	}
	end_at(first + 4500 * CLK_MS, VERDICT_GOOD, STATE_UP);
	cr_assert_eq(p.node.due_ns, first + 5 * CLK_S);
	issue_at(first + 5 * CLK_S, STATE_UP);
}

Test(pace, d10_after_a_pause_each_resumes_at_its_own_next_grid_point)
{
	rule(1, 3, 0);
	uint64_t first = begin(CLK_S), now = first + 3600 * CLK_S + 400 * CLK_MS;
	struct pace_step s = pace_fire(&p, &r, now, STATE_UP);

	cr_assert_not(s.is_issue);
	cr_assert_eq(s.n_paused, 3601);
	cr_assert_eq(s.n_skipped, 0);
	cr_assert_eq(s.due_ns, first + 3601 * CLK_S);
}

Test(pace, pause_shorter_than_the_guard_is_issued_late)
{
	rule(60, 3, 0);
	uint64_t first = begin(CLK_S);

	issue_at(first + PACE_PAUSE_NS, STATE_UP);
	cr_assert_eq(p.node.due_ns, first + 60 * CLK_S);
}

Test(pace, pause_over_the_guard_passes_one_point_of_a_long_interval)
{
	rule(60, 3, 0);
	uint64_t first = begin(CLK_S);
	struct pace_step s = pace_fire(&p, &r, first + PACE_PAUSE_NS + 1, STATE_UP);

	cr_assert_eq(s.n_paused, 1);
	cr_assert_eq(s.due_ns, first + 60 * CLK_S);
}

Test(pace, d11_bad_attempt_is_repeated_after_its_end)
{
	rule(60, 2, 3);
	uint64_t first = begin(CLK_S), end = first + 5 * CLK_S;

	issue_at(first, STATE_UP);
	cr_assert_eq(pace_attempt(&p), 1);
	for (unsigned retry = 1; retry <= 3; retry++) {
		end_at(end, VERDICT_BAD, STATE_UP);
		cr_assert_eq(p.node.due_ns, end + 2 * CLK_S);
		cr_assert_eq(pace_attempt(&p), retry + 1);
		/* nothing is armed while a retry runs: the grid is suspended */
		cr_assert_eq(issue_at(end + 2 * CLK_S, STATE_UP).due_ns, 0);
		end += 5 * CLK_S;
	}
	/* at most `retry` retries; then the first grid point after the end */
	end_at(end, VERDICT_BAD, STATE_UP);
	cr_assert_eq(p.node.due_ns, first + 60 * CLK_S);
	issue_at(p.node.due_ns, STATE_UP);
	cr_assert_eq(pace_attempt(&p), 1);
}

Test(pace, d11_burst_longer_than_the_interval_counts_no_skips)
{
	rule(1, 3, 1);
	uint64_t first = begin(CLK_S);
	struct pace_step s;

	issue_at(first, STATE_UP);
	end_at(first + 100 * CLK_MS, VERDICT_BAD, STATE_UP);
	s = issue_at(first + 3100 * CLK_MS, STATE_UP);
	cr_assert_eq(s.n_skipped, 0);
	s = end_at(first + 3200 * CLK_MS, VERDICT_BAD, STATE_UP);
	cr_assert_eq(s.n_skipped, 0);
	cr_assert_eq(s.due_ns, first + 4 * CLK_S);
}

static void end_burst_by(enum verdict verdict)
{
	rule(10, 1, 5);
	uint64_t first = begin(CLK_S);

	issue_at(first, STATE_UP);
	end_at(first + CLK_MS, VERDICT_BAD, STATE_UP);
	issue_at(p.node.due_ns, STATE_UP);
	end_at(first + 2 * CLK_S, verdict, STATE_UP);
	cr_assert_eq(p.node.due_ns, first + 10 * CLK_S);
	cr_assert_eq(pace_attempt(&p), 1);
}

Test(pace, d11_good_ends_the_burst)
{
	end_burst_by(VERDICT_GOOD);
}

Test(pace, d11_unknown_ends_the_burst)
{
	end_burst_by(VERDICT_UNKNOWN);
}

Test(pace, d11_unknown_begins_no_burst)
{
	rule(10, 1, 5);
	uint64_t first = begin(CLK_S);

	issue_at(first, STATE_UP);
	cr_assert_eq(end_at(first + CLK_MS, VERDICT_UNKNOWN, STATE_UP).due_ns, 0);
	cr_assert_eq(p.node.due_ns, first + 10 * CLK_S);
}

Test(pace, d11_no_burst_while_down_or_before_the_first_verdict)
{
	static const enum state states[] = {STATE_DOWN, STATE_UNDECIDED};

	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		rule(10, 1, 5);
		uint64_t first = begin(CLK_S);

		issue_at(first, states[i]);
		cr_assert_eq(end_at(first + CLK_MS, VERDICT_BAD, states[i]).due_ns, 0);
		cr_assert_eq(p.node.due_ns, first + 10 * CLK_S);
	}
}

Test(pace, d11_down_verdict_stops_the_burst_before_the_next_retry)
{
	rule(10, 1, 5);
	uint64_t first = begin(CLK_S);
	struct pace_step s;

	issue_at(first, STATE_UP);
	end_at(first + CLK_MS, VERDICT_BAD, STATE_UP);
	s = pace_fire(&p, &r, p.node.due_ns, STATE_DOWN);
	cr_assert_not(s.is_issue);
	cr_assert_eq(s.due_ns, first + 10 * CLK_S);
	cr_assert_eq(s.n_skipped, 0);
	arm(s.due_ns);
	/* while down: the grid, no retries */
	issue_at(p.node.due_ns, STATE_DOWN);
	cr_assert_eq(end_at(p.node.due_ns - 9 * CLK_S, VERDICT_BAD, STATE_DOWN).due_ns, 0);
}

Test(pace, d11_zero_retries_follow_the_grid)
{
	rule(10, 1, 0);
	uint64_t first = begin(CLK_S);

	issue_at(first, STATE_UP);
	cr_assert_eq(end_at(first + CLK_MS, VERDICT_BAD, STATE_UP).due_ns, 0);
}

Test(pace, retry_missed_by_a_pause_ends_the_burst)
{
	rule(10, 1, 5);
	uint64_t first = begin(CLK_S);
	struct pace_step s;

	issue_at(first, STATE_UP);
	end_at(first + CLK_MS, VERDICT_BAD, STATE_UP);
	s = pace_fire(&p, &r, first + 25 * CLK_S, STATE_UP);
	cr_assert_not(s.is_issue);
	cr_assert_eq(s.due_ns, first + 30 * CLK_S);
}

Test(pace, put_off_keeps_its_due_time_and_ages)
{
	rule(1, 3, 0);
	uint64_t first = begin(CLK_S);
	struct pace_step s;

	for (uint64_t t = first; t < first + 2500 * CLK_MS; t += 100 * CLK_MS) {
		cr_assert(pace_fire(&p, &r, t, STATE_UP).is_issue);
		cr_assert_eq(pace_put_off(&p), first);
	}
	/* two grid points passed while it waited: gone, and counted */
	s = issue_at(first + 2500 * CLK_MS, STATE_UP);
	cr_assert_eq(s.n_skipped, 2);
	cr_assert_eq(s.due_ns, first + 3 * CLK_S);
	/* a pause is seen again after it */
	end_at(first + 2600 * CLK_MS, VERDICT_GOOD, STATE_UP);
	cr_assert_eq(pace_fire(&p, &r, first + 8 * CLK_S, STATE_UP).n_paused, 6);
}

Test(pace, burst_that_ends_while_put_off_is_put_off_no_more)
{
	rule(10, 1, 5);
	uint64_t first = begin(CLK_S);

	issue_at(first, STATE_UP);
	end_at(first + CLK_MS, VERDICT_BAD, STATE_UP);
	cr_assert(pace_fire(&p, &r, p.node.due_ns, STATE_UP).is_issue);
	arm(pace_put_off(&p));
	arm(pace_fire(&p, &r, p.node.due_ns + 5 * CLK_MS, STATE_DOWN).due_ns);
	cr_assert_eq(p.node.due_ns, first + 10 * CLK_S);
	/* so a standstill is one again */
	cr_assert_eq(pace_fire(&p, &r, first + 15 * CLK_S, STATE_DOWN).n_paused, 1);
}

Test(pace, start_forgets_what_the_row_was_doing)
{
	rule(10, 1, 5);
	uint64_t first = begin(CLK_S);

	issue_at(first, STATE_UP);
	end_at(first + CLK_MS, VERDICT_BAD, STATE_UP);
	issue_at(p.node.due_ns, STATE_UP);
	arm(pace_start(&p, &r, 2, first + 3 * CLK_S));
	cr_assert_eq(p.flags, PACE_USED);
	cr_assert_eq(pace_attempt(&p), 1);
	cr_assert_eq(p.node.due_ns, first + 10 * CLK_S);
}

Test(pace, done_of_another_job_is_not_ours)
{
	rule(1, 3, 0);
	begin(CLK_S);
	cr_assert_not(pace_is_end_of(&p, p.number));
	issue_at(p.node.due_ns, STATE_UP);
	cr_assert(pace_is_end_of(&p, p.number));
	cr_assert_not(pace_is_end_of(&p, (uint16_t)(p.number - 1)));
}

/* For each verdict, in and out of a burst: if it ends quietly, pace_done() would have done the
 * same. */
Test(pace, quiet_end_is_what_done_makes_of_it)
{
	static const enum verdict verdicts[] = {VERDICT_GOOD, VERDICT_BAD, VERDICT_UNKNOWN};
	int n_quiet = 0;

	rule(1, 3, 2);
	for (int i = 0; i < 6; i++) {
		enum verdict v = verdicts[i % 3];
		struct pace before, told;
		struct pace_step step;
		bool is_quiet;

		begin(CLK_S);
		issue_at(p.node.due_ns, STATE_UP);
		if (i >= 3) {
			end_at(p.node.due_ns, VERDICT_BAD, STATE_UP);
			issue_at(p.node.due_ns, STATE_UP);
		}
		before = p;
		is_quiet = pace_done_quietly(&p, v);
		told = before;
		step = pace_done(&told, &r, v, p.node.due_ns + CLK_MS, STATE_UP);
		cr_assert_eq(is_quiet, step.due_ns == 0, "verdict %d, burst %d", (int)v, i >= 3);
		cr_assert_eq(memcmp(&p, is_quiet ? &told : &before, sizeof(p)), 0);
		n_quiet += is_quiet;
	}
	cr_assert_eq(n_quiet, 2);
}

Test(pace, late_done_of_the_slots_earlier_check_is_not_ours)
{
	uint16_t old;

	rule(1, 3, 0);
	begin(CLK_S);
	issue_at(p.node.due_ns, STATE_UP);
	old = p.number;
	pace_stop(&p);
	cr_assert_not(pace_is_end_of(&p, old));
	arm(pace_start(&p, &r, 2, 100 * CLK_S));
	issue_at(p.node.due_ns, STATE_UP);
	cr_assert_not(pace_is_end_of(&p, old));
	cr_assert(pace_is_end_of(&p, p.number));
}

Test(pace, job_number_wraps)
{
	rule(1, 3, 0);
	begin(CLK_S);
	for (int k = 0; k < 70000; k++) {
		issue_at(p.node.due_ns, STATE_UP);
		end_at(p.node.due_ns, VERDICT_GOOD, STATE_UP);
	}
	cr_assert_eq(p.number, 70000 % 65536);
}

Test(pace, endless_retry_delay_does_not_overflow)
{
	rule(1, 3, 1);
	r.retry_delay_ns = UINT64_MAX;
	begin(CLK_S);
	issue_at(p.node.due_ns, STATE_UP);
	cr_assert_eq(end_at(5 * CLK_S, VERDICT_BAD, STATE_UP).due_ns, UINT64_MAX);
}
