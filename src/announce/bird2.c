/* Backend bird2: an unmodified BIRD 2 (spec/announce.md part 2, docs/internals/announce.md).
 *
 * One file of static routes per announce group (bird2_group.c), and `configure` over BIRD's control
 * socket (birdc.c). A *cycle* brings all files up to date and then asks for one `configure`; at
 * most one is in flight, changes meanwhile cause exactly one more. A withdrawal begins a cycle at
 * once, but not within 20 ms of the last; announcements wait for coalesce_up.
 *
 * Nothing counts as sent before BIRD took the configuration. BIRD away: the files stay current, so
 * that it starts right. Refused: tried again after 1, 2, 4 ... 30 s, every 2 s while a withdrawal
 * waits. After every connect one `configure`, since nobody knows what BIRD has read. Every 10 s the
 * routes of each protocol are counted, and whatever differs is set right by a `configure`. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "announce/announce_backend.h"
#include "announce/bird2_group.h"
#include "announce/birdc.h"
#include "base/clk.h"
#include "base/err.h"
#include "base/log.h"

enum {
	MIN_GAP_MS = 20, /* between two cycles */
	CONFIGURE_LIMIT_MS = 5000,
	ASK_LIMIT_MS = 1000,
	REFUSED_MAX_MS = 30000,
	REFUSED_URGENT_MS = 2000, /* a withdrawal waits */
	FILE_RETRY_MS = 1000,
	LATER_MS = 1000, /* pending, but nothing to do about it (rate limit) */
	POLL_MS = 50,    /* `show status` while BIRD is in progress */
	POLL_FOR_MS = 10000,
	VERIFY_MS = 10000,
	TICK_MS = 1000,  /* files looked at */
	LEVER_MS = 3000, /* a withdrawal waits that long: on_config_error */
};

#define NEVER UINT64_MAX

enum command { COMMAND_NONE, COMMAND_CONFIGURE, COMMAND_STATUS, COMMAND_COUNT, COMMAND_DISABLE };

struct bird2 {
	struct announcer base;
	struct bird2_context context;
	struct bird2_group *groups;
	uint32_t n_groups;
	struct birdc ctl;
	struct ev_timer timer;
	int lock_fd;
	bool is_lock_told;
	struct vip_set old; /* what our own earlier files announce */
	bool is_warm;       /* as announcer_warm says; the groups follow */
	bool is_purged;     /* files of groups that are configured no more are gone */
	bool is_withdrawing;

	/* the next cycle */
	bool is_urgent;  /* a withdrawal waits for it */
	bool is_changed; /* something else does */
	uint64_t last_begin_ns, retry_ns;

	/* the running command */
	enum command command;
	uint32_t command_group;
	uint64_t n_routes; /* counted so far */

	/* files written, of these in the configuration asked for, and taken by BIRD */
	uint64_t n_writes, asked_writes, taken_writes;
	bool must_configure; /* whatever the files say */
	bool is_away_told;
	bool is_refused;
	uint32_t refused_ms;
	uint64_t refused_at_ns, refused_until_ns;

	uint64_t poll_ns, poll_until_ns; /* 0: not polling */
	uint64_t verify_ns;              /* when the next round is due */
	uint32_t verify_at;              /* 2 * group + family: the protocol that is next */
	bool has_mismatch, was_mismatch; /* in this round, in the one before */
	uint64_t tick_ns;
	const char *last_error;
};

static struct bird2 *bird2_of(struct announcer *a)
{
	return CONTAINER_OF(a, struct bird2, base);
}

static uint64_t now_of(const struct bird2 *b)
{
	return evloop_now(b->base.args.loop);
}

static void count(const struct bird2 *b, enum counter which)
{
	counter_add(b->base.args.counters, which, 1);
}

static const struct app_config *app_of(const struct bird2 *b)
{
	return b->base.args.app;
}

static bool needs_configure(const struct bird2 *b)
{
	return b->must_configure || b->n_writes != b->taken_writes;
}

static bool has_warm_group(const struct bird2 *b)
{
	for (uint32_t i = 0; i < b->n_groups; i++) {
		if (b->groups[i].is_warm)
			return true;
	}
	return false;
}

