/* What keywords of HTTP checks take: statuses, header fields, methods, patterns. All return as
 * services_value_parse() does. */
#pragma once

#include "config/services_run.h"

struct str;

#define SERVICES_HTTP_PARSER(name)                                        \
	MUST_CHECK int services_http_##name(                              \
		struct services_run *run, const struct services_row *row, \
		const struct services_lex_statement *st, union services_value *ret)

/* Up to EXTRAS_MAX_RANGES statuses and ranges; sorted, overlaps merged. 0 alone: the empty set, if
 * row->min is 0. */
SERVICES_HTTP_PARSER(status);
/* A number with nothing, k or m behind it, within the row's range. */
SERVICES_HTTP_PARSER(bytes);
/* RFC 9110 §5.6.2 token; GET gives NULL. */
SERVICES_HTTP_PARSER(method);
/* "Name: value", a field that a check may set (RFC 9110 §5.5, RFC 9113 §8.2). */
SERVICES_HTTP_PARSER(header);
SERVICES_HTTP_PARSER(version);
/* Text as written; it compiles. */
SERVICES_HTTP_PARSER(regex);
/* 1, whatever the values. */
SERVICES_HTTP_PARSER(no_regex);

/* Any status, or exactly one: what a profile has room for. */
static inline bool services_http_is_simple(const struct status_set *s)
{
	return s->n == 0 || (s->n == 1 && s->at[0].first == s->at[0].last);
}

/* The set as it would be written: "200-299 301", "0" for the empty one. */
void services_http_put_status(struct str *out, const struct status_set *set);
