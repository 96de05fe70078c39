/* The driver between agg's loop and YANET's control plane.
 *
 *   balancer_dirty ─► plan ─► Real ─► ... ─► RealFlush ─► plan: settle ─► hooks.acked
 *                      ▲                        (connection `real`)
 *                      └──────── finder ◄───────── RealFind  (its own connection)
 *
 * It runs on agg's thread and owns both sockets, the request buffer, the plan and the listing.
 * Work is done in slices: everything in one turn of the loop draws from one budget, and what is
 * left goes on in the next turn, after agg has drained its result rings. Nothing is queued per
 * event: when YANET is slow or away, bits stay set.
 *
 * A *cycle* is some Real requests and one RealFlush. A cycle begins at once when something is to be
 * sent, but not earlier than flush_period after the last flush was sent (decisions 35). It ends
 * when nothing is left to be sent; while a full state is on its way, which takes long, changes are
 * flushed in between.
 *
 * The full state of all decided reals is sent when either connection is made anew: a restarted
 * control plane has forgotten everything. If RealFind alone failed by a deadline of ours or by its
 * own content, the control plane is the same process still, and is not burdened further.
 */
#include "yanet/balancer_yanet.h"

#include <errno.h>

#include "base/clk.h"
#include "base/err.h"
#include "yanet/balancer_ops.h"
#include "yanet/yanet_conn.h"
#include "yanet/yanet_fill.h"
#include "yanet/yanet_finder.h"

enum {
	CYCLE_MS = 50,        /* a cycle with changes in it is flushed at the latest after this */
	BULK_CYCLE_MS = 1000, /* one that only repeats the full state */
	FLUSH_NS_PER_REAL = 20000, /* a flush walks all reals: spec/yanet §5, with room */
	EMPTY_REPLY_BYTES_MAX = 64 * 1024,
	AWAY_LOG_S = 60,
};

const struct balancer_yanet_tuning balancer_yanet_defaults = {
	.deadline_ns = 5 * CLK_S,
	.backoff_min_ns = 50 * CLK_MS,
	.backoff_max_ns = 2 * CLK_S,
	.reply_bytes_max = UINT64_C(256) * 1024 * 1024,
	.slice_ns = 500 * CLK_US,
	.slice_reals = YANET_BATCH_MAX,
};

struct driver {
	struct balancer b;
	struct balancer_args args;
	struct balancer_yanet_tuning tuning;
	struct yanet_conn real;
	struct yanet_finder finder;
	struct ev_timer kick; /* work is left, or a cycle or a RealFind is due */
	struct yanet_budget budget;
	struct yanet_plan plan;
	struct yanet_request request;
	bool is_flush; /* the call on `real` is a flush */
	bool is_in_cycle;
	bool is_find_up;
	uint64_t cycle_begin_ns;
	uint64_t cycle_due_ns; /* the next one does not begin earlier */
	uint64_t real_up_ns;   /* when it was connected */
	uint64_t find_lost_ns; /* when the peer closed it; 0: it did not */
	uint64_t away_log_ns;  /* next line about being away */
	const char *last_error;
};

static uint64_t now_of(const struct driver *d)
{
	return evloop_now(d->args.loop);
}

static void kick_at(struct driver *d, uint64_t due_ns)
{
	if (!evloop_timer_is_armed(&d->kick) || d->kick.due_ns > due_ns)
		evloop_timer_at(d->args.loop, &d->kick, due_ns);
}

/* --- connection `real` ------------------------------------------------------------------- */

static void send_request(struct driver *d, uint64_t slack_ns)
{
	size_t len = yanet_encode_end(&d->request);

	yanet_conn_call(&d->real, d->request.mem, len, slack_ns);
}

static void send_flush(struct driver *d)
{
	/* what was flushed last is looked at first: its list takes the next one's place */
	if (yanet_plan_is_settling(&d->plan)) {
		kick_at(d, now_of(d));
		return;
	}
	d->is_flush = true;
	d->cycle_due_ns = now_of(d) + d->args.app->balancer.flush_period_ns;
	yanet_encode_begin(&d->request, YANET_FLUSH);
	send_request(d, (uint64_t)d->plan.end * FLUSH_NS_PER_REAL);
}

static void send_updates(struct driver *d)
{
	if (d->budget.reals < MIN(d->tuning.slice_reals, YANET_BATCH_MAX) / 2) {
		kick_at(d, now_of(d)); /* better one full batch in the next turn */
		return;
	}
	d->is_flush = false;
	if (yanet_fill(&d->plan, &d->request, now_of(d), &d->budget))
		send_request(d, 0);
	else
		kick_at(d, now_of(d));
}

static uint64_t cycle_end(const struct driver *d)
{
	uint64_t longest = BULK_CYCLE_MS * CLK_MS;

	if (d->plan.has_staged_urgent)
		longest = MAX(d->args.app->balancer.flush_period_ns, CYCLE_MS * CLK_MS);
	return d->cycle_begin_ns + longest;
}

