/* A fleet on a virtual clock, built from a line of text through the product's own gen_build().
 *
 *   vs V[/PORT] [qQUORUM] [hHYST] [gGROUP] [pPANIC]   VIP 10.0.x.V, port 80
 *   rs R [wWEIGHT] [inh] [up] [down] [v6]              10.1.x.R:80, or 2001:db8::R
 *   ck [fFALL] [rRISE] [iINTERVAL_MS] [dyn] [xPERCENT] [tTAG] [drain]
 *
 * separated by ';'. Defaults: quorum 1, weight 1, fall 1, rise 1, interval 1 s, check_timeout 100
 * ms. A tag makes another check of equal parameters.
 */
#pragma once

#include <stdio.h>

#include <criterion/criterion.h>

#include "base/arena.h"
#include "config/gen_build.h"
#include "quorum/fleet.h"

#define FX_MS UINT64_C(1000000)
#define FX_S  UINT64_C(1000000000)
#define FX    __attribute__((unused)) static

struct fx_event {
	char kind; /* c r s p b(lind) a(larm) u(nknown) */
	uint32_t slot;
	uint8_t from, to;
};

enum { FX_EVENTS = 4096 };

struct fx {
	struct fleet_config config;
	struct state_tables tables;
	struct counters *counters;
	struct slot_books books;
	struct generation *gen;
	struct gen_diff *diff; /* of the last load, until fx_retire */
	struct generation *old;
	struct fleet *fleet;
	uint64_t now;
	struct check_extras extras; /* of checks with "drain" */
	struct fx_event events[FX_EVENTS];
	uint32_t n_events;
	uint32_t held_s; /* of the last real_changed */
};

/* --- hooks --- */

static void fx_note(struct fx *x, char kind, uint32_t slot, int from, int to)
{
	if (x->n_events < FX_EVENTS)
		x->events[x->n_events++] =
			(struct fx_event){kind, slot, (uint8_t)from, (uint8_t)to};
}
static void fx_on_check(void *ctx, uint32_t check, enum state from, enum state to,
			const struct result *r)
{
	struct fx *x = ctx;

	cr_assert(r);
	cr_assert_eq(check_word_state(state_check(&x->tables, check)->word), to);
	fx_note(x, 'c', check, from, to);
}
static void fx_on_real(void *ctx, uint32_t real, enum state from, enum state to, uint32_t check,
		       const struct result *r, uint32_t held_s)
{
	struct fx *x = ctx;

	cr_assert((r == NULL) == (check == SLOT_NONE));
	cr_assert_eq(state_real(&x->tables, real)->state, to);
	x->held_s = held_s;
	fx_note(x, 'r', real, from, to);
}
static void fx_on_service(void *ctx, uint32_t service, enum state from, enum state to)
{
	struct fx *x = ctx;

	cr_assert_eq(state_service(&x->tables, service)->state, to);
	fx_note(x, 's', service, from, to);
}
static void fx_on_prefix(void *ctx, uint32_t prefix, enum state from, enum state to)
{
	struct fx *x = ctx;

	const struct prefix_row *row = state_prefix(&x->tables, prefix);

	cr_assert_eq(row->state, to);
	/* I1 */
	if (to == STATE_UP)
		cr_assert(row->n_joined > 0 && row->n_joined_up == row->n_joined);
	fx_note(x, 'p', prefix, from, to);
}
static void fx_on_drain(void *ctx, uint32_t real, bool begins, const struct result *r)
{
	(void)r;
	fx_note(ctx, 'd', real, !begins, begins);
}
static void fx_on_blind(void *ctx, bool is_blind, uint32_t n_hosts, uint32_t n_bad)
{
	fx_note(ctx, 'b', n_hosts, (int)MIN(n_bad, 255u), is_blind);
}
static void fx_on_unknown(void *ctx, uint32_t check, const struct result *r, bool begins)
{
	(void)r;
	fx_note(ctx, 'u', check, 0, begins);
}
static void fx_on_alarm(void *ctx, uint32_t service, enum fleet_alarm alarm, bool begins)
{
	fx_note(ctx, 'a', service, (int)alarm, begins);
}

