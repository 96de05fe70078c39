/* Random fleets against a naive model that shares no code with quorum/: it keeps the facts (runs,
 * what was acknowledged, what is listed) in plain arrays by identity and works everything else out
 * anew after each step. A failure prints seed and step; FLEET_SEED=n replays one seed.
 */
#include <time.h>

#include "quorum_fixture.h"

enum { N_S = 5, N_R = 4, N_C = 3, N_P = 3, STEPS = 400 };
enum { U = STATE_UNDECIDED, UP = STATE_UP, DOWN = STATE_DOWN };

/* --- the model's facts --- */

struct m_check {
	bool on;
	int fall, rise, tag; /* tag: another value is another check */
	bool dyn;
	int state, bad, good;
	int weight; /* -1: none yet */
};
struct m_real {
	bool on, inh;
	int weight, init;
	struct m_check c[N_C];
	uint32_t override;
	int state;
	bool listed, fresh;
	int kept;     /* weight in the balancer from before, -1: none */
	int held;     /* weight the balancer surely has, -1: not held */
	int standing; /* the same of one that was taken down and not yet handed out, -1: none */
	int want, want_weight;
	int told, told_weight; /* when it was taken from the dirty list last */
};
struct m_service {
	bool on, grouped;
	int q, h;
	int state;
	bool member, joined;
	struct m_real r[N_R];
};
struct m_prefix {
	bool on;
	int state, told;
	bool wait_all;
};
struct model {
	struct m_service s[N_S];
	struct m_prefix p[N_P];
	bool found, connected;
	uint64_t fresh_until;
};

static uint64_t rng;
static uint32_t rnd(uint32_t n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (uint32_t)((rng >> 20) % n);
}

/* two services per VIP */
static int prefix_of(int s)
{
	return s / 2;
}

/* --- the model's rules --- */

static int m_verdict(const struct m_real *r)
{
	bool all_up = true, any_down = false;

	for (int c = 0; c < N_C; c++) {
		if (!r->c[c].on)
			continue;
		all_up = all_up && r->c[c].state == UP;
		any_down = any_down || r->c[c].state == DOWN;
	}
	return any_down ? DOWN : all_up ? UP : U;
}

static bool m_has_dyn(const struct m_real *r)
{
	for (int c = 0; c < N_C; c++)
		if (r->c[c].on && r->c[c].dyn)
			return true;
	return false;
}

static int m_by_operator(const struct m_real *r, int w)
{
	int v = real_override_value(r->override);

	if (real_override_kind(r->override) == OVERRIDE_WEIGHT)
		return v;
	if (real_override_kind(r->override) == OVERRIDE_PERCENT)
		return w > 0 && v > 0 && w * v / 100 == 0 ? 1 : w * v / 100;
	return w;
}

static int m_weight(const struct m_real *r)
{
	int least = -1;

	for (int c = 0; c < N_C; c++)
		if (r->c[c].on && r->c[c].dyn && r->c[c].weight >= 0 &&
		    (least < 0 || r->c[c].weight < least))
			least = r->c[c].weight;
	return m_by_operator(r, least >= 0 ? least : r->weight);
}

static void m_want(const struct m_real *r, int *want, int *weight)
{
	enum real_override o = real_override_kind(r->override);

	*weight = 0;
	*want = FLEET_ENABLE;
	if (o == OVERRIDE_UP)
		*weight = r->weight;
	else if (o == OVERRIDE_DRAIN)
		*weight = 0;
	else if (o == OVERRIDE_DOWN)
		*want = FLEET_DISABLE;
	else if (r->state == U)
		*want = FLEET_NOTHING;
	else if (r->state == UP)
		*weight = m_weight(r);
	else if (!r->inh)
		*want = FLEET_DISABLE;
}

static void m_real_update(struct model *m, struct m_real *r)
{
	int was = r->want;

	r->state = m_verdict(r);
	m_want(r, &r->want, &r->want_weight);
	if (r->want != FLEET_NOTHING)
		r->kept = -1;
	if (was == FLEET_ENABLE && r->want != FLEET_ENABLE && r->held >= 0) {
		r->standing = m->connected ? r->held : -1;
		r->held = -1;
	} else if (r->want == FLEET_ENABLE && r->standing >= 0) {
		r->held = r->standing;
		r->standing = -1;
	}
}

