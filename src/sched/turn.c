#include "sched/turn.h"

#include "base/err.h"
#include "config/gen_diff.h"
#include "model/job.h"

static struct pace *row_of(const struct turn *t, uint32_t check)
{
	return table_row(&t->rows, check);
}

static struct pace_rule rule_of(const struct turn *t, uint32_t check)
{
	return pace_rule_make(check, gen_profile(t->generation, check));
}

int turn_init(struct turn *t, struct port *ports, uint32_t n_workers,
	      const struct state_tables *tables, struct counters *counters, uint64_t now_ns)
{
	*t = (struct turn){
		.ports = ports,
		.n_workers = n_workers,
		.tables = tables,
		.counters = counters,
	};
	TRY(table_init(&t->rows, sizeof(struct pace), MAX_CHECKS));
	wheel_init(&t->wheel, t->rows.rows, sizeof(struct pace), TURN_TICK_NS, now_ns);
	return 0;
}

void turn_deinit(struct turn *t)
{
	table_deinit(&t->rows);
}

uint32_t turn_worker_of(uint32_t real, uint32_t n_workers)
{
	return real % n_workers;
}

uint32_t turn_in_flight(const struct turn *t, uint32_t generation)
{
	/* acquire: the workers' reads of the generation are over; pairs with count_in_flight() */
	return atomic_load_explicit(&t->in_flight[generation % TURN_GENERATIONS],
				    memory_order_acquire);
}

static void count_in_flight(struct turn *t, uint32_t generation, uint32_t change)
{
	_Atomic uint32_t *n = &t->in_flight[generation % TURN_GENERATIONS];
	/* relaxed: the only writer reads its own store */
	uint32_t before = atomic_load_explicit(n, memory_order_relaxed);

	/* release: what the worker read before its done; pairs with turn_in_flight() */
	atomic_store_explicit(n, before + change, memory_order_release);
}

/* What may end soon and must then be seen soon: see next_turn(). */
static void watch(struct turn *t, const struct pace *p, const struct pace_rule *r)
{
	if (p->flags & PACE_BURST)
		t->n_in_burst++;
	if (!(p->flags & PACE_WATCHED))
		return;
	if (t->n_watched++ == 0)
		t->watch_delay_ns = UINT64_MAX;
	t->watch_delay_ns = MIN(t->watch_delay_ns, r->retry_delay_ns);
}

/* Before the job in flight ends or is forgotten. */
static void unwatch(struct turn *t, const struct pace *p)
{
	if (!(p->flags & PACE_IN_FLIGHT))
		return;
	if (p->flags & PACE_BURST)
		t->n_in_burst--;
	if (p->flags & PACE_WATCHED)
		t->n_watched--;
}

static void take_step(struct turn *t, uint32_t check, const struct pace_step *step)
{
	if (step->n_skipped)
		counter_add(t->counters, CTR_GRID_SKIPPED, step->n_skipped);
	if (step->n_paused)
		counter_add(t->counters, CTR_GRID_PAUSED, step->n_paused);
	if (step->due_ns)
		wheel_arm(&t->wheel, check, step->due_ns);
}

static void take_done(struct turn *t, const struct done *d)
{
	struct pace *p = row_of(t, d->check);
	struct pace_step step;
	struct pace_rule rule;

	count_in_flight(t, d->generation, UINT32_MAX);
	if (!pace_is_end_of(p, d->number))
		return;
	unwatch(t, p);
	if (pace_done_quietly(p, (enum verdict)d->verdict))
		return;
	rule = rule_of(t, d->check);
	step = pace_done(p, &rule, (enum verdict)d->verdict, d->end_ns,
			 check_word_state(state_check_word(t->tables, d->check)));
	take_step(t, d->check, &step);
}

static void drain_dones(struct turn *t)
{
	for (uint32_t i = 0; i < t->n_workers; i++) {
		const struct done *d;

		while ((d = ring_peek(&t->ports[i].dones))) {
			take_done(t, d);
			ring_release(&t->ports[i].dones);
		}
	}
}

/* The weight that the check last had from its real; until it had one, the configured. */
static uint16_t weight_of(const struct turn *t, uint32_t check, uint32_t word)
{
	const struct generation *g = t->generation;

	if (check_word_flags(word) & CHECK_ROW_WEIGHT_KNOWN)
		return check_word_weight(word);
	return g->reals[g->checks[check].real].weight;
}

static void put_job(struct turn *t, struct port *port, uint32_t check, uint32_t word)
{
	const struct pace *p = row_of(t, check);
	struct job *job = ring_put(&port->jobs);

	*job = (struct job){
		.check = check,
		.sequence = p->sequence,
		.due_ns = p->node.due_ns,
		.generation = t->generation,
		.weight = weight_of(t, check, word),
		.attempt = pace_attempt(p),
		.flags = check_word_state(word) == STATE_UP ? JOB_CHECK_WAS_UP : 0,
		.number = (uint16_t)(p->number + 1), /* pace_issued() counts it */
	};
	count_in_flight(t, t->generation->number, 1);
	counter_add(t->counters, CTR_JOBS_ISSUED, 1);
}

