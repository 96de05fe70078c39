/* The scheduler's thread at N checks per second, with a worker that takes each job, looks at the
 * clock and gives it back. One JSON line per N: how late jobs arrive at the worker after their
 * turn, how even the gaps are, and the scheduler's CPU per job (its thread only). */
#include <poll.h>
#include <sys/resource.h>

#include "base/clk.h"
#include "base/thr.h"
#include "config/gen.h"
#include "model/job.h"
#include "sched/sched.h"

enum { MAX_N = 100000, RUN_S = 5 };

static struct port port;
static struct control control;
static struct wake sched_bell, main_bell;
static struct state_tables tables;
static struct counters counters;
static struct beat beat;
static struct check_spec checks[MAX_N];
static struct real_spec reals[MAX_N];
static uint32_t sequences[MAX_N];
static uint64_t last_ns[MAX_N];
static uint32_t *late_ns, *gap_error_ns;
static uint64_t n_late, n_gaps;
static _Atomic bool is_over;

static void take(const struct job *job, uint64_t now)
{
	uint64_t turn = (job->due_ns + 2 * CLK_MS - 1) / (2 * CLK_MS) * (2 * CLK_MS);
	uint64_t gap = now - last_ns[job->check];

	late_ns[n_late++] = (uint32_t)(now - MIN(turn, now));
	if (last_ns[job->check])
		gap_error_ns[n_gaps++] = (uint32_t)(gap > CLK_S ? gap - CLK_S : CLK_S - gap);
	last_ns[job->check] = now;
}

static void work(void *ctx)
{
	struct pollfd fd = {.fd = wake_fd(&port.bell), .events = POLLIN};
	const struct job *job;

	(void)ctx;
	/* relaxed: only the flag matters */
	while (!atomic_load_explicit(&is_over, memory_order_relaxed)) {
		while ((job = ring_peek(&port.jobs)) && ring_room(&port.dones) > 0) {
			uint64_t now = clk_mono_ns();

			take(job, now);
			*(struct done *)ring_put(&port.dones) =
				(struct done){.check = job->check,
					      .number = job->number,
					      .verdict = VERDICT_GOOD,
					      .generation = (uint8_t)job->generation->number,
					      .end_ns = now};
			ring_release(&port.jobs);
		}
		ring_publish(&port.dones);
		wake_arm(&port.bell);
		if (!ring_peek(&port.jobs))
			poll(&fd, 1, 100);
		wake_disarm(&port.bell);
	}
}

static void tell(struct control_msg msg)
{
	uint32_t number = control_send(&control, msg);

	while (!control_is_done(&control, number))
		poll(NULL, 0, 1);
}

static int by_value(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double quantile_us(uint32_t *v, uint64_t n, double at)
{
	qsort(v, n, sizeof(*v), by_value);
	return n ? v[(size_t)(at * (double)(n - 1))] / 1e3 : 0;
}

/* CPU of all threads but the worker's, which stands for the scheduler's: main sleeps. */
static double cpu_us(clockid_t worker)
{
	struct timespec all, w;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &all);
	clock_gettime(worker, &w);
	return (double)(all.tv_sec - w.tv_sec) * 1e6 + (double)(all.tv_nsec - w.tv_nsec) / 1e3;
}

static void report(uint32_t n, double cpu, uint64_t jobs, uint64_t turns)
{
	printf("{\"name\":\"sched\",\"n\":%u,\"late_us_p50\":%.1f,\"late_us_p99\":%.1f,"
	       "\"late_us_max\":%.1f,\"gap_error_us_p50\":%.1f,\"gap_error_us_p99\":%.1f,"
	       "\"gap_error_us_max\":%.1f,\"us_cpu_per_job\":%.3f,\"turns_per_s\":%.0f}\n",
	       n, quantile_us(late_ns, n_late, 0.5), quantile_us(late_ns, n_late, 0.99),
	       quantile_us(late_ns, n_late, 1), quantile_us(gap_error_ns, n_gaps, 0.5),
	       quantile_us(gap_error_ns, n_gaps, 0.99), quantile_us(gap_error_ns, n_gaps, 1),
	       cpu / (double)jobs, (double)turns / RUN_S);
	fflush(stdout);
}

static void run(uint32_t n)
{
	struct check_profile profile = {.interval_ns = CLK_S, .retry_delay_ns = 3 * CLK_S};
	struct generation g = {.number = 1,
			       .end_checks = n,
			       .checks = checks,
			       .reals = reals,
			       .check_sequence = sequences,
			       .profiles = &profile};
	struct sched_args args = {.ports = &port,
				  .n_workers = 1,
				  .control = &control,
				  .bell = &sched_bell,
				  .tables = &tables,
				  .counters = &counters,
				  .beat = &beat,
				  .cpu = -1};
	struct thr worker = {.fn = work, .name = "worker"};
	uint64_t jobs, turns;
	clockid_t worker_cpu;
	struct sched *s;
	double cpu;

	n_late = n_gaps = 0;
	memset(last_ns, 0, sizeof(last_ns));
	/* relaxed: no thread runs */
	atomic_store_explicit(&is_over, false, memory_order_relaxed);
	if (sched_new(&args, &s) < 0 || thr_start(&worker) < 0 || sched_start(s) < 0)
		exit(1);
	pthread_getcpuclockid(worker.id, &worker_cpu);
	tell((struct control_msg){.kind = CONTROL_ADOPT, .generation = &g});
	jobs = counter_get(&counters, CTR_JOBS_ISSUED);
	turns = counter_get(&counters, CTR_SCHED_TICKS);
	cpu = cpu_us(worker_cpu);
	poll(NULL, 0, RUN_S * 1000);
	cpu = cpu_us(worker_cpu) - cpu;
	jobs = counter_get(&counters, CTR_JOBS_ISSUED) - jobs;
	turns = counter_get(&counters, CTR_SCHED_TICKS) - turns;
	tell((struct control_msg){.kind = CONTROL_QUIT});
	sched_join(s);
	/* relaxed: only the flag matters */
	atomic_store_explicit(&is_over, true, memory_order_relaxed);
	thr_join(&worker);
	sched_free(s);
	report(n, cpu, jobs, turns);
}

int main(void)
{
	static const uint32_t fleets[] = {1, 1000, 5000, 19000, 100000};

	late_ns = calloc(MAX_N * (RUN_S + 2), sizeof(*late_ns));
	gap_error_ns = calloc(MAX_N * (RUN_S + 2), sizeof(*gap_error_ns));
	for (uint32_t i = 0; i < MAX_N; i++)
		checks[i].real = i;
	if (!late_ns || !gap_error_ns || wake_init(&sched_bell) < 0 || wake_init(&main_bell) < 0 ||
	    control_init(&control, &sched_bell, &main_bell) < 0 || state_tables_init(&tables) < 0 ||
	    port_init(&port, PORT_MIN_SLOTS, NULL) < 0)
		return 1;
	for (size_t i = 0; i < ARRAY_LEN(fleets); i++)
		run(fleets[i]);
	return 0;
}