static int m_counts(const struct m_real *r)
{
	if (r->want != FLEET_ENABLE || r->held < 0)
		return 0;
	return MIN(r->held, r->want_weight);
}

static int m_sum(const struct m_service *s)
{
	int w = 0;

	for (int r = 0; r < N_R; r++)
		w += s->r[r].on ? m_counts(&s->r[r]) : 0;
	return w;
}

static bool m_could_reach(const struct model *m, const struct m_service *s)
{
	int w = m_sum(s);

	for (int i = 0; i < N_R; i++) {
		const struct m_real *r = &s->r[i];

		if (!r->on || (m->found && !r->listed && !r->fresh))
			continue;
		if (r->want == FLEET_ENABLE) {
			w += r->want_weight - m_counts(r);
		} else if (r->want == FLEET_NOTHING) {
			if (m_has_dyn(r) && real_override_kind(r->override) != OVERRIDE_WEIGHT)
				return true;
			w += m_by_operator(r, r->weight);
		}
	}
	return w >= s->q + s->h;
}

static void m_judge_service(struct model *m, struct m_service *s)
{
	int w = m_sum(s);

	if (w >= s->q + s->h && (s->q + s->h > 0 || m->found || s->state == UP))
		s->state = UP;
	else if (s->state == UP)
		s->state = w == 0 || w < s->q - s->h ? DOWN : UP;
	else if (s->state == U && !m_could_reach(m, s))
		s->state = DOWN;
}

static void m_judge_prefix(struct model *m, int p)
{
	int n = 0, up = 0, down = 0;
	bool all = true;

	if (!m->p[p].on)
		return;
	for (int s = 0; s < N_S; s++)
		if (m->s[s].member && prefix_of(s) == p)
			all = all && m->s[s].state != U;
	for (int s = 0; s < N_S; s++) {
		if (!m->s[s].member || prefix_of(s) != p)
			continue;
		if (m->p[p].wait_all && all)
			m->s[s].joined = true;
		n += m->s[s].joined;
		up += m->s[s].joined && m->s[s].state == UP;
		down += m->s[s].joined && m->s[s].state == DOWN;
	}
	if (all)
		m->p[p].wait_all = false;
	if (n > 0 && up == n)
		m->p[p].state = UP;
	else if (down > 0)
		m->p[p].state = DOWN;
}

static void m_judge(struct model *m)
{
	for (int s = 0; s < N_S; s++) {
		if (!m->s[s].on)
			continue;
		m_judge_service(m, &m->s[s]);
		if (m->s[s].member && m->s[s].state == UP && !m->p[prefix_of(s)].wait_all)
			m->s[s].joined = true;
	}
	for (int p = 0; p < N_P; p++)
		m_judge_prefix(m, p);
}

static void m_attempt(struct model *m, struct m_real *r, struct m_check *c, int verdict, int weight)
{
	int before = c->state;

	if (verdict == VERDICT_UNKNOWN)
		return;
	if (verdict == VERDICT_GOOD) {
		c->bad = 0;
		c->good++;
		if (c->good >= c->rise)
			c->state = UP;
		if (c->dyn && weight >= 0)
			c->weight = weight;
	} else {
		bool has_past = before != U || r->kept >= 0 || !m->found;

		c->good = 0;
		c->bad++;
		if (c->bad >= (has_past ? c->fall : 1))
			c->state = DOWN;
	}
	m_real_update(m, r);
}

/* --- configurations --- */

static void random_check(struct m_check *c)
{
	c->fall = 1 + (int)rnd(3);
	c->rise = 1 + (int)rnd(2);
	c->dyn = rnd(4) == 0;
	c->tag++;
}

