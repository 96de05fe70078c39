#include "workers/standstill.h"

#include "base/clk.h"

enum {
	MIN_SLEEP_MS = 1,
	MAX_SLEEP_MS = 250, /* the heartbeat */
	MIN_ROW_MS = 1,     /* results tell milliseconds */
};

void standstill_init(struct standstill *s, uint64_t lag_guard_ns, uint64_t now_ns)
{
	uint64_t quarter = lag_guard_ns / 4;

	*s = (struct standstill){
		.slack_ns = MIN(MAX(quarter, MIN_SLEEP_MS * CLK_MS), MAX_SLEEP_MS * CLK_MS),
		.woke_ns = now_ns,
		.asleep_ns = now_ns,
	};
}

void standstill_expect(struct standstill *s, uint64_t check_ns)
{
	s->keep_ns = MAX(s->keep_ns, check_ns);
}

uint64_t standstill_max_sleep_ns(const struct standstill *s)
{
	return s->slack_ns;
}

void standstill_sleeps(struct standstill *s, uint64_t now_ns, uint64_t timeout_ns)
{
	s->asleep_ns = now_ns;
	s->timeout_ns = timeout_ns;
}

static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static void drop_old(struct standstill *s, uint64_t now_ns)
{
	/* a check that ends late still asks for its whole time */
	uint64_t horizon = minus(now_ns, s->keep_ns * 2 + CLK_S);
	uint32_t n = 0;

	while (n < s->n_rows && s->rows[n].end_ns < horizon)
		n++;
	if (!n)
		return;
	s->n_rows -= n;
	memmove(s->rows, s->rows + n, s->n_rows * sizeof(s->rows[0]));
}

static void note(struct standstill *s, uint64_t now_ns, uint64_t length_ns)
{
	drop_old(s, now_ns);
	while (s->n_rows && s->rows[s->n_rows - 1].length_ns <= length_ns)
		s->n_rows--;
	if (s->n_rows == STANDSTILL_ROWS) {
		/* the two newest become one that covers both: too long rather than too short */
		s->n_rows--;
		s->rows[s->n_rows - 1].end_ns = s->rows[s->n_rows].end_ns;
	}
	s->rows[s->n_rows].end_ns = now_ns;
	s->rows[s->n_rows++].length_ns = length_ns;
}

uint64_t standstill_woke(struct standstill *s, uint64_t now_ns)
{
	uint64_t busy = minus(s->asleep_ns, s->woke_ns);
	uint64_t slept = minus(now_ns, s->asleep_ns);
	uint64_t over = minus(slept, s->timeout_ns);
	uint64_t length = busy + (over > s->slack_ns ? slept : over);

	s->woke_ns = now_ns;
	if (length >= MIN_ROW_MS * CLK_MS)
		note(s, now_ns, length);
	return length;
}

uint64_t standstill_since(const struct standstill *s, uint64_t since_ns, uint64_t now_ns)
{
	uint64_t running = minus(now_ns, s->woke_ns);

	/* lengths fall, so the first row that is new enough is the longest */
	for (uint32_t i = 0; i < s->n_rows; i++)
		if (s->rows[i].end_ns >= since_ns)
			return MAX(running, s->rows[i].length_ns);
	return running;
}
