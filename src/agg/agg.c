/* What runs here: the thread between the checks and the world.
 *
 *   worker rings ──► fleet (quorum/) ──► dirty reals ──► balancer ──► acks ──┐
 *        ▲                 ▲     └─────► dirty prefixes ─► announcer ─► sent ─┤
 *        └── every turn    └──────────────────────────────────────────────────┘
 *
 * It owns all state rows, the fleet, both actuators and the summary. Input: result rings (drained
 * at most RESULTS_PER_TURN per worker and turn, so that a flood of results cannot starve the
 * sockets), main's control messages, the actuators' sockets and timers. Output: requests to the
 * balancer, datagrams to BIRD, published rows. Nothing is queued per event: when a peer is slow,
 * the difference between wanted and acknowledged grows and is sent when the peer is back.
 *
 * Order (decisions 36): prefixes are handed to the announcer before reals to the balancer, and a
 * disable that goes with a withdrawal waits in `waiting` until the withdrawal was accepted, its
 * deadline passed, or BIRD is away.
 */
#include "agg/agg.h"

#include <errno.h>

#include "agg/agg_address.h"
#include "agg/agg_log.h"
#include "agg/agg_summary.h"
#include "agg/agg_tls.h"
#include "agg/snapshot_restore.h"
#include "agg/agg_warm.h"
#include "announce/announcer.h"
#include "base/clk.h"
#include "base/err.h"
#include "base/evloop.h"
#include "base/log.h"
#include "base/thr.h"
#include "config/gen.h"
#include "model/result.h"
#include "quorum/fleet.h"
#include "yanet/balancer.h"

enum {
	RESULTS_PER_TURN = 2048,
	IDLE_WAIT_MS = 10, /* results that change nothing ring no bell: decisions 4 */
	SUMMARY_MS = 100,
	QUIT_WITHDRAW_MS = 1000, /* decisions 45 */
	QUIT_DISABLE_MS = 2000,
};

struct agg {
	struct agg_args args;
	struct thr thr;
	struct evloop *loop;
	struct ev_source bell_source;
	struct fleet *fleet;
	struct balancer *balancer;
	struct announcer *announcer;
	struct tls_facts tls;
	struct agg_address address;
	struct agg_log log;
	const struct generation *generation;
	/* by prefix slot: when its withdrawal was decided, ns; 0: none is on its way */
	struct table withdrawn_at;
	/* reals whose disable waits for a withdrawal */
	uint32_t *waiting;
	uint32_t n_waiting, cap_waiting;
	uint64_t waiting_until_ns; /* earliest deadline among them */
	bool waiting_changed;      /* a withdrawal was accepted */
	uint64_t summary_due_ns;
	uint64_t warm_due_ns; /* 0: warm */
	/* checks that have been unknown for checks.unknown_max results in a row */
	uint32_t n_unknown, n_unknown_told;
	uint16_t unknown_code; /* of the latest of them */
	uint64_t unknown_due_ns;
	bool is_quitting;
	enum quit_kind quit;
};

/* --- waiting disables --------------------------------------------------------------------------
 */

static uint64_t *withdrawn_at(struct agg *a, uint32_t prefix)
{
	return table_row(&a->withdrawn_at, prefix);
}

/* When the disable in w may go: 0 = now. */
static uint64_t disable_not_before(struct agg *a, const struct fleet_wish *w)
{
	const struct prefix_row *row;
	uint64_t since, until;

	if (w->want != FLEET_DISABLE || w->after_prefix == SLOT_NONE)
		return 0;
	row = state_prefix(a->args.tables, w->after_prefix);
	since = *withdrawn_at(a, w->after_prefix);
	if (!since || !announcer_peer_is_there(a->announcer, row->group))
		return 0;
	until = since + a->args.app->announcer.withdraw_wait_ns;
	return until > evloop_now(a->loop) ? until : 0;
}

