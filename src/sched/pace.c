#include "sched/pace.h"

#include "sched/spread.h"

static bool has(const struct pace *p, enum pace_flag flag)
{
	return p->flags & flag;
}

static void set(struct pace *p, enum pace_flag flag)
{
	p->flags = (uint8_t)(p->flags | flag);
}

static void clear(struct pace *p, unsigned flags)
{
	p->flags = (uint8_t)(p->flags & ~flags);
}

struct pace_rule pace_rule_make(uint32_t slot, const struct check_profile *p)
{
	ASSERT(p->interval_ns > 0);
	return (struct pace_rule){
		.interval_ns = p->interval_ns,
		.phase_ns = spread_phase_ns(slot, p->interval_ns),
		.jitter_ns = MIN(p->jitter_ns, p->interval_ns - 1),
		.retry_delay_ns = p->retry_delay_ns,
		.slot = slot,
		.retry = p->retry,
	};
}

uint64_t pace_grid_after(const struct pace_rule *r, uint64_t t_ns)
{
	if (t_ns < r->phase_ns)
		return r->phase_ns;
	return t_ns - (t_ns - r->phase_ns) % r->interval_ns + r->interval_ns;
}

/* The grid point that a due time with jitter belongs to: jitter is less than the interval. */
static uint64_t grid_of(const struct pace_rule *r, uint64_t due_ns)
{
	return pace_grid_after(r, due_ns) - r->interval_ns;
}

static uint64_t with_jitter(const struct pace_rule *r, uint64_t grid_ns)
{
	return grid_ns + spread_jitter_ns(r->slot, grid_ns, r->jitter_ns);
}

static uint64_t due_after(const struct pace_rule *r, uint64_t t_ns)
{
	return with_jitter(r, pace_grid_after(r, t_ns));
}

uint64_t pace_start(struct pace *p, const struct pace_rule *r, uint32_t sequence, uint64_t now_ns)
{
	p->sequence = sequence;
	p->burst = 0;
	p->flags = PACE_USED;
	return due_after(r, now_ns);
}

void pace_stop(struct pace *p)
{
	p->burst = 0;
	p->flags = 0;
}

/* Grid points that are over when the one at p's due time is handled now: that one, and those that
 * passed since if it is a whole interval late. With jitter a point may be due although its grid
 * time has come, so a smaller delay passes over nothing. */
static uint64_t points_over(const struct pace *p, const struct pace_rule *r, uint64_t now_ns)
{
	if (now_ns - p->node.due_ns < r->interval_ns)
		return 1;
	return (now_ns - grid_of(r, p->node.due_ns)) / r->interval_ns + 1;
}

static uint64_t due_after_points(const struct pace *p, const struct pace_rule *r, uint64_t n)
{
	return with_jitter(r, grid_of(r, p->node.due_ns) + n * r->interval_ns);
}

static struct pace_step end_burst(struct pace *p, const struct pace_rule *r, uint64_t t_ns)
{
	p->burst = 0;
	clear(p, PACE_BURST | PACE_PUT_OFF);
	return (struct pace_step){.due_ns = due_after(r, t_ns)};
}

static bool is_late(const struct pace *p, const struct pace_rule *r, uint64_t now_ns)
{
	return now_ns - p->node.due_ns > MIN(PACE_PAUSE_NS, r->interval_ns) &&
	       !has(p, PACE_PUT_OFF);
}

struct pace_step pace_fire(struct pace *p, const struct pace_rule *r, uint64_t now_ns,
			   enum state state)
{
	bool late = is_late(p, r, now_ns);
	uint32_t n;

	if (has(p, PACE_BURST)) {
		if (late || state != STATE_UP)
			return end_burst(p, r, now_ns);
		return (struct pace_step){.is_issue = true};
	}
	if (!late && !has(p, PACE_IN_FLIGHT))
		return (struct pace_step){.is_issue = true};
	n = (uint32_t)MIN(points_over(p, r, now_ns), UINT32_MAX);
	return (struct pace_step){
		.due_ns = due_after_points(p, r, points_over(p, r, now_ns)),
		.n_skipped = late ? 0 : n,
		.n_paused = late ? n : 0,
	};
}

struct pace_step pace_issued(struct pace *p, const struct pace_rule *r, uint64_t now_ns,
			     enum state state)
{
	uint64_t n;

	p->number++;
	set(p, PACE_IN_FLIGHT);
	clear(p, PACE_PUT_OFF);
	if (r->retry > 0 && state == STATE_UP)
		set(p, PACE_WATCHED);
	if (has(p, PACE_BURST))
		return (struct pace_step){0};
	n = points_over(p, r, now_ns);
	return (struct pace_step){
		.due_ns = due_after_points(p, r, n),
		.n_skipped = (uint32_t)MIN(n - 1, UINT32_MAX),
	};
}

uint64_t pace_put_off(struct pace *p)
{
	set(p, PACE_PUT_OFF);
	return p->node.due_ns;
}

bool pace_is_end_of(const struct pace *p, uint16_t number)
{
	return has(p, PACE_IN_FLIGHT) && p->number == number;
}

bool pace_done_quietly(struct pace *p, enum verdict verdict)
{
	if (verdict == VERDICT_BAD || has(p, PACE_BURST))
		return false;
	clear(p, PACE_IN_FLIGHT | PACE_WATCHED);
	return true;
}

struct pace_step pace_done(struct pace *p, const struct pace_rule *r, enum verdict verdict,
			   uint64_t end_ns, enum state state)
{
	uint64_t due;

	clear(p, PACE_IN_FLIGHT | PACE_WATCHED);
	if (verdict == VERDICT_BAD && state == STATE_UP && p->burst < r->retry) {
		p->burst++;
		set(p, PACE_BURST);
		if (__builtin_add_overflow(end_ns, r->retry_delay_ns, &due))
			due = UINT64_MAX;
		/* a timer at 0 would mean "none" */
		return (struct pace_step){.due_ns = MAX(due, 1)};
	}
	if (has(p, PACE_BURST))
		return end_burst(p, r, end_ns);
	return (struct pace_step){0};
}