static bool begin_cycle(struct driver *d)
{
	if (d->is_in_cycle)
		return true;
	if (now_of(d) < d->cycle_due_ns && !d->plan.is_stopping) {
		kick_at(d, d->cycle_due_ns);
		return false;
	}
	d->is_in_cycle = true;
	d->cycle_begin_ns = now_of(d);
	return true;
}

/* The next call on `real`, if there is one to make. */
static void next_call(struct driver *d)
{
	bool has_todo = yanet_plan_has_todo(&d->plan, now_of(d));
	bool needs_flush = yanet_plan_needs_flush(&d->plan);

	if (!yanet_conn_is_idle(&d->real) || !d->plan.gen)
		return;
	if (!has_todo && !needs_flush) {
		d->is_in_cycle = false;
		if (d->plan.tombs.n)
			kick_at(d, MAX(d->plan.tombs.wait_until_ns, now_of(d) + CLK_MS));
		return;
	}
	if (!begin_cycle(d))
		return;
	if (needs_flush && (!has_todo || now_of(d) >= cycle_end(d)))
		send_flush(d);
	else
		send_updates(d);
}

static void on_real_done(struct driver *d)
{
	if (!d->is_flush)
		return;
	counter_add(d->args.counters, CTR_YANET_FLUSHES, 1);
	d->is_in_cycle = false;
	yanet_plan_flushed(&d->plan);
}

/* --- the turn ---------------------------------------------------------------------------- */

static void work(struct driver *d)
{
	uint64_t find_due;

	yanet_budget_turn(&d->budget, now_of(d), d->tuning.slice_reals, d->tuning.slice_ns);
	next_call(d);
	if (!yanet_plan_settle(&d->plan, &d->budget))
		kick_at(d, now_of(d));
	find_due = yanet_finder_work(&d->finder, &d->budget);
	if (find_due != UINT64_MAX)
		kick_at(d, find_due);
	/* what was just found or settled may be something to send */
	if (yanet_conn_is_idle(&d->real) && yanet_plan_has_todo(&d->plan, now_of(d)))
		kick_at(d, MAX(now_of(d), d->is_in_cycle ? 0 : d->cycle_due_ns));
}

static void on_kick(struct ev_timer *t)
{
	work(CONTAINER_OF(t, struct driver, kick));
}

/* --- connection events ------------------------------------------------------------------- */

static void note_loss(struct driver *d, const char *connection, enum yanet_conn_loss loss,
		      bool was_up)
{
	uint64_t now = clk_mono_ns();

	d->last_error = yanet_conn_loss_text(loss);
	counter_add(d->args.counters, CTR_YANET_FAILURES, 1);
	if (!was_up && now < d->away_log_ns)
		return;
	d->away_log_ns = now + AWAY_LOG_S * CLK_S;
	LOG(LOG_WARN, "yanet", "yanet_away", LF_STR("connection", connection),
	    LF_STR("cause", d->last_error),
	    LF_STR("socket", d->args.app->yanet.control_plane_sock_path),
	    LF_U64("undelivered", yanet_plan_undelivered(&d->plan)));
}

static void note_connect(struct driver *d, const char *connection)
{
	counter_add(d->args.counters, CTR_YANET_CONNECTS, 1);
	LOG(LOG_INFO, "yanet", "yanet_connected", LF_STR("connection", connection));
	kick_at(d, now_of(d));
}

static void tell_connection(struct driver *d, bool is_connected)
{
	const struct balancer_hooks *hooks = &d->args.hooks;

	if (hooks->connection)
		hooks->connection(hooks->ctx, is_connected);
}

static void real_connected(struct yanet_conn *c)
{
	struct driver *d = CONTAINER_OF(c, struct driver, real);

	d->real_up_ns = clk_mono_ns();
	yanet_plan_connected(&d->plan);
	tell_connection(d, true);
	note_connect(d, "real");
}

static void real_lost(struct yanet_conn *c, enum yanet_conn_loss loss)
{
	struct driver *d = CONTAINER_OF(c, struct driver, real);
	bool was_up = d->plan.is_connected;

	d->is_in_cycle = false;
	yanet_plan_lost(&d->plan);
	if (was_up)
		tell_connection(d, false);
	note_loss(d, "real", loss, was_up);
}

static void real_reply(struct yanet_conn *c, uint64_t body_bytes)
{
	if (body_bytes > EMPTY_REPLY_BYTES_MAX)
		yanet_conn_fail(c, YANET_CONN_MALFORMED);
}

/* The reply is an empty message; fields of a later version are of no use to us. */
static void real_body(struct yanet_conn *c)
{
	const uint8_t *at;

	yanet_conn_consume(c, yanet_conn_peek(c, &at));
}

static void real_done(struct yanet_conn *c)
{
	struct driver *d = CONTAINER_OF(c, struct driver, real);

	on_real_done(d);
	work(d);
}

static void find_connected(void *ctx)
{
	struct driver *d = ctx;

	/* a `real` that was made after the loss has sent, or is sending, the full state */
	if (d->find_lost_ns && d->plan.is_connected && d->real_up_ns < d->find_lost_ns)
		yanet_plan_resync(&d->plan);
	d->find_lost_ns = 0;
	d->is_find_up = true;
	note_connect(d, "find");
}