/* --- text to draft --- */

struct fx_parse {
	struct draft *draft;
	struct draft_service *service;
	struct draft_real *real;
	struct draft_check *check;
};

FX struct addr fx_vip(uint32_t v)
{
	return addr_from_v4_u32(0x0a000000u | v);
}
FX struct addr fx_ip(uint32_t r)
{
	return addr_from_v4_u32(0x0a010000u + r);
}
FX struct addr fx_ip6(uint32_t r)
{
	return (struct addr){{0x20, 1, 0xd, 0xb8, [12] = (uint8_t)(r >> 24), (uint8_t)(r >> 16),
			      (uint8_t)(r >> 8), (uint8_t)r}};
}

static void *fx_append(struct fx_parse *p, size_t bytes)
{
	void *m = arena_alloc(p->draft->arena, bytes);

	cr_assert(m);
	return m;
}

static void fx_parse_service(struct fx_parse *p, const char *word)
{
	struct draft_service *s = fx_append(p, sizeof(*s)), **link = &p->draft->services;
	unsigned vip = 0, port = 80;

	cr_assert(sscanf(word, "%u/%u", &vip, &port) >= 1);
	while (*link)
		link = &(*link)->next;
	*link = s;
	s->vip = fx_vip(vip);
	s->port = (uint16_t)port;
	s->flags = SERVICE_HAS_PORT;
	s->quorum = 1;
	s->scheduler = "wrr";
	s->quorum_up = s->ipv4_outer_source_network = s->ipv6_outer_source_network = "";
	p->service = s;
	p->draft->n_services++;
}

static void fx_parse_real(struct fx_parse *p, const char *word)
{
	struct draft_real *r = fx_append(p, sizeof(*r)), **link = &p->service->reals;

	while (*link)
		link = &(*link)->next;
	*link = r;
	r->ip = fx_ip((uint32_t)strtoul(word, NULL, 10));
	r->port = 80;
	r->weight = 1;
	r->flags = REAL_HAS_PORT;
	p->real = r;
	p->draft->n_reals++;
}

static void fx_parse_check(struct fx_parse *p)
{
	struct draft_check *c = fx_append(p, sizeof(*c)), **link = &p->real->checks;

	while (*link)
		link = &(*link)->next;
	*link = c;
	c->connect_ip = p->real->ip;
	c->connect_port = 80;
	c->profile = (struct check_profile){
		.interval_ns = FX_S,
		.connect_timeout_ns = 100 * FX_MS,
		.check_timeout_ns = 100 * FX_MS,
		.kind = CHECK_HTTP,
		.rise = 1,
		.fall = 1,
	};
	p->check = c;
	p->draft->n_checks++;
}

static void fx_parse_service_word(struct draft_service *s, const char *w)
{
	uint32_t n = (uint32_t)strtoul(w + 1, NULL, 10);

	switch (w[0]) {
	case 'q':
		s->quorum = n;
		break;
	case 'h':
		s->hysteresis = n;
		break;
	case 'g':
		s->group = (uint16_t)n;
		break;
	case 'p':
		s->panic_threshold = (uint8_t)n;
		break;
	default:
		cr_assert_fail("service word %s", w);
	}
}

static void fx_parse_real_word(struct draft_real *r, const char *w)
{
	if (w[0] == 'w')
		r->weight = (uint16_t)strtoul(w + 1, NULL, 10);
	else if (!strcmp(w, "inh"))
		r->flags |= REAL_INHIBIT;
	else if (!strcmp(w, "up"))
		r->flags |= REAL_INIT_UP;
	else if (!strcmp(w, "down"))
		r->flags |= REAL_INIT_DOWN;
	else if (!strcmp(w, "v6"))
		r->ip = fx_ip6(addr_v4_u32(&r->ip));
	else
		cr_assert_fail("real word %s", w);
}

