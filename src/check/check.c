#include "check/check.h"

#include <errno.h>

#include "base/err.h"
#include "check/check_driver.h"
#include "check/check_http.h"

enum check_step check_driver_over(struct check_talk *t, enum check_code code, uint32_t detail)
{
	t->outcome.code = (uint16_t)code;
	t->outcome.detail = detail;
	return CHECK_DONE;
}

/* A kind that this build cannot speak says nothing to the real and judges nothing: unknown. */
static int begin_unspoken(struct check_talk *t)
{
	(void)t;
	return 0;
}

static enum check_step open_unspoken(struct check_talk *t, struct buf *out)
{
	(void)out;
	return check_driver_over(t, CODE_INTERNAL, EOPNOTSUPP);
}

static enum check_step input_unspoken(struct check_talk *t, const void *data, size_t len,
				      struct buf *out)
{
	(void)data, (void)len, (void)out;
	return check_driver_over(t, CODE_INTERNAL, EOPNOTSUPP);
}

static void unspoken_interrupted(struct check_talk *t, enum check_interrupt why, uint32_t detail)
{
	(void)why, (void)detail;
	check_driver_over(t, CODE_INTERNAL, EOPNOTSUPP);
}

static const struct check_driver unspoken = {
	.begin = begin_unspoken,
	.open = open_unspoken,
	.input = input_unspoken,
	.interrupted = unspoken_interrupted,
};

static const struct {
	const struct check_driver *driver; /* NULL: no talk */
	bool uses_tls;
} kinds[CHECK_KIND__N] = {
	[CHECK_TCP] = {NULL, false},
	[CHECK_HTTP] = {&check_http_driver, false},
	[CHECK_HTTPS] = {&check_http_driver, true},
	[CHECK_GRPC] = {&unspoken, true},
};

bool check_uses_tls(enum check_kind kind)
{
	return kind < CHECK_KIND__N && kinds[kind].uses_tls;
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
	t->driver = NULL;
	t->generation = NULL;
	t->spec = NULL;
	t->profile = NULL;
}

void check_talk_free(struct check_talk *t)
{
	check_http_free(t->http);
	t->http = NULL;
}
