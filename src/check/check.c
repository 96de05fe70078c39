#include "check/check.h"

#include <errno.h>

#include "base/err.h"
#include "check/check_driver.h"
#include "check/check_grpc.h"
#include "check/check_h2.h"
#include "check/check_http.h"

enum check_step check_driver_over(struct check_talk *t, enum check_code code, uint32_t detail)
{
	t->outcome.code = (uint16_t)code;
	t->outcome.detail = detail;
	return CHECK_DONE;
}

bool check_driver_is_ours(struct check_talk *t, uint32_t error)
{
	if (error == ENOMEM || error == ENOBUFS)
		check_driver_over(t, CODE_NO_MEMORY, error);
	else if (error == EPERM || error == EINVAL || error == EMSGSIZE)
		check_driver_over(t, CODE_REFUSED_LOCALLY, error);
	else
		return false;
	return true;
}

static const char *const alpn_h2[] = {"h2", NULL};
static const char *const alpn_any[] = {"h2", "http/1.1", NULL};

static const struct {
	const struct check_driver *driver; /* NULL: no talk */
	bool uses_tls;
	const char *const *alpn;
} kinds[CHECK_KIND__N] = {
	[CHECK_TCP] = {NULL, false, NULL},
	[CHECK_HTTP] = {&check_http_driver, false, NULL},
	[CHECK_HTTPS] = {&check_http_driver, true, NULL},
	[CHECK_GRPC] = {&check_grpc_driver, true, alpn_h2},
};

static enum http_protocol protocol_of(const struct check_extras *e, const struct check_profile *p)
{
	bool is_http = p->kind == CHECK_HTTP || p->kind == CHECK_HTTPS;

	return e && is_http ? (enum http_protocol)e->http_protocol : HTTP_PROTOCOL_1_1;
}

bool check_uses_tls(const struct check_profile *p)
{
	return p->kind < CHECK_KIND__N && kinds[p->kind].uses_tls && !(p->flags & PROFILE_TLS_OFF);
}

const char *const *check_alpn(const struct generation *g, const struct check_profile *p)
{
	if (!check_uses_tls(p))
		return NULL;
	switch (protocol_of(gen_extras(g, p), p)) {
	case HTTP_PROTOCOL_2:
		return alpn_h2;
	case HTTP_PROTOCOL_AUTO:
		return alpn_any;
	default:
		return kinds[p->kind].alpn;
	}
}

/* Who offers more than HTTP/2 also speaks to a server that knows of no ALPN. */
bool check_takes_alpn(const struct generation *g, const struct check_profile *p, const char *chosen)
{
	return check_alpn(g, p) != alpn_h2 || strcmp(chosen, "h2") == 0;
}

bool check_has_talk(enum check_kind kind)
{
	return kind < CHECK_KIND__N && kinds[kind].driver;
}

static const struct check_url *url_of(const struct check_extras *e, uint32_t url)
{
	return e && url < e->n_urls ? &e->urls[url] : NULL;
}

uint32_t check_n_urls(const struct generation *g, const struct check_profile *p)
{
	const struct check_extras *e = gen_extras(g, p);

	return e && e->n_urls ? e->n_urls : 1;
}

const char *check_virtualhost(const struct generation *g, const struct check_profile *p,
			      uint32_t url)
{
	const struct check_url *u = url_of(gen_extras(g, p), url);

	return u ? u->virtualhost : gen_str(g, p->virtualhost);
}

static struct check_ask ask_of(const struct check_talk *t)
{
	const struct check_url *u = url_of(t->extras, t->url);
	const struct check_profile *p = t->profile;

	if (u)
		return (struct check_ask){u->path, u->virtualhost, &u->status,
					  u->has_digest ? u->digest : NULL, u->expect_body};
	return (struct check_ask){
		.path = gen_str(t->generation, p->path),
		.virtualhost = gen_str(t->generation, p->virtualhost),
		.digest = p->flags & PROFILE_HAS_DIGEST ? p->digest : NULL,
	};
}

static const struct check_driver *driver_of(const struct check_talk *t)
{
	bool is_h2 = t->speaks_h2;

	if (!kinds[t->spec->kind].uses_tls)
		is_h2 = protocol_of(t->extras, t->profile) == HTTP_PROTOCOL_2;
	if (is_h2 && kinds[t->spec->kind].driver == &check_http_driver)
		return &check_h2_driver;
	return kinds[t->spec->kind].driver;
}

int check_talk_begin(struct check_talk *t, const struct job *job)
{
	t->generation = job->generation;
	t->spec = &t->generation->checks[job->check];
	t->profile = gen_profile(t->generation, job->check);
	t->extras = gen_extras(t->generation, t->profile);
	t->job_weight = job->weight;
	t->was_up = job->flags & JOB_CHECK_WAS_UP;
	t->outcome = (struct check_outcome){.code = CODE_NONE, .weight = -1};
	ASSERT(check_has_talk(t->spec->kind));
	t->ask = ask_of(t);
	t->driver = driver_of(t);
	TRY(t->driver->begin(t));
	return 0;
}

enum check_step check_talk_open(struct check_talk *t, struct buf *out)
{
	return t->driver->open(t, out);
}

enum check_step check_talk_input(struct check_talk *t, const void *data, size_t len,
				 struct buf *out)
{
	if (t->outcome.code != CODE_NONE)
		return CHECK_DONE;
	if (__builtin_add_overflow(t->outcome.bytes_read, len, &t->outcome.bytes_read))
		t->outcome.bytes_read = UINT32_MAX;
	return t->driver->input(t, data, len, out);
}

void check_talk_interrupted(struct check_talk *t, enum check_interrupt why, uint32_t detail)
{
	if (t->outcome.code == CODE_NONE)
		t->driver->interrupted(t, why, detail);
}

void check_talk_close(struct check_talk *t)
{
	if (t->driver && t->driver->close)
		t->driver->close(t);
	t->driver = NULL;
	t->generation = NULL;
	t->spec = NULL;
	t->profile = NULL;
	t->extras = NULL;
}

void check_talk_free(struct check_talk *t)
{
	check_http_free(t->http);
	t->http = NULL;
	check_h2_free(t->h2);
	t->h2 = NULL;
	check_grpc_free(t->grpc);
	t->grpc = NULL;
}