static void fx_parse_check_word(struct draft_check *c, const char *w)
{
	uint32_t n = (uint32_t)strtoul(w + 1, NULL, 10);

	static const struct draft_extras drain = {
		.text = "drain_status 503\n",
		.extras = {.method = "",
			   .headers = "",
			   .verify_name = "",
			   .max_body_bytes = 1,
			   .drain_status = {.at = {{503, 503}}, .n = 1}},
	};

	if (!strcmp(w, "drain"))
		c->extras = &drain;
	else if (!strcmp(w, "dyn"))
		c->profile.flags |= PROFILE_DYNAMIC_WEIGHT;
	else if (w[0] == 'f')
		c->profile.fall = (uint8_t)n;
	else if (w[0] == 'r')
		c->profile.rise = (uint8_t)n;
	else if (w[0] == 'i')
		c->profile.interval_ns = n * FX_MS;
	else if (w[0] == 'x')
		c->profile.weight_coefficient = n;
	else if (w[0] == 't')
		c->profile.status_code = (uint16_t)n;
	else
		cr_assert_fail("check word %s", w);
}

static void fx_parse_item(struct fx_parse *p, char *item)
{
	char *save = NULL, *kind = strtok_r(item, " \n\t", &save), *w;

	if (!kind)
		return;
	if (!strcmp(kind, "vs"))
		fx_parse_service(p, strtok_r(NULL, " \n\t", &save));
	else if (!strcmp(kind, "rs"))
		fx_parse_real(p, strtok_r(NULL, " \n\t", &save));
	else
		fx_parse_check(p);
	while ((w = strtok_r(NULL, " \n\t", &save))) {
		if (!strcmp(kind, "vs"))
			fx_parse_service_word(p->service, w);
		else if (!strcmp(kind, "rs"))
			fx_parse_real_word(p->real, w);
		else
			fx_parse_check_word(p->check, w);
	}
}

/* First group on a VIP wins, as config/ does it (decisions 29). */
static void fx_unify_groups(struct draft *d)
{
	for (struct draft_service *s = d->services; s; s = s->next) {
		for (struct draft_service *t = d->services; s->group && t; t = t->next) {
			if (t->group && addr_eq(&s->vip, &t->vip)) {
				s->group = t->group;
				break;
			}
		}
	}
}

static struct draft *fx_draft(const char *text)
{
	struct draft *d = calloc(1, sizeof(*d));
	struct fx_parse p = {.draft = d};
	char *copy = strdup(text), *save = NULL;

	d->arena = arena_new();
	for (char *item = strtok_r(copy, ";", &save); item; item = strtok_r(NULL, ";", &save))
		fx_parse_item(&p, item);
	fx_unify_groups(d);
	free(copy);
	return d;
}

/* --- life --- */

FX struct fleet_config fx_config(void)
{
	return (struct fleet_config){
		.unknown_max = 5,
		.has_announcer = true,
		.has_balancer = true,
		.sync_period_ns = 5 * FX_S,
		.blind = {60 * FX_S, 10 * FX_S, 20, 80},
	};
}

/* After the actuators' view of removed slots is over. */
FX void fx_retire(struct fx *x)
{
	if (!x->diff)
		return;
	fleet_retire(x->fleet, x->diff);
	gen_build_release(x->diff, &x->books, x->now);
	gen_diff_free(x->diff);
	gen_free(x->old);
	x->diff = NULL;
	x->old = NULL;
}

/* Adopts and keeps what was removed until fx_retire. */
FX void fx_adopt(struct fx *x, const char *text)
{
	struct draft *d = fx_draft(text);

	fx_retire(x);
	x->old = x->gen;
	x->now += 100 * FX_S; /* slots rest a minute; tests that mind the time set it back */
	cr_assert_eq(gen_build(d, x->old, &x->books, x->now, 0, &x->gen, &x->diff), 0);
	x->now -= 100 * FX_S;
	cr_assert_eq(fleet_adopt(x->fleet, x->gen, x->diff, x->now), 0);
	arena_free(d->arena);
	free(d);
}