/* Is a withdrawal waiting for BIRD? Since when? */
static uint64_t withdrawing_since(const struct bird2 *b)
{
	uint64_t since = NEVER;

	for (uint32_t i = 0; i < b->n_groups; i++) {
		if (b->groups[i].withdrawing_since_ns)
			since = MIN(since, b->groups[i].withdrawing_since_ns);
	}
	return since;
}

/* --- when ---------------------------------------------------------------------------------------
 */

static uint64_t cycle_due(const struct bird2 *b)
{
	uint64_t gap = b->last_begin_ns ? b->last_begin_ns + MIN_GAP_MS * CLK_MS : 0;
	uint64_t coalesce =
		MAX(app_of(b)->bird2.coalesce_up_ns, app_of(b)->announcer.update_period_ns);
	uint64_t due = b->retry_ns ? b->retry_ns : NEVER;

	if (b->is_urgent)
		return gap;
	if (b->is_changed)
		due = MIN(due, b->last_begin_ns ? MAX(gap, b->last_begin_ns + coalesce) : 0);
	if (needs_configure(b) && birdc_is_connected(&b->ctl) && has_warm_group(b))
		due = MIN(due, b->is_refused ? MAX(gap, b->refused_until_ns) : gap);
	return due;
}

static bool is_blocked(const struct bird2 *b, const struct bird2_group *g)
{
	return g->withdrawing_since_ns && (b->is_refused || g->has_failed);
}

/* When the emergency lever is due for this group. */
static uint64_t lever_due(const struct bird2 *b, const struct bird2_group *g)
{
	if (!app_of(b)->bird2.disables_group || g->is_disabled || !is_blocked(b, g))
		return NEVER;
	return g->withdrawing_since_ns + (b->is_withdrawing ? 0 : LEVER_MS * CLK_MS);
}

static uint64_t next_lever_due(const struct bird2 *b)
{
	uint64_t due = NEVER;

	for (uint32_t i = 0; i < b->n_groups; i++)
		due = MIN(due, lever_due(b, &b->groups[i]));
	return due;
}

static bool can_verify(const struct bird2 *b)
{
	return !needs_configure(b) && !b->poll_ns && b->n_groups > 0;
}

static void arm(struct bird2 *b)
{
	uint64_t due = b->tick_ns;

	if (b->command == COMMAND_NONE) {
		due = MIN(due, cycle_due(b));
		if (b->ctl.state == BIRDC_IDLE) {
			due = MIN(due, next_lever_due(b));
			if (b->poll_ns)
				due = MIN(due, b->poll_ns);
			if (can_verify(b))
				due = MIN(due, b->verify_ns);
		}
	}
	evloop_timer_at(b->base.args.loop, &b->timer, MAX(due, UINT64_C(1)));
}

static void step(struct bird2 *b);

/* --- commands ------------------------------------------------------------------------------------
 */

static void give(struct bird2 *b, enum command command, uint32_t limit_ms, const char *text)
{
	b->command = command;
	b->n_routes = 0;
	birdc_command(&b->ctl, limit_ms, text);
}

static void configure(struct bird2 *b)
{
	b->asked_writes = b->n_writes;
	give(b, COMMAND_CONFIGURE, CONFIGURE_LIMIT_MS, "configure");
	if (app_of(b)->bird2.durable)
		bird_file_sync_dir(app_of(b)->bird2.dir); /* BIRD need not wait for it */
}

static void count_routes(struct bird2 *b)
{
	char text[BIRD_FILE_NAME_BYTES + 32], protocol[BIRD_FILE_NAME_BYTES];

	b->command_group = b->verify_at / 2;
	bird_file_protocol(b->groups[b->command_group].name, b->verify_at % 2 == 0, protocol);
	snprintf(text, sizeof(text), "show route protocol '%s' count", protocol);
	give(b, COMMAND_COUNT, ASK_LIMIT_MS, text);
}

