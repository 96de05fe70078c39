/* One check in one service, and what it says beyond its profile. */
#pragma once

#include "services_fixture.h"

/* A check of a kind; the texts stand in the service and in the check. */
static inline char *conf_with(const char *kind, const char *service, const char *check)
{
	char *text = NULL;

	cr_assert(asprintf(&text,
			   "virtual_server 192.0.2.1 80 {\n%s\n"
			   "real_server 198.51.100.1 80 {\n%s {\n%s\n}\n}\n}\n",
			   service, kind, check) > 0);
	return text;
}

static inline struct parsed parse_kind(const char *kind, const char *service, const char *check)
{
	char *text = conf_with(kind, service, check);
	struct parsed p = parse(text);

	free(text);
	return p;
}

static inline void faulty(const char *kind, const char *check, const char *report)
{
	struct parsed p = parse_kind(kind, "", check);

	reports(&p, 1, 0, report);
	parsed_free(&p);
}

static inline void warned(const char *kind, const char *check, const char *report)
{
	struct parsed p = parse_kind(kind, "", check);

	reports(&p, 0, 1, report);
	parsed_free(&p);
}

static inline const struct check_extras *extras_of(const struct parsed *p)
{
	const struct draft_extras *e;

	cr_assert_not_null(p->draft, "%s", p->text);
	e = p->draft->services->reals->checks->extras;
	return e ? &e->extras : NULL;
}
