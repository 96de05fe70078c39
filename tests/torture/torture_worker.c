/* A real worker between a scheduler's and an aggregator's stub, each in its own thread, over real
 * rings and loopback servers that accept, answer, refuse and stay silent. The generation is
 * replaced all the time and freed as soon as its jobs are done: TSan reports a worker that touches
 * a job's spec after the done. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <sched.h>

#include "base/clk.h"
#include "workers/worker.h"

#include "lib/gen_fixture.c"
#include "lib/peer.c"
#include "model/job.h"
#include "model/result.h"

enum { N_CHECKS = 240, N_KINDS = 4, RUN_MS = 3000, RING_SLOTS = 64, MAX_GENS = 256 };

/* One generation's books, scheduler only. */
struct life {
	struct gen_fixture *fixture;
	uint32_t n_issued, n_done;
};

struct stage {
	struct port port;
	struct wake agg_bell;
	struct state_tables tables;
	struct counters counters;
	struct beat beat;
	struct peer *acceptor, *http;
	struct peer_deaf deaf;
	int dead_holder;
	uint16_t ports[N_KINDS];
	_Atomic bool is_over;      /* scheduler: issue no more */
	_Atomic bool is_quiet;     /* it does */
	_Atomic bool worker_ended; /* both stubs: drain what is left and end */
	/* scheduler's */
	struct life lives[MAX_GENS];
	uint32_t n_lives, n_freed;
	uint64_t n_issued, n_done;
	bool is_in_flight[N_CHECKS];
	uint16_t numbers[N_CHECKS];
	/* aggregator's */
	uint64_t n_results, n_by_verdict[3], n_unexpected;
};

static struct stage stage;

static bool is_set(_Atomic bool *flag)
{
	/* acquire: pairs with the release in set(); what was done before it is seen */
	return atomic_load_explicit(flag, memory_order_acquire);
}

static void set(_Atomic bool *flag)
{
	/* release: pairs with the acquire in is_set() */
	atomic_store_explicit(flag, true, memory_order_release);
}

/* --- scheduler -------------------------------------------------------------------------------- */

static void new_generation(struct stage *s)
{
	static const enum check_kind kinds[N_KINDS] = {CHECK_TCP, CHECK_TCP, CHECK_TCP, CHECK_HTTP};
	struct gen_fixture *f = malloc(sizeof(*f));

	assert_non_null(f);
	gen_fixture_init(f, s->n_lives + 1);
	for (uint32_t i = 0; i < N_CHECKS; i++) {
		gen_fixture_check(f, kinds[i % N_KINDS], "127.0.0.1", s->ports[i % N_KINDS]);
		if (i % N_KINDS == 2) /* the silent one */
			f->profiles[i].connect_timeout_ns = (5 + i % 40) * CLK_MS;
		if (i % N_KINDS == 0 && i % 3 == 0)
			f->profiles[i].flags |= PROFILE_HALF_OPEN;
		if (i % 5 == 0)
			f->profiles[i].bindto = gen_fixture_addr("127.0.0.7");
	}
	s->lives[s->n_lives++] = (struct life){.fixture = f};
}

static void free_finished(struct stage *s, uint32_t keep)
{
	while (s->n_freed + keep < s->n_lives) {
		struct life *l = &s->lives[s->n_freed];

		if (l->n_done != l->n_issued)
			return;
		memset(l->fixture, 0x5a, sizeof(*l->fixture));
		free(l->fixture);
		l->fixture = NULL;
		s->n_freed++;
	}
}

static void drain_dones(struct stage *s)
{
	for (const struct done *d; (d = ring_peek(&s->port.dones)) != NULL;) {
		uint32_t life = s->n_freed;

		assert_true(s->is_in_flight[d->check]);
		assert_int_equal(d->number, s->numbers[d->check]);
		s->is_in_flight[d->check] = false;
		s->numbers[d->check]++;
		while ((uint8_t)(life + 1) != d->generation)
			life++;
		assert_true(life < s->n_lives);
		s->lives[life].n_done++;
		s->n_done++;
		ring_release(&s->port.dones);
	}
}

static void issue_some(struct stage *s, uint32_t *next)
{
	struct life *l = &s->lives[s->n_lives - 1];
	uint32_t room = ring_room(&s->port.jobs);

	for (uint32_t i = 0; i < N_CHECKS && room > 0; i++) {
		uint32_t check = (*next)++ % N_CHECKS;

		if (s->is_in_flight[check])
			continue;
		*(struct job *)ring_put(&s->port.jobs) = (struct job){
			.check = check,
			.sequence = 100 + check,
			.due_ns = clk_mono_ns(),
			.generation = &l->fixture->gen,
			.attempt = 1,
			.number = s->numbers[check],
		};
		s->is_in_flight[check] = true;
		l->n_issued++;
		s->n_issued++;
		room--;
	}
	ring_publish(&s->port.jobs);
	wake_ring(&s->port.bell);
}

static void *schedule(void *arg)
{
	struct stage *s = arg;
	uint32_t next = 0;
	uint64_t next_gen_ns = clk_mono_ns() + 20 * CLK_MS;

	new_generation(s);
	while (!is_set(&s->is_over)) {
		drain_dones(s);
		free_finished(s, 1);
		issue_some(s, &next);
		if (clk_mono_ns() > next_gen_ns && s->n_lives < MAX_GENS) {
			new_generation(s);
			next_gen_ns += 20 * CLK_MS;
		}
		poll(NULL, 0, 1);
	}
	set(&s->is_quiet);
	while (!is_set(&s->worker_ended)) {
		drain_dones(s);
		poll(NULL, 0, 1);
	}
	drain_dones(s);
	free_finished(s, 0);
	return NULL;
}

