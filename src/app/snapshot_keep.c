#include "app/snapshot_keep.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "agg/snapshot_take.h"
#include "api/hold.h"
#include "app/snapshot_file.h"
#include "base/clk.h"
#include "base/err.h"
#include "base/log.h"
#include "base/thr.h"
#include "base/wake.h"

enum {
	LOOK_MS = 50,
	RETRY_MS = 1000,
};

enum order { ORDER_WITHDRAWING = 1 << 0, ORDER_FINISH = 1 << 1 };

struct snapshot_keep {
	struct snapshot_keep_args args;
	struct thr thr;
	struct wake bell; /* rung by main */
	_Atomic uint32_t orders;
	_Atomic uint32_t is_done;
	/* the thread's own */
	struct snapshot_file file;
	struct snapshot_take *take;
	struct snapshot_out out;
	struct snapshot_row row;
	uint32_t generation; /* number of the one that the file is of; 0: no file yet */
	uint32_t changes;    /* what agg had counted when the last write began */
	bool was_withdrawing;
	uint64_t period_due_ns, retry_due_ns;
};

/* --- one write ---------------------------------------------------------------------------------
 */

static struct snapshot_stamp stamp_of(const struct snapshot_keep *k)
{
	bool is_inherited = clk_mono_ns() < k->args.inherited_until_ns;

	return is_inherited ? k->args.inherited : snapshot_file_stamp();
}

static int write_frame(struct snapshot_keep *k, const struct generation *g, enum snapshot_kind kind,
		       bool is_withdrawing, bool with_sync)
{
	struct snapshot_stamp stamp = stamp_of(k);
	int r;

	if (kind == SNAPSHOT_BASE)
		snapshot_take_forget(k->take);
	TRY(snapshot_file_begin(&k->file, kind));
	snapshot_begin(&k->out, kind, is_withdrawing, &stamp);
	snapshot_take_changes(k->take, g, &k->out);
	r = snapshot_end(&k->out);
	if (r < 0) {
		snapshot_file_abandon(&k->file);
		return err_trace(r);
	}
	return snapshot_file_finish(&k->file, &k->out.head, with_sync);
}

static void tell(struct snapshot_keep *k, int r)
{
	if (r < 0 && k->row.last_error != -r)
		LOG(LOG_WARN, "state", "state_not_written", LF_STR("path", k->args.path),
		    LF_STR("error", strerrordesc_np(-r)));
	if (r == 0 && k->row.last_error)
		LOG(LOG_INFO, "state", "state_written_again", LF_STR("path", k->args.path));
	k->row.last_error = -r;
}

static void note(struct snapshot_keep *k, enum snapshot_kind kind, int r, uint64_t begin_ns)
{
	uint64_t now = clk_mono_ns();

	tell(k, r);
	k->row.is_kept = r == 0;
	k->row.errors += r < 0;
	if (r == 0) {
		k->row.writes++;
		k->row.bases += kind == SNAPSHOT_BASE;
		k->row.written_ns = now;
		k->row.bytes = k->file.size;
		k->row.write_us = (uint32_t)MIN((now - begin_ns) / CLK_US, UINT32_MAX);
		k->row.write_max_us = MAX(k->row.write_max_us, k->row.write_us);
	}
	seqrow_publish(k->args.row, &k->row, sizeof(k->row));
}

static void write_now(struct snapshot_keep *k, const struct generation *g, bool is_withdrawing,
		      bool with_sync)
{
	uint64_t begin = clk_mono_ns();
	bool is_same = k->generation == g->number && snapshot_file_can_add(&k->file);
	enum snapshot_kind kind = is_same ? SNAPSHOT_DELTA : SNAPSHOT_BASE;
	int r;

	/* acquire: rows are at least as new as what was counted; pairs with agg's release */
	k->changes = atomic_load_explicit(k->args.changes, memory_order_acquire);
	r = write_frame(k, g, kind, is_withdrawing, with_sync);
	k->generation = r == 0 ? g->number : 0;
	k->was_withdrawing = is_withdrawing;
	k->period_due_ns = begin + k->args.period_ns;
	k->retry_due_ns = r == 0 ? 0 : clk_mono_ns() + RETRY_MS * CLK_MS;
	note(k, kind, r, begin);
}

/* --- the thread --------------------------------------------------------------------------------
 */

static bool is_due(const struct snapshot_keep *k, const struct generation *g, bool is_withdrawing)
{
	uint64_t now = clk_mono_ns();

	if (now < k->retry_due_ns)
		return false;
	/* relaxed: write_now() orders it */
	return atomic_load_explicit(k->args.changes, memory_order_relaxed) != k->changes ||
	       k->generation != g->number || now >= k->period_due_ns ||
	       is_withdrawing != k->was_withdrawing;
}

static uint32_t orders_of(const struct snapshot_keep *k)
{
	/* acquire: what agg wrote before main gave the order is seen; pairs with order() */
	return atomic_load_explicit(&k->orders, memory_order_acquire);
}

