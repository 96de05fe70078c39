/* Backend bird: Monalive's datagram protocol (spec/announce.md part 1).
 *
 * One socket and one route plan per announce group. A group is `synced` when its peer took the last
 * send; when it turns synced again, when it asks, and once when all verdicts are known, it gets the
 * full snapshot. Sending is paced by one timer per group: a withdrawal goes at once, but no two
 * sends of a group within 5 ms; announcements keep to update_period. poll() says nothing about a
 * full peer on an unconnected datagram socket, so EAGAIN is retried by the same timer.
 */
#include <errno.h>

#include "announce/announce_backend.h"
#include "announce/announce_error.h"
#include "announce/bird_record.h"
#include "announce/bird_sock.h"
#include "announce/route_plan.h"
#include "base/clk.h"
#include "base/err.h"
#include "base/log.h"

enum {
	MIN_GAP_MS = 5,
	RESYNC_MS = 1000,   /* an absent peer is tried again */
	WITHHELD_MS = 1000, /* max_announces_per_min keeps all back that is pending */
	RETRY_MAX_MS = 50,  /* a full peer: 1, 2, 4 ... 50 ms */
	STUCK_MS = 2000,    /* a peer full for that long is told as stuck */
	ANSWER_GAP_MS = 100 /* state answers of one group */
};

enum peer { PEER_UNKNOWN, PEER_SYNCED, PEER_FULL, PEER_AWAY };

struct group {
	struct bird *bird;
	uint16_t number; /* from 1 */
	const char *name;
	struct bird_sock sock;
	struct ev_source source;
	struct ev_timer timer;
	enum peer peer;
	int last_error; /* errno of the state that was told last */
	uint32_t chunk; /* records per datagram; halved by EMSGSIZE */
	uint32_t retry_ms;
	uint64_t last_send_ns; /* 0: never */
	uint64_t last_announce_ns;
	uint64_t last_answer_ns;
	uint64_t answer_due_ns; /* 0: nobody asked */
	uint64_t full_since_ns;
	bool stuck_told;
};

struct bird {
	struct announcer base;
	struct route_plan *plan;
	struct group *groups; /* n_groups */
	uint32_t n_groups;
	uint8_t *datagram;
	struct announce_error error;
};

static struct bird *bird_of(struct announcer *a)
{
	return CONTAINER_OF(a, struct bird, base);
}

static uint64_t now_of(const struct group *g)
{
	return evloop_now(g->bird->base.args.loop);
}

static void count(const struct group *g, enum counter which, uint64_t n)
{
	counter_add(g->bird->base.args.counters, which, n);
}

/* --- when to send ------------------------------------------------------------------------------
 */

static void arm(struct group *g, uint64_t due_ns)
{
	if (!evloop_timer_is_armed(&g->timer) || due_ns < g->timer.due_ns)
		evloop_timer_at(g->bird->base.args.loop, &g->timer, due_ns);
}

static uint64_t announce_due(const struct group *g)
{
	const struct app_config *app = g->bird->base.args.app;

	return g->last_announce_ns + app->announcer.update_period_ns;
}

/* The next moment at which what is pending may go. */
static void arm_for_pending(struct group *g)
{
	struct route_plan *plan = g->bird->plan;
	uint64_t due = g->last_send_ns + MIN_GAP_MS * CLK_MS;

	if (g->peer == PEER_AWAY || g->peer == PEER_FULL)
		return; /* its own timer runs */
	if (!route_plan_has_withdrawal(plan, g->number)) {
		if (route_plan_pending(plan, g->number) == 0)
			return;
		due = MAX(due, announce_due(g));
	}
	arm(g, MAX(due, now_of(g)));
}

/* --- what became of a send ---------------------------------------------------------------------
 */

static void tell_error(struct group *g, const char *event, int error)
{
	if (g->last_error == error)
		return;
	g->last_error = error;
	announce_error_set(&g->bird->error, "%s: %s", g->sock.peer.sun_path,
			   strerrorname_np(error));
	LOG(LOG_ERROR, "announce", event, LF_STR("group", g->name),
	    LF_STR("path", g->sock.peer.sun_path), LF_STR("error", strerrorname_np(error)));
}

