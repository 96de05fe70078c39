/* Backends bird2 and bird_list: an unmodified BIRD 2 (spec/announce.md part 2,
 * docs/internals/announce.md). What the two do differently stands in bird2_kind.h.
 *
 * Files that BIRD includes (bird2_group.c), and `configure` over its control socket (bird2_talk.c).
 * A *cycle* brings all files up to date and then asks for one `configure`; at most one is in
 * flight, changes meanwhile cause exactly one more. A withdrawal begins a cycle at once, but not
 * within 5 ms of the last; announcements wait for coalesce_up.
 *
 * Nothing counts as sent before BIRD took the configuration. BIRD away: the files stay current, so
 * that it starts right. Refused: tried again after 1, 2, 4 ... 30 s, every 2 s while a withdrawal
 * waits. After every connect one `configure`, since nobody knows what BIRD has read. Every 10 s the
 * routes of each protocol are counted, on a connection that no `configure` waits for, and whatever
 * differs is set right by a `configure`. */
#include "announce/bird2.h"

#include <errno.h>

#include "announce/announce_backend.h"
#include "announce/bird2_dir.h"
#include "announce/bird2_routes.h"
#include "announce/bird2_talk.h"
#include "base/clk.h"
#include "base/err.h"
#include "base/log.h"

enum {
	WITHDRAW_GAP_MS = 5, /* between two cycles, the later one with withdrawals: decisions 35 */
	MIN_GAP_MS = 20,     /* between any others */
	FILE_RETRY_MS = 1000,
	LATER_MS = 1000, /* pending, but nothing to do about it (rate limit) */
	TICK_MS = 1000   /* files looked at */
};

struct bird2 {
	struct announcer base;
	struct bird2_kind kind;
	struct bird2_context context;
	struct bird2_group *groups;
	uint32_t n_groups;
	struct bird2_dir dir;
	struct bird2_talk talk;
	struct ev_timer timer;
	struct vip_set old; /* what our own earlier files announce; until every group is warm */
	bool is_warm;       /* as announcer_warm says; the groups follow */
	bool is_purged;     /* files of groups that are configured no more are gone */
	bool is_urgent;     /* a withdrawal waits for the next cycle */
	bool is_changed;    /* something else does */
	bool was_there;     /* peer_is_there, as it was told last */
	uint64_t last_begin_ns, retry_ns, tick_ns;
};

static struct bird2 *bird2_of(struct announcer *a)
{
	return CONTAINER_OF(a, struct bird2, base);
}

static uint64_t now_of(const struct bird2 *b)
{
	return evloop_now(b->base.args.loop);
}

/* --- when ----------------------------------------------------------------------------------------
 */

static bool has_warm_group(const struct bird2 *b)
{
	for (uint32_t i = 0; i < b->n_groups; i++) {
		if (b->groups[i].is_warm)
			return true;
	}
	return false;
}

/* The periods are limits of the rate, not delays: the first change after a rest goes at once. */
static uint64_t after_last(const struct bird2 *b, uint64_t period_ns)
{
	return b->last_begin_ns ? b->last_begin_ns + period_ns : 0;
}

/* With very many routes, BIRD rests as long as it worked: it has neighbours to talk to. */
static uint64_t withdraw_gap(const struct bird2 *b)
{
	uint64_t rest_ns = MIN(2 * b->talk.configure_us * CLK_US, MIN_GAP_MS * CLK_MS);

	return MAX(rest_ns, WITHDRAW_GAP_MS * CLK_MS);
}

static uint64_t cycle_due(const struct bird2 *b)
{
	const struct app_config *app = b->base.args.app;
	uint64_t due = b->retry_ns ? b->retry_ns : BIRD2_NEVER;
	uint64_t announce_ns = MAX(b->kind.coalesce_up_ns, app->announcer.update_period_ns);

	if (b->is_urgent)
		due = MIN(due, after_last(b, withdraw_gap(b)));
	if (b->is_changed)
		due = MIN(due, after_last(b, MAX(announce_ns, MIN_GAP_MS * CLK_MS)));
	if (bird2_talk_needs_configure(&b->talk) && has_warm_group(b))
		due = MIN(due, MAX(after_last(b, MIN_GAP_MS * CLK_MS),
				   bird2_talk_configure_due(&b->talk)));
	return due;
}

static bool can_work(const struct bird2 *b)
{
	return b->talk.command == BIRD2_SILENT && b->context.gen && b->dir.is_held;
}

static void arm(struct bird2 *b)
{
	uint64_t due = b->tick_ns;

	if (can_work(b))
		due = MIN(due, MIN(cycle_due(b), bird2_talk_ask_due(&b->talk)));
	evloop_timer_at(b->base.args.loop, &b->timer, MAX(due, UINT64_C(1)));
}

/* --- a cycle -------------------------------------------------------------------------------------
 */

static void retry_files(struct bird2 *b)
{
	b->retry_ns = now_of(b) + FILE_RETRY_MS * CLK_MS;
}

