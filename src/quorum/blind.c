#include "quorum/blind.h"

#include "base/err.h"

static_assert(BLIND_WINDOW < UINT8_MAX, "places and links are one byte");

static uint8_t *place(const struct blind *b, uint32_t host)
{
	return table_row(&b->places, host);
}

int blind_init(struct blind *b, const struct blind_config *config)
{
	*b = (struct blind){.config = *config, .is_armed = true, .next_ns = UINT64_MAX};
	for (unsigned i = 0; i < BLIND_WINDOW; i++)
		b->entries[i].older = i + 1 < BLIND_WINDOW ? (uint8_t)(i + 2) : 0;
	b->free_head = 1;
	return err_trace(table_init(&b->places, sizeof(uint8_t), MAX_REALS));
}

void blind_deinit(struct blind *b)
{
	table_deinit(&b->places);
}

/* --- the list, newest first --- */

static struct blind_entry *entry(struct blind *b, uint8_t at)
{
	return &b->entries[at - 1];
}

static void count(struct blind *b, const struct blind_entry *e, uint32_t step)
{
	b->counts.n += step;
	b->counts.n_bad += e->bad_since_ns ? step : 0;
	b->counts.n_answers += e->is_answer ? step : 0;
}

static void unlink_entry(struct blind *b, uint8_t at)
{
	struct blind_entry *e = entry(b, at);

	if (e->newer)
		entry(b, e->newer)->older = e->older;
	else
		b->newest = e->older;
	if (e->older)
		entry(b, e->older)->newer = e->newer;
	else
		b->oldest = e->newer;
	count(b, e, UINT32_MAX); /* -1 */
}

static void link_newest(struct blind *b, uint8_t at)
{
	struct blind_entry *e = entry(b, at);

	e->newer = 0;
	e->older = b->newest;
	if (b->newest)
		entry(b, b->newest)->newer = at;
	else
		b->oldest = at;
	b->newest = at;
	count(b, e, 1);
}

static void drop(struct blind *b, uint8_t at)
{
	struct blind_entry *e = entry(b, at);

	unlink_entry(b, at);
	*place(b, e->host) = 0;
	*e = (struct blind_entry){.older = b->free_head};
	b->free_head = at;
}

void blind_forget(struct blind *b, uint32_t host)
{
	uint8_t at = *place(b, host);

	if (at)
		drop(b, at);
}

/* Moves the host's entry to the front, or makes one. */
static void put(struct blind *b, const struct blind_sample *s, uint64_t now_ns)
{
	uint8_t at = *place(b, s->host);
	uint64_t bad_since_ns = 0;

	if (at) {
		if (entry(b, at)->until_ns > now_ns)
			bad_since_ns = entry(b, at)->bad_since_ns;
		drop(b, at);
	}
	if (!b->free_head)
		drop(b, b->oldest);
	at = b->free_head;
	b->free_head = entry(b, at)->older;
	*entry(b, at) = (struct blind_entry){
		.until_ns = s->until_ns,
		.span_ns = s->span_ns,
		.host = s->host,
		.is_answer = s->is_bad && s->is_answer,
	};
	if (s->is_bad)
		entry(b, at)->bad_since_ns = bad_since_ns ? bad_since_ns : MAX(now_ns, 1);
	*place(b, s->host) = at;
	link_newest(b, at);
}

/* Drops what is outdated; returns when the next entry will be. */
static uint64_t purge(struct blind *b, uint64_t now_ns)
{
	uint64_t next_ns = UINT64_MAX;
	uint8_t newer;

	for (uint8_t at = b->oldest; at; at = newer) {
		newer = entry(b, at)->newer;
		if (entry(b, at)->until_ns <= now_ns)
			drop(b, at);
		else
			next_ns = MIN(next_ns, entry(b, at)->until_ns);
	}
	return next_ns;
}

/* --- the verdict --- */

static bool is_under_half(const struct blind *b)
{
	return b->counts.n < b->config.min_hosts || b->counts.n_bad * 2 < b->counts.n;
}