static void issue(struct turn *t, uint32_t check, const struct pace_rule *r, uint64_t now_ns,
		  uint32_t word)
{
	uint32_t real = t->generation->checks[check].real;
	struct port *port = &t->ports[turn_worker_of(real, t->n_workers)];
	struct pace *p = row_of(t, check);
	struct pace_step step;

	if (ring_room(&port->jobs) == 0) {
		counter_add(t->counters, CTR_RING_FULL, 1);
		wheel_arm(&t->wheel, check, pace_put_off(p));
		return;
	}
	put_job(t, port, check, word);
	step = pace_issued(p, r, now_ns, check_word_state(word));
	watch(t, p, r);
	take_step(t, check, &step);
}

static void fire(struct turn *t, uint32_t check, uint64_t now_ns)
{
	uint32_t word = state_check_word(t->tables, check);
	struct pace_rule rule = rule_of(t, check);
	struct pace_step step;

	step = pace_fire(row_of(t, check), &rule, now_ns, check_word_state(word));
	if (step.is_issue)
		issue(t, check, &rule, now_ns, word);
	else
		take_step(t, check, &step);
}

static void publish_jobs(struct turn *t)
{
	for (uint32_t i = 0; i < t->n_workers; i++) {
		struct port *port = &t->ports[i];

		if (ring_staged(&port->jobs) == 0)
			continue;
		ring_publish(&port->jobs);
		if (wake_ring(&port->bell))
			counter_add(t->counters, CTR_DOORBELLS, 1);
	}
}

static uint64_t round_up(uint64_t t_ns)
{
	uint64_t rest = t_ns % TURN_SPACING_NS;

	return rest ? t_ns - rest + TURN_SPACING_NS : t_ns;
}

/* Dones ring no bell (decisions 4), so the time of the next look at them is chosen here. Nobody
 * waits for most of them: a check that is not in a burst is in the wheel already, and each turn
 * drains before it fires. A bad end that calls for a retry must be seen before the retry is due,
 * so at the latest one shortest retry delay from now; the end of a burst's attempt at once, since
 * its check is in no wheel. A check that was put off is overdue in the wheel. So a fleet at rest
 * costs no wakes between due times, and neither does one that is down for long.
 *
 * Turns lie 2 ms apart at least: what a turn costs is the wake of two threads (some 15 us of CPU
 * each here), not its jobs. The grid is coarser for it, not less exact: with an interval of whole
 * turns each gap is the interval. Longer turns would show in the load of 10 ms. */
static uint64_t next_turn(const struct turn *t, uint64_t now_ns)
{
	uint64_t next = wheel_next_ns(&t->wheel);

	if (t->n_in_burst)
		next = now_ns;
	if (t->n_watched && t->watch_delay_ns < next - MIN(next, now_ns))
		next = now_ns + t->watch_delay_ns;
	if (next == UINT64_MAX)
		return next;
	return round_up(MAX(next, now_ns + 1));
}

uint64_t turn_run(struct turn *t, uint64_t now_ns)
{
	uint32_t check;

	counter_add(t->counters, CTR_SCHED_TICKS, 1);
	drain_dones(t);
	wheel_advance(&t->wheel, now_ns);
	while ((check = wheel_pop(&t->wheel)) != WHEEL_NONE)
		fire(t, check, now_ns);
	publish_jobs(t);
	return next_turn(t, now_ns);
}

static void add_check(struct turn *t, uint32_t check, uint64_t now_ns)
{
	struct pace_rule rule = rule_of(t, check);
	struct pace *p = row_of(t, check);

	unwatch(t, p);
	wheel_arm(&t->wheel, check,
		  pace_start(p, &rule, t->generation->check_sequence[check], now_ns));
}

static void remove_check(struct turn *t, uint32_t check)
{
	struct pace *p = row_of(t, check);

	unwatch(t, p);
	wheel_disarm(&t->wheel, check);
	pace_stop(p);
}

static void add_missing(struct turn *t, uint64_t now_ns)
{
	for (uint32_t check = 0; check < t->generation->end_checks; check++)
		if (gen_check_in_use(t->generation, check) &&
		    !(row_of(t, check)->flags & PACE_USED))
			add_check(t, check, now_ns);
}

void turn_adopt(struct turn *t, const struct generation *g, const struct gen_diff *diff,
		uint64_t now_ns)
{
	t->generation = g;
	for (uint32_t i = 0; diff && i < diff->checks.removed.n; i++)
		remove_check(t, diff->checks.removed.at[i]);
	for (uint32_t i = 0; diff && i < diff->checks.added.n; i++)
		add_check(t, diff->checks.added.at[i], now_ns);
	if (!diff)
		add_missing(t, now_ns);
}
