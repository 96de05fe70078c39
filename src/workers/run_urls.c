#include "workers/run_urls.h"

#include "base/clk.h"

/* Without the standstill of our own loop it would have been in time: then we cannot tell. */
static enum run_step came_late(const struct run_ctx *c, struct run *r, uint64_t took_ns,
			       uint64_t now_ns)
{
	uint64_t gap_ns = standstill_since(&c->standstill, r->opened_ns, now_ns);

	if (took_ns - MIN(gap_ns, took_ns) <= r->talk.extras->max_response_ns)
		return run_over(r, CODE_STALLED, (uint32_t)MIN(gap_ns / CLK_MS, UINT32_MAX));
	return run_over(r, CODE_RESPONSE_SLOW, (uint32_t)MIN(took_ns / CLK_MS, UINT32_MAX));
}

static void take_words(struct run_said *s, const struct check_outcome *o)
{
	if (o->weight >= 0)
		s->weight = s->has_weight ? MIN(s->weight, o->weight) : o->weight;
	s->has_weight |= o->weight >= 0;
	s->is_drained |= o->is_drained;
	if (__builtin_add_overflow(s->bytes_read, o->bytes_read, &s->bytes_read))
		s->bytes_read = UINT32_MAX;
}

enum run_step run_urls_answered(const struct run_ctx *c, struct run *r, uint64_t now_ns)
{
	uint64_t max_ns = r->talk.extras->max_response_ns;
	uint64_t took_ns = now_ns - r->opened_ns;

	if (max_ns && took_ns > max_ns)
		return came_late(c, r, took_ns, now_ns);
	if (r->said.url + 1u >= r->talk.extras->n_urls)
		return RUN_OVER;
	take_words(&r->said, &r->talk.outcome);
	r->said.url++;
	return RUN_WAIT;
}

void run_urls_fill(const struct run *r, struct result *res)
{
	struct run_said said = r->said;

	if (r->has_talk)
		take_words(&said, &r->talk.outcome);
	res->flags |= (uint8_t)(said.url << RESULT_URL_SHIFT);
	res->bytes_read = said.bytes_read;
	if (check_code_verdict((enum check_code)r->code) != VERDICT_GOOD)
		return;
	res->weight = said.has_weight ? said.weight : -1;
	if (said.is_drained)
		res->flags |= RESULT_DRAIN;
}