static void random_real(struct m_real *r)
{
	r->weight = (int)rnd(20);
	r->inh = rnd(4) == 0;
	r->init = rnd(8) == 0 ? UP : rnd(8) == 0 ? DOWN : U;
	for (int c = 0; c < N_C; c++) {
		r->c[c].on = rnd(5) < 2;
		random_check(&r->c[c]);
	}
}

static void random_service(struct m_service *s)
{
	s->q = (int)rnd(25);
	s->h = (int)rnd(4);
	s->grouped = rnd(3) > 0;
}

/* Changes some of the wanted configuration. */
static void mutate(struct model *m)
{
	for (int n = 1 + (int)rnd(3); n > 0; n--) {
		struct m_service *s = &m->s[rnd(N_S)];
		struct m_real *r = &s->r[rnd(N_R)];
		struct m_check *c = &r->c[rnd(N_C)];

		switch (rnd(7)) {
		case 0:
			s->on = !s->on;
			break;
		case 1:
			random_service(s);
			break;
		case 2:
			r->on = !r->on;
			break;
		case 3:
			r->weight = (int)rnd(20);
			break;
		case 4:
			r->inh = !r->inh;
			break;
		case 5:
			c->on = !c->on;
			break;
		default:
			random_check(c);
			break;
		}
	}
}

static void print_checks(const struct m_real *r, char *out, size_t size)
{
	for (int c = 0; c < N_C; c++) {
		size_t n = strlen(out);

		if (r->c[c].on)
			snprintf(out + n, size - n, "ck f%d r%d t%d%s;", r->c[c].fall, r->c[c].rise,
				 c * 1000 + r->c[c].tag, r->c[c].dyn ? " dyn" : "");
	}
}

static void print(const struct model *m, char *out, size_t size)
{
	out[0] = 0;
	for (int s = 0; s < N_S; s++) {
		const struct m_service *sv = &m->s[s];

		if (!sv->on)
			continue;
		snprintf(out + strlen(out), size - strlen(out), "vs %d/%d q%d h%d%s;",
			 prefix_of(s) + 1, 80 + s % 2, sv->q, sv->h, sv->grouped ? " g1" : "");
		for (int r = 0; r < N_R; r++) {
			const struct m_real *rl = &sv->r[r];

			if (!rl->on)
				continue;
			snprintf(out + strlen(out), size - strlen(out), "rs %d w%d%s%s;",
				 s * 10 + r + 1, rl->weight, rl->inh ? " inh" : "",
				 rl->init == UP     ? " up"
				 : rl->init == DOWN ? " down"
						    : "");
			print_checks(rl, out, size);
		}
	}
}

/* --- reload in the model: next is the configuration, with stale facts that are replaced --- */

static void m_start_check(struct m_check *c, int state, int weight)
{
	c->state = state;
	c->bad = c->good = 0;
	c->weight = c->dyn ? weight : -1;
}

static void m_reload_real(struct model *m, const struct m_real *old, bool was, struct m_real *r)
{
	int least = -1;

	if (!was) {
		int init = r->init;

		for (int c = 0; c < N_C; c++)
			m_start_check(&r->c[c], init, -1);
		r->override = 0;
		r->listed = false;
		r->fresh = m->found;
		r->kept = r->held = r->standing = -1;
		r->want = FLEET_NOTHING;
		r->told = FLEET_NOTHING;
		r->told_weight = 0;
		m_real_update(m, r);
		return;
	}
	for (int c = 0; c < N_C; c++)
		if (old->c[c].on && old->c[c].dyn && old->c[c].weight >= 0 &&
		    (least < 0 || old->c[c].weight < least))
			least = old->c[c].weight;
	for (int c = 0; c < N_C; c++)
		if (r->c[c].on && (!old->c[c].on || old->c[c].tag != r->c[c].tag))
			m_start_check(&r->c[c], old->state, least);
	m_real_update(m, r);
}

static void m_enter(struct model *m, int s)
{
	struct m_service *sv = &m->s[s];
	struct m_prefix *p = &m->p[prefix_of(s)];

	sv->member = true;
	sv->joined = p->state != UP || (sv->state == UP && !p->wait_all);
}

