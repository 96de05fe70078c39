#include "announce/announce_multi.h"

#include <errno.h>

#include "announce/announce_backend.h"
#include "base/err.h"
#include "config/gen.h"

/* By prefix slot. */
struct multi_row {
	uint16_t group;                          /* announce group of this prefix; 0: no prefix */
	uint8_t accepted[ANNOUNCE_MAX_BACKENDS]; /* enum state, by backend */
};

struct child {
	struct multi *multi;
	unsigned number, bit; /* of children; of enum announcer_backend */
	struct announcer *announcer;
};

struct multi {
	struct announcer base;
	const struct generation *gen;
	struct child children[ANNOUNCE_MAX_BACKENDS];
	unsigned n;
	struct table rows; /* struct multi_row */
};

static struct multi *multi_of(struct announcer *a)
{
	return CONTAINER_OF(a, struct multi, base);
}

static const struct multi *const_multi_of(const struct announcer *a)
{
	return CONTAINER_OF(a, struct multi, base);
}

static struct multi_row *row_of(const struct multi *m, uint32_t prefix)
{
	return table_row(&m->rows, prefix);
}

/* --- accepted by all ---------------------------------------------------------------------------
 */

/* What all backends have accepted that are there; speaker is, for it has just
 * spoken (NULL: nobody has). */
static enum state agreed(const struct multi *m, const struct multi_row *row,
			 const struct child *speaker)
{
	enum state state = STATE_UNDECIDED;

	for (unsigned i = 0; i < m->n; i++) {
		const struct child *c = &m->children[i];

		if (c != speaker && !announcer_peer_is_there(c->announcer, row->group))
			continue;
		if (row->accepted[i] == STATE_UNDECIDED ||
		    (state != STATE_UNDECIDED && row->accepted[i] != state))
			return STATE_UNDECIDED;
		state = (enum state)row->accepted[i];
	}
	return state;
}

static void tell_if_agreed(const struct multi *m, uint32_t prefix, const struct child *speaker)
{
	const struct announcer_hooks *hooks = &m->base.args.hooks;
	enum state state = agreed(m, row_of(m, prefix), speaker);

	if (state != STATE_UNDECIDED)
		hooks->sent(hooks->ctx, prefix, state);
}

static void tell_accepted(const struct child *c, uint32_t prefix, enum state state)
{
	const struct announcer_hooks *hooks = &c->multi->base.args.hooks;

	if (hooks->accepted)
		hooks->accepted(hooks->ctx, prefix, c->bit, state);
}

static void on_sent(void *ctx, uint32_t prefix, enum state state)
{
	struct child *c = ctx;

	row_of(c->multi, prefix)->accepted[c->number] = (uint8_t)state;
	tell_accepted(c, prefix, state);
	tell_if_agreed(c->multi, prefix, c);
}

/* Who went away holds nobody up any more. */
static void on_peer(void *ctx)
{
	const struct child *c = ctx;
	const struct multi *m = c->multi;

	for (uint32_t i = 0; m->gen && i < m->gen->end_prefixes; i++) {
		if (row_of(m, i)->group)
			tell_if_agreed(m, i, NULL);
	}
	announcer_peer_changed(&m->base);
}

/* --- the backend -------------------------------------------------------------------------------
 */

static void multi_free(struct announcer *a)
{
	struct multi *m = multi_of(a);

	for (unsigned i = 0; i < m->n; i++)
		announcer_free(m->children[i].announcer);
	table_deinit(&m->rows);
	free(m);
}

/* A prefix in another group is another route: nothing of it was accepted yet. */
static void place(const struct multi *m, const struct generation *gen, const struct slot_list *list)
{
	for (uint32_t i = 0; i < list->n; i++) {
		struct multi_row *row = row_of(m, list->at[i]);
		uint16_t group = gen->prefixes[list->at[i]].group;

		if (row->group == group)
			continue;
		*row = (struct multi_row){.group = group};
		for (unsigned k = 0; k < m->n; k++)
			tell_accepted(&m->children[k], list->at[i], STATE_UNDECIDED);
	}
}

