#include "config/services_extras_check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "config/pemfile.h"
#include "config/services_tls.h"

#define VALUE(field) offsetof(struct services_values, field)

static void place_of(const struct services_run *run, uint32_t node, size_t offset,
		     source_pos *ret_pos, uint32_t *ret_len)
{
	services_tree_origin(&run->tree, node, offset, ret_pos, ret_len);
}

/* At the value that is in force in node; not again for the next check that inherits it. */
static void report(struct services_run *run, enum diag_severity severity, uint32_t node,
		   size_t offset, const char *hint, const char *message)
{
	source_pos pos;
	uint32_t len;

	place_of(run, node, offset, &pos, &len);
	if (pos == run->last_extras_report)
		return;
	run->last_extras_report = pos;
	diag_report(run->diag, severity, pos, len, hint, "%s", message);
}

static bool is_set_in(const struct services_run *run, uint32_t node, size_t offset)
{
	return services_tree_next(&run->tree, node, offset, TREE_NONE) != TREE_NONE;
}

/* --- HTTP ------------------------------------------------------------------------------------ */

static void check_regex_company(struct services_run *run, uint32_t node,
				const struct services_url *url)
{
	const struct {
		size_t offset;
		bool is_set;
	} company[] = {
		{VALUE(url.has_regex_options), url->has_regex_options},
		{VALUE(url.has_regex_min), url->has_regex_min},
		{VALUE(url.has_regex_max), url->has_regex_max},
	};

	for (size_t i = 0; i < ARRAY_LEN(company); i++) {
		if (company[i].is_set && url->expect_body)
			report(run, DIAG_ERROR, node, company[i].offset,
			       "write options into the pattern, as (?i) or (?s)",
			       "not supported beside a pattern: other bodies would match");
		else if (company[i].is_set)
			report(run, DIAG_WARNING, node, company[i].offset, NULL,
			       "has no effect without a pattern");
	}
}

void services_extras_check_url(struct services_run *run, const struct services_subject *s,
			       uint32_t node, const struct services_url *url)
{
	const char *method = s->values->check.http.method;

	if (url->has_regex_options || url->has_regex_min || url->has_regex_max)
		check_regex_company(run, node, url);
	if (!method || strcmp(method, "HEAD") != 0)
		return;
	if (url->expect_body)
		report(run, DIAG_ERROR, node, VALUE(url.expect_body), NULL,
		       "an answer to HEAD has no body");
	if (url->digest.is_set)
		report(run, DIAG_ERROR, node, VALUE(url.digest), NULL,
		       "an answer to HEAD has no body");
}

void services_extras_check_http(struct services_run *run, const struct services_subject *s,
				const struct draft_check *check)
{
	const struct services_values *v = s->values;
	bool is_head = v->check.http.method && strcmp(v->check.http.method, "HEAD") == 0;

	if (v->check.http.max_response_ns &&
	    v->check.http.max_response_ns >= check->profile.check_timeout_ns)
		report(run, DIAG_WARNING, s->node, VALUE(check.http.max_response_ns), NULL,
		       "has no effect: check_timeout ends the check no later");
	if (is_head && v->check.dynamic_weight_enable && !v->check.dynamic_weight_in_header)
		report(run, DIAG_WARNING, s->node, VALUE(check.dynamic_weight_enable),
		       "write dynamic_weight_in_header",
		       "an answer to HEAD has no body that could give a weight");
}

/* --- TLS ------------------------------------------------------------------------------------- */

static const size_t of_tls[] = {
	VALUE(inherited.tls.sni),
	VALUE(inherited.tls.enable_sni),
	VALUE(inherited.tls.tls_min_version),
	VALUE(inherited.tls.tls_max_version),
	VALUE(inherited.tls.verify),
	VALUE(inherited.tls.ca_file),
	VALUE(inherited.tls.verify_name),
	VALUE(inherited.tls.cert_file),
	VALUE(inherited.tls.key_file),
	VALUE(inherited.tls.session_reuse),
	VALUE(inherited.tls.expire_warn_days),
};

void services_extras_check_grpc(struct services_run *run, const struct services_subject *s,
				const struct draft_check *check)
{
	if (s->values->url.expect_body)
		report(run, DIAG_WARNING, s->node, VALUE(url.expect_body), NULL,
		       "has no effect in GRPC_CHECK");
	if (!(check->profile.flags & PROFILE_TLS_OFF))
		return;
	for (size_t i = 0; i < ARRAY_LEN(of_tls); i++)
		if (is_set_in(run, s->node, of_tls[i]))
			report(run, DIAG_WARNING, s->node, of_tls[i], NULL,
			       "has no effect: this check is without TLS");
}

