/* The worker thread.
 *
 * It owns its epoll, its kept sockets, its TLS contexts, its deadline wheel and its runs; nobody
 * else touches them. Jobs come in through the port's job ring; each leaves as one result (to agg)
 * and one done (to sched), in that order. Nothing here waits but epoll_wait.
 *
 * One turn: sleep until a socket, the bell or a deadline → the events of one batch → deadlines →
 * publish → new jobs → publish. The order is the safety rule of kept sockets (§12, rule 8): a
 * socket that was disconnected while a batch is handled may stand in that batch once more, with
 * bits of its old connection; so nothing that could connect it again (a job) runs before the batch
 * is finished. And ready sockets come before deadlines, so that our own lateness fails no check.
 *
 * When the result or done ring has no room for all that is in flight and one more, jobs wait in
 * their ring and are looked at every millisecond; what waits too long ends as `late`. Batches are
 * bounded, so that one turn stays far below the lag guard.
 *
 * Stop: what is in flight and what waits in the job ring ends as `cancelled`; the thread ends when
 * all of it is published, or after STOP_MAX_MS if nobody takes it.
 */
#include "workers/worker.h"

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/err.h"
#include "base/log.h"
#include "base/thr.h"
#include "workers/heap_watch.h"
#include "workers/run.h"

enum {
	MAX_EVENTS = 128, /* a TLS handshake costs half a millisecond */
	MAX_DEADLINES = 512,
	JOBS_PER_TURN = 16, /* between two looks at the sockets */
	HELD_BACK_MS = 1,
	TRIM_MS = 50,
	STOP_MAX_MS = 1000,
	NICE = -5, /* decisions 9 */
};
#define BELL_EVENT UINT64_MAX

struct worker {
	/* main's line */
	alignas(CACHELINE) _Atomic bool must_stop;
	/* worker's line: for metrics */
	alignas(CACHELINE) _Atomic uint32_t in_flight;
	_Atomic uint32_t sockets;
	/* the thread's own; args are read-only */
	alignas(CACHELINE) struct worker_args args;
	struct thr thread;
	int epoll_fd;
	bool has_held_back; /* jobs wait for a free slot */
	bool has_more_jobs; /* the turn had no time for all */
	uint64_t trimmed_ns;
	struct heap_watch heap;
	uint64_t stop_ns;                                /* when the wish to stop was seen */
	uint64_t told_made, told_reused, told_discarded; /* of the pool's, already counted */
	struct run_ctx runs;
};

/* --- one turn --------------------------------------------------------------------------------- */

static uint64_t sleep_ns(struct worker *w, uint64_t now_ns)
{
	uint64_t next_ns = wheel_next_ns(&w->runs.wheel);
	uint64_t limit = standstill_max_sleep_ns(&w->runs.standstill);

	if (w->has_more_jobs)
		return 0;
	if (w->has_held_back)
		limit = MIN(limit, HELD_BACK_MS * CLK_MS);
	return next_ns <= now_ns ? 0 : MIN(limit, next_ns - now_ns);
}

static bool is_told_to_stop(const struct worker *w)
{
	/* relaxed: the wish alone counts; what main wrote before is not read. wake_arm() orders
	 * the look before a sleep after the flag's Dekker store. */
	return atomic_load_explicit(&w->must_stop, memory_order_relaxed);
}

static int wait_for(struct worker *w, struct epoll_event *events)
{
	uint64_t now_ns = clk_mono_ns();
	uint64_t timeout_ns = sleep_ns(w, now_ns);
	bool is_armed = timeout_ns > 0;
	int n;

	if (is_armed) {
		wake_arm(&w->args.port->bell);
		/* held back jobs are known to wait: a bell is not what ends that */
		if ((!w->has_held_back && ring_pending(&w->args.port->jobs)) ||
		    (is_told_to_stop(w) && !w->runs.is_stopping))
			timeout_ns = 0;
	}
	struct timespec timeout = {
		.tv_sec = (time_t)(timeout_ns / CLK_S),
		.tv_nsec = (long)(timeout_ns % CLK_S),
	};

	standstill_sleeps(&w->runs.standstill, now_ns, timeout_ns);
	n = epoll_pwait2(w->epoll_fd, events, MAX_EVENTS, &timeout, NULL);
	ASSERT(n >= 0 || errno == EINTR);
	if (is_armed)
		wake_disarm(&w->args.port->bell);
	return n;
}