static void disable(struct bird2 *b, uint32_t i)
{
	char text[BIRD_FILE_NAME_BYTES + 32];

	b->command_group = i;
	b->groups[i].is_disabled = true;
	snprintf(text, sizeof(text), "disable \"hc_%s_[46]\"", b->groups[i].name);
	LOG(LOG_ERROR, "announce", "bird_group_disabled", LF_STR("group", b->groups[i].name),
	    LF_STR("why", "a withdrawal is blocked"));
	give(b, COMMAND_DISABLE, ASK_LIMIT_MS, text);
}

/* --- a cycle -------------------------------------------------------------------------------------
 */

static bool is_left_over(void *ctx, const char *group, const char *text, size_t len)
{
	const struct bird2 *b = ctx;

	(void)text;
	(void)len;
	for (uint32_t i = 0; i < b->n_groups; i++) {
		if (strcmp(b->groups[i].name, group) == 0)
			return false;
	}
	LOG(LOG_INFO, "announce", "bird_file_of_no_group_removed", LF_STR("group", group));
	return true;
}

/* A group whose prefixes all have a verdict need not wait for the others. */
static void look_at_warmth(struct bird2 *b)
{
	bool are_all = true;

	for (uint32_t i = 0; i < b->n_groups; i++) {
		struct bird2_group *g = &b->groups[i];

		if (!g->is_warm && (b->is_warm || bird2_group_is_decided(g, &b->context)) &&
		    bird2_group_warm_up(g, &b->context, &b->old) < 0)
			b->retry_ns = now_of(b) + FILE_RETRY_MS * CLK_MS;
		are_all = are_all && g->is_warm;
	}
	if (!b->is_warm || !are_all || b->is_purged)
		return;
	b->is_purged = true;
	vip_set_deinit(&b->old);
	if (bird_file_each(app_of(b)->bird2.dir, is_left_over, b) > 0)
		b->must_configure = true;
}

static void write_files(struct bird2 *b)
{
	for (uint32_t i = 0; i < b->n_groups; i++) {
		int r;

		if (!b->groups[i].is_warm)
			continue;
		r = bird2_group_write(&b->groups[i], &b->context, now_of(b));
		if (r == BIRD2_GROUP_WROTE)
			b->n_writes++;
		if (r < 0)
			b->retry_ns = now_of(b) + FILE_RETRY_MS * CLK_MS;
	}
}

/* What changed while BIRD worked, or is held back, is looked at again. */
static void look_at_pending(struct bird2 *b)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->n_groups; i++) {
		if (!b->groups[i].is_warm || b->groups[i].has_failed)
			continue; /* it has a time of its own */
		n += route_plan_pending(b->context.plan, b->groups[i].number);
		b->is_urgent = b->is_urgent ||
			       route_plan_has_withdrawal(b->context.plan, b->groups[i].number);
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
	b->last_begin_ns = now_of(b);
	b->is_urgent = false;
	b->is_changed = false;
	b->retry_ns = 0;
	look_at_warmth(b);
	if (!has_warm_group(b))
		return;
	write_files(b);
	if (!needs_configure(b))
		accept_all(b);
	else if (b->ctl.state == BIRDC_IDLE && (!b->is_refused || now_of(b) >= b->refused_until_ns))
		configure(b);
}

/* --- replies -------------------------------------------------------------------------------------
 */

static void on_taken(struct bird2 *b, unsigned code)
{
	count(b, CTR_BIRD_CONFIGURES);
	if (b->is_refused)
		LOG(LOG_INFO, "announce", "bird_takes_config_again");
	b->is_refused = false;
	b->refused_ms = 0;
	b->last_error = "";
	b->taken_writes = b->asked_writes;
	b->must_configure = false;
	for (uint32_t i = 0; i < b->n_groups; i++)
		b->groups[i].is_disabled = false;
	if (code != BIRDC_RECONFIGURED && !b->poll_ns) {
		b->poll_ns = now_of(b) + POLL_MS * CLK_MS;
		b->poll_until_ns = now_of(b) + POLL_FOR_MS * CLK_MS;
	}
	accept_all(b);
}

