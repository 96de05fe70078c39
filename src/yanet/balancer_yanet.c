/* The driver between agg's loop and YANET's control plane.
 *
 *   balancer_dirty ─► plan ─► Real ─► ... ─► RealFlush ─► plan: settle ─► hooks.acked
 *                      ▲                        (connection `real`)
 *                      └── listing ◄── decoder ◄── RealFind  (connection `find`)
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
#include "yanet/yanet_listing.h"

enum {
	CYCLE_MS = 50,        /* a cycle with changes in it is flushed at the latest after this */
	BULK_CYCLE_MS = 1000, /* one that only repeats the full state */
	SYNC_MIN_MS = 10,
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

enum find_state { FIND_IDLE, FIND_READ, FIND_SWEEP };

struct driver {
	struct balancer b;
	struct balancer_args args;
	struct balancer_yanet_tuning tuning;
	struct yanet_conn real, find;
	struct ev_timer kick; /* work is left, or a cycle or a RealFind is due */
	struct yanet_budget budget;
	struct yanet_plan plan;
	struct yanet_listing listing;
	struct yanet_request request;
	struct yanet_decode decode;
	bool is_flush; /* the call on `real` is a flush */
	bool is_in_cycle;
	uint64_t cycle_begin_ns;
	uint64_t cycle_due_ns; /* the next one does not begin earlier */
	enum find_state find_state;
	uint64_t find_due_ns;
	uint64_t last_find_ns; /* end of the last complete reply */
	uint64_t real_up_ns;   /* when it was connected */
	bool is_find_up;
	uint64_t find_lost_ns; /* when the peer closed it; 0: it did not */
	uint64_t away_log_ns;  /* next line about being away */
	uint32_t told_absent, told_foreign, told_modules; /* as logged last */
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

/* --- connection `real` -------------------------------------------------------------------------
 */

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
	if (yanet_plan_fill(&d->plan, &d->request, now_of(d), &d->budget))
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

/* --- connection `find` -------------------------------------------------------------------------
 */

static void next_find(struct driver *d)
{
	uint64_t period = MAX(d->args.app->balancer.sync_states_period_ns, SYNC_MIN_MS * CLK_MS);
	struct yanet_request q;
	uint8_t mem[64];
	size_t len;

	if (!yanet_conn_is_idle(&d->find) || d->find_state != FIND_IDLE || !d->plan.gen ||
	    (d->plan.is_stopping && d->plan.has_found))
		return;
	if (now_of(d) < d->find_due_ns) {
		kick_at(d, d->find_due_ns);
		return;
	}
	d->find_due_ns = now_of(d) + period;
	d->find_state = FIND_READ;
	yanet_listing_begin(&d->listing, now_of(d));
	q = (struct yanet_request){.mem = mem};
	yanet_encode_begin(&q, YANET_FIND);
	len = yanet_encode_end(&q);
	yanet_conn_call(&d->find, mem, len, (uint64_t)d->plan.end * FLUSH_NS_PER_REAL);
}

static void found(struct driver *d, int event)
{
	if (event == YANET_DECODE_MODULE)
		yanet_listing_module(&d->listing, &d->decode.module);
	else if (event == YANET_DECODE_SERVICE)
		yanet_listing_service(&d->listing, &d->decode.service);
	else if (event == YANET_DECODE_REAL)
		yanet_listing_real(&d->listing, &d->decode.real);
}

/* Reads what has come, as far as the budget goes. */
static void read_reply(struct driver *d)
{
	struct yanet_input in;
	int event = YANET_DECODE_MORE;
	size_t len;

	in.len = len = yanet_conn_peek(&d->find, &in.at);
	if (!len)
		return;
	while (in.len && yanet_budget_take(&d->budget)) {
		event = yanet_decode_next(&d->decode, &in);
		if (event < 0) {
			yanet_conn_fail(&d->find, YANET_CONN_MALFORMED);
			return;
		}
		found(d, event);
	}
	if (in.len)
		kick_at(d, now_of(d));
	yanet_conn_consume(&d->find, len - in.len);
}

/* The last bytes are consumed; what they completed is still to be told. */
static void on_find_done(struct driver *d)
{
	struct yanet_input none = {0};
	int event;

	do {
		event = yanet_decode_next(&d->decode, &none);
		if (event < 0 || event == YANET_DECODE_MORE) {
			yanet_conn_fail(&d->find, YANET_CONN_MALFORMED);
			return;
		}
		found(d, event);
	} while (event != YANET_DECODE_END);
	d->find_state = FIND_SWEEP;
}

/* What the operator has to know about the two configurations, when it changes (spec/yanet §11). */
static void tell_listing(struct driver *d)
{
	uint32_t absent = d->plan.gen->n_reals - d->listing.n_listed;
	uint32_t modules = yanet_modules_count(&d->plan.modules);

	if (absent == d->told_absent && d->listing.n_foreign == d->told_foreign &&
	    modules == d->told_modules)
		return;
	d->told_absent = absent;
	d->told_foreign = d->listing.n_foreign;
	d->told_modules = modules;
	LOG(absent || d->told_foreign || d->listing.n_unnamed ? LOG_WARN : LOG_INFO, "yanet",
	    "yanet_listing", LF_U64("modules", modules), LF_U64("listed", d->listing.n_listed),
	    LF_U64("absent", absent), LF_U64("foreign", d->told_foreign),
	    LF_U64("modules_ignored", d->listing.n_unnamed));
}

static void sweep(struct driver *d)
{
	int r = yanet_listing_sweep(&d->listing, &d->budget);

	if (r == YANET_LISTING_MORE) {
		kick_at(d, now_of(d));
		return;
	}
	d->find_state = FIND_IDLE;
	if (r == YANET_LISTING_VOID) {
		d->find_due_ns = now_of(d);
		return;
	}
	d->last_find_ns = now_of(d);
	counter_add(d->args.counters, CTR_YANET_FINDS, 1);
	tell_listing(d);
}

/* --- the turn ----------------------------------------------------------------------------------
 */

static void work(struct driver *d)
{
	yanet_budget_turn(&d->budget, now_of(d), d->tuning.slice_reals, d->tuning.slice_ns);
	next_call(d);
	if (!yanet_plan_settle(&d->plan, &d->budget))
		kick_at(d, now_of(d));
	if (d->find_state == FIND_READ)
		read_reply(d);
	if (d->find_state == FIND_SWEEP)
		sweep(d);
	next_find(d);
	/* what was just found or settled may be something to send */
	if (yanet_conn_is_idle(&d->real) && yanet_plan_has_todo(&d->plan, now_of(d)))
		kick_at(d, MAX(now_of(d), d->is_in_cycle ? 0 : d->cycle_due_ns));
}

static void on_kick(struct ev_timer *t)
{
	work(CONTAINER_OF(t, struct driver, kick));
}

/* --- connection events -------------------------------------------------------------------------
 */

static void note_loss(struct driver *d, const struct yanet_conn *c, enum yanet_conn_loss loss,
		      bool was_up)
{
	uint64_t now = clk_mono_ns();

	d->last_error = yanet_conn_loss_text(loss);
	counter_add(d->args.counters, CTR_YANET_FAILURES, 1);
	if (!was_up && now < d->away_log_ns)
		return;
	d->away_log_ns = now + AWAY_LOG_S * CLK_S;
	LOG(LOG_WARN, "yanet", "yanet_away", LF_STR("connection", c == &d->real ? "real" : "find"),
	    LF_STR("cause", d->last_error), LF_STR("socket", c->config.path),
	    LF_U64("undelivered", yanet_plan_undelivered(&d->plan)));
}

static void note_connect(struct driver *d, const struct yanet_conn *c)
{
	counter_add(d->args.counters, CTR_YANET_CONNECTS, 1);
	LOG(LOG_INFO, "yanet", "yanet_connected",
	    LF_STR("connection", c == &d->real ? "real" : "find"));
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
	note_connect(d, c);
}

static void real_lost(struct yanet_conn *c, enum yanet_conn_loss loss)
{
	struct driver *d = CONTAINER_OF(c, struct driver, real);
	bool was_up = d->plan.is_connected;

	d->is_in_cycle = false;
	yanet_plan_lost(&d->plan);
	if (was_up)
		tell_connection(d, false);
	note_loss(d, c, loss, was_up);
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

static void find_connected(struct yanet_conn *c)
{
	struct driver *d = CONTAINER_OF(c, struct driver, find);

	/* a `real` that was made after the loss has sent, or is sending, the full state */
	if (d->find_lost_ns && d->plan.is_connected && d->real_up_ns < d->find_lost_ns)
		yanet_plan_resync(&d->plan);
	d->find_lost_ns = 0;
	d->is_find_up = true;
	d->find_due_ns = now_of(d);
	note_connect(d, c);
}

static void find_lost(struct yanet_conn *c, enum yanet_conn_loss loss)
{
	struct driver *d = CONTAINER_OF(c, struct driver, find);
	bool was_up = d->is_find_up;

	d->is_find_up = false;
	if (loss == YANET_CONN_CLOSED)
		d->find_lost_ns = clk_mono_ns();
	if (d->find_state == FIND_READ) {
		yanet_listing_abort(&d->listing);
		d->find_state = FIND_IDLE;
	}
	note_loss(d, c, loss, was_up);
}

static void find_reply(struct yanet_conn *c, uint64_t body_bytes)
{
	yanet_decode_begin(&CONTAINER_OF(c, struct driver, find)->decode, body_bytes);
}

static void find_body(struct yanet_conn *c)
{
	work(CONTAINER_OF(c, struct driver, find));
}

static void find_done(struct yanet_conn *c)
{
	struct driver *d = CONTAINER_OF(c, struct driver, find);

	on_find_done(d);
	kick_at(d, now_of(d));
}

static const struct yanet_conn_hooks real_hooks = {
	.connected = real_connected,
	.lost = real_lost,
	.reply = real_reply,
	.body = real_body,
	.done = real_done,
};

static const struct yanet_conn_hooks find_hooks = {
	.connected = find_connected,
	.lost = find_lost,
	.reply = find_reply,
	.body = find_body,
	.done = find_done,
};

/* --- balancer.h --------------------------------------------------------------------------------
 */

static struct driver *driver_of(struct balancer *b)
{
	return CONTAINER_OF(b, struct driver, b);
}

static void driver_free(struct balancer *b)
{
	struct driver *d = driver_of(b);

	evloop_timer_stop(&d->kick);
	yanet_conn_deinit(&d->real);
	yanet_conn_deinit(&d->find);
	yanet_encode_deinit(&d->request);
	yanet_listing_deinit(&d->listing);
	yanet_plan_deinit(&d->plan);
	free(d);
}

static int driver_adopt(struct balancer *b, const struct generation *gen,
			const struct gen_diff *diff)
{
	struct driver *d = driver_of(b);
	uint64_t wait_until = clk_mono_ns() + d->args.app->announcer.withdraw_wait_ns;

	yanet_listing_adopt(&d->listing, diff);
	TRY(yanet_plan_adopt(&d->plan, gen, diff, wait_until));
	/* added reals are looked for now, not after a period */
	if (diff->reals.added.n)
		d->find_due_ns = 0;
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
	if (d->plan.is_stopping && !d->plan.has_found && yanet_conn_is_up(&d->find))
		return false;
	return !yanet_plan_undelivered(&d->plan) && !yanet_plan_needs_flush(&d->plan);
}

static void driver_status(const struct balancer *b, struct balancer_status *ret)
{
	const struct driver *d = CONTAINER_OF(b, const struct driver, b);
	bool is_connected = yanet_conn_is_up(&d->real) && yanet_conn_is_up(&d->find);

	*ret = (struct balancer_status){
		.is_connected = is_connected,
		.has_found = d->plan.has_found,
		.n_modules = yanet_modules_count(&d->plan.modules),
		.n_undelivered = yanet_plan_undelivered(&d->plan),
		.n_absent = d->plan.has_found ? d->plan.gen->n_reals - d->listing.n_listed : 0,
		.n_foreign = d->listing.n_foreign,
		.last_find_ns = d->last_find_ns,
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
	const struct yanet_conn_config config = {
		.path = d->args.app->yanet.control_plane_sock_path,
		.deadline_ns = d->tuning.deadline_ns,
		.backoff_min_ns = d->tuning.backoff_min_ns,
		.backoff_max_ns = d->tuning.backoff_max_ns,
		.reply_bytes_max = d->tuning.reply_bytes_max,
	};

	TRY(yanet_encode_init(&d->request));
	TRY(yanet_conn_init(&d->real, d->args.loop, &config, &real_hooks));
	TRY(yanet_conn_init(&d->find, d->args.loop, &config, &find_hooks));
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
	yanet_listing_init(&d->listing, &d->plan, args->app->balancer.sync_states_period_ns);
	r = init(d);
	if (r < 0) {
		driver_free(&d->b);
		return err_trace(r);
	}
	*ret = &d->b;
	return 0;
}