static int multi_adopt(struct announcer *a, const struct generation *gen,
		       const struct gen_diff *diff)
{
	struct multi *m = multi_of(a);

	for (uint32_t i = 0; i < diff->prefixes.removed.n; i++)
		*row_of(m, diff->prefixes.removed.at[i]) = (struct multi_row){0};
	place(m, gen, &diff->prefixes.added);
	place(m, gen, &diff->prefixes.changed);
	for (unsigned i = 0; i < m->n; i++)
		TRY(announcer_adopt(m->children[i].announcer, gen, diff));
	m->gen = gen;
	return 0;
}

static void multi_dirty(struct announcer *a, uint32_t prefix)
{
	const struct multi *m = multi_of(a);

	for (unsigned i = 0; i < m->n; i++)
		announcer_dirty(m->children[i].announcer, prefix);
}

static void multi_warm(struct announcer *a)
{
	const struct multi *m = multi_of(a);

	for (unsigned i = 0; i < m->n; i++)
		announcer_warm(m->children[i].announcer);
}

static void multi_withdraw_all(struct announcer *a)
{
	const struct multi *m = multi_of(a);

	for (unsigned i = 0; i < m->n; i++)
		announcer_withdraw_all(m->children[i].announcer);
}

static bool multi_is_idle(const struct announcer *a)
{
	const struct multi *m = const_multi_of(a);

	for (unsigned i = 0; i < m->n; i++) {
		if (!announcer_is_idle(m->children[i].announcer))
			return false;
	}
	return true;
}

static bool multi_peer_is_there(const struct announcer *a, uint16_t group)
{
	const struct multi *m = const_multi_of(a);

	for (unsigned i = 0; i < m->n; i++) {
		if (announcer_peer_is_there(m->children[i].announcer, group))
			return true;
	}
	return false;
}

static uint32_t multi_rows(const struct announcer *a,
			   struct announce_row rows[ANNOUNCE_MAX_BACKENDS])
{
	const struct multi *m = const_multi_of(a);
	uint32_t n = 0;

	for (unsigned i = 0; i < m->n; i++)
		n += announcer_rows(m->children[i].announcer, rows + n);
	return n;
}

static const struct announcer_ops multi_ops = {
	.free = multi_free,
	.adopt = multi_adopt,
	.dirty = multi_dirty,
	.warm = multi_warm,
	.withdraw_all = multi_withdraw_all,
	.is_idle = multi_is_idle,
	.peer_is_there = multi_peer_is_there,
	.rows = multi_rows,
};

static int add_child(struct multi *m, unsigned bit, announce_multi_fn make)
{
	struct child *c = &m->children[m->n];
	struct announcer_args args = m->base.args;

	*c = (struct child){.multi = m, .number = m->n, .bit = bit};
	args.hooks = (struct announcer_hooks){.ctx = c, .sent = on_sent, .peer_changed = on_peer};
	TRY(make((enum announcer_backend)(1u << bit), &args, &c->announcer));
	m->n++;
	return 0;
}

static int add_children(struct multi *m, announce_multi_fn make)
{
	uint32_t set = m->base.args.app->announcer.backend;

	TRY(table_init(&m->rows, sizeof(struct multi_row), MAX_PREFIXES));
	for (unsigned bit = 0; bit < ANNOUNCE_MAX_BACKENDS; bit++) {
		if (set & 1u << bit)
			TRY(add_child(m, bit, make));
	}
	return 0;
}

int announce_multi_new(const struct announcer_args *args, announce_multi_fn make,
		       struct announcer **ret)
{
	struct multi *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return err_origin(-ENOMEM);
	m->base = (struct announcer){.ops = &multi_ops, .args = *args};
	r = add_children(m, make);
	if (r < 0) {
		multi_free(&m->base);
		return err_trace(r);
	}
	*ret = &m->base;
	return 0;
}
