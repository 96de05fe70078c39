#include "check/check_http.h"

#include <errno.h>

#include "base/err.h"
#include "check/check_driver.h"
#include "check/check_judge.h"
#include "net/h1_parse.h"

struct check_http {
	struct h1_parse parse;
	struct check_judge judge;
};

void check_http_free(struct check_http *h)
{
	if (!h)
		return;
	check_judge_free(&h->judge);
	free(h);
}

static int http_begin(struct check_talk *t)
{
	if (!t->http)
		t->http = calloc(1, sizeof(*t->http));
	if (!t->http)
		return err_origin(-ENOMEM);
	h1_parse_init(&t->http->parse, CHECK_MAX_HEADER_BYTES, check_judge_max_body(t),
		      check_judge_wanted(t));
	if (check_judge_is_head(t))
		h1_parse_expect_no_body(&t->http->parse);
	TRY(check_judge_begin(t, &t->http->judge));
	return 0;
}

static void http_close(struct check_talk *t)
{
	if (t->http)
		check_judge_close(t, &t->http->judge);
}

static enum check_step http_open(struct check_talk *t, struct buf *out)
{
	const struct check_request request = check_judge_request(t);
	int r = check_request_append(&request, out);

	return r < 0 ? check_driver_over(t, CODE_NO_MEMORY, (uint32_t)-r) : CHECK_WAIT;
}

static enum check_step refuse(struct check_talk *t)
{
	const struct h1_parse *p = &t->http->parse;

	if (p->reason == H1_PARSE_BAD_BODY_SIZE)
		return check_judge_too_long(t);
	if (p->has_head)
		return check_driver_over(t, CODE_BODY_MALFORMED, p->reason);
	if (p->reason == H1_PARSE_BAD_HEAD_SIZE)
		return check_driver_over(t, CODE_HTTP_HEADER_SIZE, CHECK_MAX_HEADER_BYTES);
	return check_driver_over(t, CODE_HTTP_MALFORMED, p->reason);
}

static enum check_step judge(struct check_talk *t)
{
	const struct h1_parse *p = &t->http->parse;
	const struct check_text wanted = {p->has_wanted ? p->wanted : NULL, p->wanted_len};

	return check_judge_end(t, &t->http->judge, wanted);
}

static enum check_step http_input(struct check_talk *t, const void *data, size_t len,
				  struct buf *out)
{
	struct check_http *h = t->http;
	struct h1_parse_slice in = {data, len}, body;
	enum check_step step = CHECK_WAIT;

	(void)out;
	while (step == CHECK_WAIT) {
		switch (h1_parse_step(&h->parse, &in, &body)) {
		case H1_PARSE_MORE:
			return CHECK_WAIT;
		case H1_PARSE_HEAD:
			step = check_judge_head(t, h->parse.status);
			break;
		case H1_PARSE_BODY:
			step = check_judge_body(t, &h->judge, h->parse.is_encoded, body.at,
						body.len);
			break;
		case H1_PARSE_DONE:
			return judge(t);
		case H1_PARSE_BAD:
			return refuse(t);
		}
	}
	return step;
}

static void http_interrupted(struct check_talk *t, enum check_interrupt why, uint32_t detail)
{
	const struct h1_parse *p = &t->http->parse;
	const struct check_progress progress = {p->body_bytes, p->has_head};

	if (why == CHECK_EOF && h1_parse_ends_by_close(p))
		judge(t);
	else
		check_judge_interrupted(t, &progress, why, detail);
}

const struct check_driver check_http_driver = {
	.begin = http_begin,
	.open = http_open,
	.input = http_input,
	.interrupted = http_interrupted,
	.close = http_close,
};