FX void fx_load(struct fx *x, const char *text)
{
	fx_adopt(x, text);
	fx_retire(x);
}

FX struct fx *fx_new(const struct fleet_config *config, const char *text)
{
	struct fx *x = calloc(1, sizeof(*x));
	const struct fleet_hooks hooks = {
		.ctx = x,
		.check_changed = fx_on_check,
		.real_changed = fx_on_real,
		.real_drained = fx_on_drain,
		.service_changed = fx_on_service,
		.prefix_changed = fx_on_prefix,
		.blind_changed = fx_on_blind,
		.unknown_alarm = fx_on_unknown,
		.service_alarm = fx_on_alarm,
	};

	x->config = config ? *config : fx_config();
	x->now = 1000 * FX_S;
	x->counters = aligned_alloc(CACHELINE, sizeof(*x->counters));
	memset(x->counters, 0, sizeof(*x->counters));
	cr_assert_eq(state_tables_init(&x->tables), 0);
	cr_assert_eq(slot_books_init(&x->books), 0);
	x->fleet = fleet_new(&x->config, &x->tables, &hooks, x->counters);
	cr_assert(x->fleet);
	fx_load(x, text);
	return x;
}

FX void fx_free(struct fx *x)
{
	fleet_free(x->fleet);
	gen_diff_free(x->diff);
	gen_free(x->old);
	gen_free(x->gen);
	slot_books_deinit(&x->books);
	state_tables_deinit(&x->tables);
	free(x->counters);
	free(x);
}

/* --- names --- */

FX uint32_t fx_service(struct fx *x, uint32_t vip)
{
	struct addr a = fx_vip(vip);

	return gen_find_service(x->gen, &a, true, 80, L4_TCP);
}
FX uint32_t fx_service_port(struct fx *x, uint32_t vip, uint16_t port)
{
	struct addr a = fx_vip(vip);

	return gen_find_service(x->gen, &a, true, port, L4_TCP);
}
FX uint32_t fx_prefix(struct fx *x, uint32_t vip)
{
	struct addr a = fx_vip(vip);

	return gen_find_prefix(x->gen, &a);
}
/* Real r of the first service that has it. */
FX uint32_t fx_real(struct fx *x, uint32_t r)
{
	for (uint32_t i = 0; i < x->gen->n_reals; i++) {
		uint32_t slot = x->gen->real_order[i];
		struct addr a = fx_ip(r), a6 = fx_ip6(addr_v4_u32(&a));

		if (addr_eq(&x->gen->reals[slot].ip, &a) || addr_eq(&x->gen->reals[slot].ip, &a6))
			return slot;
	}
	cr_assert_fail("no real %u", r);
	return SLOT_NONE;
}
FX uint32_t fx_check(struct fx *x, uint32_t r, unsigned nth)
{
	uint32_t c = x->gen->reals[fx_real(x, r)].first_check;

	while (nth-- > 0)
		c = x->gen->checks[c].next;
	cr_assert_neq(c, SLOT_NONE);
	return c;
}

/* --- rows --- */

FX const struct real_row *fx_rrow(struct fx *x, uint32_t r)
{
	return state_real(&x->tables, fx_real(x, r));
}
FX const struct service_row *fx_srow(struct fx *x, uint32_t vip)
{
	return state_service(&x->tables, fx_service(x, vip));
}
FX const struct prefix_row *fx_prow(struct fx *x, uint32_t vip)
{
	return state_prefix(&x->tables, fx_prefix(x, vip));
}
FX const struct check_row *fx_crow(struct fx *x, uint32_t r, unsigned nth)
{
	return state_check(&x->tables, fx_check(x, r, nth));
}
FX enum state fx_cstate(struct fx *x, uint32_t r, unsigned nth)
{
	return check_word_state(fx_crow(x, r, nth)->word);
}

/* --- events --- */

