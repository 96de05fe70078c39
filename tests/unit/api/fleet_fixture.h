/* A small generation and published rows with known values, for the API's tests of any framework.
 *
 *   tcp/192.0.2.1:80  TUN, group g-1, quorum 2, fwmark 7, up, W = 5
 *     10.0.0.1:80     up, held, weight 5; HTTP check with everything set, TCP check
 *     10.0.0.2:80     down, inhibited, weight 3; HTTP check that never ran
 *   udp/2001:db8::1   GRE, no port, no group, undecided
 *     2001:db8::2     no checks
 *     2001:db8:1::N   n_extra more of them
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "api/walk.h"
#include "base/clk.h"
#include "config/app_config.h"
#include "config/gen_build.h"
#include "model/history.h"

#define FIXTURE_LOADED_NS (UINT64_C(1764851514) * CLK_S + 123456789)
#define FIXTURE_MONO_NS   (UINT64_C(5000) * CLK_S + 250 * CLK_MS)
#define FIXTURE_WALL_NS   (UINT64_C(1764851600) * CLK_S)

struct fleet_fixture {
	unsigned n_extra; /* set before fleet_fixture_init() */
	struct app_config app;
	struct state_tables tables;
	struct slot_books books;
	struct generation *gen;
	uint32_t tcp, udp;    /* services */
	uint32_t first_real;  /* 10.0.0.1 */
	uint32_t second_real; /* 10.0.0.2 */
	uint32_t first_check; /* of 10.0.0.1 */
};

static inline struct addr fixture_addr(const char *text)
{
	struct addr a;

	ASSERT(addr_parse(text, strlen(text), &a) == ADDR_OK);
	return a;
}

static inline void fixture_check(struct draft_check *c, enum check_kind kind, const char *ip)
{
	c->connect_ip = fixture_addr(ip);
	c->connect_port = 80;
	c->profile.kind = (uint8_t)kind;
	c->profile.interval_ns = 10 * CLK_S;
	c->profile.retry_delay_ns = CLK_S;
	c->profile.connect_timeout_ns = CLK_S;
	c->profile.check_timeout_ns = 1100 * CLK_MS;
	c->profile.retry = 1;
	c->profile.rise = 1;
	c->profile.fall = 2;
}

static inline void fixture_http(struct draft_check *c, const char *ip)
{
	fixture_check(c, CHECK_HTTP, ip);
	c->is_tunnelled = true;
	c->path = "/health?a=\"b\"";
	c->virtualhost = "fqdn.example.com";
	c->profile.bindto = fixture_addr("10.9.9.9");
	c->profile.status_code = 200;
	c->profile.fwmark = 3;
	c->profile.flags = PROFILE_HAS_DIGEST | PROFILE_DYNAMIC_WEIGHT | PROFILE_WEIGHT_IN_HEADER;
	c->profile.weight_coefficient = 40;
	for (size_t i = 0; i < 16; i++)
		c->profile.digest[i] = (uint8_t)(i * 17);
}

static inline void fixture_services(struct draft_service s[2], struct draft_real r[3])
{
	s[0] = (struct draft_service){.next = &s[1],
				      .reals = &r[0],
				      .vip = fixture_addr("192.0.2.1"),
				      .port = 80,
				      .group = 2,
				      .proto = L4_TCP,
				      .lvs_method = LVS_TUN,
				      .flags = SERVICE_HAS_PORT,
				      .quorum = 2,
				      .hysteresis = 1,
				      .fwmark = 7,
				      .scheduler = "wrr",
				      .quorum_up =
					      "/etc/keepalived/quorum.sh up 192.0.2.1,b-100,g-1",
				      .ipv4_outer_source_network = "10.1.0.0/24",
				      .ipv6_outer_source_network = ""};
	s[1] = (struct draft_service){.reals = &r[2],
				      .vip = fixture_addr("2001:db8::1"),
				      .proto = L4_UDP,
				      .lvs_method = LVS_GRE,
				      .quorum = 1,
				      .scheduler = "",
				      .quorum_up = "",
				      .ipv4_outer_source_network = "",
				      .ipv6_outer_source_network = ""};
	r[0] = (struct draft_real){.next = &r[1],
				   .ip = fixture_addr("10.0.0.1"),
				   .port = 80,
				   .weight = 5,
				   .flags = REAL_HAS_PORT};
	r[1] = (struct draft_real){.ip = fixture_addr("10.0.0.2"),
				   .port = 80,
				   .weight = 3,
				   .flags = REAL_HAS_PORT | REAL_INHIBIT};
	r[2] = (struct draft_real){
		.ip = fixture_addr("2001:db8::2"), .weight = 1, .lvs_method = LVS_GRE};
}

static inline struct draft_real *fixture_extra(const struct fleet_fixture *f)
{
	struct draft_real *extra = calloc(f->n_extra + 1, sizeof(*extra));

	for (unsigned i = 0; i < f->n_extra; i++) {
		extra[i].ip = fixture_addr("2001:db8:1::");
		extra[i].ip.b[14] = (uint8_t)(i >> 8);
		extra[i].ip.b[15] = (uint8_t)i;
		extra[i].next = i + 1 < f->n_extra ? &extra[i + 1] : NULL;
	}
	return extra;
}