static void find_lost(void *ctx, enum yanet_conn_loss loss)
{
	struct driver *d = ctx;
	bool was_up = d->is_find_up;

	d->is_find_up = false;
	if (loss == YANET_CONN_CLOSED)
		d->find_lost_ns = clk_mono_ns();
	note_loss(d, "find", loss, was_up);
}

static void find_input(void *ctx)
{
	work(ctx);
}

static const struct yanet_conn_hooks real_hooks = {
	.connected = real_connected,
	.lost = real_lost,
	.reply = real_reply,
	.body = real_body,
	.done = real_done,
};

/* --- balancer.h -------------------------------------------------------------------------- */

static struct driver *driver_of(struct balancer *b)
{
	return CONTAINER_OF(b, struct driver, b);
}

static void driver_free(struct balancer *b)
{
	struct driver *d = driver_of(b);

	evloop_timer_stop(&d->kick);
	yanet_conn_deinit(&d->real);
	yanet_finder_deinit(&d->finder);
	yanet_encode_deinit(&d->request);
	yanet_plan_deinit(&d->plan);
	free(d);
}

static int driver_adopt(struct balancer *b, const struct generation *gen,
			const struct gen_diff *diff)
{
	struct driver *d = driver_of(b);
	uint64_t wait_until = clk_mono_ns() + d->args.app->announcer.withdraw_wait_ns;

	yanet_finder_adopt(&d->finder, diff);
	TRY(yanet_plan_adopt(&d->plan, gen, diff, wait_until));
	kick_at(d, now_of(d));
	return 0;
}

static void driver_dirty(struct balancer *b, uint32_t real)
{
	struct driver *d = driver_of(b);

	yanet_plan_dirty(&d->plan, real);
	kick_at(d, MAX(now_of(d), d->is_in_cycle ? 0 : d->cycle_due_ns));
}

static void driver_disable_all(struct balancer *b)
{
	struct driver *d = driver_of(b);

	yanet_plan_stop(&d->plan);
	kick_at(d, now_of(d));
}

static bool driver_is_idle(const struct balancer *b)
{
	const struct driver *d = CONTAINER_OF(b, const struct driver, b);

	if (d->plan.is_stopping && !yanet_conn_is_up(&d->real))
		return true;
	/* what is listed is not known before the first reply */
	if (d->plan.is_stopping && !d->plan.has_found && yanet_conn_is_up(&d->finder.conn))
		return false;
	return !yanet_plan_undelivered(&d->plan) && !yanet_plan_needs_flush(&d->plan);
}

static void driver_status(const struct balancer *b, struct balancer_status *ret)
{
	const struct driver *d = CONTAINER_OF(b, const struct driver, b);
	bool is_connected = yanet_conn_is_up(&d->real) && yanet_conn_is_up(&d->finder.conn);

	*ret = (struct balancer_status){
		.is_connected = is_connected,
		.has_found = d->plan.has_found,
		.n_modules = yanet_modules_count(&d->plan.modules),
		.n_undelivered = yanet_plan_undelivered(&d->plan),
		.n_absent = yanet_finder_absent(&d->finder),
		.n_foreign = d->finder.listing.n_foreign,
		.last_find_ns = d->finder.last_ns,
		.last_error = is_connected ? "" : d->last_error,
	};
}

static const struct balancer_ops driver_ops = {
	.free = driver_free,
	.adopt = driver_adopt,
	.dirty = driver_dirty,
	.disable_all = driver_disable_all,
	.is_idle = driver_is_idle,
	.status = driver_status,
};

static int init(struct driver *d)
{
	const struct yanet_finder_hooks find_hooks = {
		.ctx = d, .connected = find_connected, .lost = find_lost, .input = find_input};
	const struct yanet_conn_config config = {
		.path = d->args.app->yanet.control_plane_sock_path,
		.deadline_ns = d->tuning.deadline_ns,
		.backoff_min_ns = d->tuning.backoff_min_ns,
		.backoff_max_ns = d->tuning.backoff_max_ns,
		.reply_bytes_max = d->tuning.reply_bytes_max,
	};

	TRY(yanet_encode_init(&d->request));
	TRY(yanet_conn_init(&d->real, d->args.loop, &config, &real_hooks));
	TRY(yanet_finder_init(&d->finder, d->args.loop, &d->plan, &config,
			      d->args.app->balancer.sync_states_period_ns, &find_hooks));
	return 0;
}

int balancer_yanet_new(const struct balancer_args *args, const struct balancer_yanet_tuning *tuning,
		       struct balancer **ret)
{
	struct driver *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return err_origin(-ENOMEM);
	d->b.ops = &driver_ops;
	d->args = *args;
	d->tuning = *tuning;
	d->kick.fn = on_kick;
	d->last_error = "";
	yanet_plan_init(&d->plan, &d->args);
	r = init(d);
	if (r < 0) {
		driver_free(&d->b);
		return err_trace(r);
	}
	*ret = &d->b;
	return 0;
}