/* --- aggregator ------------------------------------------------------------------------------- */

static bool is_expected(const struct result *r)
{
	static const enum check_code codes[N_KINDS] = {CODE_OK, CODE_REFUSED, CODE_CONNECT_TIMEOUT,
						       CODE_OK};

	return r->code == codes[r->check % N_KINDS] || r->verdict == VERDICT_UNKNOWN;
}

static void drain_results(struct stage *s)
{
	for (const struct result *r; (r = ring_peek(&s->port.results)) != NULL;) {
		enum state state = r->verdict == VERDICT_GOOD ? STATE_UP : STATE_DOWN;
		_Atomic uint32_t *word =
			(_Atomic uint32_t *)&state_check(&s->tables, r->check)->word;

		assert_int_equal(r->sequence, 100 + r->check);
		s->n_unexpected += !is_expected(r);
		s->n_by_verdict[r->verdict]++;
		s->n_results++;
		/* relaxed: the worker reads it as a hint */
		atomic_store_explicit(word, check_word_make(state, 0, 0), memory_order_relaxed);
		ring_release(&s->port.results);
	}
}

static void *aggregate(void *arg)
{
	struct stage *s = arg;

	while (!is_set(&s->worker_ended)) {
		wake_arm(&s->agg_bell);
		if (ring_pending(&s->port.results) == 0)
			peer_wait(wake_fd(&s->agg_bell), POLLIN, 10);
		wake_disarm(&s->agg_bell);
		drain_results(s);
	}
	drain_results(s);
	return NULL;
}

/* --- the play --------------------------------------------------------------------------------- */

static void set_stage(struct stage *s)
{
	assert_int_equal(wake_init(&s->agg_bell), 0);
	assert_int_equal(port_init(&s->port, RING_SLOTS, &s->agg_bell), 0);
	assert_int_equal(state_tables_init(&s->tables), 0);
	s->acceptor = peer_start(PEER_SILENT, "127.0.0.1");
	s->http = peer_start(PEER_HTTP, "127.0.0.1");
	s->deaf = peer_deaf_start();
	assert_non_null(s->acceptor);
	assert_non_null(s->http);
	s->ports[0] = peer_port(s->acceptor);
	s->dead_holder = peer_closed_port("127.0.0.1", &s->ports[1]);
	s->ports[2] = s->deaf.port;
	s->ports[3] = peer_port(s->http);
}

static void strike_stage(struct stage *s)
{
	peer_stop(s->acceptor);
	peer_stop(s->http);
	peer_deaf_stop(&s->deaf);
	close(s->dead_holder);
	port_deinit(&s->port);
	wake_deinit(&s->agg_bell);
	state_tables_deinit(&s->tables);
}

static void each_job_gives_one_result_and_its_generation_may_die(void **state)
{
	struct worker *worker;
	pthread_t sched, agg;

	(void)state;
	set_stage(&stage);
	struct worker_args args = {
		.cpu = -1,
		.port = &stage.port,
		.tables = &stage.tables,
		.counters = &stage.counters,
		.beat = &stage.beat,
		/* sanitizers and a busy machine are slow: few results may hide as late */
		.lag_guard_ns = 2 * CLK_S,
		.fd_budget = 1000,
	};

	assert_int_equal(worker_new(&args, &worker), 0);
	assert_int_equal(worker_start(worker), 0);
	assert_int_equal(pthread_create(&sched, NULL, schedule, &stage), 0);
	assert_int_equal(pthread_create(&agg, NULL, aggregate, &stage), 0);
	poll(NULL, 0, RUN_MS);
	set(&stage.is_over);
	while (!is_set(&stage.is_quiet))
		poll(NULL, 0, 1);
	worker_stop(worker);
	worker_join(worker);
	set(&stage.worker_ended);
	pthread_join(sched, NULL);
	pthread_join(agg, NULL);
	worker_free(worker);
	print_message("# jobs %lu, good %lu, bad %lu, unknown %lu, generations %u\n",
		      stage.n_issued, stage.n_by_verdict[VERDICT_GOOD],
		      stage.n_by_verdict[VERDICT_BAD], stage.n_by_verdict[VERDICT_UNKNOWN],
		      stage.n_lives);
	assert_int_equal(stage.n_done, stage.n_issued);
	assert_int_equal(stage.n_results, stage.n_issued);
	assert_int_equal(stage.n_unexpected, 0);
	assert_int_equal(stage.n_freed, stage.n_lives);
	assert_true(stage.n_lives > 20);
	assert_true(stage.n_by_verdict[VERDICT_GOOD] > 1000);
	assert_true(stage.n_by_verdict[VERDICT_BAD] > 500);
	assert_true(stage.n_by_verdict[VERDICT_UNKNOWN] < stage.n_issued / 10);
	assert_int_equal(counter_get(&stage.counters, CTR_JOBS_TAKEN), stage.n_issued);
	strike_stage(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_job_gives_one_result_and_its_generation_may_die),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
