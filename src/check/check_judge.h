/* What a response over HTTP says about the real, in whatever version of the protocol it came
 * (decisions 17, 18, 23). The drivers find out what status, fields and body are; what that means is
 * here.
 *
 * Judged in this order: status → body read to its end → digest → expect_body → weight. Four answers
 * end the talk before the response has: a wrong status and one of drain_status at the header's end,
 * a body over its limit, and an encoded body that is to be looked at, at its first byte. Nothing
 * that could follow would change what they mean.
 */
#pragma once

#include "check/check.h"
#include "check/check_request.h"
#include "check/check_weight.h"

enum { CHECK_JUDGE_WEIGHT_BYTES = 64 };

/* Embedded in a driver's state; zero bytes are a valid new one. */
struct check_judge {
	struct check_weight weight; /* of the body's first line */
	struct buf body;            /* with expect_body only */
	void *md5, *digest;         /* both made with the first digest, then kept */
	bool has_held;              /* body's memory is counted in check_expect.held_bytes */
};

/* A driver's text: not terminated. */
struct check_text {
	const char *at; /* NULL: none */
	size_t len;
};

/* A talk's begin. Returns 0 or a negative errno, which stands for a fault of our own. */
MUST_CHECK int check_judge_begin(struct check_talk *t, struct check_judge *j);
/* Its close: gives the body back. */
void check_judge_close(struct check_talk *t, struct check_judge *j);
/* Frees what was kept. */
void check_judge_free(struct check_judge *j);

/* What is to be sent. */
struct check_request check_judge_request(const struct check_talk *t);
/* Of the decoded body. */
uint32_t check_judge_max_body(const struct check_talk *t);
bool check_judge_is_head(const struct check_talk *t);
/* The field whose first value check_judge_end() wants to see, in lower case; NULL: none. */
const char *check_judge_wanted(const struct check_talk *t);

/* The header is complete. */
enum check_step check_judge_head(struct check_talk *t, uint16_t status);
/* Some bytes of the body. is_encoded: by a content coding, or a transfer coding but chunked. */
enum check_step check_judge_body(struct check_talk *t, struct check_judge *j, bool is_encoded,
				 const void *at, size_t len);
/* The response is complete. Returns CHECK_DONE. */
enum check_step check_judge_end(struct check_talk *t, struct check_judge *j,
				struct check_text wanted);
/* The body is longer than it may be. Returns CHECK_DONE. */
enum check_step check_judge_too_long(struct check_talk *t);

/* How far the response had come when it was interrupted. */
struct check_progress {
	uint64_t body_bytes;
	bool has_head;
};
void check_judge_interrupted(struct check_talk *t, const struct check_progress *p,
			     enum check_interrupt why, uint32_t detail);
