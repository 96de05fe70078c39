#include "check/check_http.h"

#include <errno.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/err.h"
#include "check/check_driver.h"
#include "check/check_request.h"
#include "check/check_weight.h"
#include "net/h1_parse.h"

struct check_http {
	struct h1_parse parse;
	struct check_weight weight; /* of the body's first line */
	EVP_MD *md5;                /* both made with the first digest, then kept */
	EVP_MD_CTX *digest;
};

void check_http_free(struct check_http *h)
{
	if (!h)
		return;
	EVP_MD_CTX_free(h->digest);
	EVP_MD_free(h->md5);
	free(h);
}

static bool has_flag(const struct check_talk *t, enum profile_flag flag)
{
	return t->profile->flags & flag;
}

static bool wants_body_weight(const struct check_talk *t)
{
	return has_flag(t, PROFILE_DYNAMIC_WEIGHT) && !has_flag(t, PROFILE_WEIGHT_IN_HEADER);
}

static const char *wanted_header(const struct check_talk *t)
{
	bool is_wanted =
		has_flag(t, PROFILE_DYNAMIC_WEIGHT) && has_flag(t, PROFILE_WEIGHT_IN_HEADER);

	return is_wanted ? "rs-weight" : NULL;
}

static int library_failed(int error)
{
	ERR_clear_error();
	return err_origin(error);
}

/* A second start with the same algorithm reuses the context's memory. */
static int start_digest(struct check_http *h)
{
	if (!h->md5)
		h->md5 = EVP_MD_fetch(NULL, "MD5", NULL);
	if (!h->md5)
		return library_failed(-ENOTSUP);
	if (!h->digest)
		h->digest = EVP_MD_CTX_new();
	if (!h->digest || !EVP_DigestInit_ex2(h->digest, h->md5, NULL))
		return library_failed(-ENOMEM);
	return 0;
}

static int http_begin(struct check_talk *t)
{
	if (!t->http)
		t->http = calloc(1, sizeof(*t->http));
	if (!t->http)
		return err_origin(-ENOMEM);
	h1_parse_init(&t->http->parse, CHECK_MAX_HEADER_BYTES, CHECK_MAX_BODY_BYTES,
		      wanted_header(t));
	check_weight_begin(&t->http->weight);
	if (has_flag(t, PROFILE_HAS_DIGEST))
		TRY(start_digest(t->http));
	return 0;
}

static enum check_step http_open(struct check_talk *t, struct buf *out)
{
	const struct check_request request = {
		.path = gen_str(t->generation, t->profile->path),
		.virtualhost = gen_str(t->generation, t->profile->virtualhost),
		.ip = t->spec->connect_ip,
		.port = t->spec->connect_port,
		.weight = t->job_weight,
		.has_weight = has_flag(t, PROFILE_DYNAMIC_WEIGHT),
		.was_up = t->was_up,
	};
	int r = check_request_append(&request, out);

	return r < 0 ? check_driver_over(t, CODE_NO_MEMORY, (uint32_t)-r) : CHECK_WAIT;
}

static enum check_step on_head(struct check_talk *t)
{
	uint16_t status = t->http->parse.status;

	if (t->profile->status_code && status != t->profile->status_code)
		return check_driver_over(t, CODE_HTTP_STATUS, status);
	return CHECK_WAIT;
}

static enum check_step on_body(struct check_talk *t, const struct h1_parse_slice *body)
{
	struct check_http *h = t->http;

	if (wants_body_weight(t))
		check_weight_feed(&h->weight, body->at, body->len);
	if (!has_flag(t, PROFILE_HAS_DIGEST))
		return CHECK_WAIT;
	if (h->parse.is_encoded)
		return check_driver_over(t, CODE_BODY_ENCODED, 0);
	if (!EVP_DigestUpdate(h->digest, body->at, body->len))
		return check_driver_over(t, CODE_INTERNAL, (uint32_t)-library_failed(-EIO));
	return CHECK_WAIT;
}

static enum check_step judge_digest(struct check_talk *t)
{
	unsigned char seen[EVP_MAX_MD_SIZE];

