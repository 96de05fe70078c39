/* services.conf from any bytes: no crash, and what is accepted keeps its promises, also as a
 * generation. The first byte chooses the settings around it. */
#include <stdlib.h>
#include <string.h>

#include "config/app_config.h"
#include "config/diag.h"
#include "config/gen_build.h"
#include "config/services_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct app_config app_of(uint8_t bits)
{
	static char dump[] = "/d", none[] = "";
	struct app_config app = {.tls_min_version = TLS_V1_2};

	app.balancer.backend = bits & 1 ? BALANCER_YANET : BALANCER_NONE;
	app.check_tun.run_check_tun = bits & 2;
	app.services_config.dump_path = bits & 4 ? dump : NULL;
	app.experiments.replace_mh_with = none;
	app.tls_max_version = bits & 8 ? TLS_V1_3 : TLS_V1_2;
	app.tls_max_version_is_set = bits & 16;
	app.announcer.n_groups = 2;
	memcpy(app.announcer.groups[0], "default", 8);
	memcpy(app.announcer.groups[1], "g-1", 4);
	return app;
}

static void verify_status(const struct status_set *s)
{
	ASSERT(s->n <= EXTRAS_MAX_RANGES);
	for (unsigned i = 0; i < s->n; i++) {
		ASSERT(s->at[i].first >= 100 && s->at[i].last <= 599);
		ASSERT(s->at[i].first <= s->at[i].last);
		ASSERT(i == 0 || s->at[i].first > s->at[i - 1].last + 1);
	}
}

/* Nothing in them can end a field or the head. */
static void verify_headers(const char *p)
{
	ASSERT(strlen(p) <= EXTRAS_MAX_HEADERS_BYTES);
	while (*p) {
		const char *end = strstr(p, "\r\n"), *colon = strchr(p, ':');

		ASSERT(end && colon && colon > p && colon < end && colon[1] == ' ');
		for (; p < end; p++)
			ASSERT((unsigned char)*p >= ' ' || *p == '\t');
		p = end + 2;
	}
}

static void verify_extras(const struct check_extras *e, uint8_t kind)
{
	bool is_http = kind == CHECK_HTTP || kind == CHECK_HTTPS;

	ASSERT(e->method && e->verify_name && kind != CHECK_TCP);
	ASSERT(e->n_urls <= EXTRAS_MAX_URLS && (is_http || e->n_urls == 0));
	ASSERT(e->max_body_bytes >= 1 && e->max_body_bytes <= EXTRAS_MAX_BODY_BYTES);
	ASSERT(kind != CHECK_HTTP || !e->tls);
	verify_headers(e->headers);
	verify_status(&e->drain_status);
	if (e->tls)
		ASSERT(e->tls->min_version <= e->tls->max_version && e->tls->min_version >= 0x0301);
	for (uint32_t i = 0; i < e->n_urls; i++) {
		ASSERT(e->urls[i].path && e->urls[i].virtualhost);
		ASSERT(!e->urls[i].expect_body_text[0] == !e->urls[i].expect_body);
		verify_status(&e->urls[i].status);
	}
}

/* Each check of the draft is a check of the generation, and finds its extras. */
static void verify_generation(const struct draft *d)
{
	struct generation *g = NULL;
	struct gen_diff *diff = NULL;
	static struct slot_books books; /* large: made once */

	ASSERT(books.checks || slot_books_init(&books) == 0);
	ASSERT(gen_build(d, NULL, &books, 1, 1, &g, &diff) == 0);
	ASSERT(g->n_checks == d->n_checks);
	for (uint32_t i = 0; i < g->end_checks; i++) {
		const struct check_profile *p = gen_profile(g, i);
		const struct check_extras *e = gen_extras(g, p);

		ASSERT((e != NULL) == (gen_str(g, p->extras_text)[0] != 0));
		if (e)
			verify_extras(e, p->kind);
	}
	gen_build_abandon(diff, &books);
	gen_diff_free(diff);
	gen_free(g);
}

static void verify_check(const struct draft_check *c)
{
	const struct check_profile *p = &c->profile;

	ASSERT(p->interval_ns > 0 && p->connect_timeout_ns > 0 && p->check_timeout_ns > 0);
	ASSERT(p->jitter_ns < p->interval_ns && p->rise > 0 && p->fall > 0);
	ASSERT(c->connect_port != 0 && !addr_is_unset(&c->connect_ip));
	ASSERT(addr_is_unset(&p->bindto) || addr_is_v4(&p->bindto) == addr_is_v4(&c->connect_ip));
	ASSERT(p->path == 0 && p->virtualhost == 0);
}

static void verify(const struct draft *d)
{
	uint32_t services = 0, reals = 0, checks = 0;

	for (const struct draft_service *s = d->services; s; s = s->next, services++) {
		ASSERT(!addr_is_unset(&s->vip) && s->scheduler && s->quorum_up);
		ASSERT(s->ipv4_outer_source_network && s->ipv6_outer_source_network);
		for (const struct draft_real *r = s->reals; r; r = r->next, reals++) {
			ASSERT(!addr_is_unset(&r->ip));
			for (const struct draft_check *c = r->checks; c; c = c->next, checks++)
				verify_check(c);
		}
	}
	ASSERT(services == d->n_services && reals == d->n_reals && checks == d->n_checks);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct app_config app = app_of(size ? data[0] : 0);
	size_t len = size ? size - 1 : 0;
	char *copy = malloc(len);
	struct source *source = source_new();
	struct diag *diag = diag_new(source);
	struct draft *draft = NULL;
	char *text, *json;
	int r;

	if (len)
		memcpy(copy, data + 1, len);
	r = services_parse_text("f", copy, len, &app, source, diag, &draft);
	ASSERT(r == 0 || r == SERVICES_BAD);
	ASSERT((r == SERVICES_BAD) == (diag_errors(diag) > 0));
	free(copy);
	text = diag_text(diag);
	json = diag_json(diag);
	ASSERT(text && json);
	free(text);
	free(json);
	diag_free(diag);
	source_free(source);
	if (r == 0) {
		verify(draft);
		verify_generation(draft);
	}
	draft_free(draft);
	return 0;
}
