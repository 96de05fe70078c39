#include "api/walk.h"

#include <sched.h>

#include "base/clk.h"

/* A row is torn for longer than a few tries only while its writer is not running: let it run. */
enum { TORN_ROUNDS = 32 };

static bool read_row(struct walk *w, const void *row, void *out, size_t bytes)
{
	for (int i_round = 0; i_round < TORN_ROUNDS; i_round++) {
		if (seqrow_read(row, out, bytes))
			return true;
		sched_yield();
	}
	w->n_torn++;
	return false;
}

static void call(walk_fn fn, struct walk *w)
{
	if (fn)
		fn(w);
}

static bool read_service(struct walk *w, uint32_t slot)
{
	struct walk_service *s = &w->service;

	s->slot = slot;
	s->spec = &w->gen->services[slot];
	if (!read_row(w, state_service(w->tables, slot), &s->row, sizeof(s->row)))
		return false;
	if (!(s->row.flags & SERVICE_ROW_IN_USE))
		s->row = (struct service_row){0};
	return true;
}

static bool read_real(struct walk *w, uint32_t slot)
{
	struct walk_real *r = &w->real;

	r->slot = slot;
	r->spec = &w->gen->reals[slot];
	if (!read_row(w, state_real(w->tables, slot), &r->row, sizeof(r->row)))
		return false;
	if (!(r->row.flags & REAL_ROW_IN_USE))
		r->row = (struct real_row){0};
	return true;
}

static bool read_check(struct walk *w, uint32_t slot)
{
	struct walk_check *c = &w->check;

	c->slot = slot;
	c->spec = &w->gen->checks[slot];
	c->profile = gen_profile(w->gen, slot);
	if (!read_row(w, state_check(w->tables, slot), &c->row, sizeof(c->row)))
		return false;
	if (!(check_word_flags(c->row.word) & CHECK_ROW_IN_USE))
		c->row = (struct check_row){0};
	return true;
}

static void step_begin(struct walk *w)
{
	w->i_service = 0;
	call(w->view->begin, w);
	w->phase = WALK_SERVICE;
}

static void end_pass(struct walk *w)
{
	call(w->view->end, w);
	w->pass++;
	w->phase = w->pass < w->view->n_passes ? WALK_BEGIN : WALK_DONE;
}

static uint32_t next_service(struct walk *w)
{
	uint32_t i = w->i_service++;

	if (w->only_service != SLOT_NONE)
		return i == 0 ? w->only_service : SLOT_NONE;
	return i < w->gen->n_services ? w->gen->service_order[i] : SLOT_NONE;
}

static void step_service(struct walk *w)
{
	uint32_t slot = next_service(w);

	if (slot == SLOT_NONE) {
		end_pass(w);
		return;
	}
	if (!read_service(w, slot))
		return;
	call(w->view->service, w);
	w->i_real = 0;
	if (w->view->real)
		w->phase = WALK_REAL;
	else
		call(w->view->service_end, w);
}

static void step_real(struct walk *w)
{
	const struct service_spec *s = w->service.spec;

	if (w->i_real == s->n_reals) {
		call(w->view->service_end, w);
		w->phase = WALK_SERVICE;
		return;
	}
	if (!read_real(w, w->gen->real_order[s->first_real + w->i_real++]))
		return;
	call(w->view->real, w);
	w->next_check = w->view->check ? w->real.spec->first_check : SLOT_NONE;
	w->phase = WALK_CHECK;
}

static void step_check(struct walk *w)
{
	uint32_t slot = w->next_check;

	if (slot == SLOT_NONE) {
		call(w->view->real_end, w);
		w->phase = WALK_REAL;
		return;
	}
	w->next_check = w->gen->checks[slot].next;
	if (read_check(w, slot))
		call(w->view->check, w);
}

bool walk_step(struct walk *w)
{
	static void (*const steps[])(struct walk *) = {
		[WALK_BEGIN] = step_begin,
		[WALK_SERVICE] = step_service,
		[WALK_REAL] = step_real,
		[WALK_CHECK] = step_check,
	};

	if (w->phase == WALK_DONE)
		return false;
	steps[w->phase](w);
	return w->phase != WALK_DONE;
}

/* Clocks of rows wrap, so only differences count; a row may be younger than the walk. */
static uint64_t wall_of(const struct walk *w, uint64_t unit_ns, uint32_t mono_units)
{
	int64_t ago = (int32_t)((uint32_t)(w->mono_ns / unit_ns) - mono_units);

	if (mono_units == 0)
		return 0;
	return w->wall_ns - w->mono_ns % unit_ns - (uint64_t)(ago * (int64_t)unit_ns);
}

uint64_t walk_wall_of_10ms(const struct walk *w, uint32_t mono_10ms)
{
	return wall_of(w, 10 * CLK_MS, mono_10ms) / CLK_MS * CLK_MS;
}

uint64_t walk_wall_of_s(const struct walk *w, uint32_t mono_s)
{
	return wall_of(w, CLK_S, mono_s) / CLK_S * CLK_S;
}