static void wait_with(struct agg *a, uint32_t real, uint64_t until_ns)
{
	if (a->n_waiting == a->cap_waiting) {
		uint32_t cap = a->cap_waiting ? 2 * a->cap_waiting : 256;
		uint32_t *more = realloc(a->waiting, cap * sizeof(*more));

		if (!more) {
			/* no memory to wait: a disable too early loses less than one too late */
			balancer_dirty(a->balancer, real);
			return;
		}
		a->waiting = more;
		a->cap_waiting = cap;
	}
	if (a->n_waiting == 0 || until_ns < a->waiting_until_ns)
		a->waiting_until_ns = until_ns;
	a->waiting[a->n_waiting++] = real;
}

static void pass_real(struct agg *a, uint32_t real)
{
	struct fleet_wish w = fleet_wish_peek(a->fleet, real);
	uint64_t until = disable_not_before(a, &w);

	if (until)
		wait_with(a, real, until);
	else
		balancer_dirty(a->balancer, real);
}

static void look_at_waiting(struct agg *a)
{
	uint32_t n = a->n_waiting;

	if (n == 0 || (!a->waiting_changed && evloop_now(a->loop) < a->waiting_until_ns))
		return;
	a->waiting_changed = false;
	a->n_waiting = 0;
	/* pass_real() writes at or before the place that is read */
	for (uint32_t i = 0; i < n; i++)
		pass_real(a, a->waiting[i]);
}

/* --- what a snapshot keeps ---------------------------------------------------------------------
 */

static void note_change(struct agg *a)
{
	uint32_t n;

	if (!a->args.changes)
		return;
	/* relaxed: one writer */
	n = atomic_load_explicit(a->args.changes, memory_order_relaxed);
	/* release: the rows that changed come first; pairs with the reader's acquire */
	atomic_store_explicit(a->args.changes, n + 1, memory_order_release);
}

/* Without memory for it the life before is forgotten: that is a line, not the end. */
static void restore(struct agg *a, const struct generation *gen)
{
	const struct snapshot *past = a->args.past;
	struct snapshot_restored n;

	a->args.past = NULL;
	if (snapshot_restore(past, a->args.past_has_verdicts, a->fleet, gen, evloop_now(a->loop),
			     &n) < 0) {
		LOG(LOG_WARN, "agg", "state_not_restored", LF_STR("cause", err_last()));
		return;
	}
	LOG(LOG_INFO, "agg", "state_restored", LF_U64("reals", n.n_reals), LF_U64("up", n.n_up),
	    LF_U64("down", n.n_down), LF_U64("overrides", n.n_overrides), LF_U64("gone", n.n_gone));
}

/* --- hooks: fleet → agg ------------------------------------------------------------------------
 */

static void on_check(void *ctx, uint32_t check, enum state from, enum state to,
		     const struct result *result)
{
	note_change(ctx);
	agg_log_check(&((struct agg *)ctx)->log, check, from, to, result);
}

static void on_real(void *ctx, uint32_t real, enum state from, enum state to, uint32_t check,
		    const struct result *result, uint32_t held_s)
{
	note_change(ctx);
	agg_log_real(&((struct agg *)ctx)->log, real, from, to, check, result, held_s);
}

static void on_drain(void *ctx, uint32_t real, bool begins, const struct result *result)
{
	note_change(ctx);
	agg_log_drain(&((struct agg *)ctx)->log, real, begins, result);
}

static void on_service(void *ctx, uint32_t service, enum state from, enum state to)
{
	note_change(ctx);
	agg_log_service(&((struct agg *)ctx)->log, service, from, to);
}

static void on_prefix(void *ctx, uint32_t prefix, enum state from, enum state to)
{
	struct agg *a = ctx;

	note_change(a);
	*withdrawn_at(a, prefix) = to == STATE_DOWN ? evloop_now(a->loop) : 0;
	agg_log_prefix(&a->log, prefix, from, to);
}

static void on_blind(void *ctx, bool is_blind, uint32_t n_hosts, uint32_t n_bad)
{
	note_change(ctx);
	agg_log_blind(&((struct agg *)ctx)->log, is_blind, n_hosts, n_bad);
}

