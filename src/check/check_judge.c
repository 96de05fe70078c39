#include "check/check_judge.h"

#include <errno.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/err.h"
#include "check/check_driver.h"
#include "check/check_expect.h"

static bool has_flag(const struct check_talk *t, enum profile_flag flag)
{
	return t->profile->flags & flag;
}

static bool wants_body_weight(const struct check_talk *t)
{
	return has_flag(t, PROFILE_DYNAMIC_WEIGHT) && !has_flag(t, PROFILE_WEIGHT_IN_HEADER);
}

const char *check_judge_wanted(const struct check_talk *t)
{
	bool is_wanted =
		has_flag(t, PROFILE_DYNAMIC_WEIGHT) && has_flag(t, PROFILE_WEIGHT_IN_HEADER);

	return is_wanted ? "rs-weight" : NULL;
}

uint32_t check_judge_max_body(const struct check_talk *t)
{
	return t->extras ? t->extras->max_body_bytes : CHECK_MAX_BODY_BYTES;
}

bool check_judge_is_head(const struct check_talk *t)
{
	return t->extras && strcmp(t->extras->method, "HEAD") == 0;
}

struct check_request check_judge_request(const struct check_talk *t)
{
	return (struct check_request){
		.method = t->extras ? t->extras->method : "",
		.headers = t->extras ? t->extras->headers : "",
		.path = t->ask.path,
		.virtualhost = t->ask.virtualhost,
		.ip = t->spec->connect_ip,
		.port = t->spec->connect_port,
		.weight = t->job_weight,
		.has_weight = has_flag(t, PROFILE_DYNAMIC_WEIGHT),
		.was_up = t->was_up,
		.is_tls = check_uses_tls(t->profile),
	};
}

/* --- life ------------------------------------------------------------------------------------- */

static int library_failed(int error)
{
	ERR_clear_error();
	return err_origin(error);
}

/* A second start with the same algorithm reuses the context's memory. */
static int start_digest(struct check_judge *j)
{
	if (!j->md5)
		j->md5 = EVP_MD_fetch(NULL, "MD5", NULL);
	if (!j->md5)
		return library_failed(-ENOTSUP);
	if (!j->digest)
		j->digest = EVP_MD_CTX_new();
	if (!j->digest || !EVP_DigestInit_ex2(j->digest, j->md5, NULL))
		return library_failed(-ENOMEM);
	return 0;
}

int check_judge_begin(struct check_talk *t, struct check_judge *j)
{
	check_weight_begin(&j->weight);
	if (t->ask.digest)
		TRY(start_digest(j));
	if (t->ask.expect_body) {
		ASSERT(t->expect);
		j->body = BUF_INIT(check_judge_max_body(t));
	}
	return 0;
}

void check_judge_close(struct check_talk *t, struct check_judge *j)
{
	if (!j->body.cap)
		return;
	t->expect->held_bytes -= j->body.cap;
	buf_reset(&j->body);
}

void check_judge_free(struct check_judge *j)
{
	ASSERT(!j->body.cap);
	EVP_MD_CTX_free(j->digest);
	EVP_MD_free(j->md5);
}

/* --- as it comes ------------------------------------------------------------------------------ */

static bool is_right(const struct check_talk *t, uint16_t status)
{
	if (t->ask.status)
		return t->ask.status->n == 0 || status_set_has(t->ask.status, status);
	return !t->profile->status_code || status == t->profile->status_code;
}

enum check_step check_judge_head(struct check_talk *t, uint16_t status)
{
	if (t->extras && status_set_has(&t->extras->drain_status, status)) {
		t->outcome.is_drained = true;
		return check_driver_over(t, CODE_OK, status);
	}
	if (!is_right(t, status))
		return check_driver_over(t, CODE_HTTP_STATUS, status);
	return CHECK_WAIT;
}

/* Bodies grow by doubling; all those of a thread have one bound, so that many fat ones at once are
 * a want of memory of ours and not the end of the process. */