	if (!EVP_DigestFinal_ex(t->http->digest, seen, NULL))
		return check_driver_over(t, CODE_INTERNAL, (uint32_t)-library_failed(-EIO));
	if (memcmp(seen, t->profile->digest, sizeof(t->profile->digest)) != 0)
		return check_driver_over(t, CODE_BODY_DIGEST, 0);
	return CHECK_WAIT;
}

static int32_t weight_of(const struct check_talk *t)
{
	const struct h1_parse *p = &t->http->parse;

	if (wants_body_weight(t))
		return check_weight_end(&t->http->weight);
	return p->has_wanted ? check_weight_of_text(p->wanted, p->wanted_len) : CHECK_WEIGHT_NONE;
}

/* The response is complete and its status is right. */
static enum check_step judge(struct check_talk *t)
{
	if (has_flag(t, PROFILE_HAS_DIGEST) && judge_digest(t) == CHECK_DONE)
		return CHECK_DONE;
	t->outcome.weight = weight_of(t);
	return check_driver_over(t, CODE_OK, 0);
}

static enum check_step refuse(struct check_talk *t)
{
	const struct h1_parse *p = &t->http->parse;

	if (p->reason == H1_PARSE_BAD_BODY_SIZE)
		return check_driver_over(t, CODE_BODY_SIZE, CHECK_MAX_BODY_BYTES);
	if (p->has_head)
		return check_driver_over(t, CODE_BODY_MALFORMED, p->reason);
	if (p->reason == H1_PARSE_BAD_HEAD_SIZE)
		return check_driver_over(t, CODE_HTTP_HEADER_SIZE, CHECK_MAX_HEADER_BYTES);
	return check_driver_over(t, CODE_HTTP_MALFORMED, p->reason);
}

static enum check_step http_input(struct check_talk *t, const void *data, size_t len,
				  struct buf *out)
{
	struct h1_parse_slice in = {data, len}, body;
	enum check_step step = CHECK_WAIT;

	(void)out;
	while (step == CHECK_WAIT) {
		switch (h1_parse_step(&t->http->parse, &in, &body)) {
		case H1_PARSE_MORE:
			return CHECK_WAIT;
		case H1_PARSE_HEAD:
			step = on_head(t);
			break;
		case H1_PARSE_BODY:
			step = on_body(t, &body);
			break;
		case H1_PARSE_DONE:
			return judge(t);
		case H1_PARSE_BAD:
			return refuse(t);
		}
	}
	return step;
}

static uint32_t body_bytes(const struct check_talk *t)
{
	return (uint32_t)MIN(t->http->parse.body_bytes, (uint64_t)UINT32_MAX);
}

static void on_timeout(struct check_talk *t)
{
	if (t->http->parse.has_head)
		check_driver_over(t, CODE_BODY_TIMEOUT, body_bytes(t));
	else
		check_driver_over(t, CODE_RESPONSE_TIMEOUT, 0);
}

static void on_eof(struct check_talk *t)
{
	if (h1_parse_ends_by_close(&t->http->parse))
		judge(t);
	else if (t->http->parse.has_head)
		check_driver_over(t, CODE_BODY_CLOSED, body_bytes(t));
	else
		check_driver_over(t, CODE_CLOSED_EARLY, t->outcome.bytes_read);
}

static void on_broken(struct check_talk *t, uint32_t error)
{
	if (check_driver_is_ours(t, error))
		return;
	if (t->http->parse.has_head)
		check_driver_over(t, CODE_BODY_CLOSED, body_bytes(t));
	else
		check_driver_over(t, CODE_RESET, error);
}

static void http_interrupted(struct check_talk *t, enum check_interrupt why, uint32_t detail)
{
	switch (why) {
	case CHECK_TIMEOUT:
		on_timeout(t);
		return;
	case CHECK_EOF:
		on_eof(t);
		return;
	case CHECK_BROKEN:
		on_broken(t, detail);
		return;
	}
}

const struct check_driver check_http_driver = {
	.begin = http_begin,
	.open = http_open,
	.input = http_input,
	.interrupted = http_interrupted,
};