/* Returns true if there is nothing more to do. */
static bool turn(struct snapshot_keep *k)
{
	uint32_t orders = orders_of(k);
	bool is_withdrawing = orders & ORDER_WITHDRAWING, is_last = orders & ORDER_FINISH;
	struct generation *g = hold_take(k->args.current);

	if (g && (is_last || is_due(k, g, is_withdrawing)))
		write_now(k, g, is_withdrawing, is_last || clk_mono_ns() >= k->period_due_ns);
	hold_drop(g);
	return is_last;
}

static void run(void *ctx)
{
	struct snapshot_keep *k = ctx;
	struct pollfd bell = {.fd = wake_fd(&k->bell), .events = POLLIN};

	while (!turn(k)) {
		wake_arm(&k->bell);
		if (!(orders_of(k) & ORDER_FINISH))
			(void)poll(&bell, 1, LOOK_MS); /* too early is as good */
		wake_disarm(&k->bell);
	}
	/* release: the file is written; pairs with snapshot_keep_is_done() */
	atomic_store_explicit(&k->is_done, 1, memory_order_release);
}

/* --- main's side -------------------------------------------------------------------------------
 */

static int make(struct snapshot_keep *k)
{
	TRY(wake_init(&k->bell));
	TRY(snapshot_file_init(&k->file, k->args.path));
	TRY(snapshot_take_new(k->args.tables, &k->take));
	return thr_start(&k->thr);
}

int snapshot_keep_start(const struct snapshot_keep_args *args, struct snapshot_keep **ret)
{
	struct snapshot_keep *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return err_origin(-ENOMEM);
	k->args = *args;
	k->bell.fd = k->file.fd = -1;
	k->out.sink = snapshot_file_piece;
	k->out.ctx = &k->file;
	k->thr = (struct thr){.name = "state", .fn = run, .ctx = k, .nice = 5};
	r = make(k);
	if (r < 0) {
		snapshot_keep_free(k);
		return err_trace(r);
	}
	*ret = k;
	return 0;
}

static void order(struct snapshot_keep *k, enum order what)
{
	/* release: what main saw of agg comes before the order; pairs with orders_of() */
	atomic_fetch_or_explicit(&k->orders, (uint32_t)what, memory_order_release);
	wake_ring(&k->bell);
}

void snapshot_keep_withdrawing(struct snapshot_keep *k)
{
	order(k, ORDER_WITHDRAWING);
}

void snapshot_keep_finish(struct snapshot_keep *k)
{
	order(k, ORDER_FINISH);
}

bool snapshot_keep_is_done(const struct snapshot_keep *k)
{
	/* acquire: pairs with run() */
	return atomic_load_explicit(&k->is_done, memory_order_acquire);
}

void snapshot_keep_free(struct snapshot_keep *k)
{
	if (!k)
		return;
	thr_join(&k->thr);
	snapshot_take_free(k->take);
	snapshot_file_deinit(&k->file);
	wake_deinit(&k->bell);
	free(k);
}

/* --- the life before ---------------------------------------------------------------------------
 */

static bool refuse(const char *path, const char *cause)
{
	LOG(LOG_WARN, "state", "state_not_read", LF_STR("path", path), LF_STR("cause", cause),
	    LF_STR("effect", "every verdict and override starts anew"));
	return false;
}

/* Why its verdicts do not count; NULL: they do. */
static const char *judge(struct snapshot_past *p, uint64_t max_age_ns)
{
	struct snapshot_stamp now = snapshot_file_stamp();

	if (p->snapshot.is_withdrawn)
		return "the last stop took everything back";
	if (!snapshot_age_ns(&p->snapshot.stamp, &now, &p->age_ns))
		return "it is from the future";
	return p->age_ns > max_age_ns ? "older than state.max_age" : NULL;
}

bool snapshot_keep_read(const char *path, uint64_t max_age_ns, struct snapshot_past *ret)
{
	struct snapshot_past p = {.data = NULL};
	const char *reason;
	size_t len = 0;
	int r = snapshot_file_read(path, &p.data, &len);

	if (r == SNAPSHOT_FILE_NONE)
		return false;
	if (r < 0)
		return refuse(path, strerrordesc_np(-r));
	r = snapshot_open(p.data, len, &p.snapshot);
	if (r != SNAPSHOT_OK) {
		free(p.data);
		return refuse(path, snapshot_verdict_text((enum snapshot_verdict)r));
	}
	reason = judge(&p, max_age_ns);
	p.with_verdicts = !reason;
	LOG(LOG_INFO, "state", "state_read", LF_STR("path", path), LF_U64("bytes", len),
	    LF_U64("age_ms", p.age_ns / CLK_MS), LF_BOOL("verdicts", p.with_verdicts),
	    LF_STR("cause", reason ? reason : ""));
	*ret = p;
	return true;
}

void snapshot_keep_forget(struct snapshot_past *p)
{
	free(p->data);
	*p = (struct snapshot_past){.data = NULL};
}