static void on_refused(struct bird2 *b, const char *text)
{
	uint64_t now = now_of(b);
	uint32_t limit = withdrawing_since(b) != NEVER ? REFUSED_URGENT_MS : REFUSED_MAX_MS;

	count(b, CTR_BIRD_REFUSALS);
	b->refused_ms = b->refused_ms ? 2 * b->refused_ms : 1000;
	b->refused_ms = MIN(b->refused_ms, limit);
	b->refused_until_ns = now + b->refused_ms * CLK_MS;
	b->last_error = "BIRD refuses its configuration";
	if (!b->is_refused) {
		b->is_refused = true;
		b->refused_at_ns = now;
	}
	LOG(LOG_ERROR, "announce", "bird_config_refused", LF_STR("text", text),
	    LF_BOOL("withdrawal_waits", limit == REFUSED_URGENT_MS),
	    LF_U64("for_s", (now - b->refused_at_ns) / CLK_S));
}

static void on_configured(struct bird2 *b, unsigned code, const char *text)
{
	if (code == BIRDC_RECONFIGURED || code == BIRDC_IN_PROGRESS || code == BIRDC_QUEUED)
		on_taken(b, code);
	else if (code >= BIRDC_FIRST_ERROR)
		on_refused(b, text);
	else
		birdc_reset(&b->ctl, "an answer to configure that says nothing");
}

/* No message tells the end of a reconfiguration in progress: ask until it is over. */
static void on_status(struct bird2 *b, unsigned code, const char *text)
{
	bool is_in_progress = code == BIRDC_STATUS && strncmp(text, "Reconfiguration", 15) == 0;

	if (is_in_progress && now_of(b) < b->poll_until_ns) {
		b->poll_ns = now_of(b) + POLL_MS * CLK_MS;
		return;
	}
	if (is_in_progress)
		LOG(LOG_WARN, "announce", "bird_still_in_progress");
	b->poll_ns = 0;
	b->verify_ns = now_of(b);
}

static void end_round(struct bird2 *b)
{
	b->verify_at = 0;
	b->verify_ns = now_of(b) + VERIFY_MS * CLK_MS;
	if (b->has_mismatch) {
		b->must_configure = true;
		if (!b->was_mismatch)
			b->verify_ns = now_of(b) + TICK_MS * CLK_MS; /* did that repair it? */
		b->last_error = "BIRD's routes differ";
	} else if (b->was_mismatch) {
		b->last_error = "";
		LOG(LOG_INFO, "announce", "bird_routes_agree_again");
	}
	b->was_mismatch = b->has_mismatch;
	b->has_mismatch = false;
}

static void on_counted(struct bird2 *b, unsigned code, const char *text)
{
	const struct bird2_group *g = &b->groups[b->command_group];
	uint32_t n_v4 = vip_set_n_v4(&g->accepted);
	uint64_t want = b->verify_at % 2 == 0 ? n_v4 : g->accepted.n - n_v4;

	if (g->is_warm && (code >= BIRDC_FIRST_ERROR || b->n_routes != want)) {
		count(b, CTR_BIRD_REPAIRS);
		LOG(b->was_mismatch ? LOG_ERROR : LOG_WARN, "announce", "bird_routes_differ",
		    LF_STR("group", g->name), LF_U64("family", b->verify_at % 2 == 0 ? 4 : 6),
		    LF_U64("routes", b->n_routes), LF_U64("want", want),
		    LF_STR("text", code >= BIRDC_FIRST_ERROR ? text : ""));
		b->has_mismatch = true;
	}
	if (++b->verify_at == 2 * b->n_groups)
		end_round(b);
}

static void on_data(void *ctx, unsigned code, const char *text)
{
	struct bird2 *b = ctx;
	uint64_t n;

	if (b->command == COMMAND_COUNT && code == BIRDC_ROUTE_COUNT && birdc_reply_count(text, &n))
		b->n_routes += n;
}

static void on_done(void *ctx, unsigned code, const char *text)
{
	struct bird2 *b = ctx;
	enum command command = b->command;

	b->command = COMMAND_NONE;
	switch (command) {
	case COMMAND_CONFIGURE:
		on_configured(b, code, text);
		break;
	case COMMAND_STATUS:
		on_status(b, code, text);
		break;
	case COMMAND_COUNT:
		on_counted(b, code, text);
		break;
	case COMMAND_DISABLE:
		if (code >= BIRDC_FIRST_ERROR)
			LOG(LOG_ERROR, "announce", "bird_disable_refused", LF_STR("text", text));
		break;
	case COMMAND_NONE:
		break;
	}
	step(b);
}

