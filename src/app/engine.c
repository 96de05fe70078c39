#include "app/engine.h"

#include <errno.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clk.h"
#include "base/err.h"
#include "base/log.h"
#include "base/rcu.h"
#include "config/gen_diff.h"

enum {
	RESERVED_FDS = 256, /* decisions 19 */
	BEAT_LIMIT_S = 2,
	STOP_LIMIT_MS = 4800, /* decisions 45: 5 s in all */
	WAIT_TURN_MS = 50,
};

/* --- limits ------------------------------------------------------------------------------------
 */

/* Raises the soft limit to the hard one; returns how many descriptors checks may use. */
static uint32_t fd_budget(void)
{
	struct rlimit l = {.rlim_cur = 1024};
	rlim_t n;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &l) < 0)
			getrlimit(RLIMIT_NOFILE, &l);
	}
	n = MIN(l.rlim_cur, (rlim_t)1 << 24);
	return (uint32_t)MAX(n / 2, n > RESERVED_FDS ? n - RESERVED_FDS : 0);
}

/* --- making ------------------------------------------------------------------------------------
 */

static void on_bell(struct ev_source *s, uint32_t events)
{
	(void)s;
	(void)events;
}

static int make_bells(struct engine *e)
{
	TRY(wake_init(&e->main_bell));
	TRY(wake_init(&e->sched_bell));
	TRY(wake_init(&e->agg_bell));
	TRY(wake_init(&e->api_bell));
	e->bell_source = (struct ev_source){.fd = wake_fd(&e->main_bell), .fn = on_bell};
	return evloop_watch(e->loop, &e->bell_source, EPOLLIN);
}

/* The rings do not grow with the fleet: one that holds every check is written all over as it goes
 * round, 112 bytes per check. What finds no room stays due (sched) or in its ring (worker). */
static int make_edges(struct engine *e)
{
	TRY(control_init(&e->to_sched, &e->sched_bell, &e->main_bell));
	TRY(control_init(&e->to_agg, &e->agg_bell, &e->main_bell));
	TRY(command_port_init(&e->commands, &e->main_bell, &e->api_bell));
	e->ports = aligned_alloc(CACHELINE, e->placement.n_workers * sizeof(*e->ports));
	if (!e->ports)
		return err_origin(-ENOMEM);
	memset(e->ports, 0, e->placement.n_workers * sizeof(*e->ports));
	for (uint32_t i = 0; i < e->placement.n_workers; i++)
		e->ports[i].bell.fd = -1;
	for (uint32_t i = 0; i < e->placement.n_workers; i++)
		TRY(port_init(&e->ports[i], PORT_MIN_SLOTS, &e->agg_bell));
	return 0;
}

static void *zeroed(size_t align, size_t bytes)
{
	void *p = aligned_alloc(align, (bytes + align - 1) / align * align);

	if (p)
		memset(p, 0, bytes);
	return p;
}

static bool has_tun(const struct engine *e)
{
	return e->app->check_tun.run_check_tun;
}

static const char *block_name(const struct engine *e, uint32_t i)
{
	static const char *const names[] = {"main", "sched", "agg", "api"};

	if (i < BLOCK_WORKER0)
		return names[i];
	return i < BLOCK_WORKER0 + e->placement.n_workers ? "worker" : "tun";
}

static int make_blocks(struct engine *e)
{
	uint32_t n = BLOCK_WORKER0 + e->placement.n_workers + has_tun(e);

	e->counters = zeroed(CACHELINE, n * sizeof(*e->counters));
	e->counter_list = calloc(n, sizeof(const struct counters *));
	e->beats = zeroed(CACHELINE, n * sizeof(*e->beats));
	e->beat_list = calloc(n, sizeof(*e->beat_list));
	e->summary = zeroed(CACHELINE, sizeof(*e->summary));
	e->announcers = zeroed(CACHELINE, ANNOUNCE_MAX_BACKENDS * sizeof(*e->announcers));
	e->snapshot = zeroed(CACHELINE, sizeof(*e->snapshot));
	if (!e->counters || !e->counter_list || !e->beats || !e->beat_list || !e->summary ||
	    !e->announcers || !e->snapshot)
		return err_origin(-ENOMEM);
	e->n_blocks = n;
	for (uint32_t i = 0; i < n; i++) {
		e->counter_list[i] = &e->counters[i];
		e->beat_list[i] = (struct api_beat){block_name(e, i), &e->beats[i]};
		beat_mark(&e->beats[i], clk_mono_ns());
	}
	return 0;
}

