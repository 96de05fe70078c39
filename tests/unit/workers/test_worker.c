#include "workers/worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "bed.h"

static struct worker *worker;

static void begin(uint32_t slots, uint32_t fd_budget)
{
	bed_common(slots);
	struct worker_args args = {
		.cpu = -1,
		.port = &bed.port,
		.tables = &bed.tables,
		.counters = &bed.counters,
		.beat = &bed.beat,
		.lag_guard_ns = 200 * CLK_MS,
		.fd_budget = fd_budget,
	};

	cr_assert_eq(worker_new(&args, &worker), 0);
}

static void run(void)
{
	cr_assert_eq(worker_start(worker), 0);
}

static void end(void)
{
	worker_stop(worker);
	worker_join(worker);
	worker_free(worker);
	bed_common_end();
}

static uint32_t tcp_check(uint16_t port)
{
	return gen_fixture_check(&bed.gen, CHECK_TCP, "127.0.0.1", port);
}

/* Puts a job as the scheduler does; false if the ring is full. */
static bool issue(uint32_t check)
{
	if (ring_room(&bed.port.jobs) == 0)
		return false;
	*(struct job *)ring_put(&bed.port.jobs) = bed_job(check);
	ring_publish(&bed.port.jobs);
	wake_ring(&bed.port.bell);
	return true;
}

/* agg's and sched's side: one result and its done, which must be there as soon as the result is
 * taken or a moment later. */
static bool drain(struct result *ret, struct done *ret_done)
{
	const struct result *r = ring_peek(&bed.port.results);
	const struct done *d = NULL;

	if (!r)
		return false;
	*ret = *r;
	ring_release(&bed.port.results);
	for (int i = 0; !d && i < BED_WAIT_MS; i++) {
		d = ring_peek(&bed.port.dones);
		if (!d)
			poll(NULL, 0, 1);
	}
	cr_assert_not_null(d, "a result without its done");
	*ret_done = *d;
	ring_release(&bed.port.dones);
	cr_assert_eq(ret_done->check, ret->check);
	cr_assert_eq(ret_done->verdict, ret->verdict);
	return true;
}

static struct result wait_result(void)
{
	struct result r = {0};
	struct done d;

	for (int i = 0; !drain(&r, &d); i++) {
		cr_assert_lt(i, BED_WAIT_MS, "no result");
		poll(NULL, 0, 1);
	}
	return r;
}

Test(worker, one_job_gives_one_result_and_one_done)
{
	uint16_t port;
	int listener = peer_listen("127.0.0.1", &port);

	begin(64, 100);
	uint32_t check = tcp_check(port);

	run();
	for (int i = 0; i < 20; i++) {
		cr_assert(issue(check));
		cr_assert_eq(wait_result().code, CODE_OK);
		cr_assert_null(ring_peek(&bed.port.results));
		cr_assert_null(ring_peek(&bed.port.dones));
	}
	cr_assert_eq(counter_get(&bed.counters, CTR_JOBS_TAKEN), 20);
	end();
	cr_assert_eq(counter_get(&bed.counters, CTR_SOCKETS_MADE), 1);
	cr_assert_eq(counter_get(&bed.counters, CTR_SOCKETS_REUSED), 19);
	close(listener);
}

/* What is known already does not wait for all that is due: seen by the sockets, which come back
 * between the jobs. */
Test(worker, answers_are_looked_at_between_jobs)
{
	enum { N = 64 };

	begin(N, 100);
	uint32_t check = tcp_check(1); /* nobody listens: refused within connect() */

	for (int i = 0; i < N; i++)
		cr_assert(issue(check));
	run();
	for (int i = 0; i < N; i++)
		cr_assert_eq(wait_result().code, CODE_REFUSED);
	end();
	cr_assert_eq(counter_get(&bed.counters, CTR_JOBS_TAKEN), N);
	cr_assert_leq(counter_get(&bed.counters, CTR_SOCKETS_MADE), N / 2);
}

Test(worker, idle_one_beats_and_sleeps)
{
	uint64_t first, wakes;

	begin(64, 100);
	run();
	poll(NULL, 0, 100);
	first = beat_last(&bed.beat);
	wakes = counter_get(&bed.counters, CTR_WORKER_WAKES);
	poll(NULL, 0, 300);
	cr_assert_gt(beat_last(&bed.beat), first);
	cr_assert_leq(counter_get(&bed.counters, CTR_WORKER_WAKES) - wakes, 20);
	cr_assert_eq(worker_in_flight(worker), 0);
	end();
}

