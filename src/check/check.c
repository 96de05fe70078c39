#include "check/check.h"

#include <errno.h>

#include "base/err.h"
#include "check/check_driver.h"
#include "check/check_grpc.h"
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

static const struct {
	const struct check_driver *driver; /* NULL: no talk */
	bool uses_tls;
	const char *alpn;
} kinds[CHECK_KIND__N] = {
	[CHECK_TCP] = {NULL, false, NULL},
	[CHECK_HTTP] = {&check_http_driver, false, NULL},
	[CHECK_HTTPS] = {&check_http_driver, true, NULL},
	[CHECK_GRPC] = {&check_grpc_driver, true, "h2"},
};

bool check_uses_tls(const struct check_profile *p)
{
	return p->kind < CHECK_KIND__N && kinds[p->kind].uses_tls && !(p->flags & PROFILE_TLS_OFF);
}

const char *check_alpn(const struct check_profile *p)
{
	return check_uses_tls(p) ? kinds[p->kind].alpn : NULL;
}

bool check_has_talk(enum check_kind kind)
{
	return kind < CHECK_KIND__N && kinds[kind].driver;
}

int check_talk_begin(struct check_talk *t, const struct job *job)
{
	t->generation = job->generation;
	t->spec = &t->generation->checks[job->check];
	t->profile = gen_profile(t->generation, job->check);
	t->job_weight = job->weight;
	t->was_up = job->flags & JOB_CHECK_WAS_UP;
	t->outcome = (struct check_outcome){.code = CODE_NONE, .weight = -1};
	ASSERT(check_has_talk(t->spec->kind));
	t->driver = kinds[t->spec->kind].driver;
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
}

void check_talk_free(struct check_talk *t)
{
	check_http_free(t->http);
	t->http = NULL;
	check_grpc_free(t->grpc);
	t->grpc = NULL;
}