static int make_agg(struct engine *e, const struct snapshot_past *past)
{
	struct agg_args args = {
		.app = e->app,
		.ports = e->ports,
		.n_workers = e->placement.n_workers,
		.control = &e->to_agg,
		.bell = &e->agg_bell,
		.tables = &e->tables,
		.counters = &e->counters[BLOCK_AGG],
		.beat = &e->beats[BLOCK_AGG],
		.summary = e->summary,
		.announcers = e->announcers,
		.changes = &e->changes,
		.past = past ? &past->snapshot : NULL,
		.past_has_verdicts = past && past->with_verdicts,
		.cpu = e->placement.agg_cpu,
	};

	return agg_new(&args, &e->agg);
}

static int make_tun(struct engine *e)
{
	struct keeper_args args = {
		.app = e->app,
		.tunnel = &e->tunnel,
		.counters = &e->counters[e->n_blocks - 1],
		.main_counters = &e->counters[BLOCK_MAIN],
		.main_bell = &e->main_bell,
		.beat = &e->beats[e->n_blocks - 1],
		.cpu = e->placement.agg_cpu,
	};

	if (!has_tun(e))
		return 0;
	TRY(tunnel_init(&e->tunnel));
	return keeper_new(&args, &e->tun);
}

static int make_workers(struct engine *e)
{
	uint32_t budget = fd_budget() / e->placement.n_workers;

	e->workers = calloc(e->placement.n_workers, sizeof(struct worker *));
	if (!e->workers)
		return err_origin(-ENOMEM);
	for (uint32_t i = 0; i < e->placement.n_workers; i++) {
		struct worker_args args = {
			.index = i,
			.cpu = e->placement.worker_cpus[i],
			.port = &e->ports[i],
			.tables = &e->tables,
			.tunnel = e->tun ? &e->tunnel : NULL,
			.counters = &e->counters[BLOCK_WORKER0 + i],
			.beat = &e->beats[BLOCK_WORKER0 + i],
			.lag_guard_ns = e->app->checks.lag_guard_ns,
			.fd_budget = budget,
		};

		TRY(worker_new(&args, &e->workers[i]));
	}
	return 0;
}

static int make_sched(struct engine *e)
{
	struct sched_args args = {
		.ports = e->ports,
		.n_workers = e->placement.n_workers,
		.control = &e->to_sched,
		.bell = &e->sched_bell,
		.tables = &e->tables,
		.counters = &e->counters[BLOCK_SCHED],
		.beat = &e->beats[BLOCK_SCHED],
		.cpu = e->placement.sched_cpu,
	};

	return sched_new(&args, &e->sched);
}

/* Listeners are opened before anything runs: one that cannot be had ends the start untouched. */
static int make_api(struct engine *e)
{
	struct api_args args = {
		.app = e->app,
		.tables = &e->tables,
		.generation = &e->current,
		.commands = &e->commands,
		.bell = &e->api_bell,
		.beat = &e->beats[BLOCK_API],
		.counters = &e->counters[BLOCK_API],
		.all_counters = e->counter_list,
		.n_counters = e->n_blocks,
		.beats = e->beat_list,
		.n_beats = e->n_blocks,
		.summary = e->summary,
		.announcers = e->announcers,
		.snapshot = e->snapshot,
		.n_workers = e->placement.n_workers,
		.tunnel = e->tun ? &e->tunnel : NULL,
	};

	return api_new(&args, &e->api);
}

static int make(struct engine *e, const struct snapshot_past *past)
{
	TRY(make_bells(e));
	TRY(make_edges(e));
	TRY(make_blocks(e));
	TRY(state_tables_init(&e->tables));
	TRY(make_agg(e, past));
	TRY(make_tun(e));
	TRY(make_workers(e));
	TRY(make_sched(e));
	return make_api(e);
}

static int start_threads(struct engine *e)
{
	TRY(agg_start(e->agg));
	if (e->tun)
		TRY(keeper_start(e->tun));
	for (uint32_t i = 0; i < e->placement.n_workers; i++)
		TRY(worker_start(e->workers[i]));
	return sched_start(e->sched);
}

static void place(struct engine *e)
{
	cpu_set_t allowed, own;

	CPU_ZERO(&allowed);
	CPU_ZERO(&own);
	sched_getaffinity(0, sizeof(allowed), &allowed);
	for (size_t cpu = 0; cpu < APP_MAX_CPUS; cpu++) {
		if (e->app->workers.has_cpus && e->app->workers.cpus[cpu / 8] >> (cpu % 8) & 1)
			CPU_SET(cpu, &own);
	}
	placement_choose(&allowed, e->app->workers.count, e->app->workers.has_cpus ? &own : NULL,
			 &e->placement);
}

struct generation *engine_current(const struct engine *e)
{
	/* relaxed: main wrote it */
	return atomic_load_explicit(&e->current, memory_order_relaxed);
}