/* A group whose prefixes all have a verdict need not wait for the others. */
static void look_at_warmth(struct bird2 *b)
{
	bool are_all = true;

	for (uint32_t i = 0; i < b->n_groups; i++) {
		struct bird2_group *g = &b->groups[i];

		if (!g->is_warm && (b->is_warm || bird2_group_is_decided(g, &b->context)) &&
		    bird2_group_warm_up(g, &b->context, &b->old) < 0)
			retry_files(b);
		are_all = are_all && g->is_warm;
	}
	if (!b->is_warm || !are_all || b->is_purged)
		return;
	b->is_purged = true;
	if (b->kind.purge(b->base.args.app, b->context.gen, &b->old) > 0)
		bird2_talk_wrote(&b->talk);
	vip_set_deinit(&b->old);
}

/* Returns true if one was written. */
static bool write_files(struct bird2 *b)
{
	bool has_written = false;

	for (uint32_t i = 0; i < b->n_groups; i++) {
		unsigned n = 0;

		if (b->groups[i].is_warm &&
		    bird2_group_write(&b->groups[i], &b->context, now_of(b), &n) < 0)
			retry_files(b);
		if (n > 0) {
			bird2_talk_wrote(&b->talk);
			has_written = true;
		}
	}
	return has_written;
}

/* What changed while BIRD worked, or is held back, is looked at again. A file that cannot be
 * written has a time of its own. */
static void look_at_pending(struct bird2 *b)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->n_groups; i++) {
		const struct bird2_group *g = &b->groups[i];

		if (!g->is_warm || g->has_failed)
			continue;
		n += route_plan_pending(b->context.plan, g->number);
		if (route_plan_has_withdrawal(b->context.plan, g->number))
			b->is_urgent = true;
	}
	if (n && !b->is_urgent && !b->retry_ns)
		b->retry_ns = now_of(b) + LATER_MS * CLK_MS;
}

static void accept_all(struct bird2 *b)
{
	for (uint32_t i = 0; i < b->n_groups; i++)
		bird2_group_accept(&b->groups[i], &b->context, now_of(b));
	look_at_pending(b);
}

static void begin_cycle(struct bird2 *b)
{
	bool has_written;

	b->last_begin_ns = now_of(b);
	b->is_urgent = false;
	b->is_changed = false;
	b->retry_ns = 0;
	look_at_warmth(b);
	if (!has_warm_group(b))
		return;
	has_written = write_files(b);
	if (!bird2_talk_needs_configure(&b->talk))
		accept_all(b);
	else if (bird2_talk_configure_due(&b->talk) <= now_of(b))
		bird2_talk_configure(&b->talk);
	else if (has_written && b->kind.durable)
		b->kind.sync_dirs(b->base.args.app);
}

/* A file that somebody else changed is set right by a cycle. */
static void look_at_files(struct bird2 *b)
{
	for (uint32_t i = 0; i < b->n_groups; i++) {
		const struct bird2_group *g = &b->groups[i];

		if (g->has_written && !g->has_failed && !bird2_group_is_untouched(g, &b->context))
			b->is_urgent = true;
	}
}

/* --- the turn ------------------------------------------------------------------------------------
 */

/* The old files are read as soon as they are ours alone. */
static void take_dir(struct bird2 *b)
{
	if (b->dir.is_held || !bird2_dir_lock(&b->dir))
		return;
	b->kind.read_old(b->base.args.app, &b->old);
	b->is_changed = true;
}

static void step(struct bird2 *b)
{
	uint64_t now = now_of(b);

	if (b->tick_ns <= now) {
		b->tick_ns = now + TICK_MS * CLK_MS;
		take_dir(b);
		look_at_files(b);
	}
	if (can_work(b) && cycle_due(b) <= now)
		begin_cycle(b);
	if (can_work(b))
		bird2_talk_ask(&b->talk);
	arm(b);
}

static void on_timer(struct ev_timer *timer)
{
	step(CONTAINER_OF(timer, struct bird2, timer));
}

static bool is_there(const struct bird2 *b)
{
	return birdc_is_connected(&b->talk.ctl) && !b->talk.is_refused;
}

static void on_talk(void *ctx, bool was_taken)
{
	struct bird2 *b = ctx;

	if (was_taken)
		accept_all(b);
	if (is_there(b) != b->was_there) {
		b->was_there = !b->was_there;
		announcer_peer_changed(&b->base);
	}
	step(b);
}

/* --- the backend ---------------------------------------------------------------------------------
 */

static void bird2_free(struct announcer *a)
{
	struct bird2 *b = bird2_of(a);

	evloop_timer_stop(&b->timer);
	bird2_talk_deinit(&b->talk);
	for (uint32_t i = 0; b->groups && i < b->n_groups; i++)
		bird2_group_deinit(&b->groups[i]);
	bird2_dir_deinit(&b->dir);
	vip_set_deinit(&b->old);
	route_plan_free(b->context.plan);
	free(b->groups);
	free(b);
}

static int bird2_adopt(struct announcer *a, const struct generation *gen,
		       const struct gen_diff *diff)
{
	struct bird2 *b = bird2_of(a);

	TRY(route_plan_adopt(b->context.plan, gen, diff));
	b->context.gen = gen;
	b->is_changed = true;
	look_at_pending(b);
	arm(b);
	return 0;
}

