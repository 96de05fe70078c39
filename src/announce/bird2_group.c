#include "announce/bird2_group.h"

#include <errno.h>

#include "announce/announce_backend.h"
#include "base/err.h"
#include "base/log.h"
#include "config/gen.h"

void bird2_group_init(struct bird2_group *g, const char *name, uint16_t number)
{
	*g = (struct bird2_group){
		.name = name,
		.number = number,
		.seen = {ANNOUNCE_NOT_COUNTED, ANNOUNCE_NOT_COUNTED},
		.text = BUF_INIT(BIRD_FILE_MAX_BYTES),
		.next_text = BUF_INIT(BIRD_FILE_MAX_BYTES),
	};
}

void bird2_group_deinit(struct bird2_group *g)
{
	vip_set_deinit(&g->accepted);
	vip_set_deinit(&g->written);
	buf_deinit(&g->text);
	buf_deinit(&g->next_text);
	free(g->changes);
	g->changes = NULL;
}

static bool is_of_group(const struct bird2_group *g, const struct bird2_context *c, uint32_t prefix)
{
	return gen_prefix_in_use(c->gen, prefix) && c->gen->prefixes[prefix].group == g->number;
}

static bool is_undecided(const struct bird2_context *c, uint32_t prefix)
{
	return state_prefix(c->args->tables, prefix)->state == STATE_UNDECIDED;
}

bool bird2_group_is_decided(const struct bird2_group *g, const struct bird2_context *c)
{
	for (uint32_t i = 0; i < c->gen->end_prefixes; i++) {
		if (is_of_group(g, c, i) && is_undecided(c, i))
			return false;
	}
	return true;
}

int bird2_group_warm_up(struct bird2_group *g, const struct bird2_context *c,
			const struct vip_set *old)
{
	for (uint32_t i = 0; i < c->gen->end_prefixes; i++) {
		const struct addr *vip = &c->gen->prefixes[i].vip;

		if (is_of_group(g, c, i) && is_undecided(c, i) && vip_set_has(old, vip))
			TRY(vip_set_add(&g->accepted, vip));
	}
	route_plan_mark_all(c->plan, g->number);
	g->is_warm = true;
	return 0;
}

/* --- writing -----------------------------------------------------------------------------------
 */

/* The plan's list is gone with its next call; ours has to last until BIRD answered. */
static int keep_changes(struct bird2_group *g, const struct route_list *list)
{
	if (list->n > g->cap_changes) {
		struct route *more = realloc(g->changes, list->n * sizeof(*more));

		if (!more)
			return err_origin(-ENOMEM);
		g->changes = more;
		g->cap_changes = list->n;
	}
	if (list->n)
		memcpy(g->changes, list->at, list->n * sizeof(*list->at));
	g->n_changes = list->n;
	return 0;
}

static int prepare(struct bird2_group *g, const struct bird2_context *c, uint64_t now_ns)
{
	struct route_list list;

	TRY(route_plan_collect(c->plan, g->number, true, now_ns, &list));
	TRY(keep_changes(g, &list));
	if (g->withdrawing_since_ns == 0 && list.n && !list.at[0].announce)
		g->withdrawing_since_ns = now_ns;
	TRY(vip_set_apply(&g->accepted, &list, &g->written));
	return bird_file_format(g->name, &g->written, &g->next_text);
}

static bool has_same_text(const struct bird2_group *g)
{
	return g->has_written && buf_len(&g->text) == buf_len(&g->next_text) &&
	       memcmp(buf_head(&g->text), buf_head(&g->next_text), buf_len(&g->text)) == 0;
}

static int write_file(struct bird2_group *g, const struct bird2_context *c)
{
	const struct app_config *app = c->args->app;
	int r = bird_file_make_dir(app->bird2.dir);
	struct buf text = g->text;

	if (r == 0)
		r = bird_file_write(app->bird2.dir, g->name, &g->next_text, app->bird2.durable,
				    &g->mark);
	if (r < 0)
		return r;
	g->text = g->next_text;
	g->next_text = text;
	g->has_written = true;
	return BIRD2_GROUP_WROTE;
}