static void note_standstill(struct worker *w, uint64_t now_ns)
{
	uint64_t gap_ns = standstill_woke(&w->runs.standstill, now_ns);

	if (gap_ns <= w->args.lag_guard_ns)
		return;
	counter_add(w->args.counters, CTR_WORKER_STALLS, 1);
	LOG(LOG_WARN, "worker", "loop_stalled", LF_U64("worker", w->args.index),
	    LF_U64("ms", gap_ns / CLK_MS), LF_U64("in_flight", w->runs.in_flight));
}

/* A few, then the sockets again: a refusal that is there already shall not wait for the checks that
 * are due after it. A look costs a fiftieth of the checks in between. */
static void take_jobs(struct worker *w)
{
	struct ring *jobs = &w->args.port->jobs;
	uint32_t n = 0;

	w->has_held_back = w->has_more_jobs = false;
	for (const struct job *j; (j = ring_peek(jobs)) != NULL; n++) {
		if (!outbox_has_room(&w->runs.outbox, w->runs.in_flight)) {
			w->has_held_back = true;
			counter_add(w->args.counters, CTR_JOBS_HELD_BACK, 1);
			return;
		}
		if (n == JOBS_PER_TURN) {
			w->has_more_jobs = true;
			return;
		}
		run_start(&w->runs, j);
		ring_release(jobs);
	}
}

static void count_sockets(struct worker *w)
{
	const struct tcp_pool *p = &w->runs.pool;

	counter_add(w->args.counters, CTR_SOCKETS_MADE, p->n_made - w->told_made);
	counter_add(w->args.counters, CTR_SOCKETS_REUSED, p->n_reused - w->told_reused);
	counter_add(w->args.counters, CTR_SOCKETS_DISCARDED, p->n_discarded - w->told_discarded);
	w->told_made = p->n_made;
	w->told_reused = p->n_reused;
	w->told_discarded = p->n_discarded;
	/* relaxed: figures for metrics, each of its own */
	atomic_store_explicit(&w->in_flight, w->runs.in_flight, memory_order_relaxed);
	/* relaxed: as above */
	atomic_store_explicit(&w->sockets, p->n_open, memory_order_relaxed);
}

static void keep_house(struct worker *w, uint64_t now_ns)
{
	beat_mark(w->args.beat, now_ns);
	counter_add(w->args.counters, CTR_WORKER_WAKES, 1);
	count_sockets(w);
	if (now_ns - w->trimmed_ns < TRIM_MS * CLK_MS)
		return;
	tcp_pool_trim(&w->runs.pool, now_ns);
	tls_contexts_trim(&w->runs.contexts, now_ns);
	if (heap_watch_look(&w->heap, w->runs.n_tls, now_ns))
		malloc_trim(0);
	w->trimmed_ns = now_ns;
}

/* Returns true when the thread may end. */
static bool wind_up(struct worker *w, uint64_t now_ns)
{
	if (!is_told_to_stop(w))
		return false;
	if (!w->runs.is_stopping) {
		w->runs.is_stopping = true;
		w->stop_ns = now_ns;
		run_cancel_all(&w->runs);
	}
	take_jobs(w);
	outbox_publish(&w->runs.outbox);
	return !ring_pending(&w->args.port->jobs) || now_ns - w->stop_ns > STOP_MAX_MS * CLK_MS;
}

