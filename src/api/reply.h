/* Small answers in the reference's form (spec/monalive §11.3). Thread: api only. */
#pragma once

#include "api/httpd.h"

#define REPLY_JSON "application/json"
#define REPLY_TEXT "text/plain; charset=utf-8"

void reply_json(struct httpd_request *r, unsigned status, const struct buf *body);
void reply_text(struct httpd_request *r, unsigned status, const char *content_type,
		const char *text);
/* {"code":N,"message":"...","details":[]}; the code is the gRPC one that belongs to the status. */
void reply_error(struct httpd_request *r, unsigned status, const char *message);
