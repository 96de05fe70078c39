#include "yanet/yanet_finder.h"

#include "base/clk.h"
#include "base/err.h"
#include "yanet/yanet_encode.h"

enum {
	PERIOD_MIN_MS = 10,
	REQUEST_BYTES = 64, /* 43 are used */
	NS_PER_LISTED =
		20000, /* what the peer may take per real before it answers: spec/yanet §5 */
};

static uint64_t now_of(const struct yanet_finder *f)
{
	return evloop_now(f->loop);
}

/* --- the reply --------------------------------------------------------------------------- */

static void found(struct yanet_finder *f, int event)
{
	if (event == YANET_DECODE_MODULE)
		yanet_listing_module(&f->listing, &f->decode.module);
	else if (event == YANET_DECODE_SERVICE)
		yanet_listing_service(&f->listing, &f->decode.service);
	else if (event == YANET_DECODE_REAL)
		yanet_listing_real(&f->listing, &f->decode.real);
}

/* Reads what has come, as far as the budget goes. Returns true if bytes are left. */
static bool read_reply(struct yanet_finder *f, struct yanet_budget *b)
{
	struct yanet_input in;
	size_t len;

	in.len = len = yanet_conn_peek(&f->conn, &in.at);
	if (!len)
		return false;
	while (in.len && yanet_budget_take(b)) {
		int event = yanet_decode_next(&f->decode, &in);

		if (event < 0) {
			yanet_conn_fail(&f->conn, YANET_CONN_MALFORMED);
			return false;
		}
		found(f, event);
	}
	f->is_reading = true;
	yanet_conn_consume(&f->conn, len - in.len);
	f->is_reading = false;
	return in.len > 0;
}

/* The last bytes are consumed; what they completed is still to be told. */
static void on_done(struct yanet_conn *c)
{
	struct yanet_finder *f = CONTAINER_OF(c, struct yanet_finder, conn);
	struct yanet_input none = {0};
	int event;

	do {
		event = yanet_decode_next(&f->decode, &none);
		if (event < 0 || event == YANET_DECODE_MORE) {
			yanet_conn_fail(c, YANET_CONN_MALFORMED);
			return;
		}
		found(f, event);
	} while (event != YANET_DECODE_END);
	f->state = YANET_FINDER_SWEEP;
	if (!f->is_reading) /* an empty reply */
		f->hooks.input(f->hooks.ctx);
}

/* --- after the reply --------------------------------------------------------------------- */

uint32_t yanet_finder_absent(const struct yanet_finder *f)
{
	return f->plan->has_found ? f->plan->gen->n_reals - f->listing.n_listed : 0;
}

/* What the operator has to know about the two configurations, when it changes (spec/yanet §11). */
static void tell_listing(struct yanet_finder *f)
{
	uint32_t absent = yanet_finder_absent(f), foreign = f->listing.n_foreign;
	uint32_t modules = yanet_modules_count(&f->plan->modules);

	if (f->last_ns && absent == f->told_absent && foreign == f->told_foreign &&
	    modules == f->told_modules)
		return;
	f->told_absent = absent;
	f->told_foreign = foreign;
	f->told_modules = modules;
	LOG(absent || foreign || f->listing.n_unnamed ? LOG_WARN : LOG_INFO, "yanet",
	    "yanet_listing", LF_U64("modules", modules), LF_U64("listed", f->listing.n_listed),
	    LF_U64("absent", absent), LF_U64("foreign", foreign),
	    LF_U64("modules_ignored", f->listing.n_unnamed));
}

/* Returns true if it is not finished. */
static bool sweep(struct yanet_finder *f, struct yanet_budget *b)
{
	int r = yanet_listing_sweep(&f->listing, b);

	if (r == YANET_LISTING_MORE)
		return true;
	f->state = YANET_FINDER_IDLE;
	if (r == YANET_LISTING_VOID) {
		f->due_ns = 0;
		return false;
	}
	counter_add(f->plan->counters, CTR_YANET_FINDS, 1);
	tell_listing(f);
	f->last_ns = now_of(f);
	return false;
}

/* --- the request ------------------------------------------------------------------------- */

static void ask(struct yanet_finder *f)
{
	uint8_t mem[REQUEST_BYTES];
	struct yanet_request q = {.mem = mem};

	f->due_ns = now_of(f) + f->period_ns;
	f->state = YANET_FINDER_READ;
	yanet_listing_begin(&f->listing, now_of(f));
	yanet_encode_begin(&q, YANET_FIND);
	yanet_conn_call(&f->conn, mem, yanet_encode_end(&q),
			(uint64_t)f->plan->end * NS_PER_LISTED);
}

/* A stop needs no more than to know once what is listed. */
static bool may_ask(const struct yanet_finder *f)
{
	return yanet_conn_is_idle(&f->conn) && f->state == YANET_FINDER_IDLE && f->plan->gen &&
	       !(f->plan->is_stopping && f->plan->has_found);
}

uint64_t yanet_finder_work(struct yanet_finder *f, struct yanet_budget *b)
{
	bool is_more = f->state == YANET_FINDER_READ && read_reply(f, b);

	if (f->state == YANET_FINDER_SWEEP)
		is_more = sweep(f, b);
	if (is_more)
		return now_of(f);
	if (!may_ask(f))
		return UINT64_MAX;
	if (now_of(f) >= f->due_ns)
		ask(f);
	return f->due_ns;
}

/* --- connection -------------------------------------------------------------------------- */

static void on_connected(struct yanet_conn *c)
{
	struct yanet_finder *f = CONTAINER_OF(c, struct yanet_finder, conn);

	f->due_ns = 0;
	f->hooks.connected(f->hooks.ctx);
}

static void on_lost(struct yanet_conn *c, enum yanet_conn_loss loss)
{
	struct yanet_finder *f = CONTAINER_OF(c, struct yanet_finder, conn);

	if (f->state == YANET_FINDER_READ) {
		yanet_listing_abort(&f->listing);
		f->state = YANET_FINDER_IDLE;
	}
	f->hooks.lost(f->hooks.ctx, loss);
}

static void on_reply(struct yanet_conn *c, uint64_t body_bytes)
{
	yanet_decode_begin(&CONTAINER_OF(c, struct yanet_finder, conn)->decode, body_bytes);
}

static void on_body(struct yanet_conn *c)
{
	struct yanet_finder *f = CONTAINER_OF(c, struct yanet_finder, conn);

	f->hooks.input(f->hooks.ctx);
}

static const struct yanet_conn_hooks conn_hooks = {
	.connected = on_connected,
	.lost = on_lost,
	.reply = on_reply,
	.body = on_body,
	.done = on_done,
};

int yanet_finder_init(struct yanet_finder *f, struct evloop *loop, struct yanet_plan *plan,
		      const struct yanet_conn_config *config, uint64_t period_ns,
		      const struct yanet_finder_hooks *hooks)
{
	*f = (struct yanet_finder){
		.loop = loop,
		.plan = plan,
		.hooks = *hooks,
		.period_ns = MAX(period_ns, PERIOD_MIN_MS * CLK_MS),
	};
	yanet_listing_init(&f->listing, plan, period_ns);
	TRY(yanet_conn_init(&f->conn, loop, config, &conn_hooks));
	return 0;
}

void yanet_finder_deinit(struct yanet_finder *f)
{
	yanet_conn_deinit(&f->conn);
	yanet_listing_deinit(&f->listing);
}

void yanet_finder_adopt(struct yanet_finder *f, const struct gen_diff *diff)
{
	yanet_listing_adopt(&f->listing, diff);
	if (diff->reals.added.n)
		f->due_ns = 0;
}