static void m_orphans(struct model *m, int p)
{
	int n = 0, joined = 0;

	for (int s = 0; s < N_S; s++) {
		if (m->s[s].member && prefix_of(s) == p) {
			n++;
			joined += m->s[s].joined;
		}
	}
	if (n == 0 || joined > 0)
		return;
	if (m->p[p].state == UP)
		m->p[p].wait_all = true;
	for (int s = 0; s < N_S && m->p[p].state != UP; s++)
		if (m->s[s].member && prefix_of(s) == p)
			m->s[s].joined = true;
}

static void m_reload(struct model *m, const struct model *old)
{
	bool entering[N_S] = {false};

	for (int s = 0; s < N_S; s++) {
		struct m_service *sv = &m->s[s];

		for (int r = 0; r < N_R; r++)
			if (sv->on && sv->r[r].on)
				m_reload_real(m, &old->s[s].r[r], old->s[s].on && old->s[s].r[r].on,
					      &sv->r[r]);
		if (!sv->on || !old->s[s].on)
			sv->state = U;
		if (sv->member && !(sv->on && sv->grouped))
			sv->member = sv->joined = false;
		entering[s] = sv->on && sv->grouped && !sv->member;
		if (sv->on)
			m_judge_service(m, sv);
		if (sv->member && sv->state == UP && !m->p[prefix_of(s)].wait_all)
			sv->joined = true;
	}
	for (int p = 0; p < N_P; p++) {
		bool on = false;

		for (int s = 0; s < N_S; s++)
			on = on || (prefix_of(s) == p && m->s[s].on && m->s[s].grouped);
		if (!on || !m->p[p].on)
			m->p[p] = (struct m_prefix){.state = U, .told = U};
		m->p[p].on = on;
	}
	for (int s = 0; s < N_S; s++)
		if (entering[s])
			m_enter(m, s);
	for (int p = 0; p < N_P; p++) {
		m_orphans(m, p);
		m_judge_prefix(m, p);
	}
}

/* --- comparing --- */

struct run {
	struct fx *x;
	struct model m;
	uint64_t seed;
	int step;
	const char *op;
};

#define same(run, a, b, what, s, r)                                                             \
	cr_assert_eq((long)(a), (long)(b),                                                      \
		     "seed %lu step %d %s: %s of service %d real %d: fleet "                    \
		     "%ld, model %ld",                                                          \
		     (unsigned long)(run)->seed, (run)->step, (run)->op, what, s, r, (long)(a), \
		     (long)(b))

static uint32_t service_slot(const struct run *u, int s)
{
	return fx_service_port(u->x, (uint32_t)prefix_of(s) + 1, (uint16_t)(80 + s % 2));
}
static uint32_t real_slot(const struct run *u, int s, int r)
{
	struct addr ip = fx_ip((uint32_t)(s * 10 + r + 1));

	return gen_find_real(u->x->gen, service_slot(u, s), &ip, true, 80);
}
static uint32_t check_slot(const struct run *u, int s, int r, int c)
{
	int tag = c * 1000 + u->m.s[s].r[r].c[c].tag;
	uint32_t slot = u->x->gen->reals[real_slot(u, s, r)].first_check;

	while (gen_profile(u->x->gen, slot)->status_code != tag)
		slot = u->x->gen->checks[slot].next;
	return slot;
}

static void compare_real(const struct run *u, int s, int r)
{
	const struct m_real *want = &u->m.s[s].r[r];
	uint32_t slot = real_slot(u, s, r);
	const struct real_row *row = state_real(&u->x->tables, slot);
	struct fleet_wish wish = fleet_wish_peek(u->x->fleet, slot);

	same(u, row->state, want->state, "state", s, r);
	same(u, wish.want, want->want, "want", s, r);
	same(u, wish.weight, want->want_weight, "weight", s, r);
	same(u, !!(row->flags & REAL_ROW_HELD), want->held >= 0, "held", s, r);
	same(u, !!(row->flags & REAL_ROW_KEPT), want->kept >= 0, "kept", s, r);
	if (row->state == U && real_override_kind(row->override) == OVERRIDE_NONE)
		same(u, wish.want, FLEET_NOTHING, "wish of an undecided real", s, r);
	for (int c = 0; c < N_C; c++) {
		uint32_t word;

		if (!want->c[c].on)
			continue;
		word = state_check(&u->x->tables, check_slot(u, s, r, c))->word;
		same(u, check_word_state(word), want->c[c].state, "check", s, r);
	}
}

