/* Years of bad weather in seconds: random outages of our uplink, of sites and of single reals, with
 * blind, panic and announce_hold on, random acknowledgements and reloads. No model here, but laws
 * that hold after every event. A failure prints seed and step; FLEET_SEED=n replays one seed.
 */
#include <time.h>

#include "quorum_fixture.h"

enum { N_V = 12, N_R = 40, STEPS = 3000 };

struct storm {
	struct fx *x;
	uint64_t seed, rng;
	int step;
	bool uplink_down, site_down;
	bool is_dead[N_R + 1];
	bool was_enabled[4096], was_up[4096];
	uint32_t variant;
};

static uint32_t rnd(struct storm *st, uint32_t n)
{
	st->rng ^= st->rng << 13;
	st->rng ^= st->rng >> 7;
	st->rng ^= st->rng << 17;
	return (uint32_t)((st->rng >> 20) % n);
}

#define law(st, cond, ...)                                                                    \
	do {                                                                                  \
		if (!(cond))                                                                  \
			cr_assert_fail("seed %lu step %d: " #cond, (unsigned long)(st)->seed, \
				       (st)->step);                                           \
	} while (0)

static void load(struct storm *st)
{
	static char text[1 << 16];
	size_t at = 0;

	for (uint32_t v = 1; v <= N_V; v++) {
		at += (size_t)snprintf(text + at, sizeof(text) - at, "vs %u/%u q%u h%u g1 p%u;",
				       (v + 1) / 2, 80 + v % 2, 1 + (v + st->variant) % 3, v % 2,
				       v % 4 == 0 ? 50 : 0);
		for (uint32_t r = v; r <= N_R; r += 4 + v % 3)
			if ((r + st->variant) % 17)
				at += (size_t)snprintf(
					text + at, sizeof(text) - at, "rs %u w%u%s;ck f%u t%u%s;",
					r, 1 + r % 3, r % 5 ? "" : " inh", 1 + r % 3,
					1 + st->variant % 3, r % 7 ? "" : " dyn x30");
	}
	fx_load(st->x, text);
}

/* --- laws --- */

static bool real_is_ordered(const struct real_row *row)
{
	return real_override_kind(row->override) != OVERRIDE_NONE;
}

static void check_real(struct storm *st, uint32_t real, bool may_remove)
{
	const struct real_row *row = state_real(&st->x->tables, real);
	struct fleet_wish w = fleet_wish_peek(st->x->fleet, real);
	bool enabled = row->flags & REAL_ROW_ENABLED;

	if (row->state == STATE_UNDECIDED && !real_is_ordered(row))
		law(st, w.want == FLEET_NOTHING);
	law(st, !(row->flags & REAL_ROW_HELD) || enabled);
	law(st, enabled || row->wanted_weight == 0);
	if (row->state == STATE_UP && !real_is_ordered(row))
		law(st, w.want == FLEET_ENABLE);
	if (row->state == STATE_DOWN && !real_is_ordered(row) && w.want == FLEET_ENABLE)
		law(st, row->flags & (REAL_ROW_INHIBITED | REAL_ROW_FROZEN));
	if (!may_remove && st->was_enabled[real] && !real_is_ordered(row))
		law(st, w.want == FLEET_ENABLE);
	st->was_enabled[real] = enabled && row->wanted_weight > 0;
}

static void check_service(struct storm *st, uint32_t service)
{
	const struct service_spec *spec = &st->x->gen->services[service];
	const struct service_row *row = state_service(&st->x->tables, service);
	uint32_t up = 0, undecided = 0, enabled = 0;

	for (uint32_t i = 0; i < spec->n_reals; i++) {
		const struct real_row *r =
			state_real(&st->x->tables, st->x->gen->real_order[spec->first_real + i]);

		up += r->state == STATE_UP;
		undecided += r->state == STATE_UNDECIDED;
		enabled += (r->flags & REAL_ROW_ENABLED) != 0;
	}
	law(st, row->n_up == up && row->n_undecided == undecided && row->alive_count == enabled);
	law(st, row->state != STATE_UP || row->weight > 0);
	law(st, row->state != STATE_UP || row->weight + spec->hysteresis >= spec->quorum);
}

/* I1 is asserted by the fixture's hook, at the moment of each announcement. */
static void check_prefix(struct storm *st, uint32_t prefix, bool may_remove)
{
	const struct prefix_row *row = state_prefix(&st->x->tables, prefix);
	uint32_t s = st->x->gen->prefixes[prefix].first_service, joined = 0, up = 0;

	for (; s != SLOT_NONE; s = st->x->gen->services[s].next_on_prefix) {
		const struct service_row *sv = state_service(&st->x->tables, s);

		joined += (sv->flags & SERVICE_ROW_JOINED) != 0;
		up += (sv->flags & SERVICE_ROW_JOINED) && sv->state == STATE_UP;
	}
	law(st, row->n_joined == joined && row->n_joined_up == up);
	if (row->state == STATE_UP && up != joined)
		law(st, row->flags & PREFIX_ROW_FROZEN);
	if (!may_remove && st->was_up[prefix])
		law(st, row->state == STATE_UP);
	st->was_up[prefix] = row->state == STATE_UP;
}