static void on_unknown(void *ctx, uint32_t check, const struct result *result, bool begins)
{
	struct agg *a = ctx;

	a->n_unknown += begins ? 1 : UINT32_MAX;
	if (begins && result)
		a->unknown_code = result->code;
	agg_log_unknown(&a->log, check, result, begins);
}

static void on_service_alarm(void *ctx, uint32_t service, enum fleet_alarm alarm, bool begins)
{
	agg_log_service_alarm(&((struct agg *)ctx)->log, service, alarm, begins);
}

static void on_generation(void *ctx, const struct generation *gen)
{
	((struct agg *)ctx)->log.generation = gen;
}

/* --- hooks: balancer, announcer → fleet --------------------------------------------------------
 */

static struct balancer_wish on_wish(void *ctx, uint32_t real)
{
	static const enum balancer_want wants[] = {
		[FLEET_NOTHING] = BALANCER_NOTHING,
		[FLEET_ENABLE] = BALANCER_ENABLE,
		[FLEET_DISABLE] = BALANCER_DISABLE,
	};
	struct agg *a = ctx;
	struct fleet_wish w = fleet_wish_peek(a->fleet, real);

	if (disable_not_before(a, &w))
		return (struct balancer_wish){.want = BALANCER_NOTHING};
	w = fleet_wish_of(a->fleet, real);
	return (struct balancer_wish){.want = wants[w.want], .weight = w.weight};
}

static void on_listed(void *ctx, uint32_t real, bool enabled, uint16_t weight)
{
	struct agg *a = ctx;

	fleet_listed(a->fleet, real, enabled, weight, evloop_now(a->loop));
	note_change(a);
}

static void on_unlisted(void *ctx, uint32_t real)
{
	struct agg *a = ctx;

	fleet_unlisted(a->fleet, real, evloop_now(a->loop));
	note_change(a);
}

static void on_acked(void *ctx, uint32_t real, bool enabled, uint16_t weight)
{
	struct agg *a = ctx;
	const struct real_row *row = state_real(a->args.tables, real);
	bool was_held = row->flags & REAL_ROW_HELD;

	fleet_acked(a->fleet, real, enabled, weight, evloop_now(a->loop));
	if (was_held != (bool)(row->flags & REAL_ROW_HELD))
		note_change(a);
}

static void on_first_find(void *ctx)
{
	struct agg *a = ctx;

	fleet_first_find(a->fleet, evloop_now(a->loop));
}

static void on_connection(void *ctx, bool is_connected)
{
	fleet_connection(((struct agg *)ctx)->fleet, is_connected);
}

static void on_accepted(void *ctx, uint32_t prefix, unsigned backend, enum state state)
{
	fleet_prefix_accepted(((struct agg *)ctx)->fleet, prefix, backend, state);
}

static void on_sent(void *ctx, uint32_t prefix, enum state state)
{
	struct agg *a = ctx;

	fleet_prefix_sent(a->fleet, prefix, state);
	if (state == STATE_DOWN) {
		*withdrawn_at(a, prefix) = 0;
		a->waiting_changed = true;
	}
}

/* A disable does not wait for a BIRD that is gone. */
static void on_peer(void *ctx)
{
	((struct agg *)ctx)->waiting_changed = true;
}

/* --- the turn ----------------------------------------------------------------------------------
 */

/* Returns true if some ring still holds results. */
static bool drain_results(struct agg *a)
{
	uint64_t now = evloop_now(a->loop);
	bool is_more = false;

	for (uint32_t i = 0; i < a->args.n_workers; i++) {
		struct ring *ring = &a->args.ports[i].results;
		const struct result *r;
		int n = 0;

		while (n++ < RESULTS_PER_TURN && (r = ring_peek(ring))) {
			if (!a->is_quitting && a->generation) {
				fleet_result(a->fleet, r, now);
				agg_tls_result(&a->tls, &a->log, r);
			}
			ring_release(ring);
		}
		is_more = is_more || ring_pending(ring) > 0;
	}
	return is_more;
}