static void compare_service(const struct run *u, int s)
{
	const struct m_service *want = &u->m.s[s];
	const struct service_row *row = state_service(&u->x->tables, service_slot(u, s));
	int up = 0, undecided = 0, enabled = 0, absent = 0;

	for (int r = 0; r < N_R; r++) {
		const struct m_real *rl = &want->r[r];

		if (!rl->on)
			continue;
		compare_real(u, s, r);
		up += rl->state == UP;
		undecided += rl->state == U;
		enabled += rl->want == FLEET_ENABLE;
		absent += u->m.found && !rl->listed && !rl->fresh;
	}
	same(u, row->weight, m_sum(want), "W", s, -1);
	same(u, row->state, want->state, "service state", s, -1);
	same(u, row->n_up, up, "n_up", s, -1);
	same(u, row->n_undecided, undecided, "n_undecided", s, -1);
	same(u, row->alive_count, enabled, "alive_count", s, -1);
	same(u, row->n_absent, absent, "n_absent", s, -1);
	same(u, !!(row->flags & SERVICE_ROW_JOINED), want->joined, "joined", s, -1);
}

static void compare_prefix(const struct run *u, int p)
{
	const struct prefix_row *row = fx_prow(u->x, (uint32_t)p + 1);
	int n = 0, joined = 0;

	for (int s = 0; s < N_S; s++) {
		if (u->m.s[s].member && prefix_of(s) == p) {
			n++;
			joined += u->m.s[s].joined;
		}
	}
	same(u, row->state, u->m.p[p].state, "prefix state", -1, p);
	same(u, row->n_members, n, "members", -1, p);
	same(u, row->n_joined, joined, "joined", -1, p);
}

static void compare_summary(const struct run *u)
{
	struct summary sum = {0};
	uint32_t states[3] = {0}, enabled = 0;

	for (int s = 0; s < N_S; s++) {
		for (int r = 0; u->m.s[s].on && r < N_R; r++) {
			const struct m_real *rl = &u->m.s[s].r[r];

			states[rl->state] += rl->on;
			enabled += rl->on && rl->want == FLEET_ENABLE;
		}
	}
	fleet_fill_summary(u->x->fleet, &sum);
	same(u, sum.reals_undecided, states[U], "reals_undecided", -1, -1);
	same(u, sum.reals_up, states[UP], "reals_up", -1, -1);
	same(u, sum.reals_down, states[DOWN], "reals_down", -1, -1);
	same(u, sum.reals_enabled, enabled, "reals_enabled", -1, -1);
	same(u, sum.checks_up + sum.checks_down + sum.checks_undecided, u->x->gen->n_checks,
	     "checks", -1, -1);
	same(u, sum.services_up + sum.services_down + sum.services_undecided, u->x->gen->n_services,
	     "services", -1, -1);
	same(u, sum.prefixes_announced + sum.prefixes_withdrawn + sum.prefixes_undecided,
	     u->x->gen->n_prefixes, "prefixes", -1, -1);
}

static void compare(const struct run *u)
{
	for (int s = 0; s < N_S; s++)
		if (u->m.s[s].on)
			compare_service(u, s);
	for (int p = 0; p < N_P; p++)
		if (u->m.p[p].on)
			compare_prefix(u, p);
	compare_summary(u);
}

/* --- steps --- */

static bool pick_real(struct run *u, int *s, int *r)
{
	*s = (int)rnd(N_S);
	*r = (int)rnd(N_R);
	return u->m.s[*s].on && u->m.s[*s].r[*r].on;
}

