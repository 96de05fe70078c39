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
	};
	for (unsigned i = 0; i < BIRD2_MAX_FILES; i++) {
		g->files[i].text = (struct buf)BUF_INIT(BIRD_FILE_MAX_BYTES);
		g->files[i].next_text = (struct buf)BUF_INIT(BIRD_FILE_MAX_BYTES);
	}
}

void bird2_group_deinit(struct bird2_group *g)
{
	vip_set_deinit(&g->accepted);
	vip_set_deinit(&g->written);
	for (unsigned i = 0; i < BIRD2_MAX_FILES; i++) {
		buf_deinit(&g->files[i].text);
		buf_deinit(&g->files[i].next_text);
	}
	free(g->changes);
	g->changes = NULL;
}

static bool is_of_group(const struct bird2_group *g, const struct bird2_context *c, uint32_t prefix)
{
	uint16_t group;

	if (!gen_prefix_in_use(c->gen, prefix))
		return false;
	group = c->gen->prefixes[prefix].group;
	return c->kind->is_one_group ? group > 0 : group == g->number;
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

struct bird2_subject bird2_group_subject(const struct bird2_group *g, const struct bird2_context *c,
					 const struct vip_set *vips)
{
	return (struct bird2_subject){
		.app = c->args->app, .gen = c->gen, .group = g->name, .vips = vips};
}

/* Old VIPs of no service at all. */
static int keep_unknown(struct bird2_group *g, const struct bird2_context *c,
			const struct vip_set *old)
{
	_cleanup_(vip_set_deinit) struct vip_set unknown = {0};

	TRY(vip_set_unknown(old, c->gen, &unknown));
	for (uint32_t i = 0; i < unknown.n; i++)
		TRY(vip_set_add(&g->accepted, &unknown.at[i]));
	return 0;
}

int bird2_group_warm_up(struct bird2_group *g, const struct bird2_context *c,
			const struct vip_set *old)
{
	for (uint32_t i = 0; i < c->gen->end_prefixes; i++) {
		const struct addr *vip = &c->gen->prefixes[i].vip;

		if (is_of_group(g, c, i) && is_undecided(c, i) && vip_set_has(old, vip))
			TRY(vip_set_add(&g->accepted, vip));
	}
	if (c->kind->keeps_unknown)
		TRY(keep_unknown(g, c, old));
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
	struct bird2_subject subject = bird2_group_subject(g, c, &g->written);
	struct route_list list;

	TRY(route_plan_collect(c->plan, g->number, true, now_ns, &list));
	TRY(keep_changes(g, &list));
	if (g->withdrawing_since_ns == 0 && list.n && !list.at[0].announce)
		g->withdrawing_since_ns = now_ns;
	TRY(vip_set_apply(&g->accepted, &list, &g->written));
	for (unsigned i = 0; i < c->kind->n_files; i++)
		TRY(c->kind->format(&subject, i, &g->files[i].next_text));
	return 0;
}

static bool has_same_text(const struct bird2_group_file *f)
{
	return f->has_written && buf_len(&f->text) == buf_len(&f->next_text) &&
	       memcmp(buf_head(&f->text), buf_head(&f->next_text), buf_len(&f->text)) == 0;
}

static void path_of(const struct bird2_group *g, const struct bird2_context *c, unsigned i,
		    char out[BIRD_FILE_PATH_BYTES])
{
	struct bird2_subject subject = bird2_group_subject(g, c, NULL);

	c->kind->path(&subject, i, out);
}

static bool is_untouched(const struct bird2_group *g, const struct bird2_context *c, unsigned i)
{
	char path[BIRD_FILE_PATH_BYTES];

	path_of(g, c, i, path);
	return bird_file_is_untouched(path, &g->files[i].mark);
}

static int replace_file(struct bird2_group *g, const struct bird2_context *c, unsigned i)
{
	struct bird2_group_file *f = &g->files[i];
	char path[BIRD_FILE_PATH_BYTES];
	struct buf text = f->text;
	int r;

	path_of(g, c, i, path);
	if (c->kind->replacing)
		c->kind->replacing(c->args->app, path);
	r = bird_file_write(path, &f->next_text, c->kind->durable, &f->mark);
	if (r < 0)
		return r;
	f->text = f->next_text;
	f->next_text = text;
	f->has_written = true;
	return 0;
}

static void tell_foreign_change(const struct bird2_group *g, const struct bird2_context *c,
				unsigned i)
{
	char path[BIRD_FILE_PATH_BYTES];

	path_of(g, c, i, path);
	counter_add(c->args->counters, CTR_BIRD_REPAIRS, 1);
	LOG(LOG_WARN, "announce", "bird_file_changed_by_others", LF_STR("group", g->name),
	    LF_STR("path", path));
}

static void tell_failure(struct bird2_group *g, const struct bird2_context *c, unsigned i, int r)
{
	char path[BIRD_FILE_PATH_BYTES];

	path_of(g, c, i, path);
	if (!g->has_failed)
		LOG(LOG_ERROR, "announce", "bird_file_not_written", LF_STR("group", g->name),
		    LF_STR("path", path), LF_STR("error", strerrorname_np(-r)));
	g->has_failed = true;
}

/* Every file is tried, whatever becomes of the others. Returns 0 or the last failure. */
static int replace_files(struct bird2_group *g, const struct bird2_context *c,
			 unsigned *ret_n_written)
{
	int result = 0;

	for (unsigned i = 0; i < c->kind->n_files; i++) {
		bool is_touched = g->files[i].has_written && !is_untouched(g, c, i);
		int r = 0;

		if (is_touched && !g->has_failed)
			tell_foreign_change(g, c, i);
		if (!is_touched && has_same_text(&g->files[i]))
			continue;
		r = replace_file(g, c, i);
		if (r < 0) {
			tell_failure(g, c, i, r);
			result = r;
		} else {
			(*ret_n_written)++;
		}
	}
	return result;
}

int bird2_group_write(struct bird2_group *g, const struct bird2_context *c, uint64_t now_ns,
		      unsigned *ret_n_written)
{
	int r;

	*ret_n_written = 0;
	if (g->has_written && !g->in_cycle && !g->has_failed &&
	    route_plan_pending(c->plan, g->number) == 0 && bird2_group_is_untouched(g, c))
		return 0;
	g->in_cycle = true;
	r = prepare(g, c, now_ns);
	if (r < 0) {
		tell_failure(g, c, 0, r);
		return r;
	}
	r = replace_files(g, c, ret_n_written);
	if (r < 0)
		return r;
	g->has_written = true;
	g->has_failed = false;
	return 0;
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
	for (unsigned i = 0; i < c->kind->n_files; i++) {
		if (!is_untouched(g, c, i))
			return false;
	}
	return true;
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