static void check_versions(struct services_run *run, const struct services_subject *s,
			   const struct tls_setting *t)
{
	bool max_is_ours = s->values->inherited.tls.tls_max_version;
	char text[128];

	if (t->min_version <= t->max_version)
		return;
	snprintf(text, sizeof(text), "lowest TLS version 1.%u%s, highest 1.%u%s",
		 t->min_version - 0x0301U,
		 s->values->inherited.tls.tls_min_version ? "" : " (alived.yaml)",
		 t->max_version - 0x0301U, max_is_ours ? "" : " (alived.yaml)");
	report(run, DIAG_ERROR, s->node,
	       max_is_ours ? VALUE(inherited.tls.tls_max_version)
			   : VALUE(inherited.tls.tls_min_version),
	       "write tls_min_version and tls_max_version", text);
}

/* What verify would use, while nothing says whether to verify. */
static void check_verify(struct services_run *run, const struct services_subject *s)
{
	const struct services_values *v = s->values;

	if (v->inherited.tls.verify != SERVICES_BOOL_UNSET)
		return;
	if (v->inherited.tls.verify_name)
		report(run, DIAG_WARNING, s->node, VALUE(inherited.tls.verify_name),
		       "write verify on, or verify off",
		       "verify_name has no effect: nothing is verified");
	else if (v->inherited.tls.ca_file)
		report(run, DIAG_WARNING, s->node, VALUE(inherited.tls.ca_file),
		       "write verify on, or verify off",
		       "ca_file has no effect: nothing is verified");
}

static void check_sni(struct services_run *run, const struct services_subject *s)
{
	const struct services_values *v = s->values;
	bool is_off = run->app->experiments.enable_tls_sni_is_set &&
		      !run->app->experiments.enable_tls_sni;

	if (v->inherited.tls.enable_sni == 0 && v->inherited.tls.sni && v->inherited.tls.sni[0])
		report(run, DIAG_WARNING, s->node, VALUE(inherited.tls.sni), NULL,
		       "sni has no effect: enable_sni is off");
	if (v->inherited.tls.enable_sni == 1 && !v->inherited.tls.sni && is_off)
		report(run, DIAG_WARNING, s->node, VALUE(inherited.tls.enable_sni),
		       "write sni NAME", "has no effect: experiments.enable_tls_sni is off");
}

/* A certificate with the key that goes with it. */
struct services_pair {
	const struct tls_file *cert, *key;
};

static bool same_pair(const void *a, const void *b)
{
	const struct services_pair *x = a, *y = b;

	return x->cert == y->cert && x->key == y->key;
}

static void report_pair(struct services_run *run, const struct services_subject *s,
			const struct tls_setting *t, const char *problem)
{
	bool is_bundle = t->key == t->cert;
	source_pos pos;
	uint32_t len;

	place_of(run, s->node,
		 is_bundle ? VALUE(inherited.tls.cert_file) : VALUE(inherited.tls.key_file), &pos,
		 &len);
	diag_report(run->diag, DIAG_ERROR, pos, len,
		    is_bundle ? "write key_file, or put the key into this file"
			      : "key_file \"\" takes the key from cert_file",
		    "%s %s%s%s", t->key->path, problem, is_bundle ? "" : " ",
		    is_bundle ? "" : t->cert->path);
}

/* Both keywords may be far apart, so this is the first place that knows which belong together. */
static int check_pair(struct services_run *run, const struct services_subject *s,
		      const struct tls_setting *t)
{
	const char *problem = NULL;
	struct services_pair *pair;
	const void *found;

	if (!t->cert) {
		report(run, DIAG_ERROR, s->node, VALUE(inherited.tls.key_file),
		       "write cert_file with it", "key_file without cert_file");
		return 0;
	}
	if (t->cert == &services_tls_refused || t->key == &services_tls_refused)
		return 0;
	pair = arena_alloc(run->arena, sizeof(*pair));
	if (!pair)
		return err_origin(-ENOMEM);
	*pair = (struct services_pair){t->cert, t->key};
	TRY(services_seen_add(&run->pairs, t->cert->hash ^ (t->key->hash << 1), pair, same_pair,
			      &found));
	if (found)
		return 0;
	if (t->key == t->cert)
		problem = pemfile_key_problem(t->key);
	if (!problem)
		problem = pemfile_pair_problem(t->cert, t->key);
	if (problem)
		report_pair(run, s, t, problem);
	return 0;
}

int services_extras_check_tls(struct services_run *run, const struct services_subject *s,
			      const struct tls_setting *t)
{
	check_versions(run, s, t);
	check_verify(run, s);
	check_sni(run, s);
	return t->key ? err_trace(check_pair(run, s, t)) : 0;
}