static void on_ready(void *ctx)
{
	struct bird2 *b = ctx;

	LOG(LOG_INFO, "announce", "bird_connected", LF_STR("path", app_of(b)->bird2.ctl_sock));
	b->is_away_told = false;
	b->last_error = "";
	b->must_configure = true;
	b->is_refused = false; /* it may be another BIRD */
	b->refused_ms = 0;
	b->verify_ns = now_of(b) + VERIFY_MS * CLK_MS;
	step(b);
}

static void on_gone(void *ctx, const char *why)
{
	struct bird2 *b = ctx;

	if (!b->is_away_told)
		LOG(LOG_ERROR, "announce", "bird_away", LF_STR("path", app_of(b)->bird2.ctl_sock),
		    LF_STR("error", why));
	b->is_away_told = true;
	b->last_error = why;
	b->command = COMMAND_NONE;
	b->must_configure = true;
	b->poll_ns = 0;
	b->verify_at = 0;
	b->has_mismatch = false;
	for (uint32_t i = 0; i < b->n_groups; i++)
		b->groups[i].is_disabled = false;
	arm(b);
}

/* --- the directory -------------------------------------------------------------------------------
 */

static bool remember(void *ctx, const char *group, const char *text, size_t len)
{
	struct bird2 *b = ctx;

	if (bird_file_parse(text, len, &b->old) != 0)
		LOG(LOG_WARN, "announce", "bird_file_not_readable", LF_STR("group", group));
	return false;
}