static void bird2_dirty(struct announcer *a, uint32_t prefix)
{
	struct bird2 *b = bird2_of(a);

	if (!route_plan_mark(b->context.plan, prefix))
		return;
	if (state_prefix(a->args.tables, prefix)->state == STATE_DOWN)
		b->is_urgent = true;
	else
		b->is_changed = true;
	arm(b);
}

static void bird2_warm(struct announcer *a)
{
	struct bird2 *b = bird2_of(a);

	b->is_warm = true;
	b->is_urgent = true;
	arm(b);
}

/* Nothing of what was announced stays, whether a verdict was reached or not. */
static void bird2_withdraw_all(struct announcer *a)
{
	struct bird2 *b = bird2_of(a);

	route_plan_withdraw_all(b->context.plan);
	for (uint32_t i = 0; i < b->n_groups; i++)
		b->groups[i].is_warm = true;
	bird2_talk_hurry(&b->talk);
	b->is_urgent = true;
	b->last_begin_ns = 0;
	arm(b);
}

/* A BIRD that is away cannot be waited for, but its files must say that nothing is announced. */
static bool bird2_is_idle(const struct announcer *a)
{
	const struct bird2 *b = CONTAINER_OF(a, struct bird2, base);

	if (b->is_urgent || b->talk.command == BIRD2_CONFIGURE || b->talk.command == BIRD2_DISABLE)
		return false;
	return b->talk.ctl.state == BIRDC_AWAY || !bird2_talk_needs_configure(&b->talk);
}

static bool bird2_peer_is_there(const struct announcer *a, uint16_t group)
{
	const struct bird2 *b = CONTAINER_OF(a, struct bird2, base);

	return group >= 1 && is_there(b);
}

static uint32_t bird2_rows(const struct announcer *a,
			   struct announce_row rows[ANNOUNCE_MAX_BACKENDS])
{
	const struct bird2 *b = CONTAINER_OF(a, struct bird2, base);
	const struct bird2_talk *t = &b->talk;
	bool is_well = is_there(b) && !t->verify.was_mismatch;
	struct announce_row *row = &rows[0];

	*row = (struct announce_row){.backend = b->kind.backend, .n_groups = b->n_groups};
	bird2_talk_fill(t, row);
	for (uint32_t i = 0; i < b->n_groups; i++) {
		const struct bird2_group *g = &b->groups[i];

		row->groups[i].is_synced = is_well && g->has_written && !g->has_failed;
		row->groups[i].unsent = route_plan_pending(b->context.plan, g->number);
		bird2_group_fill(g, &row->groups[i]);
		row->has_error = row->has_error || g->has_failed;
	}
	return 1;
}

static const struct announcer_ops bird2_ops = {
	.free = bird2_free,
	.adopt = bird2_adopt,
	.dirty = bird2_dirty,
	.warm = bird2_warm,
	.withdraw_all = bird2_withdraw_all,
	.is_idle = bird2_is_idle,
	.peer_is_there = bird2_peer_is_there,
	.rows = bird2_rows,
};

static int make(struct bird2 *b)
{
	const struct app_config *app = b->base.args.app;

	b->context.args = &b->base.args;
	b->context.kind = &b->kind;
	b->context.plan = route_plan_new(b->base.args.tables, app->announcer.n_groups,
					 app->announcer.max_announces_per_min);
	b->groups = calloc(MAX(app->announcer.n_groups, 1u), sizeof(*b->groups));
	if (!b->groups || !b->context.plan)
		return err_origin(-ENOMEM);
	if (b->kind.is_one_group) {
		b->n_groups = 1;
		route_plan_merge_groups(b->context.plan);
		bird2_group_init(&b->groups[0], "all", 1);
		return 0;
	}
	b->n_groups = app->announcer.n_groups;
	for (uint32_t i = 0; i < b->n_groups; i++)
		bird2_group_init(&b->groups[i], app->announcer.groups[i], (uint16_t)(i + 1));
	return 0;
}

int bird2_new_of_kind(const struct announcer_args *args, const struct bird2_kind *kind,
		      struct announcer **ret)
{
	struct bird2 *b = calloc(1, sizeof(*b));
	int r;

	if (!b)
		return err_origin(-ENOMEM);
	b->base = (struct announcer){.ops = &bird2_ops, .args = *args};
	b->kind = *kind;
	b->timer.fn = on_timer;
	bird2_dir_init(&b->dir, args->app, &b->kind);
	r = make(b);
	bird2_talk_init(&b->talk, &b->context, b->groups, b->n_groups, on_talk, b);
	if (r < 0) {
		bird2_free(&b->base);
		return err_trace(r);
	}
	take_dir(b);
	arm(b);
	*ret = &b->base;
	return 0;
}

int bird2_new(const struct announcer_args *args, struct announcer **ret)
{
	struct bird2_kind kind = bird2_routes_kind(args->app);

	return bird2_new_of_kind(args, &kind, ret);
}
