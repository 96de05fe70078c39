/* services.conf from any bytes: no crash, and what is accepted keeps its promises. The first byte
 * chooses the settings around it. */
#include <stdlib.h>
#include <string.h>

#include "config/app_config.h"
#include "config/diag.h"
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
	app.announcer.n_groups = 2;
	memcpy(app.announcer.groups[0], "default", 8);
	memcpy(app.announcer.groups[1], "g-1", 4);
	return app;
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
	if (r == 0)
		verify(draft);
	draft_free(draft);
	return 0;
}
