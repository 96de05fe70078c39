/* A search that begins at a later place sees the whole body, so what looks behind or at line starts
 * finds the same. PCRE2 tries a pattern that can only begin a line (".*x") at the first place of a
 * search too, wherever that is: windows of such patterns are whole lines. An anchored pattern has
 * one window.
 */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "check/check_expect.h"

#include <pcre2.h>

#include "base/clk.h"

enum {
	WINDOW_PLACES = 512,
	WINDOW_STEPS = 2000,
	PLACE_STEPS = 1000 * 1000,
	PLACE_DEPTH = 1000 * 1000, /* memory bounds it before */
	BEGINS_A_LINE = 2,         /* of PCRE2_INFO_FIRSTCODETYPE */
	FIRST_STACK_BYTES = 32 << 10,
};

struct search {
	const struct check_expect *expect;
	const pcre2_code *code;
	const unsigned char *body;
	size_t len;
	uint64_t begin_ns;
	uint32_t options;
	bool is_anchored, begins_a_line, has_windows;
};

static bool make(struct check_expect *e)
{
	if (e->context)
		return true;
	e->context = pcre2_match_context_create(NULL);
	/* one pair: nobody asks for groups */
	e->data = pcre2_match_data_create(1, NULL);
	e->stack = pcre2_jit_stack_create(FIRST_STACK_BYTES, CHECK_EXPECT_MAX_HEAP_KIB << 10, NULL);
	if (e->context && e->data && e->stack) {
		pcre2_jit_stack_assign(e->context, NULL, e->stack);
		pcre2_set_heap_limit(e->context, CHECK_EXPECT_MAX_HEAP_KIB);
		pcre2_set_depth_limit(e->context, PLACE_DEPTH);
		return true;
	}
	check_expect_free(e);
	return false;
}

void check_expect_free(struct check_expect *e)
{
	pcre2_match_context_free(e->context);
	pcre2_match_data_free(e->data);
	pcre2_jit_stack_free(e->stack);
	e->context = NULL;
	e->data = NULL;
	e->stack = NULL;
}

static void look_at_code(struct search *s)
{
	uint32_t options = 0, first = 0;

	(void)pcre2_pattern_info(s->code, PCRE2_INFO_ALLOPTIONS, &options);
	(void)pcre2_pattern_info(s->code, PCRE2_INFO_FIRSTCODETYPE, &first);
	s->is_anchored = options & PCRE2_ANCHORED;
	s->begins_a_line = first == BEGINS_A_LINE;
	s->has_windows = (options & PCRE2_USE_OFFSET_LIMIT) && !s->is_anchored;
}

/* Tries the places from `from` to before `to`. */
static int try_places(const struct search *s, size_t from, size_t to, uint32_t steps)
{
	pcre2_match_context *context = s->expect->context;

	pcre2_set_match_limit(context, steps);
	pcre2_set_offset_limit(context, s->has_windows ? to - 1 : PCRE2_UNSET);
	return pcre2_match(s->code, s->body, s->len, from, s->options, s->expect->data, context);
}

/* Behind the last place of the window that begins at `from`. The end of the body is a place too. */
static size_t window_end(const struct search *s, size_t from)
{
	const unsigned char *line_end;
	size_t to = from + WINDOW_PLACES;

	if (!s->has_windows || to > s->len)
		return s->len + 1;
	if (!s->begins_a_line)
		return to;
	line_end = memchr(s->body + to - 1, '\n', s->len - to + 1);
	return line_end ? (size_t)(line_end - s->body) + 1 : s->len + 1;
}

static bool is_late(const struct search *s)
{
	return clk_thread_ns() - s->begin_ns > CHECK_EXPECT_MAX_MS * CLK_MS;
}

/* Returns what pcre2_match does, PCRE2_ERROR_CALLOUT for "no time left". */
static int try_one_by_one(const struct search *s, size_t from, size_t to)
{
	int r = PCRE2_ERROR_NOMATCH;

	if (!s->has_windows || s->begins_a_line)
		return try_places(s, from, to, PLACE_STEPS);
	for (; from < to && r == PCRE2_ERROR_NOMATCH; from++) {
		if (is_late(s))
			return PCRE2_ERROR_CALLOUT;
		r = try_places(s, from, from + 1, PLACE_STEPS);
	}
	return r;
}

static int try_all(const struct search *s)
{
	int r = PCRE2_ERROR_NOMATCH;

	for (size_t from = 0, to; from <= s->len && r == PCRE2_ERROR_NOMATCH; from = to) {
		if (from && is_late(s))
			return PCRE2_ERROR_CALLOUT;
		to = window_end(s, from);
		r = try_places(s, from, to, WINDOW_STEPS);
		if (r == PCRE2_ERROR_MATCHLIMIT)
			r = try_one_by_one(s, from, to);
	}
	return r;
}

static enum check_expect_end limited(enum check_expect_limit limit,
				     enum check_expect_limit *ret_limit)
{
	*ret_limit = limit;
	return CHECK_EXPECT_LIMIT;
}

static enum check_expect_end end_of(int r, enum check_expect_limit *ret_limit)
{
	/* 0: it matched, with more groups than there is room for */
	if (r >= 0)
		return CHECK_EXPECT_MATCH;
	switch (r) {
	case PCRE2_ERROR_NOMATCH:
		return CHECK_EXPECT_NO_MATCH;
	case PCRE2_ERROR_NOMEMORY:
		return CHECK_EXPECT_NO_MEMORY;
	case PCRE2_ERROR_CALLOUT:
		return limited(CHECK_EXPECT_LIMIT_TIME, ret_limit);
	case PCRE2_ERROR_MATCHLIMIT:
	case PCRE2_ERROR_DEPTHLIMIT:
	case PCRE2_ERROR_RECURSELOOP:
		return limited(CHECK_EXPECT_LIMIT_STEPS, ret_limit);
	case PCRE2_ERROR_HEAPLIMIT:
	case PCRE2_ERROR_JIT_STACKLIMIT:
		return limited(CHECK_EXPECT_LIMIT_MEMORY, ret_limit);
	default:
		/* of a body that is no UTF-8, where the pattern wants UTF-8: it does not match */
		return r <= PCRE2_ERROR_UTF8_ERR1 && r >= PCRE2_ERROR_UTF8_ERR21
			       ? CHECK_EXPECT_NO_MATCH
			       : limited(CHECK_EXPECT_LIMIT_LIBRARY, ret_limit);
	}
}

enum check_expect_end check_expect_search(struct check_expect *e,
					  const struct pcre2_real_code_8 *code, const void *body,
					  size_t len, enum check_expect_limit *ret_limit)
{
	struct search s = {
		.expect = e,
		.code = code,
		.body = len ? body : (const void *)"",
		.len = len,
		.begin_ns = clk_thread_ns(),
	};

	if (!make(e))
		return CHECK_EXPECT_NO_MEMORY;
	look_at_code(&s);
	return end_of(try_all(&s), ret_limit);
}
