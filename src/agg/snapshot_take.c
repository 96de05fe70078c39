#include "agg/snapshot_take.h"

#include <errno.h>

#include "base/err.h"
#include "quorum/weight_rule.h"

enum { MAX_PASSES = 16 };

struct snapshot_take {
	const struct state_tables *tables;
	/* uint32_t by slot: the sequence word that was written; 0: none */
	struct table services, reals, prefixes;
	/* one more than the highest slot that was written */
	uint32_t end_services, end_reals, end_prefixes;
	/* of the call that runs */
	const struct generation *gen;
	struct snapshot_out *out;
	bool is_moved; /* this pass found a row that changed */
};

void snapshot_take_free(struct snapshot_take *t)
{
	if (!t)
		return;
	table_deinit(&t->services);
	table_deinit(&t->reals);
	table_deinit(&t->prefixes);
	free(t);
}

static int make(struct snapshot_take *t)
{
	TRY(table_init(&t->services, sizeof(uint32_t), MAX_SERVICES));
	TRY(table_init(&t->reals, sizeof(uint32_t), MAX_REALS));
	return table_init(&t->prefixes, sizeof(uint32_t), MAX_PREFIXES);
}

int snapshot_take_new(const struct state_tables *tables, struct snapshot_take **ret)
{
	struct snapshot_take *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return err_origin(-ENOMEM);
	t->tables = tables;
	r = make(t);
	if (r < 0) {
		snapshot_take_free(t);
		return err_trace(r);
	}
	*ret = t;
	return 0;
}

static void forget(struct table *t, uint32_t *end)
{
	if (*end)
		memset(table_row(t, 0), 0, *end * sizeof(uint32_t));
	*end = 0;
}

void snapshot_take_forget(struct snapshot_take *t)
{
	forget(&t->services, &t->end_services);
	forget(&t->reals, &t->end_reals);
	forget(&t->prefixes, &t->end_prefixes);
}

/* --- reading rows ------------------------------------------------------------------------------
 */

/* Copies the row if it is another one than was written last; a row that cannot be copied has
 * moved, too. */
static bool has_changed(struct snapshot_take *t, uint32_t *seen, const void *row, void *copy,
			size_t bytes)
{
	/* relaxed: seqrow_read() orders what is read after it */
	uint32_t seq = atomic_load_explicit((const _Atomic uint32_t *)row, memory_order_relaxed);

	if (seq == *seen)
		return false;
	t->is_moved = true;
	if (!seqrow_read(row, copy, bytes))
		return false;
	memcpy(seen, copy, sizeof(*seen));
	return true;
}

static uint32_t *seen_of(const struct table *t, uint32_t slot)
{
	return table_row(t, slot);
}

/* For what another row says about this one: a row in motion is as good as the one before it, for
 * the next pass comes. */
static struct service_row peek_service(const struct snapshot_take *t, uint32_t service)
{
	struct service_row row = {.seq = 0};

	if (!seqrow_read(state_service(t->tables, service), &row, sizeof(row)))
		return (struct service_row){.seq = 0};
	return row;
}

static bool is_prefix_frozen(const struct snapshot_take *t, uint32_t prefix)
{
	struct prefix_row row = {.seq = 0};

	return prefix != SLOT_NONE &&
	       seqrow_read(state_prefix(t->tables, prefix), &row, sizeof(row)) &&
	       (row.flags & PREFIX_ROW_FROZEN);
}

/* --- records -----------------------------------------------------------------------------------
 */

static void put_service(struct snapshot_take *t, uint32_t service, const struct service_row *row)
{
	const struct service_spec *spec = &t->gen->services[service];
	struct snapshot_service s = {
		.tag = SNAPSHOT_SERVICE,
		.state = row->state,
		.proto = spec->proto,
		.vip = spec->vip,
	};

	if (spec->flags & SERVICE_HAS_PORT) {
		s.flags |= SNAPSHOT_HAS_PORT;
		s.port = spec->port;
	}
	if (row->flags & SERVICE_ROW_JOINED)
		s.flags |= SNAPSHOT_JOINED;
	if (s.state == STATE_DOWN && is_prefix_frozen(t, spec->prefix))
		s.state = STATE_UNDECIDED;
	snapshot_put(t->out, &s);
}

/* What the balancer surely has of what is wanted. */
static uint16_t held_weight(const struct real_row *row, const struct service_row *service)
{
	struct weight_scale scale = {service->scale_num, service->scale_den};

	if (!(row->flags & REAL_ROW_HELD))
		return 0;
	if (row->acked_weight == weight_rule_scaled(row->wanted_weight, scale))
		return row->wanted_weight;
	return MIN(row->wanted_weight, weight_rule_unscaled(row->acked_weight, scale));
}