static void free_all(struct engine *e)
{
	api_free(e->api);
	sched_free(e->sched);
	for (uint32_t i = 0; e->workers && i < e->placement.n_workers; i++)
		worker_free(e->workers[i]);
	agg_free(e->agg);
	keeper_free(e->tun);
	tunnel_deinit(&e->tunnel);
	for (uint32_t i = 0; e->ports && i < e->placement.n_workers; i++)
		port_deinit(&e->ports[i]);
	while (e->old) {
		struct old_generation *old = e->old;

		e->old = old->next;
		gen_free(old->generation);
		free(old);
	}
	gen_free(engine_current(e));
	slot_books_deinit(&e->books);
	state_tables_deinit(&e->tables);
	command_port_deinit(&e->commands);
	control_deinit(&e->to_sched);
	control_deinit(&e->to_agg);
	evloop_unwatch(e->loop, &e->bell_source);
	wake_deinit(&e->main_bell);
	wake_deinit(&e->sched_bell);
	wake_deinit(&e->agg_bell);
	wake_deinit(&e->api_bell);
	free(e->ports);
	free(e->workers);
	free(e->counters);
	free(e->counter_list);
	free(e->beats);
	free(e->beat_list);
	free(e->summary);
	free(e->snapshot);
	free(e->announcers);
}

int engine_start(struct engine *e, const struct app_config *app, struct evloop *loop,
		 const struct slot_books *books, const struct snapshot_past *past)
{
	struct wake *bells[] = {&e->main_bell, &e->sched_bell, &e->agg_bell, &e->api_bell};
	int r;

	*e = (struct engine){.app = app, .loop = loop, .books = *books};
	for (size_t i = 0; i < ARRAY_LEN(bells); i++)
		bells[i]->fd = -1;
	place(e);
	r = make(e, past);
	if (r < 0) {
		free_all(e);
		return err_trace(r);
	}
	return start_threads(e);
}

/* By then each check has confirmed or overturned what was restored. */
static uint64_t confirmed_ns(const struct generation *generation, uint64_t now_ns)
{
	uint64_t longest = 0;

	for (uint32_t i = 0; i < generation->n_profiles; i++)
		longest = MAX(longest, gen_detection_ns(&generation->profiles[i]));
	return now_ns + MIN(longest, UINT64_MAX / 4);
}

void engine_start_keeping(struct engine *e, const struct generation *generation,
			  const struct snapshot_past *past)
{
	struct snapshot_keep_args args = {
		.path = e->app->state.path,
		.period_ns = e->app->state.period_ns,
		.tables = &e->tables,
		.current = &e->current,
		.changes = &e->changes,
		.row = e->snapshot,
	};

	if (past && past->with_verdicts) {
		args.inherited = past->snapshot.stamp;
		args.inherited_until_ns = confirmed_ns(generation, clk_mono_ns());
	}
	if (*args.path && snapshot_keep_start(&args, &e->keep) < 0)
		LOG(LOG_ERROR, "main", "state_not_kept", LF_STR("cause", err_last()));
}

int engine_start_api(struct engine *e)
{
	TRY(api_start(e->api));
	e->is_serving = true;
	return 0;
}

/* --- messages ----------------------------------------------------------------------------------
 */

/* One turn of main's loop while main waits for another thread: signals are noted, nothing else
 * happens. */
static void wait_turn(struct engine *e, uint64_t max_ns)
{
	wake_arm(&e->main_bell);
	evloop_turn(e->loop, max_ns);
	wake_disarm(&e->main_bell);
	beat_mark(&e->beats[BLOCK_MAIN], clk_mono_ns());
}

static void wait_for(struct engine *e, struct control *c, uint32_t number)
{
	while (!control_is_done(c, number)) {
		wake_arm(&e->main_bell);
		evloop_turn(e->loop, control_is_done(c, number) ? 0 : WAIT_TURN_MS * CLK_MS);
		wake_disarm(&e->main_bell);
		beat_mark(&e->beats[BLOCK_MAIN], clk_mono_ns());
	}
}

void engine_tell_agg(struct engine *e, struct control_msg msg)
{
	wait_for(e, &e->to_agg, control_send(&e->to_agg, msg));
}

static void tell_sched(struct engine *e, struct control_msg msg)
{
	wait_for(e, &e->to_sched, control_send(&e->to_sched, msg));
}

void engine_watch(struct engine *e)
{
	if (e->tun)
		keeper_turn(e->tun, clk_mono_ns());
}

/* A tunnel thread that hangs is replaced meanwhile: it does not hold up a reload for ever. */
static void tell_tun(struct engine *e, const struct generation *generation)
{
	if (!e->tun)
		return;
	keeper_adopt(e->tun, generation);
	while (!keeper_is_idle(e->tun)) {
		wake_arm(&e->main_bell);
		evloop_turn(e->loop, keeper_is_idle(e->tun) ? 0 : WAIT_TURN_MS * CLK_MS);
		wake_disarm(&e->main_bell);
		beat_mark(&e->beats[BLOCK_MAIN], clk_mono_ns());
		engine_watch(e);
	}
}