/* A result that may change something does not wait for the rest of the batch. */
static void handle(struct worker *w, const struct epoll_event *e)
{
	run_event(&w->runs, (uint32_t)e->data.u64, e->events);
	if (w->runs.outbox.is_urgent)
		outbox_publish(&w->runs.outbox);
}

static bool turn(struct worker *w)
{
	struct epoll_event events[MAX_EVENTS];
	int n = wait_for(w, events);
	uint64_t now_ns = clk_mono_ns();

	note_standstill(w, now_ns);
	for (int i = 0; i < n; i++)
		if (events[i].data.u64 != BELL_EVENT)
			handle(w, &events[i]);
	run_deadlines(&w->runs, now_ns, MAX_DEADLINES);
	outbox_publish(&w->runs.outbox);
	if (wind_up(w, now_ns))
		return false;
	take_jobs(w);
	outbox_publish(&w->runs.outbox);
	keep_house(w, now_ns);
	return true;
}

static void worker_main(void *ctx)
{
	struct worker *w = ctx;

	while (turn(w))
		;
	keep_house(w, clk_mono_ns());
}

/* --- life ------------------------------------------------------------------------------------- */

static int watch_bell(const struct worker *w)
{
	/* edge-triggered: a write that wake_disarm() missed must not be reported for ever */
	struct epoll_event e = {.events = EPOLLIN | EPOLLET, .data.u64 = BELL_EVENT};

	if (epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, wake_fd(&w->args.port->bell), &e) < 0)
		return err_origin(-errno);
	return 0;
}

static int set_up(struct worker *w)
{
	uint64_t now_ns = clk_mono_ns();
	struct run_args runs = {
		.port = w->args.port,
		.tables = w->args.tables,
		.counters = w->args.counters,
		.tunnel = w->args.tunnel,
		.lag_guard_ns = w->args.lag_guard_ns,
		.max_sockets = w->args.fd_budget ? w->args.fd_budget - 1 : 0, /* our epoll */
	};

	w->trimmed_ns = now_ns;
	w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (w->epoll_fd < 0)
		return err_origin(-errno);
	runs.epoll_fd = w->epoll_fd;
	TRY(run_ctx_init(&w->runs, &runs, now_ns));
	return err_trace(watch_bell(w));
}

int worker_new(const struct worker_args *args, struct worker **ret)
{
	struct worker *w = aligned_alloc(CACHELINE, sizeof(*w));
	int r;

	if (!w)
		return err_origin(-ENOMEM);
	memset(w, 0, sizeof(*w));
	w->args = *args;
	w->epoll_fd = -1;
	r = set_up(w);
	if (r < 0) {
		worker_free(w);
		return err_trace(r);
	}
	*ret = w;
	return 0;
}

int worker_start(struct worker *w)
{
	w->thread = (struct thr){.fn = worker_main, .ctx = w, .nice = NICE};
	snprintf(w->thread.name, sizeof(w->thread.name), "worker-%u", w->args.index);
	if (w->args.cpu >= 0) {
		w->thread.has_cpus = true;
		CPU_ZERO(&w->thread.cpus);
		CPU_SET((unsigned)w->args.cpu, &w->thread.cpus);
	}
	return err_trace(thr_start(&w->thread));
}

void worker_stop(struct worker *w)
{
	/* relaxed: wake_ring() orders it before its look at the bell */
	atomic_store_explicit(&w->must_stop, true, memory_order_relaxed);
	wake_ring(&w->args.port->bell);
}

void worker_join(struct worker *w)
{
	thr_join(&w->thread);
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	run_ctx_deinit(&w->runs);
	if (w->epoll_fd >= 0)
		close(w->epoll_fd);
	free(w);
}

uint32_t worker_in_flight(const struct worker *w)
{
	/* relaxed: a figure of its own */
	return atomic_load_explicit(&w->in_flight, memory_order_relaxed);
}

uint32_t worker_sockets(const struct worker *w)
{
	/* relaxed: a figure of its own */
	return atomic_load_explicit(&w->sockets, memory_order_relaxed);
}