static bool is_over(const struct blind *b)
{
	return b->counts.n >= b->config.min_hosts &&
	       (uint64_t)b->counts.n_bad * 100 >= (uint64_t)b->counts.n * b->config.percent;
}

/* Few bad ones cannot be too many of min_hosts, however many entries are outdated. */
static bool cannot_begin(const struct blind *b)
{
	return (uint64_t)b->counts.n_bad * 100 < (uint64_t)b->config.min_hosts * b->config.percent;
}

static uint64_t saturated_sum(uint64_t a, uint64_t b)
{
	return a + b < a ? UINT64_MAX : a + b;
}

static bool hold_is_over(const struct blind *b, uint64_t now_ns)
{
	bool is_answered = b->counts.n_answers * 2 > b->counts.n_bad;
	uint64_t hold_ns = b->config.max_hold_ns;

	if (is_answered)
		hold_ns = MIN(hold_ns, b->config.max_hold_answered_ns);
	return now_ns >= saturated_sum(b->begun_ns, hold_ns);
}

static enum blind_event end(struct blind *b, bool is_armed)
{
	b->is_active = false;
	b->is_armed = is_armed;
	b->next_ns = UINT64_MAX;
	return BLIND_ENDS;
}

/* outdated_ns: when the window shrinks next. */
static void plan_next(struct blind *b, uint64_t outdated_ns, uint64_t now_ns)
{
	uint64_t answered_ns = saturated_sum(b->begun_ns, b->config.max_hold_answered_ns);

	b->next_ns = MIN(outdated_ns, saturated_sum(b->begun_ns, b->config.max_hold_ns));
	if (answered_ns > now_ns)
		b->next_ns = MIN(b->next_ns, answered_ns);
}

static enum blind_event judge_active(struct blind *b, uint64_t now_ns)
{
	uint64_t outdated_ns = purge(b, now_ns);

	if (is_under_half(b))
		return end(b, true);
	if (hold_is_over(b, now_ns))
		return end(b, false);
	plan_next(b, outdated_ns, now_ns);
	return BLIND_SAME;
}

static enum blind_event judge_idle(struct blind *b, uint64_t now_ns)
{
	uint64_t outdated_ns;

	if (b->is_armed && cannot_begin(b))
		return BLIND_SAME;
	outdated_ns = purge(b, now_ns);
	if (is_under_half(b))
		b->is_armed = true;
	if (!b->is_armed || !is_over(b))
		return BLIND_SAME;
	b->begun_ns = now_ns;
	if (hold_is_over(b, now_ns)) {
		/* a hold of 0 s: believed at once */
		b->is_armed = false;
		return BLIND_SAME;
	}
	b->is_active = true;
	plan_next(b, outdated_ns, now_ns);
	return BLIND_BEGINS;
}

enum blind_event blind_note(struct blind *b, const struct blind_sample *s, uint64_t now_ns)
{
	if (b->config.max_hold_ns == 0)
		return BLIND_SAME;
	if (!b->is_active && !b->is_armed) {
		/* the window may have run empty since: that counts as less than half */
		purge(b, now_ns);
		b->is_armed = is_under_half(b);
	}
	put(b, s, now_ns);
	return b->is_active ? judge_active(b, now_ns) : judge_idle(b, now_ns);
}

enum blind_event blind_tick(struct blind *b, uint64_t now_ns)
{
	return b->is_active ? judge_active(b, now_ns) : BLIND_SAME;
}

uint64_t blind_first_bad_ns(const struct blind *b, uint64_t now_ns)
{
	uint64_t first_ns = now_ns;

	for (uint8_t at = b->oldest; at; at = b->entries[at - 1].newer) {
		const struct blind_entry *e = &b->entries[at - 1];
		uint64_t earliest_ns = now_ns > e->span_ns ? now_ns - e->span_ns : 0;

		if (e->bad_since_ns)
			first_ns = MIN(first_ns, MAX(e->bad_since_ns, earliest_ns));
	}
	return first_ns;
}