/* --- generations -------------------------------------------------------------------------------
 */

static void remember_old(struct engine *e, struct generation *generation)
{
	struct old_generation *old = malloc(sizeof(*old));

	if (!old) {
		/* cannot be tracked, so it is never freed: counted by the operator as memory */
		LOG(LOG_ERROR, "main", "generation_leaked", LF_U64("number", generation->number));
		return;
	}
	*old = (struct old_generation){.next = e->old, .generation = generation};
	e->old = old;
}

void engine_adopt(struct engine *e, struct generation *generation, struct gen_diff *diff)
{
	struct control_msg msg = {.kind = CONTROL_ADOPT, .generation = generation, .diff = diff};
	struct generation *before;

	engine_tell_agg(e, msg);
	tell_tun(e, generation);
	tell_sched(e, msg);
	msg.kind = CONTROL_RETIRE;
	engine_tell_agg(e, msg);
	before = rcu_swap(&e->current, generation);
	gen_build_release(diff, &e->books, clk_mono_ns());
	gen_diff_free(diff);
	if (before) {
		rcu_wait();
		remember_old(e, before);
	}
}

void engine_reap(struct engine *e)
{
	struct old_generation **link = &e->old;

	while (*link) {
		struct old_generation *old = *link;
		/* acquire: the api's reads end before its hold does; pairs with its release */
		uint32_t holds =
			atomic_load_explicit(&old->generation->api_holds, memory_order_acquire);

		if (holds || sched_in_flight(e->sched, old->generation->number)) {
			link = &old->next;
			continue;
		}
		*link = old->next;
		gen_free(old->generation);
		free(old);
	}
}

bool engine_is_alive(const struct engine *e)
{
	uint64_t now = clk_mono_ns();

	for (uint32_t i = BLOCK_SCHED; i < e->n_blocks; i++) {
		uint64_t last = beat_last(&e->beats[i]);

		if (i == BLOCK_API && !e->is_serving)
			continue;
		if (now > last && now - last > BEAT_LIMIT_S * CLK_S)
			return false;
	}
	return true;
}

/* --- stopping ----------------------------------------------------------------------------------
 */

static void leave_if_late(uint64_t until)
{
	if (clk_mono_ns() <= until)
		return;
	LOG(LOG_ERROR, "main", "stop_incomplete");
	log_stop();
	_exit(0);
}

/* Waits like wait_for(), but not for ever: a thread that hangs must not hold the stop. */
static void wait_or_leave(struct engine *e, struct control *c, uint32_t number, uint64_t until)
{
	while (!control_is_done(c, number)) {
		leave_if_late(until);
		wait_turn(e, WAIT_TURN_MS * CLK_MS / 10);
	}
}

/* A disk that hangs holds up nobody but the stop, and that not for ever. */
static void stop_keeping(struct engine *e, uint64_t until)
{
	while (!snapshot_keep_is_done(e->keep)) {
		leave_if_late(until);
		wait_turn(e, WAIT_TURN_MS * CLK_MS / 10);
	}
	snapshot_keep_free(e->keep);
	e->keep = NULL;
}

/* After the workers: their last RSTs go through it. */
static void stop_tun(struct engine *e, uint64_t until)
{
	keeper_quit(e->tun);
	while (!keeper_is_idle(e->tun)) {
		leave_if_late(until);
		wait_turn(e, WAIT_TURN_MS * CLK_MS / 10);
	}
	keeper_join(e->tun);
}

void engine_stop(struct engine *e, enum quit_kind quit)
{
	uint64_t until = clk_mono_ns() + STOP_LIMIT_MS * CLK_MS;
	struct control_msg msg = {.kind = CONTROL_QUIT, .quit = (uint8_t)quit};

	if (e->is_serving)
		api_stop(e->api);
	wait_or_leave(e, &e->to_sched, control_send(&e->to_sched, msg), until);
	sched_join(e->sched);
	/* before anything is taken back: whoever starts next after a kill has to know */
	if (e->keep && quit == QUIT_WITHDRAW)
		snapshot_keep_withdrawing(e->keep);
	wait_or_leave(e, &e->to_agg, control_send(&e->to_agg, msg), until);
	agg_join(e->agg);
	if (e->keep)
		snapshot_keep_finish(e->keep);
	for (uint32_t i = 0; i < e->placement.n_workers; i++)
		worker_stop(e->workers[i]);
	for (uint32_t i = 0; i < e->placement.n_workers; i++)
		worker_join(e->workers[i]);
	if (e->tun)
		stop_tun(e, until);
	if (e->keep)
		stop_keeping(e, until);
	/* a tunnel thread that never came back may still touch any of it */
	if (!e->tun || !keeper_has_left(e->tun))
		free_all(e);
}