static void step_result(struct run *u)
{
	static const enum check_code codes[] = {CODE_OK, CODE_OK, CODE_REFUSED, CODE_LATE};
	int s, r, c = (int)rnd(N_C), weight = (int)rnd(20) - 2;
	enum check_code code = codes[rnd(ARRAY_LEN(codes))];
	struct m_real *rl;
	struct result res;

	if (!pick_real(u, &s, &r) || !u->m.s[s].r[r].c[c].on)
		return;
	u->op = "result";
	rl = &u->m.s[s].r[r];
	res = fx_make(u->x, check_slot(u, s, r, c), code);
	res.weight = MAX(weight, -1);
	fleet_result(u->x->fleet, &res, u->x->now);
	m_attempt(&u->m, rl, &rl->c[c], (int)check_code_verdict(code), MAX(weight, -1));
}

static void step_override(struct run *u)
{
	int s, r;
	uint32_t o = real_override_make((enum real_override)rnd(6), (uint16_t)rnd(100));

	if (!pick_real(u, &s, &r))
		return;
	if (rnd(2))
		o = 0;
	u->op = "override";
	fleet_override(u->x->fleet, real_slot(u, s, r), o, u->x->now);
	u->m.s[s].r[r].override = o;
	m_real_update(&u->m, &u->m.s[s].r[r]);
}

static void step_listing(struct run *u)
{
	int s, r, weight = (int)rnd(20);
	bool enabled = rnd(2);
	struct m_real *rl;

	if (!pick_real(u, &s, &r))
		return;
	rl = &u->m.s[s].r[r];
	if (rl->listed) {
		u->op = "unlisted";
		fleet_unlisted(u->x->fleet, real_slot(u, s, r), u->x->now);
		rl->listed = false;
		rl->held = rl->kept = rl->standing = -1;
		return;
	}
	u->op = "listed";
	fleet_listed(u->x->fleet, real_slot(u, s, r), enabled, (uint16_t)weight, u->x->now);
	rl->listed = true;
	rl->fresh = false;
	if (enabled && rl->want == FLEET_NOTHING) {
		rl->kept = weight;
		rl->standing = -1;
	}
}

/* All dirty reals are taken; those that are not among them must wish what they wished. */
static void step_drain(struct run *u)
{
	bool is_dirty[4096] = {false};
	uint32_t slot;

	u->op = "drain";
	while ((slot = fleet_take_dirty_real(u->x->fleet)) != SLOT_NONE)
		is_dirty[slot] = true;
	for (int s = 0; s < N_S; s++) {
		for (int r = 0; u->m.s[s].on && r < N_R; r++) {
			struct m_real *rl = &u->m.s[s].r[r];

			if (!rl->on)
				continue;
			if (!is_dirty[real_slot(u, s, r)]) {
				same(u, rl->want, rl->told, "untold want", s, r);
				same(u, rl->want_weight, rl->told_weight, "untold weight", s, r);
			}
			rl->told = rl->want;
			rl->told_weight = rl->want_weight;
		}
	}
}

static void step_drain_prefixes(struct run *u)
{
	bool is_dirty[4096] = {false};
	uint32_t slot;

	u->op = "drain prefixes";
	while ((slot = fleet_take_dirty_prefix(u->x->fleet)) != SLOT_NONE)
		is_dirty[slot] = true;
	for (int p = 0; p < N_P; p++) {
		if (!u->m.p[p].on)
			continue;
		if (!is_dirty[fx_prefix(u->x, (uint32_t)p + 1)])
			same(u, u->m.p[p].state, u->m.p[p].told, "untold prefix", -1, p);
		u->m.p[p].told = u->m.p[p].state;
	}
}

/* The balancer's driver asks for the wish and sends it; later it is acknowledged, or never. */
static void step_send(struct run *u)
{
	struct fleet_wish w;
	struct m_real *rl;
	int s, r;

	if (!pick_real(u, &s, &r))
		return;
	rl = &u->m.s[s].r[r];
	u->op = "send";
	w = fleet_wish_of(u->x->fleet, real_slot(u, s, r));
	if (rl->want == FLEET_DISABLE)
		rl->standing = -1;
	if (rl->want == FLEET_ENABLE && rl->held >= 0)
		rl->held = MIN(rl->held, rl->want_weight);
	if (w.want == FLEET_NOTHING || rnd(4) == 0)
		return;
	u->op = "ack";
	fleet_acked(u->x->fleet, real_slot(u, s, r), w.want == FLEET_ENABLE, w.weight, u->x->now);
	if (w.want == FLEET_ENABLE)
		rl->held = rl->want_weight;
	else
		rl->held = rl->kept = -1;
}