static int open_lock(const struct bird2 *b)
{
	char path[BIRD_FILE_PATH_BYTES];
	int r = bird_file_make_dir(app_of(b)->bird2.dir), fd;

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "%s/.lock", app_of(b)->bird2.dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

/* Two daemons must not write the same files. The old ones are read as soon as they are ours. */
static bool has_lock(struct bird2 *b)
{
	int fd;

	if (b->lock_fd >= 0)
		return true;
	fd = open_lock(b);
	if (fd < 0) {
		if (!b->is_lock_told)
			LOG(LOG_ERROR, "announce", "bird_dir_not_usable",
			    LF_STR("dir", app_of(b)->bird2.dir),
			    LF_STR("error", strerrorname_np(-fd)));
		b->is_lock_told = true;
		return false;
	}
	b->lock_fd = fd;
	b->is_changed = true;
	(void)bird_file_each(app_of(b)->bird2.dir, remember, b);
	return true;
}

/* Looks whether somebody else changed a file; a cycle sets it right. */
static void look_at_files(struct bird2 *b)
{
	for (uint32_t i = 0; i < b->n_groups; i++) {
		struct bird2_group *g = &b->groups[i];

		if (g->has_written && !bird2_group_is_untouched(g, &b->context))
			b->is_urgent = true;
	}
}

/* --- the turn ------------------------------------------------------------------------------------
 */

static void ask(struct bird2 *b)
{
	uint64_t now = now_of(b);

	for (uint32_t i = 0; i < b->n_groups; i++) {
		if (lever_due(b, &b->groups[i]) <= now) {
			disable(b, i);
			return;
		}
	}
	if (b->poll_ns && b->poll_ns <= now)
		give(b, COMMAND_STATUS, ASK_LIMIT_MS, "show status");
	else if (can_verify(b) && b->verify_ns <= now)
		count_routes(b);
}

static void step(struct bird2 *b)
{
	uint64_t now = now_of(b);

	if (b->tick_ns <= now) {
		b->tick_ns = now + TICK_MS * CLK_MS;
		look_at_files(b);
	}
	if (b->command == COMMAND_NONE && has_lock(b) && b->context.gen) {
		if (cycle_due(b) <= now)
			begin_cycle(b);
		if (b->command == COMMAND_NONE && b->ctl.state == BIRDC_IDLE)
			ask(b);
	}
	arm(b);
}

static void on_timer(struct ev_timer *timer)
{
	step(CONTAINER_OF(timer, struct bird2, timer));
}

/* --- the backend ---------------------------------------------------------------------------------
 */

static void bird2_free(struct announcer *a)
{
	struct bird2 *b = bird2_of(a);

	evloop_timer_stop(&b->timer);
	birdc_deinit(&b->ctl);
	for (uint32_t i = 0; b->groups && i < b->n_groups; i++)
		bird2_group_deinit(&b->groups[i]);
	if (b->lock_fd >= 0)
		close(b->lock_fd);
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
	b->is_withdrawing = true;
	for (uint32_t i = 0; i < b->n_groups; i++)
		b->groups[i].is_warm = true;
	b->is_urgent = true;
	b->refused_until_ns = 0;
	b->last_begin_ns = 0;
	arm(b);
}

/* A BIRD that is away cannot be waited for, but its files must say that nothing is announced. */
static bool bird2_is_idle(const struct announcer *a)
{
	const struct bird2 *b = CONTAINER_OF(a, struct bird2, base);

	if (b->is_urgent || b->command == COMMAND_CONFIGURE || b->command == COMMAND_DISABLE)
		return false;
	return b->ctl.state == BIRDC_AWAY || !needs_configure(b);
}

static bool bird2_peer_is_there(const struct announcer *a, uint16_t group)
{
	const struct bird2 *b = CONTAINER_OF(a, struct bird2, base);

	return group >= 1 && group <= b->n_groups && birdc_is_connected(&b->ctl) && !b->is_refused;
}

static void bird2_status(const struct announcer *a, struct announcer_status *ret)
{
	const struct bird2 *b = CONTAINER_OF(a, struct bird2, base);
	bool is_well = birdc_is_connected(&b->ctl) && !b->is_refused && !b->was_mismatch;

	*ret = (struct announcer_status){.n_groups = b->n_groups, .last_error = b->last_error};
	for (uint32_t i = 0; i < b->n_groups; i++) {
		const struct bird2_group *g = &b->groups[i];

		ret->n_groups_synced += is_well && g->has_written && !g->has_failed;
		ret->n_unsent += route_plan_pending(b->context.plan, g->number);
	}
}

static const struct announcer_ops bird2_ops = {
	.free = bird2_free,
	.adopt = bird2_adopt,
	.dirty = bird2_dirty,
	.warm = bird2_warm,
	.withdraw_all = bird2_withdraw_all,
	.is_idle = bird2_is_idle,
	.peer_is_there = bird2_peer_is_there,
	.status = bird2_status,
};

static int make(struct bird2 *b)
{
	const struct app_config *app = app_of(b);

	b->n_groups = app->announcer.n_groups;
	b->groups = calloc(MAX(b->n_groups, 1u), sizeof(*b->groups));
	b->context.plan = route_plan_new(b->base.args.tables, b->n_groups,
					 app->announcer.max_announces_per_min);
	if (!b->groups || !b->context.plan)
		return err_origin(-ENOMEM);
	b->context.args = &b->base.args;
	for (uint32_t i = 0; i < b->n_groups; i++)
		bird2_group_init(&b->groups[i], app->announcer.groups[i], (uint16_t)(i + 1));
	return 0;
}

int bird2_new(const struct announcer_args *args, struct announcer **ret)
{
	struct bird2 *b = calloc(1, sizeof(*b));
	struct birdc_hooks hooks = {
		.ctx = b, .ready = on_ready, .data = on_data, .done = on_done, .gone = on_gone};

	if (!b)
		return err_origin(-ENOMEM);
	b->base = (struct announcer){.ops = &bird2_ops, .args = *args};
	b->lock_fd = -1;
	b->must_configure = true;
	b->last_error = "";
	b->timer.fn = on_timer;
	b->ctl.source.fd = -1;
	if (make(b) < 0) {
		bird2_free(&b->base);
		return err_trace(-ENOMEM);
	}
	birdc_init(&b->ctl, args->loop, args->app->bird2.ctl_sock, &hooks);
	b->tick_ns = now_of(b);
	arm(b);
	*ret = &b->base;
	return 0;
}
