/* expect_body: does a body match the regular expression of its url (PCRE2)? One struct per thread,
 * shared by all its talks: the memory to match in, and the sum of bodies that they hold.
 *
 * No pattern and no body may stall the thread. PCRE2 bounds the work of an attempt at one place of
 * the body, not of the attempts at all places; so the body is searched in windows of places, and
 * the clock is looked at after each. A window is cheap, as few steps are allowed in it; where they
 * do not suffice, its places are tried one by one with as many as an honest pattern may need. What
 * is still undecided when the time is over is EXPECT_LIMIT: we cannot tell.
 */
#pragma once

#include "base/cc.h"

struct pcre2_real_code_8;
struct pcre2_real_match_context_8;
struct pcre2_real_match_data_8;
struct pcre2_real_jit_stack_8;

enum {
	CHECK_EXPECT_MAX_HELD_BYTES = 256 << 20, /* bodies of a thread together */
	CHECK_EXPECT_MAX_MS = 40,                /* CPU time of one search */
	CHECK_EXPECT_MAX_HEAP_KIB = 4 << 10,     /* for what is to be tried again */
};

/* Zero bytes are a valid new one. */
struct check_expect {
	struct pcre2_real_match_context_8 *context; /* with its data, made at first use */
	struct pcre2_real_match_data_8 *data;
	struct pcre2_real_jit_stack_8 *stack;
	size_t held_bytes;
};

enum check_expect_end {
	CHECK_EXPECT_MATCH,
	CHECK_EXPECT_NO_MATCH,
	CHECK_EXPECT_LIMIT,     /* *ret_limit: enum check_expect_limit */
	CHECK_EXPECT_NO_MEMORY, /* ours */
};
/* Detail of CODE_EXPECT_LIMIT. */
enum check_expect_limit {
	CHECK_EXPECT_LIMIT_TIME = 1,
	CHECK_EXPECT_LIMIT_STEPS,
	CHECK_EXPECT_LIMIT_MEMORY,
	CHECK_EXPECT_LIMIT_LIBRARY, /* it refuses the pattern or the body for another reason */
};

/* len bytes at body, which may be anything, also NULL with len 0. The code may be shared by
 * threads. */
enum check_expect_end check_expect_search(struct check_expect *e,
					  const struct pcre2_real_code_8 *code, const void *body,
					  size_t len, enum check_expect_limit *ret_limit);
/* Frees what it holds; the bodies are counted out before. */
void check_expect_free(struct check_expect *e);