static inline void fixture_build(struct fleet_fixture *f)
{
	struct draft_service s[2];
	struct draft_real r[3], *extra = fixture_extra(f);
	struct draft_check c[3];
	struct draft draft = {
		.services = s, .n_services = 2, .n_reals = 3 + f->n_extra, .n_checks = 3};
	struct gen_diff *diff;

	memset(c, 0, sizeof(c));
	fixture_services(s, r);
	r[2].next = f->n_extra ? extra : NULL;
	fixture_http(&c[0], "192.0.2.1");
	fixture_check(&c[1], CHECK_TCP, "10.0.0.1");
	fixture_http(&c[2], "192.0.2.1");
	r[0].checks = &c[0];
	c[0].next = &c[1];
	r[1].checks = &c[2];
	ASSERT(slot_books_init(&f->books) == 0);
	ASSERT(gen_build(&draft, NULL, &f->books, FIXTURE_MONO_NS, FIXTURE_LOADED_NS, &f->gen,
			 &diff) == 0);
	gen_diff_free(diff);
	free(extra);
}

static inline void fixture_rows(struct fleet_fixture *f)
{
	const struct service_row tcp = {.state = STATE_UP,
					.flags = SERVICE_ROW_IN_USE | SERVICE_ROW_JOINED,
					.weight = 5,
					.alive_count = 2,
					.n_up = 1,
					.transitions = 1,
					.since_s = 4990};
	const struct real_row up = {.modules_listing = 3,
				    .modules_in_sync = 1,
				    .wanted_weight = 4,
				    .acked_weight = 4,
				    .state = STATE_UP,
				    .flags = REAL_ROW_IN_USE | REAL_ROW_ENABLED | REAL_ROW_HELD,
				    .reason = REAL_REASON_CHECKS_UP,
				    .transitions = 3,
				    .since_s = 4980,
				    .host = SLOT_NONE};
	const struct real_row down = {.state = STATE_DOWN,
				      .flags = REAL_ROW_IN_USE | REAL_ROW_ENABLED |
					       REAL_ROW_INHIBITED,
				      .reason = REAL_REASON_CHECK_DOWN,
				      .checks_not_up = 1,
				      .transitions = 1,
				      .host = SLOT_NONE,
				      .override = real_override_make(OVERRIDE_PERCENT, 50)};
	const struct check_row check = {
		.word = check_word_make(STATE_UP, CHECK_ROW_IN_USE | CHECK_ROW_WEIGHT_KNOWN, 4),
		.bad_run = 1,
		.history_at = 2,
		.last_code = CODE_HTTP_STATUS,
		.last_detail = 503,
		.last_total_us = 1834,
		.last_end_10ms = 499987,
		.since_s = 4980,
		.failures = 9};
	const struct prefix_row prefix = {.state = STATE_UP,
					  .flags = PREFIX_ROW_IN_USE,
					  .n_members = 1,
					  .n_joined = 1,
					  .n_joined_up = 1,
					  .sent = STATE_UP};
	struct history_row *h = state_history(&f->tables, f->first_check);

	seqrow_publish(state_service(&f->tables, f->tcp), &tcp, sizeof(tcp));
	seqrow_publish(state_real(&f->tables, f->first_real), &up, sizeof(up));
	seqrow_publish(state_real(&f->tables, f->second_real), &down, sizeof(down));
	seqrow_publish(state_check(&f->tables, f->first_check), &check, sizeof(check));
	seqrow_publish(state_prefix(&f->tables, f->gen->services[f->tcp].prefix), &prefix,
		       sizeof(prefix));
	h->at[0].code = CODE_OK;
	h->at[0].log_duration = history_log(900);
	h->at[1].code = CODE_HTTP_STATUS;
	h->at[1].log_duration = history_log(1834);
}

static inline void fleet_fixture_init(struct fleet_fixture *f)
{
	*f = (struct fleet_fixture){.n_extra = f->n_extra, .app.announcer.n_groups = 2};
	memcpy(f->app.announcer.groups[0], "default", 8);
	memcpy(f->app.announcer.groups[1], "g-1", 4);
	ASSERT(state_tables_init(&f->tables) == 0);
	fixture_build(f);
	f->tcp = f->gen->service_order[0];
	f->udp = f->gen->service_order[1];
	f->first_real = f->gen->real_order[0];
	f->second_real = f->gen->real_order[1];
	f->first_check = f->gen->reals[f->first_real].first_check;
	fixture_rows(f);
}

static inline void fleet_fixture_deinit(struct fleet_fixture *f)
{
	gen_free(f->gen);
	slot_books_deinit(&f->books);
	state_tables_deinit(&f->tables);
}

/* Everything a view writes, as one malloc'd text. */
static inline char *fleet_fixture_text(struct fleet_fixture *f, const struct walk_view *view,
				       uint32_t only_service)
{
	struct buf out = BUF_INIT(1 << 20);
	struct walk w = {.gen = f->gen,
			 .tables = &f->tables,
			 .app = &f->app,
			 .view = view,
			 .out = JSONOUT_TO(&out),
			 .wall_ns = FIXTURE_WALL_NS,
			 .mono_ns = FIXTURE_MONO_NS,
			 .only_service = only_service};
	char *text;

	while (walk_step(&w))
		;
	ASSERT(!w.out.is_full);
	text = strndup((char *)buf_head(&out), buf_len(&out));
	buf_deinit(&out);
	return text;
}
