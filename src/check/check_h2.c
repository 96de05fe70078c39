#include "check/check_h2.h"

#include <errno.h>

#include "base/err.h"
#include "base/str.h"
#include "check/check_driver.h"
#include "check/check_judge.h"
#include "net/h2.h"

enum { MAX_TEXT_BYTES = 1 << 20 }; /* of a request: configured, so bounded there */

struct check_h2 {
	struct h2 *h2;
	struct check_judge judge;
	struct buf text;
	bool was_judged; /* the head */
	bool is_encoded;
	bool has_wanted;
	uint8_t wanted_len;
	char wanted[CHECK_JUDGE_WEIGHT_BYTES]; /* empty if it does not fit */
};

void check_h2_free(struct check_h2 *h)
{
	if (!h)
		return;
	h2_free(h->h2);
	check_judge_free(&h->judge);
	buf_deinit(&h->text);
	free(h);
}

static struct check_h2 *new_state(void)
{
	struct check_h2 *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->text = BUF_INIT(MAX_TEXT_BYTES);
	h->h2 = h2_new();
	if (h->h2)
		return h;
	free(h);
	return NULL;
}

static int h2_begin(struct check_talk *t)
{
	struct check_h2 *h;

	if (!t->h2)
		t->h2 = new_state();
	h = t->h2;
	if (!h)
		return err_origin(-ENOMEM);
	h->was_judged = h->is_encoded = h->has_wanted = false;
	h->wanted_len = 0;
	TRY(check_judge_begin(t, &h->judge));
	return 0;
}

static void h2_end_talk(struct check_talk *t)
{
	if (!t->h2)
		return;
	h2_close(t->h2->h2);
	check_judge_close(t, &t->h2->judge);
}

/* --- response --------------------------------------------------------------------------------- */

static bool is_named(const struct h2_field *f, const char *name)
{
	return str_is(f->name, f->name_len, name);
}

static bool is_plain(const struct h2_field *f)
{
	return f->value_len == 0 ||
	       (f->value_len == 8 && strncasecmp(f->value, "identity", 8) == 0);
}

static void keep_wanted(struct check_h2 *h, const struct h2_field *f)
{
	if (h->has_wanted)
		return;
	h->has_wanted = true;
	h->wanted_len = (uint8_t)(f->value_len <= sizeof(h->wanted) ? f->value_len : 0);
	memcpy(h->wanted, f->value, h->wanted_len);
}

static void on_field(void *arg, const struct h2_field *f, bool is_trailer)
{
	const struct check_talk *t = arg;
	const char *wanted = check_judge_wanted(t);

	if (is_trailer)
		return;
	if (is_named(f, "content-encoding"))
		t->h2->is_encoded |= !is_plain(f);
	else if (wanted && is_named(f, wanted))
		keep_wanted(t->h2, f);
}

static enum check_step judge_head(struct check_talk *t)
{
	if (t->h2->was_judged)
		return t->outcome.code == CODE_NONE ? CHECK_WAIT : CHECK_DONE;
	t->h2->was_judged = true;
	return check_judge_head(t, h2_status(t->h2->h2));
}

static void on_body(void *arg, const uint8_t *data, size_t len)
{
	struct check_talk *t = arg;

	if (t->outcome.code == CODE_NONE && judge_head(t) == CHECK_WAIT)
		check_judge_body(t, &t->h2->judge, t->h2->is_encoded, data, len);
}

/* --- request ---------------------------------------------------------------------------------- */

static int open_stream(struct check_talk *t, struct buf *out)
{
	const struct check_request wish = check_judge_request(t);
	const struct h2_sink sink = {on_field, on_body, t};
	struct check_fields fields = {.text = &t->h2->text, .n = 0};

	TRY(check_request_fields(&wish, &fields));
	const struct h2_request request = {
		.fields = fields.at,
		.n_fields = fields.n,
		.max_body_bytes = check_judge_max_body(t),
	};
	TRY(h2_open(t->h2->h2, &request, &sink, out));
	return 0;
}

static enum check_step h2_begin_request(struct check_talk *t, struct buf *out)
{
	int r = open_stream(t, out);

	return r < 0 ? check_driver_over(t, CODE_NO_MEMORY, (uint32_t)-r) : CHECK_WAIT;
}

/* --- ends ------------------------------------------------------------------------------------- */

enum check_step check_h2_ended(struct check_talk *t, const struct h2 *h2, unsigned end)
{
	static const uint8_t codes[] = {
		[H2_RESET] = CODE_H2_RESET,         [H2_GOAWAY] = CODE_H2_GOAWAY,
		[H2_MALFORMED] = CODE_H2_MALFORMED, [H2_LIMIT] = CODE_H2_LIMIT,
		[H2_NO_MEMORY] = CODE_NO_MEMORY,    [H2_NO_ROOM] = CODE_H2_LIMIT,
	};

	ASSERT(end < ARRAY_LEN(codes) && codes[end]);
	return check_driver_over(t, (enum check_code)codes[end], h2_detail(h2));
}

bool check_h2_has_left(struct check_talk *t, const struct h2 *h2)
{
	uint32_t goaway = 0;

	if (!h2_was_told_to_leave(h2, &goaway))
		return false;
	check_driver_over(t, CODE_H2_GOAWAY, goaway);
	return true;
}

static enum check_step h2_heard(struct check_talk *t, const void *data, size_t len, struct buf *out)
{
	struct check_h2 *h = t->h2;
	enum h2_end end = h2_input(h->h2, data, len, out);
	const struct check_text wanted = {h->has_wanted ? h->wanted : NULL, h->wanted_len};

	if (t->outcome.code != CODE_NONE || (h2_has_head(h->h2) && judge_head(t) == CHECK_DONE))
		return CHECK_DONE;
	if (end == H2_GOES_ON)
		return CHECK_WAIT;
	if (end == H2_COMPLETE)
		return check_judge_end(t, &h->judge, wanted);
	if (end == H2_LIMIT && h2_detail(h->h2) == H2_LIMIT_BODY)
		return check_judge_too_long(t);
	return check_h2_ended(t, h->h2, end);
}

static void h2_interrupted(struct check_talk *t, enum check_interrupt why, uint32_t detail)
{
	const struct h2 *h2 = t->h2->h2;
	const struct check_progress progress = {h2_body_bytes(h2), h2_has_head(h2)};

	if (why != CHECK_TIMEOUT && !(why == CHECK_BROKEN && check_driver_is_ours(t, detail)) &&
	    check_h2_has_left(t, h2))
		return;
	if (t->outcome.code == CODE_NONE)
		check_judge_interrupted(t, &progress, why, detail);
}

const struct check_driver check_h2_driver = {
	.begin = h2_begin,
	.open = h2_begin_request,
	.input = h2_heard,
	.interrupted = h2_interrupted,
	.close = h2_end_talk,
};
