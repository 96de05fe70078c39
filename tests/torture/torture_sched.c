/* The scheduler's real thread between stub workers and a main that reloads all the time: nothing
 * in flight twice, no job of a removed check after the acknowledgement, every job's done is
 * counted for its generation, and a generation that nobody reads any more can be freed at once.
 * TSan sees to the rings, the bells and the generations' end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>

#include "base/clk.h"
#include "base/hash.h"
#include "base/thr.h"
#include "config/gen.h"
#include "config/gen_diff.h"
#include "model/job.h"
#include "sched/sched.h"

enum { N_WORKERS = 2, N_CHECKS = 400, RELOADS = 150 };

struct worker {
	struct port port;
	struct thr thr;
	uint32_t index;
	struct job held[N_CHECKS * 2]; /* in flight */
	uint32_t n_held;
	uint64_t n_jobs;
	_Atomic bool is_quitting;
};

static struct worker workers[N_WORKERS];
static struct port ports[N_WORKERS];
static struct state_tables tables;
static struct counters counters;
static struct control control;
static struct wake sched_bell, main_bell;
static struct beat beat;
static struct sched *sched;
static uint64_t seed = 1;

/* By check: sequence in flight, 0 none; and the newest generation whose adoption was acknowledged
 * without it. Written by the worker that has the check, and by main: relaxed. */
static _Atomic uint32_t gone_since[N_CHECKS];
static uint32_t in_flight_sequence[N_CHECKS];

static uint32_t pick(uint32_t n)
{
	seed = hash_u64(seed, 99);
	return (uint32_t)(seed >> 33) % n;
}

/* --- workers -------------------------------------------------------------------------------- */

static void end_job(struct worker *w, uint32_t i)
{
	const struct job *job = &w->held[i];
	struct ring *dones = &ports[w->index].dones;
	uint64_t now = clk_mono_ns();

	if (in_flight_sequence[job->check] == job->sequence)
		in_flight_sequence[job->check] = 0;
	ASSERT(ring_room(dones) > 0);
	/* the spec is read to the end of the job: it must still be there */
	ASSERT(gen_profile(job->generation, job->check)->interval_ns == 20 * CLK_MS);
	*(struct done *)ring_put(dones) = (struct done){
		.check = job->check,
		.number = job->number,
		.verdict = (uint8_t)(hash_u64(now, job->check) % 3),
		.generation = (uint8_t)job->generation->number,
		.end_ns = now,
	};
	w->held[i] = w->held[--w->n_held];
	ring_publish(dones);
}

static void take_jobs(struct worker *w)
{
	const struct job *job;

	while (w->n_held < ARRAY_LEN(w->held) && (job = ring_peek(&ports[w->index].jobs))) {
		/* relaxed: main stores it only after sched acknowledged the removal; if we see it,
		 * a job of that generation or a later one must not be here */
		uint32_t gone = atomic_load_explicit(&gone_since[job->check], memory_order_relaxed);

		ASSERT(gone == 0 || job->generation->number < gone);
		ASSERT(gen_check_in_use(job->generation, job->check));
		ASSERT(sched_worker_of(job->generation->checks[job->check].real, N_WORKERS) ==
		       w->index);
		ASSERT(in_flight_sequence[job->check] != job->sequence);
		ASSERT(job->sequence == job->generation->check_sequence[job->check]);
		in_flight_sequence[job->check] = job->sequence;
		w->held[w->n_held++] = *job;
		w->n_jobs++;
		ring_release(&ports[w->index].jobs);
	}
}

static void work(void *ctx)
{
	struct worker *w = ctx;
	struct pollfd fd = {.fd = wake_fd(&ports[w->index].bell), .events = POLLIN};

	/* relaxed: only the flag matters */
	while (!atomic_load_explicit(&w->is_quitting, memory_order_relaxed)) {
		take_jobs(w);
		/* some end at once, some much later, in any order */
		for (uint32_t i = 0; i < w->n_held;)
			if (hash_u64(clk_mono_ns(), i) % 4 == 0)
				end_job(w, i);
			else
				i++;
		wake_arm(&ports[w->index].bell);
		if (!ring_peek(&ports[w->index].jobs))
			poll(&fd, 1, 1);
		wake_disarm(&ports[w->index].bell);
	}
	while (w->n_held > 0)
		end_job(w, 0);
}

/* --- main ----------------------------------------------------------------------------------- */

/* All of a generation in one block, so that TSan and the allocator see its end. */
struct block {
	struct generation g;
	struct check_spec checks[N_CHECKS];
	struct real_spec reals[N_CHECKS];
	uint32_t sequences[N_CHECKS];
	struct check_profile profile;
};

static struct block *make_generation(const struct block *before, uint32_t number)
{
	struct block *b = calloc(1, sizeof(*b));

	assert_non_null(b);
	if (before)
		memcpy(b, before, sizeof(*b));
	b->profile = (struct check_profile){.interval_ns = 20 * CLK_MS,
					    .jitter_ns = 2 * CLK_MS,
					    .retry_delay_ns = CLK_MS,
					    .retry = 3};
	for (uint32_t i = 0; !before && i < N_CHECKS; i++) {
		b->checks[i].real = i;
		b->sequences[i] = 1;
	}
	b->g = (struct generation){.number = number,
				   .end_checks = N_CHECKS,
				   .end_reals = N_CHECKS,
				   .checks = b->checks,
				   .reals = b->reals,
				   .check_sequence = b->sequences,
				   .profiles = &b->profile};
	return b;
}