static void became_away(struct group *g, int error)
{
	bool was_there = g->peer != PEER_AWAY;

	g->peer = PEER_AWAY;
	tell_error(g, "bird_away", error);
	evloop_timer_at(g->bird->base.args.loop, &g->timer, now_of(g) + RESYNC_MS * CLK_MS);
	if (was_there)
		announcer_peer_changed(&g->bird->base);
}

static void became_full(struct group *g)
{
	uint64_t now = now_of(g);

	if (g->peer != PEER_FULL) {
		g->peer = PEER_FULL;
		g->full_since_ns = now;
		g->retry_ms = 1;
	} else {
		g->retry_ms = MIN(2 * g->retry_ms, (uint32_t)RETRY_MAX_MS);
	}
	if (!g->stuck_told && now - g->full_since_ns > STUCK_MS * CLK_MS) {
		g->stuck_told = true;
		LOG(LOG_ERROR, "announce", "bird_stuck", LF_STR("group", g->name),
		    LF_U64("pending", route_plan_pending(g->bird->plan, g->number)));
	}
	evloop_timer_at(g->bird->base.args.loop, &g->timer, now + g->retry_ms * CLK_MS);
}

static void became_synced(struct group *g)
{
	bool was_away;

	if (g->peer != PEER_SYNCED && (g->last_error || g->stuck_told))
		LOG(LOG_INFO, "announce", "bird_back", LF_STR("group", g->name));
	was_away = g->peer == PEER_AWAY;
	g->peer = PEER_SYNCED;
	g->last_error = 0;
	g->stuck_told = false;
	if (was_away)
		announcer_peer_changed(&g->bird->base);
}

/* Returns true if the rest of the list may follow. */
static bool after_error(struct group *g, int error)
{
	count(g, CTR_BIRD_SEND_ERRORS, 1);
	if (error == EMSGSIZE && g->chunk > 1) {
		g->chunk /= 2;
		LOG(LOG_WARN, "announce", "bird_datagram_too_big", LF_STR("group", g->name),
		    LF_U64("records", g->chunk));
		return true;
	}
	if (error == EAGAIN || error == ENOBUFS)
		became_full(g);
	else
		became_away(g, error);
	return false;
}

/* --- sending -----------------------------------------------------------------------------------
 */

static size_t write_records(struct group *g, const struct route *routes, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		bird_record_write(g->bird->datagram + i * BIRD_RECORD_BYTES, &routes[i].vip,
				  routes[i].announce);
	return (size_t)n * BIRD_RECORD_BYTES;
}

static void accepted(struct group *g, const struct route *routes, uint32_t n)
{
	const struct announcer_hooks *hooks = &g->bird->base.args.hooks;
	uint64_t now = now_of(g);

	route_plan_accepted(g->bird->plan, g->number, routes, n, now);
	g->last_send_ns = now;
	for (uint32_t i = 0; i < n; i++) {
		if (routes[i].announce)
			g->last_announce_ns = now;
		if (routes[i].prefix != SLOT_NONE)
			hooks->sent(hooks->ctx, routes[i].prefix,
				    routes[i].announce ? STATE_UP : STATE_DOWN);
	}
}

/* Returns true if all of it was taken. */
static bool send_list(struct group *g, const struct route_list *list)
{
	for (uint32_t i = 0; i < list->n;) {
		uint32_t n = MIN(list->n - i, g->chunk);
		size_t len = write_records(g, list->at + i, n);
		int r = bird_sock_send(&g->sock, g->bird->datagram, len);

		if (r < 0) {
			if (!after_error(g, -r))
				return false;
			continue;
		}
		count(g, CTR_BIRD_DATAGRAMS, 1);
		accepted(g, list->at + i, n);
		i += n;
	}
	return true;
}

static void on_request(struct ev_source *source, uint32_t events);