/* may_remove: the event was an order, or we were not blind while it happened. */
static void check_laws(struct storm *st, bool may_remove)
{
	struct fx *x = st->x;

	for (uint32_t r = 0; r < x->gen->end_reals; r++)
		if (gen_real_in_use(x->gen, r))
			check_real(st, r, may_remove);
	for (uint32_t s = 0; s < x->gen->end_services; s++)
		if (gen_service_in_use(x->gen, s))
			check_service(st, s);
	for (uint32_t p = 0; p < x->gen->end_prefixes; p++)
		if (gen_prefix_in_use(x->gen, p))
			check_prefix(st, p, may_remove);
}

/* --- events --- */

static uint32_t any_real(struct storm *st)
{
	return st->x->gen->real_order[rnd(st, st->x->gen->n_reals)];
}

/* One check's attempt as the weather gives it. */
static void attempt(struct storm *st, uint32_t check)
{
	const struct addr *ip = &st->x->gen->reals[st->x->gen->checks[check].real].ip;
	uint32_t number = addr_v4_u32(ip) & 0xffff;
	enum check_code code = CODE_OK;
	struct result r;

	if (st->uplink_down)
		code = CODE_CONNECT_TIMEOUT;
	else if (st->site_down && number % 3)
		code = CODE_REFUSED;
	else if (st->is_dead[number])
		code = rnd(st, 2) ? CODE_HTTP_STATUS : CODE_CONNECT_TIMEOUT;
	if (rnd(st, 50) == 0)
		code = rnd(st, 2) ? CODE_LATE : CODE_NO_ROUTE;
	r = fx_make(st->x, check, code);
	r.weight = (int32_t)rnd(st, 50);
	fleet_result(st->x->fleet, &r, st->x->now);
}

static void change_weather(struct storm *st)
{
	if (rnd(st, 40) == 0)
		st->uplink_down = !st->uplink_down;
	if (rnd(st, 60) == 0)
		st->site_down = !st->site_down;
	if (rnd(st, 10) == 0)
		st->is_dead[1 + rnd(st, N_R)] ^= true;
}

static void results(struct storm *st)
{
	struct fx *x = st->x;

	change_weather(st);
	for (uint32_t c = 0; c < x->gen->end_checks; c++) {
		bool was_blind = fleet_is_blind(x->fleet);

		if (!gen_check_in_use(x->gen, c) || rnd(st, 4) == 0)
			continue;
		attempt(st, c);
		if (rnd(st, 16) == 0 || was_blind != fleet_is_blind(x->fleet))
			check_laws(st, !was_blind || !fleet_is_blind(x->fleet));
	}
}

static void peers(struct storm *st)
{
	struct fx *x = st->x;
	uint32_t slot, real = any_real(st);

	switch (rnd(st, 6)) {
	case 0:
		fleet_connection(x->fleet, rnd(st, 4) > 0);
		break;
	case 1:
		fleet_unlisted(x->fleet, real, x->now);
		break;
	case 2:
		fleet_listed(x->fleet, real, rnd(st, 2), (uint16_t)rnd(st, 20), x->now);
		break;
	case 3:
		while ((slot = fleet_take_dirty_prefix(x->fleet)) != SLOT_NONE)
			fleet_prefix_sent(x->fleet, slot,
					  (enum state)state_prefix(&x->tables, slot)->state);
		break;
	default:
		fx_deliver(x);
		break;
	}
}

static bool orders(struct storm *st)
{
	struct fx *x = st->x;
	uint32_t dice = rnd(st, 100);

	if (dice < 3) {
		st->variant++;
		load(st);
		for (uint32_t i = 0; i < x->gen->n_reals; i++)
			if (rnd(st, 3))
				fleet_listed(x->fleet, x->gen->real_order[i], false, 0, x->now);
		memset(st->was_enabled, 0, sizeof(st->was_enabled));
		memset(st->was_up, 0, sizeof(st->was_up));
	} else if (dice < 8) {
		fleet_override(x->fleet, any_real(st), rnd(st, 4), x->now);
	} else if (dice < 10) {
		fleet_release_panic(x->fleet, x->now);
	} else {
		return false;
	}
	return true;
}

static void run_seed(uint64_t seed)
{
	struct storm st = {.seed = seed, .rng = seed * UINT64_C(0x9e3779b97f4a7c15) + 1};
	struct fleet_config config = fx_config();

	config.blind.max_hold_ns = 20 * FX_S;
	config.announce_hold_ns = rnd(&st, 2) ? 5 * FX_S : 0;
	config.max_remove = rnd(&st, 2) ? 15 : 0;
	st.x = fx_new(&config, "");
	load(&st);
	fx_all_up(st.x);
	for (; st.step < STEPS / 10; st.step++) {
		bool was_blind = fleet_is_blind(st.x->fleet), is_order;

		st.x->now += rnd(&st, 1500) * FX_MS;
		fleet_tick(st.x->fleet, st.x->now);
		check_laws(&st, !was_blind || !fleet_is_blind(st.x->fleet));
		results(&st);
		was_blind = fleet_is_blind(st.x->fleet);
		peers(&st);
		check_laws(&st, !was_blind);
		is_order = orders(&st);
		check_laws(&st, is_order || !fleet_is_blind(st.x->fleet));
	}
	fx_free(st.x);
}

Test(fleet_storm, laws_hold_in_every_weather)
{
	const char *replay = getenv("FLEET_SEED");
	clock_t end = clock() + 4 * CLOCKS_PER_SEC;

	if (replay) {
		run_seed(strtoull(replay, NULL, 10));
		return;
	}
	for (uint64_t seed = 1; seed <= 300 && clock() < end; seed++)
		run_seed(seed);
}
