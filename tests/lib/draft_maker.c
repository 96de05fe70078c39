#include "draft_maker.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clk.h"

struct draft *draft_maker_new(void)
{
	struct arena *a = arena_new();
	struct draft *d = a ? arena_alloc(a, sizeof(*d)) : NULL;

	ASSERT(d);
	d->arena = a;
	return d;
}

void draft_maker_free(struct draft *d)
{
	arena_free(d->arena);
}

struct addr draft_maker_addr(const char *text)
{
	struct addr a;
	int r = addr_parse(text, strlen(text), &a);

	ASSERT(r == ADDR_OK);
	return a;
}

static void *row_new(struct draft *d, size_t bytes)
{
	void *row = arena_alloc(d->arena, bytes);

	ASSERT(row);
	return row;
}

struct draft_service *draft_maker_service(struct draft *d, const char *vip, int port)
{
	struct draft_service *s = row_new(d, sizeof(*s)), **link = &d->services;

	while (*link)
		link = &(*link)->next;
	*link = s;
	d->n_services++;
	s->vip = draft_maker_addr(vip);
	s->flags = port < 0 ? 0 : SERVICE_HAS_PORT;
	s->port = port < 0 ? 0 : (uint16_t)port;
	s->quorum = 1;
	s->scheduler = s->quorum_up = "";
	s->ipv4_outer_source_network = s->ipv6_outer_source_network = "";
	return s;
}

struct draft_real *draft_maker_real(struct draft *d, struct draft_service *s, const char *ip,
				    int port)
{
	struct draft_real *r = row_new(d, sizeof(*r)), **link = &s->reals;

	while (*link)
		link = &(*link)->next;
	*link = r;
	d->n_reals++;
	r->ip = draft_maker_addr(ip);
	r->flags = port < 0 ? 0 : REAL_HAS_PORT;
	r->port = port < 0 ? 0 : (uint16_t)port;
	r->weight = 1;
	return r;
}

struct draft_check *draft_maker_check(struct draft *d, struct draft_real *r, enum check_kind kind)
{
	struct draft_check *c = row_new(d, sizeof(*c)), **link = &r->checks;

	while (*link)
		link = &(*link)->next;
	*link = c;
	d->n_checks++;
	c->connect_ip = r->ip;
	c->connect_port = r->port ? r->port : 80;
	c->profile.kind = (uint8_t)kind;
	c->profile.interval_ns = 10 * CLK_S;
	c->profile.retry_delay_ns = CLK_S;
	c->profile.connect_timeout_ns = c->profile.check_timeout_ns = 5 * CLK_S;
	c->profile.retry = 3;
	c->profile.fall = 4;
	c->profile.rise = 1;
	return c;
}