/* Makes the socket if it is not there. */
static bool open_socket(struct group *g)
{
	int r;

	if (g->sock.fd >= 0)
		return true;
	r = bird_sock_open(&g->sock);
	if (r != 0) {
		became_away(g, r == BIRD_SOCK_TAKEN ? EBUSY : -r);
		return false;
	}
	g->source = (struct ev_source){.fd = g->sock.fd, .fn = on_request};
	if (evloop_watch(g->bird->base.args.loop, &g->source, EPOLLIN) < 0) {
		bird_sock_close(&g->sock);
		became_away(g, ENOMEM);
		return false;
	}
	return true;
}

static void send_pending(struct group *g)
{
	struct route_plan *plan = g->bird->plan;
	bool with_announcements = now_of(g) >= announce_due(g);
	struct route_list list;

	if (!open_socket(g))
		return;
	if (g->peer == PEER_AWAY)
		route_plan_mark_all(plan, g->number); /* it may have forgotten everything */
	if (route_plan_collect(plan, g->number, with_announcements || g->peer == PEER_AWAY,
			       now_of(g), &list) < 0) {
		became_away(g, ENOMEM);
		return;
	}
	if (!send_list(g, &list))
		return;
	if (list.n)
		became_synced(g);
	else if (g->peer == PEER_AWAY || g->peer == PEER_FULL)
		g->peer = PEER_UNKNOWN;
	if (list.n == 0 && with_announcements && route_plan_pending(plan, g->number) > 0)
		arm(g, now_of(g) + WITHHELD_MS * CLK_MS);
	else
		arm_for_pending(g);
}

/* --- state requests ----------------------------------------------------------------------------
 */

static void answer(struct group *g)
{
	g->answer_due_ns = 0;
	g->last_answer_ns = now_of(g);
	count(g, CTR_BIRD_STATE_REQUESTS, 1);
	route_plan_mark_all(g->bird->plan, g->number);
	g->last_announce_ns = 0; /* an answer does not wait for the update period */
	if (g->peer == PEER_AWAY)
		g->peer = PEER_UNKNOWN; /* it just spoke to us */
}

static void on_request(struct ev_source *source, uint32_t events)
{
	struct group *g = CONTAINER_OF(source, struct group, source);
	int n = bird_sock_drain(&g->sock);

	(void)events;
	if (n < 0) {
		/* a socket that cannot be read is made anew by the timer: no tight loop */
		evloop_unwatch(g->bird->base.args.loop, &g->source);
		bird_sock_close(&g->sock);
		became_away(g, -n);
		return;
	}
	if (n == 0)
		return;
	if (!g->answer_due_ns)
		g->answer_due_ns = MAX(now_of(g), g->last_answer_ns + ANSWER_GAP_MS * CLK_MS);
	arm(g, g->answer_due_ns);
}

static void on_timer(struct ev_timer *timer)
{
	struct group *g = CONTAINER_OF(timer, struct group, timer);

	if (g->answer_due_ns && now_of(g) >= g->answer_due_ns)
		answer(g);
	send_pending(g);
	if (g->answer_due_ns)
		arm(g, g->answer_due_ns);
}

/* --- the backend -------------------------------------------------------------------------------
 */

static void bird_free(struct announcer *a)
{
	struct bird *b = bird_of(a);

	for (uint32_t i = 0; b->groups && i < b->n_groups; i++) {
		evloop_timer_stop(&b->groups[i].timer);
		evloop_unwatch(a->args.loop, &b->groups[i].source);
		bird_sock_close(&b->groups[i].sock);
	}
	route_plan_free(b->plan);
	free(b->groups);
	free(b->datagram);
	free(b);
}

static int bird_adopt(struct announcer *a, const struct generation *gen,
		      const struct gen_diff *diff)
{
	struct bird *b = bird_of(a);

	TRY(route_plan_adopt(b->plan, gen, diff));
	for (uint32_t i = 0; i < b->n_groups; i++)
		arm_for_pending(&b->groups[i]);
	return 0;
}

static void bird_dirty(struct announcer *a, uint32_t prefix)
{
	struct bird *b = bird_of(a);
	uint16_t group = route_plan_mark(b->plan, prefix);

	if (group)
		arm_for_pending(&b->groups[group - 1]);
}

static void bird_warm(struct announcer *a)
{
	struct bird *b = bird_of(a);

	for (uint32_t i = 0; i < b->n_groups; i++) {
		route_plan_mark_all(b->plan, b->groups[i].number);
		arm_for_pending(&b->groups[i]);
	}
}

