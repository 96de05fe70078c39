/* Parsing a services text in a test: one call in, draft and diagnostics out. */
#pragma once

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/app_config.h"
#include "config/diag.h"
#include "base/str.h"
#include "config/services_parse.h"

struct parsed {
	struct app_config app;
	struct source *source;
	struct diag *diag;
	struct draft *draft; /* NULL if there were errors */
	char *text;          /* of the diagnostics */
};

/* Tunnelling on, YANET, groups default, g-1, g-2, no dump. */
static inline struct app_config app_for_tests(void)
{
	static char no_text[] = "";
	struct app_config app = {.tls_min_version = TLS_V1_2};

	app.balancer.backend = BALANCER_YANET;
	app.check_tun.is_present = true;
	app.check_tun.run_check_tun = true;
	app.experiments.replace_mh_with = no_text;
	app.announcer.n_groups = 3;
	memcpy(app.announcer.groups[0], "default", 8);
	memcpy(app.announcer.groups[1], "g-1", 4);
	memcpy(app.announcer.groups[2], "g-2", 4);
	return app;
}

static inline void parsed_finish(struct parsed *p, int r)
{
	cr_assert_eq(r, diag_errors(p->diag) ? SERVICES_BAD : 0, "returned %d", r);
	p->text = diag_text(p->diag);
	cr_assert_not_null(p->text);
}

static inline struct parsed parse_with(const struct app_config *app, const char *text)
{
	struct parsed p = {.app = *app, .source = source_new()};

	p.diag = diag_new(p.source);
	parsed_finish(&p, services_parse_text("s.conf", text, strlen(text), &p.app, p.source,
					      p.diag, &p.draft));
	return p;
}

static inline struct parsed parse(const char *text)
{
	struct app_config app = app_for_tests();

	return parse_with(&app, text);
}

static inline struct parsed parse_path(const char *path)
{
	struct parsed p = {.app = app_for_tests(), .source = source_new()};

	p.diag = diag_new(p.source);
	parsed_finish(&p, services_parse(path, &p.app, p.source, p.diag, &p.draft));
	return p;
}

static inline void parsed_free(struct parsed *p)
{
	free(p->text);
	draft_free(p->draft);
	diag_free(p->diag);
	source_free(p->source);
}

/* Exactly these numbers of reports, among them one that contains the text. */
static inline void reports(const struct parsed *p, unsigned errors, unsigned warnings,
			   const char *text)
{
	cr_assert_eq(diag_errors(p->diag), errors, "%u errors:\n%s", diag_errors(p->diag), p->text);
	cr_assert_eq(diag_warnings(p->diag), warnings, "%u warnings:\n%s", diag_warnings(p->diag),
		     p->text);
	cr_assert_not_null(strstr(p->text, text), "no '%s' in:\n%s", text, p->text);
}

/* One error or warning and nothing else. */
static inline void gives_error(const char *conf, const char *text)
{
	struct parsed p = parse(conf);

	reports(&p, 1, 0, text);
	parsed_free(&p);
}

static inline void gives_warning(const char *conf, const char *text)
{
	struct parsed p = parse(conf);

	reports(&p, 0, 1, text);
	parsed_free(&p);
}

static inline struct parsed parse_clean(const char *conf)
{
	struct parsed p = parse(conf);

	reports(&p, 0, 0, "");
	return p;
}

/* A service with one real with one TCP check; the texts stand inside each block. */
static inline char *conf_of(const char *service, const char *real, const char *check)
{
	char *text = NULL;

	cr_assert(asprintf(&text,
			   "virtual_server 192.0.2.1 80 {\n%s\n"
			   "real_server 198.51.100.1 80 {\n%s\n"
			   "TCP_CHECK {\n%s\n}\n}\n}\n",
			   service, real, check) > 0);
	return text;
}