static enum check_step hold(struct check_talk *t, struct check_judge *j, const void *at, size_t len)
{
	size_t before = j->body.cap;
	bool may_grow = t->expect->held_bytes + 2 * (buf_len(&j->body) + len) <=
			CHECK_EXPECT_MAX_HELD_BYTES;
	int error = may_grow ? buf_append(&j->body, at, len) : -ENOBUFS;

	t->expect->held_bytes += j->body.cap - before;
	return error < 0 ? check_driver_over(t, CODE_NO_MEMORY, (uint32_t)-error) : CHECK_WAIT;
}

enum check_step check_judge_body(struct check_talk *t, struct check_judge *j, bool is_encoded,
				 const void *at, size_t len)
{
	if (wants_body_weight(t))
		check_weight_feed(&j->weight, at, len);
	if (!t->ask.digest && !t->ask.expect_body)
		return CHECK_WAIT;
	if (is_encoded)
		return check_driver_over(t, CODE_BODY_ENCODED, 0);
	if (t->ask.digest && !EVP_DigestUpdate(j->digest, at, len))
		return check_driver_over(t, CODE_INTERNAL, (uint32_t)-library_failed(-EIO));
	return t->ask.expect_body ? hold(t, j, at, len) : CHECK_WAIT;
}

enum check_step check_judge_too_long(struct check_talk *t)
{
	return check_driver_over(t, CODE_BODY_SIZE, check_judge_max_body(t));
}

/* --- the end ---------------------------------------------------------------------------------- */

static enum check_step judge_digest(struct check_talk *t, struct check_judge *j)
{
	unsigned char seen[EVP_MAX_MD_SIZE];

	if (!EVP_DigestFinal_ex(j->digest, seen, NULL))
		return check_driver_over(t, CODE_INTERNAL, (uint32_t)-library_failed(-EIO));
	if (memcmp(seen, t->ask.digest, sizeof(t->profile->digest)) != 0)
		return check_driver_over(t, CODE_BODY_DIGEST, 0);
	return CHECK_WAIT;
}

static enum check_step judge_match(struct check_talk *t, struct check_judge *j)
{
	size_t len = buf_len(&j->body);
	const void *body = len ? buf_head(&j->body) : NULL;
	enum check_expect_limit limit;

	switch (check_expect_search(t->expect, t->ask.expect_body, body, len, &limit)) {
	case CHECK_EXPECT_MATCH:
		return CHECK_WAIT;
	case CHECK_EXPECT_NO_MATCH:
		return check_driver_over(t, CODE_BODY_EXPECT, 0);
	case CHECK_EXPECT_LIMIT:
		return check_driver_over(t, CODE_EXPECT_LIMIT, limit);
	default:
		return check_driver_over(t, CODE_NO_MEMORY, ENOMEM);
	}
}

enum check_step check_judge_end(struct check_talk *t, struct check_judge *j,
				struct check_text wanted)
{
	if (t->ask.digest && judge_digest(t, j) == CHECK_DONE)
		return CHECK_DONE;
	if (t->ask.expect_body && judge_match(t, j) == CHECK_DONE)
		return CHECK_DONE;
	if (wants_body_weight(t))
		t->outcome.weight = check_weight_end(&j->weight);
	else if (wanted.at)
		t->outcome.weight = check_weight_of_text(wanted.at, wanted.len);
	return check_driver_over(t, CODE_OK, 0);
}

static uint32_t cut(uint64_t bytes)
{
	return (uint32_t)MIN(bytes, (uint64_t)UINT32_MAX);
}

void check_judge_interrupted(struct check_talk *t, const struct check_progress *p,
			     enum check_interrupt why, uint32_t detail)
{
	if (why == CHECK_BROKEN && check_driver_is_ours(t, detail))
		return;
	if (p->has_head)
		check_driver_over(t, why == CHECK_TIMEOUT ? CODE_BODY_TIMEOUT : CODE_BODY_CLOSED,
				  cut(p->body_bytes));
	else if (why == CHECK_TIMEOUT)
		check_driver_over(t, CODE_RESPONSE_TIMEOUT, 0);
	else if (why == CHECK_EOF)
		check_driver_over(t, CODE_CLOSED_EARLY, t->outcome.bytes_read);
	else
		check_driver_over(t, CODE_RESET, detail);
}