static enum state state_of(const struct real_row *row)
{
	if (!(row->flags & REAL_ROW_FROZEN))
		return (enum state)row->state;
	return row->flags & REAL_ROW_ENABLED ? STATE_UP : STATE_UNDECIDED;
}

static void put_check(struct snapshot_take *t, uint32_t check, const struct real_row *row)
{
	uint32_t word = state_check_word(t->tables, check);
	bool has_weight = check_word_flags(word) & CHECK_ROW_WEIGHT_KNOWN;
	bool drains = check_word_flags(word) & CHECK_ROW_DRAIN;
	enum state state = check_word_state(word);
	struct snapshot_check c = {.tag = SNAPSHOT_CHECK};
	uint64_t identity;

	if (row->flags & REAL_ROW_FROZEN)
		state = state_of(row);
	if (state == state_of(row) && !has_weight && !drains)
		return;
	c.state = (uint8_t)state;
	if (has_weight) {
		c.flags = SNAPSHOT_WEIGHT_KNOWN;
		c.weight = check_word_weight(word);
	}
	if (drains)
		c.flags |= SNAPSHOT_DRAIN;
	identity = snapshot_check_identity(t->gen, check);
	memcpy(c.identity, &identity, sizeof(identity));
	snapshot_put(t->out, &c);
}

static void put_real(struct snapshot_take *t, uint32_t real, const struct real_row *row,
		     const struct service_row *service)
{
	const struct real_spec *spec = &t->gen->reals[real];
	struct snapshot_real r = {
		.tag = SNAPSHOT_REAL,
		.state = (uint8_t)state_of(row),
		.held_weight = held_weight(row, service),
		.override = row->override,
		.ip = spec->ip,
	};

	if (spec->flags & REAL_HAS_PORT) {
		r.flags |= SNAPSHOT_HAS_PORT;
		r.port = spec->port;
	}
	snapshot_put(t->out, &r);
	for (uint32_t c = spec->first_check; c != SLOT_NONE; c = t->gen->checks[c].next)
		put_check(t, c, row);
}

static void put_prefix(struct snapshot_take *t, uint32_t prefix, const struct prefix_row *row)
{
	const struct snapshot_prefix p = {
		.tag = SNAPSHOT_PREFIX,
		.state = row->state,
		.flags = row->flags & PREFIX_ROW_WAS_ANNOUNCED ? SNAPSHOT_ANNOUNCED : 0,
		.vip = t->gen->prefixes[prefix].vip,
	};

	snapshot_put(t->out, &p);
}

/* --- a pass ------------------------------------------------------------------------------------
 */

/* Rows of objects that agg has not adopted yet, or has dropped, are not in use. */
static void pass_service(struct snapshot_take *t, uint32_t service)
{
	const struct service_spec *spec = &t->gen->services[service];
	struct service_row row = {.seq = 0};
	struct real_row real_row = {.seq = 0};
	bool is_named = false;

	if (has_changed(t, seen_of(&t->services, service), state_service(t->tables, service), &row,
			sizeof(row)) &&
	    (row.flags & SERVICE_ROW_IN_USE)) {
		put_service(t, service, &row);
		is_named = true;
	}
	for (uint32_t i = 0; i < spec->n_reals; i++) {
		uint32_t real = t->gen->real_order[spec->first_real + i];

		if (!has_changed(t, seen_of(&t->reals, real), state_real(t->tables, real),
				 &real_row, sizeof(real_row)) ||
		    !(real_row.flags & REAL_ROW_IN_USE))
			continue;
		if (!is_named) {
			row = peek_service(t, service);
			put_service(t, service, &row);
			is_named = true;
		}
		put_real(t, real, &real_row, &row);
	}
}

static void pass(struct snapshot_take *t)
{
	struct prefix_row row = {.seq = 0};
	uint32_t i;

	t->is_moved = false;
	for (i = 0; i < t->gen->n_services; i++)
		pass_service(t, t->gen->service_order[i]);
	for (i = 0; i < t->gen->end_prefixes; i++) {
		if (gen_prefix_in_use(t->gen, i) &&
		    has_changed(t, seen_of(&t->prefixes, i), state_prefix(t->tables, i), &row,
				sizeof(row)) &&
		    (row.flags & PREFIX_ROW_IN_USE))
			put_prefix(t, i, &row);
	}
}

void snapshot_take_changes(struct snapshot_take *t, const struct generation *g,
			   struct snapshot_out *out)
{
	int n = 0;

	t->gen = g;
	t->out = out;
	t->end_services = MAX(t->end_services, g->end_services);
	t->end_reals = MAX(t->end_reals, g->end_reals);
	t->end_prefixes = MAX(t->end_prefixes, g->end_prefixes);
	do
		pass(t);
	while (t->is_moved && ++n < MAX_PASSES && out->error == 0);
}
