#include "workers/outbox.h"

#include "config/gen.h"

bool outbox_has_room(struct outbox *o, uint32_t in_flight)
{
	return ring_has_room(&o->port->results, in_flight + 1) &&
	       ring_has_room(&o->port->dones, in_flight + 1);
}

static bool is_new_weight(uint32_t word, int32_t weight)
{
	if (weight < 0)
		return false;
	return !(check_word_flags(word) & CHECK_ROW_WEIGHT_KNOWN) ||
	       check_word_weight(word) != weight;
}

static bool is_new_drain(uint32_t word, const struct result *r)
{
	bool was_drained = check_word_flags(word) & CHECK_ROW_DRAIN;

	return was_drained != !!(r->flags & RESULT_DRAIN);
}

/* Decisions 4. NO_ROUTE is unknown here, but agg may believe it. */
static bool may_change(const struct outbox *o, const struct result *r)
{
	uint32_t word;

	if (r->verdict == VERDICT_UNKNOWN)
		return r->code == CODE_NO_ROUTE;
	if (r->verdict == VERDICT_BAD)
		return true;
	word = state_check_word(o->tables, r->check);
	return check_word_state(word) != STATE_UP || is_new_weight(word, r->weight) ||
	       is_new_drain(word, r);
}

void outbox_put(struct outbox *o, const struct job *job, struct result *r, uint64_t now_ns)
{
	struct done *d = ring_put(&o->port->dones);

	r->check = job->check;
	r->sequence = job->sequence;
	r->due_ns = job->due_ns;
	r->attempt = job->attempt;
	r->generation = job->generation->number;
	r->verdict = (uint8_t)check_code_verdict((enum check_code)r->code);
	r->layer = (uint8_t)check_code_layer((enum check_code)r->code);
	*d = (struct done){
		.check = job->check,
		.number = job->number,
		.verdict = r->verdict,
		.generation = (uint8_t)r->generation,
		.end_ns = now_ns,
	};
	*(struct result *)ring_put(&o->port->results) = *r;
	o->is_urgent |= may_change(o, r);
}

void outbox_publish(struct outbox *o)
{
	if (!ring_staged(&o->port->results))
		return;
	ring_publish(&o->port->results);
	ring_publish(&o->port->dones);
	if (o->is_urgent && wake_ring(o->port->agg_bell))
		counter_add(o->counters, CTR_DOORBELLS, 1);
	o->is_urgent = false;
}