FX struct result fx_make(struct fx *x, uint32_t check, enum check_code code)
{
	return (struct result){
		.check = check,
		.sequence = x->gen->check_sequence[check],
		.due_ns = x->now - 2 * FX_MS,
		.total_us = 1000,
		.code = (uint16_t)code,
		.verdict = (uint8_t)check_code_verdict(code),
		.layer = (uint8_t)check_code_layer(code),
		.weight = -1,
		.generation = x->gen->number,
	};
}
FX void fx_result(struct fx *x, uint32_t check, enum check_code code)
{
	struct result r = fx_make(x, check, code);

	fleet_result(x->fleet, &r, x->now);
}
FX void fx_code(struct fx *x, uint32_t r, unsigned nth, enum check_code code)
{
	fx_result(x, fx_check(x, r, nth), code);
}
FX void fx_good(struct fx *x, uint32_t r)
{
	fx_code(x, r, 0, CODE_OK);
}
FX void fx_bad(struct fx *x, uint32_t r)
{
	fx_code(x, r, 0, CODE_CONNECT_TIMEOUT);
}
FX void fx_weight(struct fx *x, uint32_t r, unsigned nth, int32_t weight)
{
	struct result res = fx_make(x, fx_check(x, r, nth), CODE_OK);

	res.weight = weight;
	fleet_result(x->fleet, &res, x->now);
}
FX void fx_drain(struct fx *x, uint32_t r, unsigned nth)
{
	struct result res = fx_make(x, fx_check(x, r, nth), CODE_OK);

	res.flags = RESULT_DRAIN;
	res.detail = 503;
	fleet_result(x->fleet, &res, x->now);
}
FX struct fleet_wish fx_wish(struct fx *x, uint32_t r)
{
	return fleet_wish_peek(x->fleet, fx_real(x, r));
}
/* RealFind: everything is listed, disabled. */
FX void fx_find(struct fx *x)
{
	for (uint32_t i = 0; i < x->gen->n_reals; i++)
		fleet_listed(x->fleet, x->gen->real_order[i], false, 0, x->now);
	fleet_first_find(x->fleet, x->now);
}
/* What is wanted of all dirty reals is sent, acknowledged and flushed. */
FX uint32_t fx_deliver(struct fx *x)
{
	uint32_t real, n = 0;

	while ((real = fleet_take_dirty_real(x->fleet)) != SLOT_NONE) {
		struct fleet_wish w = fleet_wish_of(x->fleet, real);

		n++;
		if (w.want != FLEET_NOTHING)
			fleet_acked(x->fleet, real, w.want == FLEET_ENABLE, w.weight, x->now);
	}
	return n;
}
/* The announcer's peer accepts all that is dirty. */
FX uint32_t fx_announce(struct fx *x)
{
	uint32_t prefix, n = 0;

	while ((prefix = fleet_take_dirty_prefix(x->fleet)) != SLOT_NONE) {
		enum state wanted = (enum state)state_prefix(&x->tables, prefix)->state;

		n++;
		if (wanted != STATE_UNDECIDED)
			fleet_prefix_sent(x->fleet, prefix, wanted);
	}
	return n;
}
/* Connected, listed, every check of every real good, delivered, announced. */
FX void fx_all_up(struct fx *x)
{
	fleet_connection(x->fleet, true);
	fx_find(x);
	for (uint32_t c = 0; c < x->gen->end_checks; c++) {
		for (int i = 0; gen_check_in_use(x->gen, c) && i < gen_profile(x->gen, c)->rise;
		     i++)
			fx_result(x, c, CODE_OK);
	}
	fx_deliver(x);
	fx_announce(x);
}
FX uint32_t fx_count(struct fx *x, char kind, int to)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < x->n_events; i++)
		n += x->events[i].kind == kind && (to < 0 || x->events[i].to == to);
	return n;
}

#define fx_expect_wish(x, r, w, wt)                                        \
	do {                                                               \
		struct fleet_wish fx_w = fx_wish((x), (r));                \
		cr_assert_eq(fx_w.want, (w), "want %d", (int)fx_w.want);   \
		cr_assert_eq(fx_w.weight, (wt), "weight %u", fx_w.weight); \
	} while (0)