static void bird_withdraw_all(struct announcer *a)
{
	struct bird *b = bird_of(a);

	route_plan_withdraw_all(b->plan);
	for (uint32_t i = 0; i < b->n_groups; i++)
		arm(&b->groups[i], now_of(&b->groups[i]));
}

/* A peer that is away cannot be waited for; one whose queue is full can. */
static bool bird_is_idle(const struct announcer *a)
{
	const struct bird *b = CONTAINER_OF(a, struct bird, base);

	for (uint32_t i = 0; i < b->n_groups; i++) {
		const struct group *g = &b->groups[i];

		if (g->peer != PEER_AWAY && route_plan_pending(b->plan, g->number) > 0)
			return false;
	}
	return true;
}

static bool bird_peer_is_there(const struct announcer *a, uint16_t group)
{
	const struct bird *b = CONTAINER_OF(a, struct bird, base);

	return group >= 1 && group <= b->n_groups && b->groups[group - 1].peer != PEER_AWAY;
}

/* Nobody answers: connected means that no socket is known to be dead, and nothing is counted. */
static uint32_t bird_rows(const struct announcer *a,
			  struct announce_row rows[ANNOUNCE_MAX_BACKENDS])
{
	const struct bird *b = CONTAINER_OF(a, struct bird, base);
	struct announce_row *row = &rows[0];

	*row = (struct announce_row){
		.backend = ANNOUNCER_BIRD, .n_groups = b->n_groups, .is_connected = true};
	announce_error_fill(&b->error, row);
	for (uint32_t i = 0; i < b->n_groups; i++) {
		const struct group *g = &b->groups[i];
		struct announce_group_row *group = &row->groups[i];

		if (g->peer == PEER_AWAY)
			row->is_connected = false;
		row->has_error = row->has_error || g->last_error;
		group->is_synced = g->peer == PEER_SYNCED;
		group->unsent = route_plan_pending(b->plan, g->number);
		route_plan_count(b->plan, g->number, group->expected);
		for (unsigned f = 0; f < ANNOUNCE_FAMILY__N; f++)
			group->seen[f] = ANNOUNCE_NOT_COUNTED;
	}
	return 1;
}

static const struct announcer_ops bird_ops = {
	.free = bird_free,
	.adopt = bird_adopt,
	.dirty = bird_dirty,
	.warm = bird_warm,
	.withdraw_all = bird_withdraw_all,
	.is_idle = bird_is_idle,
	.peer_is_there = bird_peer_is_there,
	.rows = bird_rows,
};

static void init_group(struct bird *b, uint32_t i)
{
	const struct app_config *app = b->base.args.app;
	struct group *g = &b->groups[i];

	g->bird = b;
	g->number = (uint16_t)(i + 1);
	g->name = app->announcer.groups[i];
	g->chunk = app->bird.batch_size;
	g->timer.fn = on_timer;
	bird_sock_init(&g->sock, app->bird.sock_dir, g->name);
	/* binds the socket at the first turn, so that BIRD can ask before we have to say anything
	 */
	arm(g, now_of(g));
}

int bird_new(const struct announcer_args *args, struct announcer **ret)
{
	struct bird *b = calloc(1, sizeof(*b));

	if (!b)
		return err_origin(-ENOMEM);
	b->base = (struct announcer){.ops = &bird_ops, .args = *args};
	b->n_groups = args->app->announcer.n_groups;
	b->groups = calloc(MAX(b->n_groups, 1u), sizeof(*b->groups));
	b->datagram = malloc((size_t)args->app->bird.batch_size * BIRD_RECORD_BYTES);
	b->plan = route_plan_new(args->tables, b->n_groups,
				 args->app->announcer.max_announces_per_min);
	if (!b->groups || !b->datagram || !b->plan) {
		b->n_groups = 0;
		bird_free(&b->base);
		return err_origin(-ENOMEM);
	}
	for (uint32_t i = 0; i < b->n_groups; i++)
		init_group(b, i);
	*ret = &b->base;
	return 0;
}