static void tell(struct control_msg msg)
{
	uint32_t number = control_send(&control, msg);
	struct pollfd fd = {.fd = wake_fd(&main_bell), .events = POLLIN};

	for (;;) {
		wake_arm(&main_bell);
		if (control_is_done(&control, number))
			break;
		assert_int_equal(poll(&fd, 1, 20000), 1);
		wake_disarm(&main_bell);
	}
	wake_disarm(&main_bell);
}

/* Takes some checks out or puts some in. */
static void change(struct block *b, struct gen_diff *diff)
{
	for (uint32_t n = pick(20); n > 0; n--) {
		uint32_t check = pick(N_CHECKS);

		if (b->checks[check].real == SLOT_NONE) {
			b->checks[check].real = check;
			diff->checks.added.at[diff->checks.added.n++] = check;
			/* relaxed: sched has not seen the new check yet */
			atomic_store_explicit(&gone_since[check], 0, memory_order_relaxed);
		} else if (diff->checks.added.n == 0) {
			b->checks[check].real = SLOT_NONE;
			b->sequences[check]++; /* for its next user */
			diff->checks.removed.at[diff->checks.removed.n++] = check;
		}
	}
}

static void wait_until_unused(uint32_t number)
{
	uint64_t limit = clk_mono_ns() + 20 * CLK_S;

	while (sched_in_flight(sched, number) > 0) {
		struct timespec pause = {.tv_nsec = 100000};

		assert_true(clk_mono_ns() < limit);
		nanosleep(&pause, NULL);
	}
}

static void reload(struct block **current, uint32_t number)
{
	uint32_t added[N_CHECKS], removed[N_CHECKS];
	struct gen_diff diff = {.checks = {.added = {added, 0}, .removed = {removed, 0}}};
	struct block *next = make_generation(*current, number), *old = *current;

	change(next, &diff);
	tell((struct control_msg){.kind = CONTROL_ADOPT, .generation = &next->g, .diff = &diff});
	for (uint32_t i = 0; i < diff.checks.removed.n; i++) {
		/* a slot may be taken away and given again in one diff */
		if (next->checks[removed[i]].real != SLOT_NONE)
			continue;
		/* relaxed: an assertion's bound, not a message */
		atomic_store_explicit(&gone_since[removed[i]], number, memory_order_relaxed);
	}
	wait_until_unused(old->g.number);
	memset(old, 0xdd, sizeof(*old));
	free(old);
	*current = next;
}

static void set_states(void)
{
	for (uint32_t i = 0; i < 50; i++) {
		uint32_t check = pick(N_CHECKS);
		struct check_row row = {
			.word = check_word_make((enum state)pick(3), CHECK_ROW_IN_USE, 5)};

		seqrow_publish(state_check(&tables, check), &row, sizeof(row));
	}
}

static void begin(void)
{
	struct sched_args args = {.ports = ports,
				  .n_workers = N_WORKERS,
				  .control = &control,
				  .bell = &sched_bell,
				  .tables = &tables,
				  .counters = &counters,
				  .beat = &beat,
				  .cpu = -1};

	assert_int_equal(wake_init(&sched_bell), 0);
	assert_int_equal(wake_init(&main_bell), 0);
	assert_int_equal(control_init(&control, &sched_bell, &main_bell), 0);
	assert_int_equal(state_tables_init(&tables), 0);
	for (uint32_t i = 0; i < N_WORKERS; i++) {
		workers[i].index = i;
		workers[i].thr = (struct thr){.fn = work, .ctx = &workers[i], .name = "worker"};
		assert_int_equal(port_init(&ports[i], 1024, NULL), 0);
	}
	assert_int_equal(sched_new(&args, &sched), 0);
	for (uint32_t i = 0; i < N_WORKERS; i++)
		assert_int_equal(thr_start(&workers[i].thr), 0);
	assert_int_equal(sched_start(sched), 0);
}

static uint64_t end(void)
{
	uint64_t n_jobs = 0;

	tell((struct control_msg){.kind = CONTROL_QUIT});
	sched_join(sched);
	for (uint32_t i = 0; i < N_WORKERS; i++) {
		/* relaxed: only the flag matters */
		atomic_store_explicit(&workers[i].is_quitting, true, memory_order_relaxed);
		thr_join(&workers[i].thr);
		/* what was published after the worker's last look */
		n_jobs += workers[i].n_jobs + ring_pending(&ports[i].jobs);
		port_deinit(&ports[i]);
	}
	sched_free(sched);
	control_deinit(&control);
	state_tables_deinit(&tables);
	wake_deinit(&sched_bell);
	wake_deinit(&main_bell);
	return n_jobs;
}

static void reloads_under_load(void **state)
{
	struct block *current = make_generation(NULL, 1);
	uint64_t until, n_jobs;

	(void)state;
	begin();
	tell((struct control_msg){.kind = CONTROL_ADOPT, .generation = &current->g});
	until = clk_mono_ns() + 4 * CLK_S;
	for (uint32_t number = 2; number < RELOADS && clk_mono_ns() < until; number++) {
		set_states();
		reload(&current, number);
	}
	assert_true(current->g.number > 5);
	n_jobs = end();
	assert_int_equal(n_jobs, counter_get(&counters, CTR_JOBS_ISSUED));
	free(current);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(reloads_under_load)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