Test(worker, stop_without_work_ends_at_once)
{
	uint64_t before;

	begin(64, 100);
	run();
	poll(NULL, 0, 20);
	before = clk_mono_ns();
	end();
	cr_assert_lt(clk_mono_ns() - before, 2 * CLK_S);
}

Test(worker, one_that_was_never_started_can_be_freed)
{
	begin(64, 100);
	end();
}

Test(worker, stop_cancels_what_is_in_flight_and_what_waits)
{
	struct peer_deaf deaf = peer_deaf_start();
	struct result r;
	struct done d;
	uint32_t n = 0;

	begin(64, 100);
	uint32_t check = tcp_check(deaf.port);

	run();
	for (int i = 0; i < 30; i++)
		cr_assert(issue(check));
	while (worker_in_flight(worker) < 30)
		poll(NULL, 0, 1);
	cr_assert_gt(worker_sockets(worker), 0);
	for (int i = 0; i < 20; i++)
		cr_assert(issue(check));
	worker_stop(worker);
	worker_join(worker);
	while (drain(&r, &d)) {
		cr_assert_eq(r.code, CODE_CANCELLED);
		n++;
	}
	cr_assert_eq(n, 50);
	end();
	peer_deaf_stop(&deaf);
}

/* decisions 3: nobody drains, so jobs wait in their ring; nothing is dropped, nothing overflows. */
Test(worker, decisions_3_full_rings_hold_jobs_back)
{
	uint16_t dead;
	int holder = peer_closed_port("127.0.0.1", &dead);
	uint32_t n = 0;

	begin(8, 100);
	uint32_t check = tcp_check(dead);

	run();
	for (int i = 0; i < 16; i++)
		while (!issue(check))
			poll(NULL, 0, 1);
	poll(NULL, 0, 50);
	cr_assert_eq(counter_get(&bed.counters, CTR_JOBS_TAKEN), 8);
	cr_assert_gt(counter_get(&bed.counters, CTR_JOBS_HELD_BACK), 0);
	cr_assert_lt(counter_get(&bed.counters, CTR_WORKER_WAKES), 500, "it does not spin");
	for (; n < 16; n++)
		cr_assert_eq(wait_result().code, CODE_REFUSED, "result %u", n);
	cr_assert_null(ring_peek(&bed.port.results));
	end();
	close(holder);
}

Test(worker, decisions_15_job_that_waited_too_long_is_late)
{
	uint16_t port;
	int listener = peer_listen("127.0.0.1", &port);
	struct job j;
	struct result r;

	begin(64, 100);
	j = bed_job(tcp_check(port));
	j.due_ns -= 300 * CLK_MS;
	*(struct job *)ring_put(&bed.port.jobs) = j;
	ring_publish(&bed.port.jobs);
	run();
	r = wait_result();
	cr_assert_eq(r.code, CODE_LATE);
	cr_assert_eq(counter_get(&bed.counters, CTR_WORKER_LATE), 1);
	end();
	close(listener);
}

/* 2,000 checks at once through rings of 64, half of them to a dead port: each gives its own result
 * once, in pairs, and the budget of 300 descriptors makes no verdict bad. */
Test(worker, burst_of_2000_through_small_rings)
{
	enum { N = 2000 };
	static uint8_t seen[N];
	uint16_t port, dead;
	int listener = peer_listen("127.0.0.1", &port);
	int holder = peer_closed_port("127.0.0.1", &dead);
	uint32_t n_issued = 0, n_done = 0;
	uint64_t limit = clk_mono_ns() + 20 * CLK_S;
	struct result r;
	struct done d;

	begin(64, 300);
	for (uint32_t i = 0; i < N; i++)
		tcp_check(i & 1 ? port : dead);
	run();
	while (n_done < N) {
		cr_assert_lt(clk_mono_ns(), limit);
		while (n_issued < N && issue(n_issued))
			n_issued++;
		for (int fd; (fd = peer_accept(listener, 0)) >= 0;)
			close(fd);
		while (drain(&r, &d)) {
			cr_assert_eq(r.code, r.check & 1 ? CODE_OK : CODE_REFUSED, "%s",
				     check_code_text((enum check_code)r.code));
			cr_assert_eq(d.number, r.check);
			cr_assert_eq(seen[r.check]++, 0);
			n_done++;
		}
	}
	cr_assert_null(ring_peek(&bed.port.results));
	cr_assert_null(ring_peek(&bed.port.dones));
	cr_assert_eq(counter_get(&bed.counters, CTR_SOCKETS_DISCARDED), 0);
	end();
	close(listener);
	close(holder);
}

