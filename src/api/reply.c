#include "api/reply.h"

#include "api/jsonout.h"

enum { ERROR_BYTES = 4096 };

/* gRPC status codes, as the reference's gateway pairs them with HTTP's */
static unsigned grpc_code(unsigned status)
{
	static const struct {
		uint16_t status, code;
	} pairs[] = {{400, 3}, {403, 7}, {404, 5}, {413, 3}, {500, 13}, {501, 12}, {503, 14}};

	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		if (pairs[i].status == status)
			return pairs[i].code;
	}
	return 2;
}

void reply_json(struct httpd_request *r, unsigned status, const struct buf *body)
{
	httpd_answer(r, status, REPLY_JSON, buf_head(body), buf_len(body));
}

void reply_text(struct httpd_request *r, unsigned status, const char *content_type,
		const char *text)
{
	httpd_answer(r, status, content_type, text, strlen(text));
}

void reply_error(struct httpd_request *r, unsigned status, const char *message)
{
	_cleanup_(buf_deinit) struct buf body = BUF_INIT(ERROR_BYTES);
	struct jsonout j = JSONOUT_TO(&body);

	jsonout_open(&j, '{');
	jsonout_ku64(&j, "code", grpc_code(status));
	jsonout_kstr(&j, "message", message);
	jsonout_key(&j, "details");
	jsonout_open(&j, '[');
	jsonout_close(&j, ']');
	jsonout_close(&j, '}');
	reply_json(r, status, &body);
}
