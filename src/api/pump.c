#include "api/pump.h"

#include <microhttpd.h>

#include "base/err.h"
#include "base/log.h"

struct pump {
	struct pump_source source; /* more == NULL: released */
	struct buf ahead;
	struct pump **owner; /* NULL: nobody */
	bool has_ended;
};

void pump_release(struct pump *p)
{
	if (!p->source.more)
		return;
	p->source.done(p->source.ctx);
	p->source.more = NULL;
	buf_deinit(&p->ahead);
}

void pump_disown(struct pump *p)
{
	p->owner = NULL;
}

static void pump_free(void *cls)
{
	struct pump *p = cls;

	pump_release(p);
	if (p->owner)
		*p->owner = NULL;
	free(p);
}

static int fill(struct pump *p, size_t want)
{
	while (!p->has_ended && buf_len(&p->ahead) < want) {
		int r = p->source.more(p->source.ctx, &p->ahead);

		if (r < 0)
			return err_trace(r);
		p->has_ended = r == PUMP_SOURCE_END;
	}
	return 0;
}

static ssize_t read_some(void *cls, uint64_t pos, char *out, size_t max)
{
	struct pump *p = cls;
	size_t n;

	(void)pos;
	if (!p->source.more)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (fill(p, MIN(max, (size_t)PUMP_AHEAD_BYTES)) < 0) {
		LOG(LOG_ERROR, "api", "answer_failed", LF_STR("error", err_last()));
		return MHD_CONTENT_READER_END_WITH_ERROR;
	}
	n = MIN(max, buf_len(&p->ahead));
	if (n == 0)
		return MHD_CONTENT_READER_END_OF_STREAM;
	memcpy(out, buf_head(&p->ahead), n);
	buf_consume(&p->ahead, n);
	return (ssize_t)n;
}

struct MHD_Response *pump_new(const struct pump_source *source, struct pump **owner)
{
	struct pump *p = calloc(1, sizeof(*p));
	struct MHD_Response *response;

	if (!p) {
		source->done(source->ctx);
		return NULL;
	}
	p->source = *source;
	p->ahead = BUF_INIT(PUMP_AHEAD_BYTES + PUMP_PIECE_BYTES);
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, PUMP_AHEAD_BYTES, read_some,
						     p, pump_free);
	if (!response) {
		pump_free(p);
		return NULL;
	}
	p->owner = owner;
	*owner = p;
	return response;
}