static void step_connection(struct run *u)
{
	u->op = "connection";
	u->m.connected = rnd(3) > 0;
	fleet_connection(u->x->fleet, u->m.connected);
	for (int s = 0; s < N_S && !u->m.connected; s++)
		for (int r = 0; r < N_R; r++)
			u->m.s[s].r[r].standing = -1;
}

static void m_note_fresh(struct run *u, const struct model *old)
{
	for (int s = 0; s < N_S; s++)
		for (int r = 0; r < N_R; r++)
			if (u->m.s[s].on && u->m.s[s].r[r].on &&
			    !(old->s[s].on && old->s[s].r[r].on))
				u->m.fresh_until = u->x->now + 10 * FX_S;
}

static void step_tick(struct run *u)
{
	u->op = "tick";
	fleet_tick(u->x->fleet, u->x->now);
	if (!u->m.fresh_until || u->x->now < u->m.fresh_until)
		return;
	for (int s = 0; s < N_S; s++)
		for (int r = 0; u->m.connected && r < N_R; r++)
			u->m.s[s].r[r].fresh = false;
	if (!u->m.connected)
		u->m.fresh_until = u->x->now + 10 * FX_S;
}

static void step_reload(struct run *u)
{
	struct model old = u->m;
	char text[8192];

	u->op = "reload";
	mutate(&u->m);
	print(&u->m, text, sizeof(text));
	fx_load(u->x, text);
	m_reload(&u->m, &old);
	if (u->m.found)
		m_note_fresh(u, &old);
}

static void step(struct run *u)
{
	uint32_t dice = rnd(100);

	u->x->now += rnd(1000) * FX_MS;
	if (dice < 45)
		step_result(u);
	else if (dice < 65)
		step_send(u);
	else if (dice < 75)
		step_listing(u);
	else if (dice < 80)
		step_drain(u);
	else if (dice < 84)
		step_drain_prefixes(u);
	else if (dice < 90)
		step_override(u);
	else if (dice < 92)
		step_connection(u);
	else if (dice < 96)
		step_reload(u);
	else if (dice < 99)
		step_tick(u);
	else if (!u->m.found) {
		u->op = "first find";
		fleet_first_find(u->x->fleet, u->x->now);
		u->m.found = true;
	}
	m_judge(&u->m);
	compare(u);
}

static void run_seed(uint64_t seed)
{
	struct fleet_config config = fx_config();
	struct run u = {.seed = seed, .op = "start"};
	char text[8192];

	rng = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	config.blind.max_hold_ns = 0; /* the naive model knows no freeze */
	for (int s = 0; s < N_S; s++) {
		u.m.s[s].on = rnd(3) > 0;
		random_service(&u.m.s[s]);
		for (int r = 0; r < N_R; r++) {
			u.m.s[s].r[r].on = rnd(3) > 0;
			random_real(&u.m.s[s].r[r]);
		}
	}
	u.x = fx_new(&config, "");
	print(&u.m, text, sizeof(text));
	fx_load(u.x, text);
	m_reload(&u.m, &(struct model){.found = false});
	compare(&u);
	for (u.step = 0; u.step < STEPS; u.step++)
		step(&u);
	fx_free(u.x);
}

Test(fleet_random, agrees_with_the_naive_model)
{
	const char *replay = getenv("FLEET_SEED");
	clock_t end = clock() + 4 * CLOCKS_PER_SEC;

	if (replay) {
		run_seed(strtoull(replay, NULL, 10));
		return;
	}
	for (uint64_t seed = 1; seed <= 2000 && clock() < end; seed++)
		run_seed(seed);
}