Test(worker, decisions_19_budget_is_not_exceeded)
{
	struct peer_deaf deaf = peer_deaf_start();
	uint32_t n_limit = 0;

	begin(64, 21);
	uint32_t check = tcp_check(deaf.port);

	run();
	for (int i = 0; i < 30; i++)
		cr_assert(issue(check));
	for (int i = 0; i < 10; i++)
		n_limit += wait_result().code == CODE_FD_LIMIT;
	cr_assert_eq(n_limit, 10);
	poll(NULL, 0, 60);
	cr_assert_eq(worker_sockets(worker), 20);
	end();
	peer_deaf_stop(&deaf);
}

static void stop_the_process_for(int ms)
{
	pid_t parent = getpid(), child = fork();

	if (child == 0) {
		kill(parent, SIGSTOP);
		poll(NULL, 0, ms);
		kill(parent, SIGCONT);
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

/* The whole daemon is stopped while a server is silent: its deadline passes meanwhile. */
Test(worker, decisions_15_timeout_while_we_were_stopped_is_stalled)
{
	struct peer *silent = peer_start(PEER_SILENT, "127.0.0.1");
	struct result r;

	begin(64, 100);
	uint32_t check = gen_fixture_check(&bed.gen, CHECK_HTTP, "127.0.0.1", peer_port(silent));

	bed.gen.profiles[check].check_timeout_ns = 300 * CLK_MS;
	run();
	cr_assert(issue(check));
	while (!peer_accepted(silent))
		poll(NULL, 0, 1);
	stop_the_process_for(600);
	r = wait_result();
	cr_assert_eq(r.code, CODE_STALLED, "%s", check_code_text((enum check_code)r.code));
	cr_assert_eq(r.verdict, VERDICT_UNKNOWN);
	cr_assert_geq(r.gap_ms, 500);
	cr_assert_geq(counter_get(&bed.counters, CTR_WORKER_STALLS), 1);
	end();
	peer_stop(silent);
}

Test(worker, deadlines_are_kept_by_the_thread)
{
	struct peer_deaf deaf = peer_deaf_start();
	struct result r;

	begin(64, 100);
	uint32_t check = tcp_check(deaf.port);

	bed.gen.profiles[check].connect_timeout_ns = 60 * CLK_MS;
	run();
	cr_assert(issue(check));
	r = wait_result();
	cr_assert_eq(r.code, CODE_CONNECT_TIMEOUT);
	cr_assert(r.total_us >= 60000 && r.total_us < 160000, "%u", r.total_us);
	end();
	peer_deaf_stop(&deaf);
}

Test(worker, bad_result_wakes_agg_and_usual_good_ones_do_not)
{
	uint16_t port, dead;
	int listener = peer_listen("127.0.0.1", &port);
	int holder = peer_closed_port("127.0.0.1", &dead);
	uint64_t rung;

	begin(64, 100);
	uint32_t good = tcp_check(port), bad = tcp_check(dead);

	state_check(&bed.tables, good)->word = check_word_make(STATE_UP, 0, 0);
	run();
	wake_arm(&bed.agg_bell);
	cr_assert(issue(good));
	cr_assert_eq(wait_result().code, CODE_OK);
	cr_assert(!peer_wait(wake_fd(&bed.agg_bell), POLLIN, 20));
	rung = counter_get(&bed.counters, CTR_DOORBELLS);
	cr_assert(issue(bad));
	cr_assert(peer_wait(wake_fd(&bed.agg_bell), POLLIN, BED_WAIT_MS));
	cr_assert_eq(wait_result().code, CODE_REFUSED);
	poll(NULL, 0, 5);
	cr_assert_eq(counter_get(&bed.counters, CTR_DOORBELLS), rung + 1);
	end();
	close(listener);
	close(holder);
}