/* Prefixes first: a withdrawal leaves before the disables that it belongs to. */
static void pass_dirty(struct agg *a)
{
	uint32_t slot;

	while ((slot = fleet_take_dirty_prefix(a->fleet)) != SLOT_NONE)
		announcer_dirty(a->announcer, slot);
	while ((slot = fleet_take_dirty_real(a->fleet)) != SLOT_NONE)
		pass_real(a, slot);
	look_at_waiting(a);
}

/* The alarm of decisions 16: one line for all checks that cannot be judged, at most one a second.
 */
static void tell_unknown(struct agg *a)
{
	uint64_t now = evloop_now(a->loop);

	if (a->n_unknown == a->n_unknown_told || now < a->unknown_due_ns)
		return;
	a->n_unknown_told = a->n_unknown;
	a->unknown_due_ns = now + CLK_S;
	LOG(a->n_unknown ? LOG_ERROR : LOG_INFO, "agg",
	    a->n_unknown ? "checks_unknown" : "checks_known_again", LF_U64("checks", a->n_unknown),
	    LF_STR("code", check_code_text((enum check_code)a->unknown_code)));
}

static void publish_summary(struct agg *a, bool is_now)
{
	struct summary s = {0};

	if (!is_now && evloop_now(a->loop) < a->summary_due_ns)
		return;
	a->summary_due_ns = evloop_now(a->loop) + SUMMARY_MS * CLK_MS;
	fleet_fill_summary(a->fleet, &s);
	agg_summary_peers(&s, a->args.app, a->balancer, a->announcer, a->args.announcers);
	s.generation = a->generation ? a->generation->number : 0;
	s.is_warm = a->warm_due_ns == 0;
	s.checks_unknown = a->n_unknown;
	s.certs_expiring = a->tls.n_expiring;
	seqrow_publish(a->args.summary, &s, sizeof(s));
}

/* The full snapshot goes out once, when every prefix has a verdict or the wait is over. */
static void look_at_warmth(struct agg *a)
{
	struct summary s = {0};

	if (!a->warm_due_ns || !a->generation)
		return;
	fleet_fill_summary(a->fleet, &s);
	if (s.prefixes_undecided > 0 && evloop_now(a->loop) < a->warm_due_ns)
		return;
	a->warm_due_ns = 0;
	announcer_warm(a->announcer);
	LOG(LOG_INFO, "agg", "warm", LF_U64("prefixes_undecided", s.prefixes_undecided));
}

static void adopt(struct agg *a, const struct control_msg *msg)
{
	uint64_t now = evloop_now(a->loop);

	if (fleet_adopt(a->fleet, msg->generation, msg->diff, now) < 0 ||
	    balancer_adopt(a->balancer, msg->generation, msg->diff) < 0 ||
	    announcer_adopt(a->announcer, msg->generation, msg->diff) < 0) {
		/* half an adoption cannot be kept: the process ends and its supervisor starts anew
		 * from the snapshot of the balancer */
		LOG(LOG_ERROR, "agg", "out_of_memory", LF_STR("where", err_last()));
		ASSERT(!"out of memory while adopting a configuration");
	}
	agg_tls_adopt(&a->tls, msg->diff);
	if (a->args.past)
		restore(a, msg->generation);
	agg_address_adopt(&a->address, msg->generation);
	if (!a->generation)
		a->warm_due_ns =
			now + agg_warm_wait_ns(msg->generation, a->args.app->announcer.backend);
	a->generation = msg->generation;
}

static void obey(struct agg *a, const struct control_msg *msg)
{
	switch ((enum control_kind)msg->kind) {
	case CONTROL_ADOPT:
		adopt(a, msg);
		break;
	case CONTROL_RETIRE:
		fleet_retire(a->fleet, msg->diff);
		break;
	case CONTROL_OVERRIDE:
		fleet_override(a->fleet, msg->real, msg->override, evloop_now(a->loop));
		break;
	case CONTROL_RELEASE_PANIC:
		fleet_release_panic(a->fleet, evloop_now(a->loop));
		break;
	case CONTROL_QUIT:
		a->is_quitting = true;
		a->quit = (enum quit_kind)msg->quit;
		break;
	}
}