static void tell_foreign_change(const struct bird2_group *g, const struct bird2_context *c)
{
	counter_add(c->args->counters, CTR_BIRD_REPAIRS, 1);
	LOG(LOG_WARN, "announce", "bird_file_changed_by_others", LF_STR("group", g->name),
	    LF_STR("dir", c->args->app->bird2.dir));
}

static void tell_failure(struct bird2_group *g, const struct bird2_context *c, int r)
{
	if (!g->has_failed)
		LOG(LOG_ERROR, "announce", "bird_file_not_written", LF_STR("group", g->name),
		    LF_STR("dir", c->args->app->bird2.dir), LF_STR("error", strerrorname_np(-r)));
	g->has_failed = true;
}

int bird2_group_write(struct bird2_group *g, const struct bird2_context *c, uint64_t now_ns)
{
	bool is_touched = g->has_written && !bird2_group_is_untouched(g, c);
	int r;

	if (g->has_written && !is_touched && !g->in_cycle &&
	    route_plan_pending(c->plan, g->number) == 0)
		return 0;
	if (is_touched && !g->has_failed)
		tell_foreign_change(g, c);
	g->in_cycle = true;
	r = prepare(g, c, now_ns);
	if (r == 0 && (is_touched || !has_same_text(g)))
		r = write_file(g, c);
	if (r < 0)
		tell_failure(g, c, r);
	else
		g->has_failed = false;
	return r;
}

void bird2_group_fill(const struct bird2_group *g, struct announce_group_row *row)
{
	row->is_disabled = g->is_disabled;
	row->expected[ANNOUNCE_V4] = vip_set_n_v4(&g->accepted);
	row->expected[ANNOUNCE_V6] = g->accepted.n - row->expected[ANNOUNCE_V4];
	memcpy(row->seen, g->seen, sizeof(row->seen));
}

bool bird2_group_is_untouched(const struct bird2_group *g, const struct bird2_context *c)
{
	return bird_file_is_untouched(c->args->app->bird2.dir, g->name, &g->mark);
}

/* --- accepted ----------------------------------------------------------------------------------
 */

/* The slot still means what it meant when the file was written. */
static bool is_current(const struct bird2_group *g, const struct bird2_context *c,
		       const struct route *route)
{
	return route->prefix != SLOT_NONE && is_of_group(g, c, route->prefix) &&
	       addr_eq(&c->gen->prefixes[route->prefix].vip, &route->vip);
}

/* The plan keeps them as dirty until its next collection: a wish that changed meanwhile is not
 * lost.
 */
static void accept_changes(struct bird2_group *g, const struct bird2_context *c, uint64_t now_ns)
{
	const struct announcer_hooks *hooks = &c->args->hooks;

	for (uint32_t i = 0; i < g->n_changes; i++) {
		const struct route *route = &g->changes[i];

		if (!is_current(g, c, route))
			continue;
		route_plan_accepted(c->plan, g->number, route, 1, now_ns);
		hooks->sent(hooks->ctx, route->prefix, route->announce ? STATE_UP : STATE_DOWN);
	}
	g->n_changes = 0;
}

/* Tombstones have numbers that change: whichever the accepted file does not announce is done. */
static void accept_tombstones(struct bird2_group *g, const struct bird2_context *c, uint64_t now_ns)
{
	struct route_list list;

	if (route_plan_collect(c->plan, g->number, true, now_ns, &list) < 0)
		return; /* they stay dirty, and are taken next time */
	for (uint32_t i = 0; i < list.n; i++) {
		if (list.at[i].prefix == SLOT_NONE && !vip_set_has(&g->accepted, &list.at[i].vip))
			route_plan_accepted(c->plan, g->number, &list.at[i], 1, now_ns);
	}
	route_plan_drop_sent_tombstones(c->plan, g->number);
}

void bird2_group_accept(struct bird2_group *g, const struct bird2_context *c, uint64_t now_ns)
{
	struct vip_set before = g->accepted;

	if (!g->in_cycle || g->has_failed)
		return;
	g->in_cycle = false;
	g->accepted = g->written;
	g->written = before;
	g->written.n = 0;
	g->withdrawing_since_ns = 0;
	accept_changes(g, c, now_ns);
	accept_tombstones(g, c, now_ns);
}