static void obey_all(struct agg *a)
{
	const struct control_msg *msg;

	while (!a->is_quitting && (msg = control_peek(a->args.control))) {
		obey(a, msg);
		if (!a->is_quitting) {
			note_change(a);
			pass_dirty(a);
			publish_summary(a, true);
			control_finish(a->args.control);
		}
	}
}

/* The bell is on the loop only to end its wait; wake_disarm() empties it. */
static void on_bell(struct ev_source *s, uint32_t events)
{
	(void)s;
	(void)events;
}

static bool has_input(struct agg *a)
{
	if (control_peek(a->args.control))
		return true;
	for (uint32_t i = 0; i < a->args.n_workers; i++) {
		if (ring_pending(&a->args.ports[i].results) > 0)
			return true;
	}
	return false;
}

static uint64_t longest_wait(const struct agg *a)
{
	uint64_t now = clk_mono_ns(), due = fleet_next_ns(a->fleet);

	if (a->n_waiting)
		due = MIN(due, a->waiting_until_ns);
	return due <= now ? 0 : MIN(due - now, IDLE_WAIT_MS * CLK_MS);
}

static void wait_and_dispatch(struct agg *a, bool is_busy)
{
	if (is_busy) {
		evloop_turn(a->loop, 0);
		return;
	}
	wake_arm(a->args.bell);
	evloop_turn(a->loop, has_input(a) ? 0 : longest_wait(a));
	wake_disarm(a->args.bell);
}

static void turn(struct agg *a)
{
	bool is_busy = drain_results(a);

	beat_mark(a->args.beat, evloop_now(a->loop));
	obey_all(a);
	if (a->is_quitting)
		return;
	if (fleet_next_ns(a->fleet) <= evloop_now(a->loop))
		fleet_tick(a->fleet, evloop_now(a->loop));
	pass_dirty(a);
	look_at_warmth(a);
	tell_unknown(a);
	publish_summary(a, false);
	wait_and_dispatch(a, is_busy);
}

/* --- the end (decisions 45) --------------------------------------------------------------------
 */

static void turn_until(struct agg *a, uint32_t limit_ms, bool (*is_idle)(const struct agg *))
{
	uint64_t until = clk_mono_ns() + limit_ms * CLK_MS;

	while (!is_idle(a) && clk_mono_ns() < until) {
		drain_results(a);
		evloop_turn(a->loop, CLK_MS);
		beat_mark(a->args.beat, evloop_now(a->loop));
	}
}

static bool is_withdrawn(const struct agg *a)
{
	return announcer_is_idle(a->announcer);
}

static bool is_disabled(const struct agg *a)
{
	return balancer_is_idle(a->balancer);
}

static void withdraw_and_disable(struct agg *a)
{
	announcer_withdraw_all(a->announcer);
	turn_until(a, QUIT_WITHDRAW_MS, is_withdrawn);
	balancer_disable_all(a->balancer);
	turn_until(a, QUIT_DISABLE_MS, is_disabled);
	LOG(LOG_INFO, "agg", "withdrawn", LF_BOOL("announcer_done", is_withdrawn(a)),
	    LF_BOOL("balancer_done", is_disabled(a)));
}

static void run(void *ctx)
{
	struct agg *a = ctx;

	while (!a->is_quitting)
		turn(a);
	if (a->quit == QUIT_WITHDRAW)
		withdraw_and_disable(a);
	control_finish(a->args.control);
	/* workers still finish: their results are dropped, so that none of them waits for room */
	drain_results(a);
}

/* --- making ------------------------------------------------------------------------------------
 */

static struct fleet_config fleet_config_of(const struct app_config *app)
{
	return (struct fleet_config){
		.unknown_max = app->checks.unknown_max,
		.announce_hold_ns = app->announcer.announce_hold_ns,
		.max_remove = app->safety.max_remove,
		.needs_address = *app->announcer.require_local_address,
		.has_announcer = app->announcer.backend != ANNOUNCER_NONE,
		.has_balancer = app->balancer.backend != BALANCER_NONE,
		.sync_period_ns = app->balancer.sync_states_period_ns,
		.blind =
			{
				.max_hold_ns = app->blind.max_hold_ns,
				.max_hold_answered_ns = app->blind.max_hold_answered_ns,
				.min_hosts = app->blind.min_hosts,
				.percent = app->blind.percent,
			},
	};
}

static int make_fleet(struct agg *a)
{
	struct fleet_config config = fleet_config_of(a->args.app);
	struct fleet_hooks hooks = {
		.ctx = a,
		.check_changed = on_check,
		.real_changed = on_real,
		.real_drained = on_drain,
		.service_changed = on_service,
		.prefix_changed = on_prefix,
		.blind_changed = on_blind,
		.unknown_alarm = on_unknown,
		.service_alarm = on_service_alarm,
		.generation_changed = on_generation,
	};

	a->tls.tables = a->args.tables;
	a->fleet = fleet_new(&config, a->args.tables, &hooks, a->args.counters);
	return a->fleet ? 0 : err_origin(-ENOMEM);
}

static int make_actuators(struct agg *a)
{
	struct balancer_args b = {
		.loop = a->loop,
		.tables = a->args.tables,
		.counters = a->args.counters,
		.app = a->args.app,
		.hooks = {.ctx = a,
			  .wish = on_wish,
			  .listed = on_listed,
			  .unlisted = on_unlisted,
			  .acked = on_acked,
			  .first_find = on_first_find,
			  .connection = on_connection},
	};
	struct announcer_args n = {
		.loop = a->loop,
		.tables = a->args.tables,
		.counters = a->args.counters,
		.app = a->args.app,
		.hooks = {.ctx = a,
			  .sent = on_sent,
			  .accepted = on_accepted,
			  .peer_changed = on_peer},
	};

	TRY(balancer_new(&b, &a->balancer));
	TRY(announcer_new(&n, &a->announcer));
	return 0;
}

static int make(struct agg *a)
{
	a->loop = evloop_new();
	if (!a->loop)
		return err_origin(-ENOMEM);
	a->bell_source = (struct ev_source){.fd = wake_fd(a->args.bell), .fn = on_bell};
	TRY(evloop_watch(a->loop, &a->bell_source, EPOLLIN));
	TRY(table_init(&a->withdrawn_at, sizeof(uint64_t), MAX_PREFIXES));
	TRY(make_fleet(a));
	TRY(agg_address_init(&a->address, a->loop, a->args.app, a->fleet));
	return make_actuators(a);
}

int agg_new(const struct agg_args *args, struct agg **ret)
{
	struct agg *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return err_origin(-ENOMEM);
	a->args = *args;
	a->log.tables = args->tables;
	r = make(a);
	if (r < 0) {
		agg_free(a);
		return err_trace(r);
	}
	*ret = a;
	return 0;
}

int agg_start(struct agg *a)
{
	a->thr = (struct thr){.name = "agg", .fn = run, .ctx = a, .nice = -5, .is_prompt = true};
	if (a->args.cpu >= 0) {
		CPU_ZERO(&a->thr.cpus);
		CPU_SET((size_t)a->args.cpu, &a->thr.cpus);
		a->thr.has_cpus = true;
	}
	return thr_start(&a->thr);
}

void agg_join(struct agg *a)
{
	thr_join(&a->thr);
}

void agg_free(struct agg *a)
{
	if (!a)
		return;
	announcer_free(a->announcer);
	balancer_free(a->balancer);
	agg_address_deinit(&a->address);
	fleet_free(a->fleet);
	table_deinit(&a->withdrawn_at);
	evloop_free(a->loop);
	free(a->waiting);
	free(a);
}
